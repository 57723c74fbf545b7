// CompileRoutes with what only layers above know how to compile: virtual hosts that have a matcher
// in the place of a list of routes, matches that ask about the stream, plugins that name clusters,
// formats of direct responses.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/functional/function_ref.h"
#include "envoy/config/core/v3/extension.pb.h"
#include "envoy/config/core/v3/substitution_format_string.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "google/protobuf/any.pb.h"
#include "source/config/errors.h"
#include "source/route/cluster_specifier.h"
#include "source/route/filter_override_config.h"
#include "source/route/reply_format.h"
#include "source/route/route_match_config.h"
#include "source/route/route_table.h"
#include "source/route/route_tree.h"
#include "xds/type/matcher/v3/matcher.pb.h"

namespace proxenos::route {

// Gives each action of a matcher a number; nothing with an error at its path.
using ActionNumbers =
    absl::FunctionRef<std::optional<uint32_t>(const google::protobuf::Any&, const config::Path&)>;
// Compiles a VirtualHost.matcher; nothing, with every error named, when it is wrong. It comes from
// a layer that knows all that a matcher may look at.
using TreeCompiler = std::optional<RouteTree::Choose> (*)(
    const ::xds::type::matcher::v3::Matcher& proto, ActionNumbers actions, const config::Path& path,
    config::Errors& errors);

// A plugin, or every error of it. `unknown`: the error is that there is no such kind of plugin.
struct SpecifierResult {
  std::shared_ptr<const ClusterSpecifier> specifier;
  bool unknown = false;
  config::Errors errors;
};
using SpecifierCompiler = SpecifierResult (*)(
    const envoy::config::core::v3::TypedExtensionConfig& plugin, const config::Path& path);

// Null when errors were added.
using ReplyFormatCompiler = std::shared_ptr<const ReplyFormat> (*)(
    const envoy::config::core::v3::SubstitutionFormatString& proto, const config::Path& path,
    config::Errors& errors);

// Each may be null: then there may be no such thing.
struct UpperCompilers {
  TreeCompiler trees = nullptr;
  StreamConditionCompiler stream = nullptr;
  SpecifierCompiler specifiers = nullptr;
  ReplyFormatCompiler replies = nullptr;
};
inline constexpr UpperCompilers kNoUpperCompilers;

// Null when errors were added.
std::shared_ptr<const RouteTable> CompileRoutesWithTrees(
    const envoy::config::route::v3::RouteConfiguration& config, config::Errors& errors,
    const config::Path& path, OverrideKinds overrides, const UpperCompilers& upper);

}  // namespace proxenos::route
