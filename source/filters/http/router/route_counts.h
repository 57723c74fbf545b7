// What is counted of requests besides the stats of their clusters: by the virtual cluster that a
// request belongs to, and by its route, where that has a stat_prefix.
//
// Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/base/rc.h"
#include "source/route/route.h"
#include "source/stats/registry.h"
#include "source/stats/virtual_host_stats.h"

namespace proxenos::filters::router {

// A worker's groups. Owner: the router's part of the worker. As tables come and go, so do names:
// beyond a bound, those that nobody has used since the last time that it was reached are let go.
class RouteCounts {
 public:
  static constexpr size_t kKept = 1024;  // At least; twice as many as are in use, if that is more.

  struct Group : base::RefCounted {
    stats::Group<stats::RouteStats> stats;
    bool used = false;
  };

  explicit RouteCounts(stats::Registry& registry) : registry_(registry) {}

  base::Rc<Group> OfVirtualCluster(absl::string_view host, absl::string_view cluster) {
    return Of(stats::kVirtualClusterScope, clusters_, host, cluster);
  }
  base::Rc<Group> OfRoute(absl::string_view host, absl::string_view stat_prefix) {
    return Of(stats::kRouteScope, routes_, host, stat_prefix);
  }

  size_t size() const { return clusters_.groups.size() + routes_.groups.size(); }

 private:
  using Names = std::pair<absl::string_view, absl::string_view>;
  struct Hash {
    using is_transparent = void;
    size_t operator()(const Names& names) const { return absl::Hash<Names>()(names); }
    size_t operator()(const std::pair<std::string, std::string>& names) const {
      return absl::Hash<Names>()(Names(names.first, names.second));
    }
  };
  struct Equal {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return absl::string_view(a.first) == absl::string_view(b.first) &&
             absl::string_view(a.second) == absl::string_view(b.second);
    }
  };
  struct Table {
    absl::flat_hash_map<std::pair<std::string, std::string>, base::Rc<Group>, Hash, Equal> groups;
    size_t limit = kKept;
  };

  base::Rc<Group> Of(const stats::ScopeShape& shape, Table& table, absl::string_view host,
                     absl::string_view name);

  stats::Registry& registry_;
  Table clusters_;
  Table routes_;
};

// Where one request is counted. Owner: its router.
class RequestCounts {
 public:
  // `counts` may be null. Returns the virtual cluster's name, as logs show it.
  absl::string_view Begin(RouteCounts* counts, const route::Route& route,
                          const http::RequestHead& head);

  void Inc(stats::Counter stats::RouteStats::*counter, uint64_t count = 1) {
    if (cluster_) (cluster_->stats.operator->()->*counter).Add(count);
    if (route_) (route_->stats.operator->()->*counter).Add(count);
  }
  void CountStatus(uint32_t status) {
    if (cluster_) cluster_->stats->upstream_rq.Inc(status);
    if (route_) route_->stats->upstream_rq.Inc(status);
  }
  void RecordTime(uint64_t ms) {
    if (cluster_) cluster_->stats->upstream_rq_time.Record(ms);
    if (route_) route_->stats->upstream_rq_time.Record(ms);
  }

 private:
  base::Rc<RouteCounts::Group> cluster_;  // Null: the virtual host has no virtual clusters.
  base::Rc<RouteCounts::Group> route_;    // Null: the route has no stat_prefix.
};

}  // namespace proxenos::filters::router
