// The scopes of what watches the hosts of a cluster.
#include "source/stats/health_stats.h"

namespace proxenos::stats {
namespace {

constexpr absl::string_view kClusterTag = "envoy.cluster_name";
constexpr ScopeShape kHealthCheck{
    "cluster.$.health_check.", "cluster.health_check.", {kClusterTag}};
constexpr ScopeShape kOutlier{
    "cluster.$.outlier_detection.", "cluster.outlier_detection.", {kClusterTag}};

}  // namespace

ScopeName ClusterHealthCheckScope(absl::string_view cluster) {
  return ScopeName(kHealthCheck, {cluster});
}

ScopeName ClusterOutlierScope(absl::string_view cluster) { return ScopeName(kOutlier, {cluster}); }

}  // namespace proxenos::stats
