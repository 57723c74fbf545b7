// ConnectionLimit: the network filter that lets so many connections of a filter chain be there at
// once, over all workers.
#pragma once

#include <memory>

#include "source/filter/network_filter.h"
#include "source/stats/network_filter_stats.h"
#include "source/upstream/circuit_breaker.h"

namespace proxenos::filters::connection_limit {

struct ConnectionLimitConfig {
  std::string stat_prefix;
  uint32_t most = 0;
  base::Nanos delay = 0;
  bool enabled = true;
};

class ConnectionLimit final : public filter::NetworkFilterFactory {
 public:
  explicit ConnectionLimit(ConnectionLimitConfig config) : config_(std::move(config)) {}
  std::unique_ptr<filter::NetworkFilter> Create(stats::Registry& registry) const override;

  const ConnectionLimitConfig& config() const { return config_; }
  // Of all workers. One of the counts that workers share (docs/ARCHITECTURE.md).
  const upstream::ResourceCount& count() const { return count_; }

 private:
  const ConnectionLimitConfig config_;
  upstream::ResourceCount count_;
};

}  // namespace proxenos::filters::connection_limit
