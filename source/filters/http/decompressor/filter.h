// Decompressor: takes one content coding away from requests and responses on their way.
//
// What comes is hostile: a message may grow by no more than its ratio, and no piece of it by more
// than kMaxPiece. Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "source/compression/decoder.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/runtime/setting.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::decompressor {

// envoy.extensions.filters.http.decompressor.v3.Decompressor
struct Settings {
  struct Direction {
    runtime::FlagSetting enabled{true};
    bool ignores_no_transform = false;
  };
  compression::DecoderSettings decoder;
  uint32_t max_ratio = 100;
  Direction request;
  Direction response;
  bool advertises = true;  // advertise_accept_encoding
};

// Scope: decompressor.LIBRARY.CODING.DIRECTION. below HttpScope. One group a worker and direction.
#define PX_DECOMPRESSION_STATS(X)      \
  X(Counter, decompressed)             \
  X(Counter, not_decompressed)         \
  X(Counter, total_uncompressed_bytes) \
  X(Counter, total_compressed_bytes)
PX_STATS(DecompressionStats, PX_DECOMPRESSION_STATS);

struct DecompressorPart final : public filter::WorkerPart {
  stats::Group<DecompressionStats> stats[2];  // By Direction.
};

// What one piece of a body (at most kStreamBufferBytes) may become at once.
inline constexpr uint64_t kMaxPiece = uint64_t{8} << 20;
// A message that stays below may grow by any ratio: small ones compress well.
inline constexpr uint64_t kAlwaysAllowed = uint64_t{64} << 10;

class Decompressor final : public filter::HttpFilter {
 public:
  Decompressor(const Settings& settings, const filter::FilterFactory& factory,
               filter::StreamContext& stream)
      : settings_(settings),
        stream_(stream),
        part_(static_cast<DecompressorPart*>(stream.worker_part(factory))) {}

  filter::BodyNeed RequestBodyNeed(const filter::BodyNeed& declared) const override;
  filter::BodyNeed ResponseBodyNeed(const filter::BodyNeed& declared) const override;
  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnRequestBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnRequestTrailers(http::HeaderMap& trailers) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  filter::Verdict OnResponseBody(buffer::Buffer& body, bool end) override;
  filter::Verdict OnResponseTrailers(http::HeaderMap& trailers) override;

 private:
  // Of one direction.
  struct Way {
    bool active = false;
    std::unique_ptr<compression::Decoder> decoder;  // Made with the first piece.
    uint64_t taken = 0;
    uint64_t made = 0;
    uint64_t ahead = 0;  // Bytes that wait at the door, decoded already.
  };

  template <typename Head>
  void Begin(filter::Direction direction, Head& head, bool end);
  // Puts into `body` what becomes of it. False: it cannot go on, and nothing was done about that.
  bool Decode(filter::Direction direction, buffer::Buffer& body);
  // Does that with a piece, or with what waits at the door for filters behind this one to
  // look at. False: it is broken.
  bool Take(filter::Direction direction, buffer::Buffer& body, bool end);
  filter::Verdict RefuseRequest(absl::string_view details);
  filter::Verdict BreakResponse(absl::string_view details);
  DecompressionStats* stats(filter::Direction direction) const {
    return part_ == nullptr ? nullptr : &*part_->stats[static_cast<int>(direction)];
  }

  const Settings& settings_;
  filter::StreamContext& stream_;
  DecompressorPart* const part_;  // May be null.
  Way ways_[2];
};

}  // namespace proxenos::filters::decompressor
