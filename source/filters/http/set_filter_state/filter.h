// SetFilterState: leaves texts made of the request to other filters, rules and logs.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <string>
#include <vector>

#include "source/access_log/access_log.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"

namespace proxenos::filters::set_filter_state {

// envoy.extensions.filters.common.set_filter_state.v3.FilterStateValue
struct Entry {
  std::string key;
  access_log::LineFormat format;
  bool skip_if_empty = false;
};
struct Settings {
  std::vector<Entry> entries;
  bool clears_route = false;  // clear_route_cache
};

class SetFilterState final : public filter::HttpFilter {
 public:
  SetFilterState(const Settings& settings, filter::StreamContext& stream)
      : settings_(settings), stream_(stream) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;

 private:
  const Settings& settings_;
  filter::StreamContext& stream_;
};

}  // namespace proxenos::filters::set_filter_state
