// The schema of the counters, and their scopes.
#include "source/filters/http/grpc_stats/stats.h"

#include <cstddef>

namespace proxenos::filters::grpc_stats {
namespace {

using stats::Kind;

constexpr stats::ScopeShape kScope{"cluster.$.grpc.", "cluster.grpc.", {"envoy.cluster_name"}};

constexpr stats::ScopeShape kMethodScope{
    "cluster.$.grpc.$.",
    "cluster.grpc.",
    {"envoy.cluster_name", "envoy.grpc_bridge_service envoy.grpc_bridge_method"}};

constexpr absl::string_view kStatusNames[GrpcStats::kStatuses] = {
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16"};

struct Specs {
  static constexpr size_t kNamed = 6;
  stats::StatSpec list[kNamed + GrpcStats::kStatuses];
};

constexpr Specs MakeSpecs() {
  Specs specs{{
      {"success", Kind::kCounter, offsetof(GrpcStats, success)},
      {"failure", Kind::kCounter, offsetof(GrpcStats, failure)},
      {"total", Kind::kCounter, offsetof(GrpcStats, total)},
      {"request_message_count", Kind::kCounter, offsetof(GrpcStats, request_message_count)},
      {"response_message_count", Kind::kCounter, offsetof(GrpcStats, response_message_count)},
      {"upstream_rq_time", Kind::kHistogram, offsetof(GrpcStats, upstream_rq_time)},
  }};
  for (size_t i = 0; i < GrpcStats::kStatuses; ++i) {
    specs.list[Specs::kNamed + i] = {
        kStatusNames[i], Kind::kCounter,
        static_cast<uint32_t>(offsetof(GrpcStats, status) + i * sizeof(stats::Counter))};
  }
  return specs;
}

}  // namespace

const stats::Schema& GrpcStats::schema() {
  static constexpr Specs kSpecs = MakeSpecs();
  static constexpr stats::Schema kSchema{{kSpecs.list, std::size(kSpecs.list)}};
  return kSchema;
}

GrpcStats& ClusterGrpcStats::Of(absl::string_view cluster) {
  const auto found = groups_.find(cluster);
  if (found != groups_.end()) return *found->second;
  auto group = registry_.Open<GrpcStats>(stats::ScopeName(kScope, {cluster}));
  return *groups_.emplace(std::string(cluster), std::move(group)).first->second;
}

GrpcStats& ClusterGrpcStats::Of(absl::string_view cluster, absl::string_view method) {
  if (method.empty()) return Of(cluster);
  if (const auto known = methods_.find(cluster); known != methods_.end()) {
    const auto found = known->second.find(method);
    if (found != known->second.end()) return *found->second;
  }
  if (method_count_ == kMaxMethods) {
    if (!limit_) {
      limit_ = registry_.Open<GrpcStatsLimitStats>(stats::ScopeName(kGrpcStatsScope, {}));
    }
    limit_->method_limit_reached.Inc();
    return Of(cluster);
  }
  ++method_count_;
  auto group = registry_.Open<GrpcStats>(stats::ScopeName(kMethodScope, {cluster, method}));
  return *methods_[cluster].emplace(std::string(method), std::move(group)).first->second;
}

}  // namespace proxenos::filters::grpc_stats
