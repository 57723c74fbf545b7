// UpstreamFilters: the HTTP filters between the router and the hosts of a cluster
// (HttpProtocolOptions.http_filters, Router.upstream_http_filters), and what they keep on a worker.
//
// They run once for each attempt, on a copy of the request: whatever one attempt's filters change,
// the next begins with what the router had.
#pragma once

#include <string>
#include <utility>

#include "source/filter/filter_chain.h"
#include "source/filter/http_filter.h"
#include "source/stats/registry.h"
#include "source/upstream/cluster_part.h"

namespace proxenos::filter {

// Owner: the cluster's configuration, or the router's. Thread: any (immutable).
struct UpstreamFilters {
  FilterFactories factories;  // The last is upstream_codec, which stands for the host.

  // Whether there is anything to run.
  bool any() const { return factories.size() > 1; }
};

// In the order of `filters.factories`. `environment` outlives them.
WorkerParts MakeParts(const UpstreamFilters& filters, stats::Registry& registry,
                      const std::string& stat_prefix, const Environment& environment);

// What a cluster's filters keep. Owner: the WorkerCluster.
class UpstreamFilterParts final : public upstream::ClusterPart {
 public:
  explicit UpstreamFilterParts(WorkerParts made) : parts(std::move(made)) {}
  const WorkerParts parts;
};

}  // namespace proxenos::filter
