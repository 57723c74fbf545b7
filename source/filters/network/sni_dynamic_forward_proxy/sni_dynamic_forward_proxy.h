// SniDynamicForwardProxy: the network filter that has a TCP proxy send connections where their
// server name (or a filter before) says, through a dynamic forward proxy's cluster.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "source/filter/network_filter.h"

namespace proxenos::filters::sni_dynamic_forward_proxy {

struct Settings {
  std::string cache;  // dns_cache_config.name
  uint16_t port = 0;  // 0: the filter state has to say it.
  bool save_upstream_address = false;
};

class SniDynamicForwardProxy final : public filter::NetworkFilterFactory {
 public:
  explicit SniDynamicForwardProxy(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::NetworkFilter> Create(stats::Registry& registry) const override;

 private:
  const Settings settings_;
};

}  // namespace proxenos::filters::sni_dynamic_forward_proxy
