// SetMetadata: adds fixed dynamic metadata to each request.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <string>
#include <vector>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/json/value.h"

namespace proxenos::filters::set_metadata {

// envoy.extensions.filters.http.set_metadata.v3.Metadata
struct Entry {
  std::string space;
  json::Object values;
  bool overwrite = false;  // Else nothing is added to a namespace that is there.
};

class SetMetadata final : public filter::HttpFilter {
 public:
  SetMetadata(const std::vector<Entry>& entries, filter::StreamContext& stream)
      : entries_(entries), stream_(stream) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;

 private:
  const std::vector<Entry>& entries_;
  filter::StreamContext& stream_;
};

}  // namespace proxenos::filters::set_metadata
