// From VirtualHost.matcher to a RouteTree over the routes of its actions.
#pragma once

#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "source/route/tree_config.h"

namespace proxenos::route {

using RouteCompiler =
    absl::FunctionRef<Route(const envoy::config::route::v3::Route&, const config::Path&)>;

struct TreeParts {
  TreeCompiler trees;  // May be null.
  RouteCompiler compile;
  std::vector<Route>* routes;  // To which the routes of the tree are appended.
};

// Null, with every error named, when something is wrong.
std::shared_ptr<const RouteTree> CompileRouteTree(const ::xds::type::matcher::v3::Matcher& proto,
                                                  const TreeParts& parts, const config::Path& path,
                                                  config::Errors& errors);

}  // namespace proxenos::route
