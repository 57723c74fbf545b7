// The counters of gRPC calls, by cluster. Names are Envoy's; a status has its number for a name.
#pragma once

#include <iterator>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/filter/http_filter.h"
#include "source/stats/registry.h"

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

// Owner: the worker's part of the filter chain. Thread: the worker's.
class ClusterGrpcStats final : public filter::WorkerPart {
 public:
  explicit ClusterGrpcStats(stats::Registry& registry) : registry_(registry) {}

  // Opened when first asked for; they live as long as the filter chain does.
  GrpcStats& Of(absl::string_view cluster);

 private:
  stats::Registry& registry_;
  absl::flat_hash_map<std::string, stats::Group<GrpcStats>> groups_;
};

}  // namespace proxenos::filters::grpc_stats
