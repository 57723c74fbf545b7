// RouteStats: what came of each route configuration that is asked for (http.PREFIX.rds.NAME.).
// Those of its virtual hosts by discovery are kept with them (route_hosts.h).
//
// Owner: the RouteStore. Thread: main.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "source/stats/rds_stats.h"
#include "source/stats/registry.h"
#include "source/xds/resource.h"

namespace proxenos::server {

class RouteStats {
 public:
  explicit RouteStats(stats::Registry& registry) : registry_(registry) {}

  // It is asked for; `stat_prefix`: of the first connection manager that names it.
  void Open(const std::string& name, const std::string& stat_prefix);
  // Nobody asks for it any more.
  void Close(const std::string& name) { stats_.erase(name); }
  // Empty where nobody asks for it.
  std::string PrefixOf(const std::string& name) const;

  // What a step of a source brought, of which `refused` did not come into force.
  void CountStep(const xds::TypeUpdate& update, const std::vector<xds::ResourceError>& refused);
  void CountReload(const std::string& name);
  // A listener goes on without it.
  void CountTimeout(const std::string& name);

 private:
  struct Stats {
    std::string prefix;
    stats::Group<stats::RdsStats> group;
  };

  void CountAnswer(const std::string& name, const std::string& version, bool taken);

  stats::Registry& registry_;
  absl::flat_hash_map<std::string, Stats> stats_;
};

}  // namespace proxenos::server
