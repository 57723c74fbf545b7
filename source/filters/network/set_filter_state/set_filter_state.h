// SetFilterState: the network filter that leaves texts made of a connection to other filters, to
// the streams on it and to logs; some of them steer the TCP proxy.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/access_log/access_log.h"
#include "source/filter/network_filter.h"

namespace proxenos::filters::network_set_filter_state {

// envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue
struct Entry {
  std::string key;
  access_log::LineFormat format;
  bool skip_if_empty = false;
};

struct Settings {
  std::vector<Entry> on_connection;
  std::vector<Entry> on_handshake;  // Without TLS as soon as there is a connection.
  std::vector<Entry> on_data;
};

class SetFilterState final : public filter::NetworkFilterFactory {
 public:
  explicit SetFilterState(Settings settings) : settings_(std::move(settings)) {}
  std::unique_ptr<filter::NetworkFilter> Create(stats::Registry& registry) const override;

 private:
  const Settings settings_;
};

}  // namespace proxenos::filters::network_set_filter_state
