// RateLimit: the network filter that asks a service which counts for the whole fleet whether a
// connection is within its limits, before anything of it is read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/access_log/formatter.h"
#include "source/filter/network_filter.h"
#include "source/rpc/service.h"
#include "source/runtime/setting.h"

namespace proxenos::filters::network_ratelimit {

struct Settings {
  struct Entry {
    std::string key;
    access_log::Formatter value;
  };

  std::string stat_prefix;
  std::string domain;
  std::vector<std::vector<Entry>> descriptors;
  rpc::GrpcService service;
  bool failure_mode_deny = false;
  runtime::FractionSetting enabled{{100, 100}, "ratelimit.tcp_filter_enabled"};
  runtime::FractionSetting enforcing{{100, 100}, "ratelimit.tcp_filter_enforcing"};
};

class RateLimit final : public filter::NetworkFilterFactory {
 public:
  explicit RateLimit(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::NetworkFilter> Create(stats::Registry& registry) const override;

 private:
  const Settings settings_;
};

}  // namespace proxenos::filters::network_ratelimit
