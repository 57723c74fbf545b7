// ClusterUses: how many route tables and TCP proxies in force name each cluster. A removed cluster
// waits for this to reach zero.
#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/base/check.h"
#include "source/route/route_table.h"

namespace proxenos::server {

// Owner: the ConfigStore. Thread: main.
class ClusterUses {
 public:
  void Add(const route::RouteTable& table) { Add(table.cluster_names()); }
  void Drop(const route::RouteTable& table) { Drop(table.cluster_names()); }
  void Add(absl::Span<const std::string> clusters) {
    for (const std::string& name : clusters) ++uses_[name];
  }
  void Drop(absl::Span<const std::string> clusters) {
    for (const std::string& name : clusters) {
      const auto found = uses_.find(name);
      CHECK(found != uses_.end());
      if (--found->second == 0) uses_.erase(found);
    }
  }
  bool Uses(absl::string_view cluster) const { return uses_.contains(cluster); }

 private:
  absl::flat_hash_map<std::string, uint32_t> uses_;
};

}  // namespace proxenos::server
