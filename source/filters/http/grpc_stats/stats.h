// The counters of gRPC calls, by cluster, and by method where that is asked for. Names are Envoy's;
// a status has its number for a name.
#pragma once

#include <iterator>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/filter/http_filter.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::grpc_stats {

struct GrpcStats {
  static constexpr uint32_t kStatuses = 17;

  stats::Counter success;
  stats::Counter failure;
  stats::Counter total;
  stats::Counter request_message_count;
  stats::Counter response_message_count;
  stats::Histogram upstream_rq_time;
  stats::Counter status[kStatuses];

  static const stats::Schema& schema();
};

inline constexpr stats::ScopeShape kGrpcStatsScope{"grpc_stats.", "grpc_stats."};

// Not of Envoy, which has no limit. Scope: kGrpcStatsScope.
#define PX_GRPC_STATS_LIMIT_STATS(X) X(Counter, method_limit_reached)
PX_STATS(GrpcStatsLimitStats, PX_GRPC_STATS_LIMIT_STATS);

// Owner: the worker's part of the filter chain. Thread: the worker's.
class ClusterGrpcStats final : public filter::WorkerPart {
 public:
  explicit ClusterGrpcStats(stats::Registry& registry) : registry_(registry) {}

  // Clients choose the names of methods: no more than so many have counters of their own.
  static constexpr size_t kMaxMethods = 1000;

  // Opened when first asked for; they live as long as the filter chain does.
  GrpcStats& Of(absl::string_view cluster);
  // Of one method ("package.Service.Method") of the cluster. The cluster's own when `method` is
  // empty, or new and kMaxMethods are there already, which is counted.
  GrpcStats& Of(absl::string_view cluster, absl::string_view method);

 private:
  using Groups = absl::flat_hash_map<std::string, stats::Group<GrpcStats>>;

  stats::Registry& registry_;
  Groups groups_;
  absl::flat_hash_map<std::string, Groups> methods_;  // By cluster.
  size_t method_count_ = 0;
  stats::Group<GrpcStatsLimitStats> limit_;  // Once it was reached.
};

}  // namespace proxenos::filters::grpc_stats
