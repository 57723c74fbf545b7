// From xds.type.matcher.v3.Matcher to a tree, and to Rules.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/functional/function_ref.h"
#include "google/protobuf/any.pb.h"
#include "source/config/errors.h"
#include "source/rbac/rules_config.h"
#include "xds/type/matcher/v3/matcher.pb.h"

namespace proxenos::rbac {

// What a leaf's action is: its number, or nothing with an error at `path`.
using ActionCompiler =
    absl::FunctionRef<std::optional<uint32_t>(const google::protobuf::Any&, const config::Path&)>;

// Nothing, with every error named, when it is wrong. Of a response its status
// and fields may be looked at too.
std::optional<MatchTree> CompileMatchTree(const xds::type::matcher::v3::Matcher& proto,
                                          Subject subject, const config::Path& path,
                                          config::Errors& errors, ActionCompiler action);

// The same with envoy.config.rbac.v3.Action. Null when it is wrong.
std::unique_ptr<Rules> CompileMatcher(const xds::type::matcher::v3::Matcher& proto, Subject subject,
                                      const config::Path& path, config::Errors& errors);

}  // namespace proxenos::rbac
