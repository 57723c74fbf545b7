// BodyDecoder: what follows a head: content of known length, chunked (RFC 9112, 7.1), until close,
// or a tunnel.
//
//   kChunkLine -> kChunkData -> kChunkEnd -> kChunkLine ... last chunk -> kTrailers -> done
//   kLength -> done          kUntilClose, kTunnel -> done at the end of input
//
// Trailers: fields that could change framing, routing or the connection are an error; others that
// RFC 9110, 6.5.1 forbids there (credentials, content and cache metadata, forwarding data) are
// dropped, since merging them is the attack. All are dropped when trailers are not wanted.
#pragma once

#include <cstdint>

#include "source/buffer/slab.h"
#include "source/http/codec.h"
#include "source/http/message.h"
#include "source/http/visitor.h"
#include "source/http1/decode_result.h"
#include "source/http1/field_section.h"

namespace proxenos::http1 {

// Owner: a decoder. Thread: its worker's.
class BodyDecoder {
 public:
  struct Limits {
    uint32_t max_trailer_bytes;
    uint32_t max_trailers;
    bool enable_trailers;
    Underscores underscores = Underscores::kAllow;  // Of the names of trailers.
  };

  // A body begins. kNone is complete at once, without a call of Decode.
  void Begin(const http::Framing& framing, const Limits& limits);
  // As of the decoders; calls OnComplete at the end.
  DecodeResult Decode(buffer::Slice& bytes, http::MessageVisitor& visitor);
  // The input ended. True: that completes the body (and OnComplete was called).
  bool OnEof(http::MessageVisitor& visitor);

  http::CodecError error() const { return error_; }
  uint64_t bytes_examined() const { return section_.examined(); }

 private:
  enum class State : uint8_t {
    kDone,
    kLength,
    kUntilClose,
    kTunnel,
    kChunkLine,
    kChunkData,
    kChunkEnd,
    kTrailers,
  };

  // Each takes one element and moves state_ on; kNeedMore when it is not complete.
  enum class Step : uint8_t { kGoOn, kNeedMore, kError };
  Step TakeData(buffer::Slice& bytes, http::MessageVisitor& visitor);
  Step TakeChunkLine(buffer::Slice& bytes);
  Step TakeChunkEnd(buffer::Slice& bytes);
  Step TakeTrailers(buffer::Slice& bytes, http::MessageVisitor& visitor);
  http::CodecError TakeTrailer(const FieldLine& field, http::MessageVisitor& visitor);
  Step Fail(http::CodecError error);

  State state_ = State::kDone;
  http::CodecError error_ = http::CodecError::kNone;
  bool element_begun_ = false;  // section_ stands within a chunk line or the trailers.
  Limits limits_{};
  uint64_t remaining_ = 0;        // Of the content or the chunk at hand.
  uint32_t extension_bytes_ = 0;  // Of all chunk lines so far.
  http::HeaderMap* trailers_ = nullptr;
  FieldSection section_;
};

}  // namespace proxenos::http1
