// Stream: what a session remembers of one stream besides what nghttp2 does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "source/base/intrusive_list.h"
#include "source/base/recycled.h"
#include "source/buffer/arena.h"
#include "source/buffer/buffer.h"
#include "source/http/visitor.h"
#include "source/http2/head_reader.h"
#include "source/http2/session.h"

namespace proxenos::http2 {

struct StreamListTag {};
struct StreamEventTag {};

// Trailers that wait until the body before them was sent.
struct QueuedTrailers {
  buffer::Arena arena;
  http::HeaderMap fields{arena};
};

// Owner: the session: in its list until OnClosed was called. nghttp2 points to it while it knows
// the stream.
struct Stream final : base::ListNode<StreamListTag>,
                      base::ListNode<StreamEventTag>,
                      base::Recycled<Stream> {
  static constexpr uint64_t kNoLength = UINT64_MAX;

  explicit Stream(StreamId stream_id) : id(stream_id) {}

  const StreamId id;

  // The peer's message. The visitor is null when nothing more is to go there.
  http::MessageVisitor* visitor = nullptr;
  http::RequestVisitor* request = nullptr;    // The same, of a server.
  http::ResponseVisitor* response = nullptr;  // The same, of a client.
  uint64_t expected = kNoLength;              // Its Content-Length, when it must be kept.
  uint64_t received = 0;
  uint64_t unconsumed = 0;  // Given to the visitor and not yet credited to the peer.
  // Of both messages, with frame headers; ours count once they are queued.
  uint64_t wire_received = 0;
  uint64_t wire_sent = 0;

  // Our message.
  buffer::Buffer queue;
  std::unique_ptr<QueuedTrailers> trailers;  // Once the body is complete.

  ErrorCode close_code = ErrorCode::kNoError;
  uint8_t informational = 0;         // Interim responses of the peer ...
  uint32_t informational_bytes = 0;  // ... and what they unfolded to.
  bool head_received = false;        // The final one.
  bool no_content = false;           // The peer's message must have none (HEAD, 204, 304).
  bool remote_ended = false;         // END_STREAM came.
  bool head_request = false;         // The request was HEAD.
  bool plain_connect = false;        // The request was CONNECT.
  bool extended_connect = false;
  bool head_sent = false;
  bool end_queued = false;     // All of our message was given to us.
  bool end_submitted = false;  // A frame that ends it waits in nghttp2's queue.
  bool end_sent = false;
  bool data_attached = false;    // nghttp2 holds a DATA item for it.
  bool data_deferred = false;    // ... which sleeps until there are bytes.
  bool interleaved = false;      // It shares its turns with others (RFC 9218's incremental).
  bool wants_room = false;       // SendBody took less than all.
  bool room_due = false;         // OnRoom is to be called.
  bool reset_when_sent = false;  // With kNoError, once the end is out ...
  ErrorCode break_when_sent = ErrorCode::kNoError;  // ... or with this, once the queue is empty.
  bool reset_by_us = false;                         // By Reset.
  bool reset_by_peer = false;
  bool closed = false;   // nghttp2 has forgotten it; OnClosed is to be called.
  std::string protocol;  // Of an extended CONNECT that we sent.
};

}  // namespace proxenos::http2
