// The two HTTP/1.1 decoders (RFC 9112), strict and zero-copy: what is ambiguous is refused, never
// repaired, and the views of a head point into the slab that the bytes arrived in.
//
//   DecodeResult Decode(buffer::Slice& bytes)
// takes from the front of `bytes` what it understands. What is left after kNeedMore is the
// beginning of an element (head, chunk line, trailer section) that is not complete: the caller
// keeps it, reads more behind it, and calls again with a slice that begins with the same bytes,
// which may have moved to another block meanwhile. Each byte is examined a bounded number of times
// however the input is cut, and how it is cut never changes what is accepted.
//
// Names are lower-cased in place: the bytes given must be the caller's to change.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/limits.h"
#include "source/buffer/slab.h"
#include "source/http/codec.h"
#include "source/http/message.h"
#include "source/http/visitor.h"
#include "source/http1/body_decoder.h"
#include "source/http1/decode_result.h"
#include "source/http1/field_section.h"
#include "source/http1/head_facts.h"

namespace proxenos::http1 {

class IgnoredUpgrades;  // ignored_upgrades.h

// Settings of a listener's HTTP/1 side. One object serves all its connections.
struct RequestDecoderOptions {
  uint32_t max_head_bytes = base::limits::kMaxHeadBytes;
  uint32_t max_headers = base::limits::kMaxHeaders;
  uint32_t max_target_bytes = base::limits::kMaxStartLineBytes;
  uint32_t max_trailer_bytes = base::limits::kMaxTrailerBytes;
  bool accept_http_10 = false;  // Http1ProtocolOptions.accept_http_10; else 426.
  std::string default_host_for_http_10;
  bool allow_absolute_url = true;
  bool allow_upgrade = true;     // Off: Upgrade is taken out and the request served as any other.
  bool enable_trailers = false;  // Off: trailers are checked, counted and dropped.
  // Http1ProtocolOptions.allow_chunked_length: of a message with both lengths Content-Length is
  // taken out. Off: it is refused.
  bool allow_chunked_length = false;
  // Http1ProtocolOptions.ignore_http_11_upgrade; null: none.
  std::shared_ptr<const IgnoredUpgrades> ignored_upgrades;
  Underscores underscores = Underscores::kAllow;
};

struct ResponseDecoderOptions {
  uint32_t max_head_bytes = base::limits::kMaxHeadBytes;
  uint32_t max_headers = base::limits::kMaxHeaders;
  uint32_t max_trailer_bytes = base::limits::kMaxTrailerBytes;
  bool enable_trailers = false;
  bool allow_chunked_length = false;  // As of requests.
};

// Decodes the requests of one connection.
// Owner: the connection. Thread: its worker's. Dies when: the connection does.
class RequestDecoder {
 public:
  // `options` and `visitor` outlive the decoder.
  RequestDecoder(const RequestDecoderOptions& options, http::RequestVisitor& visitor);
  RequestDecoder(const RequestDecoder&) = delete;
  RequestDecoder& operator=(const RequestDecoder&) = delete;

  // kMessageComplete comes right after OnComplete, what follows unconsumed: calling again goes on
  // with the next (pipelined) request. kError is final.
  DecodeResult Decode(buffer::Slice& bytes);
  // The peer will send nothing more: ends a tunnel. kNeedMore when no message was under way.
  DecodeResult OnEof();
  // The upgrade or CONNECT under way was answered with a final status: whatever the peer sends from
  // now on is an error, and the connection is to close after the response.
  void RefuseTunnel();

  http::CodecError error() const { return error_; }
  // Whether a message has begun and is not complete.
  bool InMessage() const { return state_ == State::kHead || state_ == State::kBody; }
  // For complexity tests: how often a byte was looked at, over all bytes so far.
  uint64_t bytes_examined() const { return section_.examined() + body_.bytes_examined(); }

 private:
  enum class State : uint8_t { kIdle, kHead, kBody, kTunnelRefused, kError };

  DecodeResult Fail(http::CodecError error);
  // Before the first byte of a message: skips one empty line, then begins.
  DecodeResult Begin(buffer::Slice& bytes);
  DecodeResult DecodeHead(buffer::Slice& bytes);
  // The head's bytes now begin at `base`: moves the views into them.
  void MoveTo(char* base);
  SectionStatus TakeRequestLine(char* end);
  http::CodecError TakeField(const FieldLine& field);
  http::CodecError TakeSpecialField(const FieldLine& field);
  // What only the complete head tells: host, framing, connection options.
  http::CodecError FinishHead();
  http::CodecError ChooseFraming();

  const RequestDecoderOptions& options_;
  http::RequestVisitor& visitor_;

  State state_ = State::kIdle;
  http::CodecError error_ = http::CodecError::kNone;
  bool skipped_empty_line_ = false;  // Before the request that is to come.
  bool has_request_line_ = false;
  bool has_host_ = false;
  bool authority_from_target_ = false;  // Then Host is checked and ignored (RFC 9112, 3.2.2).
  HeadFacts facts_;
  http::RequestHead* head_ = nullptr;  // While in kHead.
  FieldSection section_;
  BodyDecoder body_;
};

// Decodes the responses of one connection, one outstanding request at a time.
// Owner: the connection. Thread: its worker's. Dies when: the connection does.
class ResponseDecoder {
 public:
  // `options` and `visitor` outlive the decoder.
  ResponseDecoder(const ResponseDecoderOptions& options, http::ResponseVisitor& visitor);
  ResponseDecoder(const ResponseDecoder&) = delete;
  ResponseDecoder& operator=(const ResponseDecoder&) = delete;

  // A request with `method` was sent, `upgrade` when it asked for one: its response may come.
  // REQUIRES: the response to the one before is complete.
  void Expect(http::Method method, bool upgrade);
  // As of the RequestDecoder. Bytes that no request asked for are kUnexpectedResponse.
  DecodeResult Decode(buffer::Slice& bytes);
  // The peer will send nothing more: completes a body that lasts until then and ends a tunnel
  // (kMessageComplete). kNeedMore when no response was expected, else kUnexpectedEnd.
  DecodeResult OnEof();

  http::CodecError error() const { return error_; }
  bool InMessage() const { return state_ == State::kHead || state_ == State::kBody; }
  // Whether a response is still due or under way.
  bool Expecting() const { return expecting_; }
  uint64_t bytes_examined() const { return section_.examined() + body_.bytes_examined(); }

 private:
  enum class State : uint8_t { kIdle, kHead, kBody, kError };

  DecodeResult Fail(http::CodecError error);
  void Begin(const buffer::Slice& bytes);
  // The final response is complete.
  void Finish();
  DecodeResult DecodeHead(buffer::Slice& bytes);
  // The head's bytes now begin at `base`: moves the views into them.
  void MoveTo(char* base);
  SectionStatus TakeStatusLine(char* end);
  http::CodecError TakeField(const FieldLine& field);
  http::CodecError TakeSpecialField(const FieldLine& field);
  http::CodecError FinishHead();
  http::CodecError ChooseFraming();

  const ResponseDecoderOptions& options_;
  http::ResponseVisitor& visitor_;

  State state_ = State::kIdle;
  http::CodecError error_ = http::CodecError::kNone;
  bool expecting_ = false;
  bool upgrade_asked_ = false;
  http::Method method_ = http::Method::kGet;
  uint8_t informational_ = 0;  // How many came before the final response.
  bool has_status_line_ = false;
  HeadFacts facts_;
  http::ResponseHead* head_ = nullptr;  // While in kHead.
  FieldSection section_;
  BodyDecoder body_;
};

}  // namespace proxenos::http1
