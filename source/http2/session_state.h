// SessionState: what lies between a Session and its nghttp2_session.
//
// How bytes go. In: Receive lets the FrameMeter look at the frame headers, then nghttp2 takes the
// frames apart and calls back; a part of a body goes on as a slice of what came. Out: each head is
// packed when it is sent (into `pending_`), so that nothing of it is copied to wait; DATA is made
// when Produce asks, and the slices of the stream's queue move into the output.
//
// Invariants: nghttp2's frame buffer, which all sessions of a thread share (session_memory.h), is
// empty whenever no function of this class runs: what nghttp2 packs is taken at once. Streams that
// end are told of from Receive and Produce only, at their end.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "source/base/intrusive_list.h"
#include "source/buffer/buffer.h"
#include "source/http2/field_list.h"
#include "source/http2/frame_meter.h"
#include "source/http2/head_reader.h"
#include "source/http2/session.h"
#include "source/http2/session_memory.h"
#include "source/http2/stream.h"
#include "source/http2/stream_history.h"

namespace proxenos::http2 {

struct NghttpSessionDeleter {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

// Owner: its Session. Thread: its worker's. Dies with the session.
class SessionState {
 public:
  // One of the visitors is null: which role it plays.
  SessionState(const Options& options, stats::Http2Stats& stats, ServerVisitor* server,
               ClientVisitor* client);
  SessionState(const SessionState&) = delete;
  SessionState& operator=(const SessionState&) = delete;
  ~SessionState();

  bool Receive(const buffer::Slice& bytes);
  void Produce(buffer::Buffer& out, uint64_t limit);
  bool wants_write() const;
  uint64_t pending_bytes() const { return pending_.size(); }
  bool finished() const;

  bool SendBody(StreamId id, buffer::Buffer& body, bool end, const http::HeaderMap* trailers);
  void Consume(StreamId id, uint64_t bytes);
  void Detach(StreamId id);
  void Reset(StreamId id, ErrorCode code);
  void ResetWhenSent(StreamId id, ErrorCode code);
  void SendShutdownNotice();
  void SendGoAway(ErrorCode code);
  void SendPing(uint64_t opaque);
  void ReleaseIdleMemory();

  void SendInformational(StreamId id, const http::ResponseHead& head);
  uint64_t SendResponse(StreamId id, const http::ResponseHead& head, bool end);
  StreamId SendRequest(const http::RequestHead& head, bool end, http::ResponseVisitor& visitor);
  bool CanBegin() const;
  uint32_t max_concurrent_streams() const;
  uint32_t peer_setting(nghttp2_settings_id id) const;

  // Null when nghttp2 has forgotten the stream, or never told us of it.
  Stream* Find(StreamId id) const;
  const Options& options() const { return options_; }
  uint32_t active_streams() const { return active_streams_; }
  ErrorCode error() const { return error_; }
  absl::string_view detail() const { return detail_; }

  // nghttp2's callbacks (callbacks.cc). Each returns what nghttp2 is to be told.
  int OnBeginFrame(const nghttp2_frame_hd& header);
  int OnBeginHeaders(const nghttp2_frame& frame);
  int OnHeader(absl::string_view name, absl::string_view value);
  int OnFrame(const nghttp2_frame& frame);
  int OnData(StreamId id, const uint8_t* data, size_t size);
  int OnStreamClose(StreamId id, ErrorCode code);
  int OnInvalidFrame(const nghttp2_frame& frame, int library_error);
  int OnFrameNotSent(const nghttp2_frame& frame);
  ssize_t ReadBody(Stream& stream, size_t max, uint32_t& flags);
  int SendData(const uint8_t* frame_header, size_t size, Stream& stream);

 private:
  class Inside;

  void Configure();
  // Packs all frames but DATA into pending_.
  void Drain();
  void CountFrame(const uint8_t* frame, size_t size);
  // The connection is broken: a GOAWAY tells so. For callbacks, Break only notes it.
  void Break(ErrorCode code, absl::string_view detail);
  void BreakBy(int library_error);
  void EndForFlood();
  void FinishBreaking();
  // Breaks the connection when a client goes on with a stream that is over.
  void JudgePast(StreamId id);
  int Verdict() const { return broken_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0; }

  Stream& Begin(StreamId id);
  // Nothing more goes to the stream's visitor, not even the fields of a block under way.
  void Silence(Stream& stream);
  int OnHead(Stream& stream, bool end_stream);
  int OnResponseHead(Stream& stream, bool end_stream);
  // END_STREAM came.
  int EndMessage(Stream& stream);
  // The peer's message is not HTTP: ends the stream or the connection, as configured.
  int OnMalformed(Stream& stream);
  // More content than its head says, or less.
  int OnWrongContent(Stream& stream);
  void ResetNow(Stream& stream, ErrorCode code);
  void ResetProvoked(Stream& stream, ErrorCode code);
  void SpendReset();

  // Tells of streams that ended or have room.
  void DeliverEvents();
  void AddEvent(Stream& stream);
  void Kick(Stream& stream);
  void SubmitTrailers(Stream& stream, const http::HeaderMap& trailers);
  // A HEADERS frame that ends our message was given to nghttp2; a frame that ends it was packed.
  void EndSubmitted(Stream& stream);
  void EndSent(Stream& stream);
  void DropQueue(Stream& stream);
  void Forget(Stream& stream);

  const Options& options_;
  stats::Http2Stats& stats_;
  ServerVisitor* const server_;
  ClientVisitor* const client_;
  SessionVisitor& visitor_;
  SessionMemory memory_;
  std::unique_ptr<nghttp2_session, NghttpSessionDeleter> session_;

  FrameMeter meter_;
  HeadReader reader_;
  StreamHistory history_;      // Of a server.
  uint32_t block_bytes_ = 0;   // Of the header block that came last, with frame headers.
  Stream* reading_ = nullptr;  // Whose header block is under way; null: nobody's.

  base::IntrusiveList<Stream, StreamListTag> streams_;
  base::IntrusiveList<Stream, StreamEventTag> events_;
  uint32_t active_streams_ = 0;
  uint32_t reset_credit_;
  uint32_t submitted_ends_ = 0;  // Streams with end_submitted.

  buffer::Buffer pending_;             // Packed and not yet given out.
  buffer::Buffer* out_ = nullptr;      // While Produce runs ...
  uint64_t out_limit_ = 0;             // ... and how much it may hold.
  const buffer::Slice* in_ = nullptr;  // While Receive runs.
  uint32_t pending_frames_ = 0;
  uint32_t pending_control_frames_ = 0;

  bool inside_ = false;    // A visitor may be running.
  bool draining_ = false;  // No DATA now.
  bool broken_ = false;
  bool goaway_queued_ = false;  // For what broke.
  ErrorCode error_ = ErrorCode::kNoError;
  absl::string_view detail_;
};

}  // namespace proxenos::http2
