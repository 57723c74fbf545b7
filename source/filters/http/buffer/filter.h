// Buffer: lets a request go on only when it is whole, so that its origin sees no slow client.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <cstdint>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"

namespace proxenos::filters::buffer {

// envoy.extensions.filters.http.buffer.v3.Buffer and BufferPerRoute
struct BufferConfig {
  uint32_t max_request_bytes = 0;
  bool disabled = false;
};

class Buffer final : public filter::HttpFilter {
 public:
  Buffer(const BufferConfig& config, filter::StreamContext& stream)
      : config_(config), stream_(stream) {}

  filter::BodyNeed RequestBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;

 private:
  const BufferConfig& config_;
  filter::StreamContext& stream_;
};

}  // namespace proxenos::filters::buffer
