// CompileRoutes with virtual hosts that have a matcher in the place of a list of routes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/functional/function_ref.h"
#include "envoy/config/route/v3/route.pb.h"
#include "google/protobuf/any.pb.h"
#include "source/config/errors.h"
#include "source/route/filter_override_config.h"
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

// Null when errors were added. `trees`: null: there may be no matchers.
std::shared_ptr<const RouteTable> CompileRoutesWithTrees(
    const envoy::config::route::v3::RouteConfiguration& config, config::Errors& errors,
    const config::Path& path, OverrideKinds overrides, TreeCompiler trees);

}  // namespace proxenos::route
