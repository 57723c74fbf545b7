// ClusterSpecifier: names the cluster of each request in its own way (RouteAction's
// cluster_specifier_plugin and inline_cluster_specifier_plugin).
//
// Owner: the routes that use it. Thread: any; workers share it.
#pragma once

#include "absl/strings/string_view.h"

namespace proxenos::route {

struct MatchInput;

class ClusterSpecifier {
 public:
  virtual ~ClusterSpecifier() = default;
  // The name lives in the request's arena, or as long as this does. Empty: there is no cluster. The
  // same for each time that it is asked about the same request.
  virtual absl::string_view Choose(const MatchInput& input) const = 0;
};

}  // namespace proxenos::route
