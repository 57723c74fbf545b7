// ProcessStats: the stats under `server.` that tell of the process as a whole, brought up to date
// whenever stats are read.
//
// Owner: the server. Thread: main. Dies before the AdminSource and the registry.
#pragma once

#include "source/admin/admin_source.h"
#include "source/stats/registry.h"
#include "source/stats/server_stats.h"

namespace proxenos::admin {

class ProcessStats {
 public:
  // `source` outlives it; its state and connection_count must be set before the first reading.
  explicit ProcessStats(AdminSource& source);
  ProcessStats(const ProcessStats&) = delete;
  ProcessStats& operator=(const ProcessStats&) = delete;

  // For what the server counts itself.
  stats::ServerStats& stats() { return *stats_; }

 private:
  void Refresh();
  uint64_t DaysUntilFirstExpiry();

  AdminSource& source_;
  stats::Group<stats::ServerStats> stats_;
  stats::ReadHook hook_;
};

}  // namespace proxenos::admin
