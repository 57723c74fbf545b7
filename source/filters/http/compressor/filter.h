// Compressor: puts responses (and requests, where it is told to) into a content coding on their
// way. Each piece that comes goes on at once, so that no stream of events waits for the next.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>

#include "source/compression/encoder.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/compressor/negotiation.h"
#include "source/filters/http/compressor/settings.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::compressor {

// Scope: compressor.LIBRARY.CODING. below HttpScope, with the direction behind it where that has a
// configuration of its own. One group a worker and direction.
#define PX_COMPRESSION_STATS(X)        \
  X(Counter, compressed)               \
  X(Counter, not_compressed)           \
  X(Counter, total_uncompressed_bytes) \
  X(Counter, total_compressed_bytes)   \
  X(Counter, content_length_too_small)
PX_STATS(CompressionStats, PX_COMPRESSION_STATS);

// Of responses. Scope: the same without a direction. One group a worker.
#define PX_NEGOTIATION_STATS(X)              \
  X(Counter, no_accept_header)               \
  X(Counter, header_identity)                \
  X(Counter, header_compressor_used)         \
  X(Counter, header_compressor_overshadowed) \
  X(Counter, header_wildcard)                \
  X(Counter, header_not_valid)               \
  X(Counter, not_compressed_etag)
PX_STATS(NegotiationStats, PX_NEGOTIATION_STATS);

struct CompressorPart final : public filter::WorkerPart {
  stats::Group<CompressionStats> request;
  stats::Group<CompressionStats> response;
  stats::Group<NegotiationStats> negotiation;
};

class Compressor final : public filter::HttpFilter {
 public:
  // `route` may be null.
  Compressor(const Settings& settings, const RouteSettings* route,
             const filter::FilterFactory& factory, filter::StreamContext& stream);

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnRequestTrailers(http::HeaderMap& trailers) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;
  void OnComplete() override;

 private:
  const compression::EncoderSettings& encoder() const {
    return route_ != nullptr && route_->encoder ? *route_->encoder : settings_.encoder;
  }
  absl::string_view coding() const { return compression::NameOf(compression::CodingOf(encoder())); }
  bool ResponseEnabled() const;
  bool RemovesAcceptEncoding() const;
  // Whether the response is of a kind that this filter compresses, whoever asks for it.
  bool Compressible(const http::ResponseHead& head) const;
  // Whether this filter's coding is the one that the client wants of those on offer in the chain.
  bool IsChosen(const http::ResponseHead& head);
  // Where bytes are counted; null: nowhere.
  struct Bytes {
    stats::Counter* before = nullptr;
    stats::Counter* after = nullptr;
  };
  // Puts into `body` what becomes of it.
  void Encode(std::unique_ptr<compression::Encoder>& state, buffer::Buffer& body, bool end,
              Bytes bytes);

  const Settings& settings_;
  const RouteSettings* const route_;
  filter::StreamContext& stream_;
  CompressorPart* const part_;  // May be null.
  absl::string_view accept_;    // Accept-Encoding as it came; of several fields joined.
  bool has_accept_ = false;
  bool registered_ = false;  // Among the compressors of the connection.
  bool request_active_ = false;
  bool response_active_ = false;
  // Made with the first piece.
  std::unique_ptr<compression::Encoder> request_encoder_;
  std::unique_ptr<compression::Encoder> response_encoder_;
};

}  // namespace proxenos::filters::compressor
