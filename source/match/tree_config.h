// From xds.type.matcher.v3.Matcher to a MatchTree. What inputs read and actions mean is the
// caller's affair: both become numbers.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "envoy/config/common/matcher/v3/matcher.pb.h"
#include "google/protobuf/any.pb.h"
#include "source/config/errors.h"
#include "source/match/tree.h"
#include "xds/core/v3/extension.pb.h"
#include "xds/type/matcher/v3/matcher.pb.h"

namespace proxenos::match {

struct CompiledInput {
  uint32_t number = 0;
  bool metadata = false;    // It is no text, and has a matcher of its own.
  bool is_address = false;  // Its text may be an IP address.
  bool attributes = false;  // It is all of a request's: asked by expressions, and only by them.
};

// An input's number, or nothing with an error at `path`. A CelMatcher is asked for too, as an input
// that is the text "true" where its expression holds.
using InputCompiler = absl::FunctionRef<std::optional<CompiledInput>(
    const ::xds::core::v3::TypedExtensionConfig&, const config::Path&)>;
// An action's number, or nothing with an error at `path`.
using ActionCompiler =
    absl::FunctionRef<std::optional<uint32_t>(const google::protobuf::Any&, const config::Path&)>;

// Nothing, with every error named, when it is wrong.
std::optional<MatchTree> CompileMatchTree(const ::xds::type::matcher::v3::Matcher& proto,
                                          InputCompiler inputs, ActionCompiler actions,
                                          const config::Path& path, config::Errors& errors);

// The older message of the same shape: the fields have the same numbers.
::xds::type::matcher::v3::Matcher ToXdsMatcher(
    const envoy::config::common::matcher::v3::Matcher& proto);

}  // namespace proxenos::match
