// HeadReader: the fields of one header block, as HPACK gives them, into a head or trailers.
//
// All that RFC 9113, 8.2 and 8.3 ask of a message is checked here, and more where a message could
// mean different things to different readers: what is ambiguous is refused, never repaired.
//
// Invariant: a field is counted (its bytes, 32 more, and one field) before anything of it is kept,
// and nothing is kept beyond the limits, whatever HPACK unfolds.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/http/codec.h"
#include "source/http/message.h"
#include "source/http/visitor.h"
#include "source/http2/options.h"

namespace proxenos::http2 {

// What a client remembers of a request to judge its response.
struct RequestKind {
  bool head = false;
  bool connect = false;           // A plain CONNECT.
  bool extended_connect = false;  // RFC 8441
  absl::string_view protocol;     // Of an extended CONNECT.
};

// Owner: a session. One block is under way at a time (RFC 9113, 4.3).
class HeadReader {
 public:
  // `options` and `stats` outlive the reader.
  HeadReader(const Options& options, stats::Http2Stats& stats) : options_(options), stats_(stats) {}
  HeadReader(const HeadReader&) = delete;
  HeadReader& operator=(const HeadReader&) = delete;

  void BeginRequest(http::RequestHead& head);
  void BeginResponse(http::ResponseHead& head, const RequestKind& kind);
  // OnTrailersBegin is called when the first field comes that may pass.
  void BeginTrailers(http::MessageVisitor& visitor);
  // Fields are counted and dropped.
  void BeginNothing();

  // Takes one field. False: the block unfolds far beyond any limit; end the connection.
  bool Take(absl::string_view name, absl::string_view value);

  // The block is complete; kNone, or what is wrong with it. `end_stream`: no content follows.
  http::CodecError Finish(bool end_stream);

  // The head that was begun last.
  const http::RequestHead& request() const { return *request_; }
  const http::ResponseHead& response() const { return *response_; }
  // After Finish of a head: whether its Content-Length is to be held against its DATA frames.
  bool has_length() const { return has_length_; }
  uint64_t length() const { return length_; }
  // After Finish: what the block unfolded to, each field with its overhead.
  uint64_t bytes() const { return bytes_; }
  // After Finish of trailers: whether OnTrailersBegin was called.
  bool has_trailers() const { return trailers_ != nullptr; }

 private:
  enum class Mode : uint8_t { kNothing, kRequest, kResponse, kTrailers };
  enum Pseudo : uint8_t {
    kMethod = 1,
    kScheme = 2,
    kPath = 4,
    kAuthority = 8,
    kProtocol = 16,
    kStatus = 32,
  };

  void Begin(Mode mode, http::HeaderMap* headers, uint32_t max_bytes);
  // Each pseudo-header once, and before all other fields.
  http::CodecError Once(Pseudo pseudo);
  http::CodecError TakeRequestPseudo(absl::string_view name, absl::string_view value);
  http::CodecError TakePath(absl::string_view value);
  http::CodecError TakeStatus(absl::string_view name, absl::string_view value);
  http::CodecError TakeField(absl::string_view name, absl::string_view value);
  http::CodecError TakeSpecial(http::HeaderId id, absl::string_view value);
  http::CodecError TakeTrailer(http::HeaderId id);
  http::CodecError TakeLength(absl::string_view value);
  // Copies a field into the arena, checking it on the way.
  http::CodecError Keep(http::HeaderId id, absl::string_view name, absl::string_view value);
  http::CodecError KeepAuthority(absl::string_view value, absl::string_view& kept);
  http::CodecError FinishRequest(bool end_stream);
  http::CodecError FinishConnect();
  http::CodecError FinishResponse(bool end_stream);
  void JoinCookies();

  const Options& options_;
  stats::Http2Stats& stats_;

  Mode mode_ = Mode::kNothing;
  http::CodecError error_ = http::CodecError::kNone;
  uint8_t pseudo_ = 0;  // Which were seen.
  bool has_length_ = false;
  bool regular_ = false;  // A field that is no pseudo-header came.
  bool connect_ = false;  // :method CONNECT
  uint32_t max_bytes_ = 0;
  uint32_t fields_ = 0;
  uint32_t cookies_ = 0;
  uint64_t bytes_ = 0;
  uint64_t length_ = 0;
  absl::string_view host_;
  absl::string_view protocol_;
  http::RequestHead* request_ = nullptr;
  http::ResponseHead* response_ = nullptr;
  http::MessageVisitor* visitor_ = nullptr;
  http::HeaderMap* headers_ = nullptr;  // Of the head; null for trailers until the first.
  http::HeaderMap* trailers_ = nullptr;
  RequestKind kind_;
};

}  // namespace proxenos::http2
