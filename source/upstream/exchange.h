// Exchange: one attempt at an upstream host: waits for a connection, then is the place where its
// stream deposits the response. The router (or another client) derives from it.
//
// Owner: the attempt's owner. Thread: the worker's. Dies when: its owner ends the attempt; that
// cancels a wait, and gives up a stream in the middle of a message (which is then reset; an
// HTTP/1.1 connection closes).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/intrusive_list.h"
#include "source/base/link.h"
#include "source/buffer/buffer.h"
#include "source/http/message.h"
#include "source/upstream/host.h"

namespace proxenos::upstream {

class ClientStream;
class HostPool;
struct ConnectionNeeds;
struct ExchangeNotes;  // exchange_notes.h
struct PickRequest;

// Why no connection could be had. Every one of them is safe to retry: nothing was sent.
enum class PoolFailure : uint8_t {
  kNone,
  kNoHealthyHost,
  kOverflow,          // A circuit breaker is open.
  kConnectFailure,    // Refused, unreachable …: failure_detail says.
  kTransportFailure,  // The TLS handshake failed, or could not begin: failure_detail says.
  kConnectTimeout,
};

// Why an exchange ended before its response did.
enum class ResetReason : uint8_t {
  kNone,
  kRemoteClosed,   // The host closed or broke the connection.
  kProtocolError,  // What it sent is not HTTP, or breaks a limit.
  kRefusedStream,  // HTTP/2: it did not and will not process the request.
  kRemoteReset,    // HTTP/2: it reset the stream.
  kLocalReset,     // HTTP/2: we reset it, for a reason of our own.
};

// A 1xx head other than 101 (RFC 9110, section 15.2), in the arena of the response's headers.
struct Informational {
  explicit Informational(buffer::Arena& arena) : head(arena) {}
  http::ResponseHead head;
  Informational* next = nullptr;
};

struct PendingTag {};

//          Acquire            connected / idle one found        OnComplete of the codec
//   kIdle ---------> kPending --------------------> kActive ---------------------> kDone
//                        |                              |
//                        +--> kFailed (failure)         +--> kReset (reset)
class Exchange : public base::ListNode<PendingTag> {
 public:
  enum class State : uint8_t { kIdle, kPending, kActive, kDone, kFailed, kReset };

  // `response` is where the response's head is decoded to.
  explicit Exchange(http::ResponseHead& head_storage) : response(head_storage), stream(this) {}
  virtual ~Exchange();

  // Something of the below changed. Only marks: the owner acts later in the turn.
  virtual void OnProgress() = 0;

  // `bytes` of `body` were taken: as many more may come.
  void BodyTaken(uint64_t bytes);

  // Of kReset: whether the host closed a kept connection just as the request was sent.
  bool WasStale() const {
    return reset == ResetReason::kRemoteClosed && reused_connection && !any_bytes;
  }
  // Of kReset: whether a request of `method` did nothing at the host, as far as that can be known.
  bool IsRepeatable(http::Method method) const {
    return !any_bytes && (unprocessed || (WasStale() && http::IsIdempotent(method)));
  }

  State state = State::kIdle;
  PoolFailure failure = PoolFailure::kNone;
  ResetReason reset = ResetReason::kNone;
  std::string failure_detail;
  absl::string_view codec_detail;  // Of kProtocolError; static text.

  // During Acquire: this host and no other, in place of what balancing would pick.
  const std::shared_ptr<const Host>* wanted_host = nullptr;
  // During Acquire: what balancing should look at; may be null.
  const PickRequest* pick = nullptr;
  // During Acquire, in a cluster whose ConnectionsVary; may be null.
  const ConnectionNeeds* needs = nullptr;
  // Not a connection that was kept, where the limits allow a new one: one died under this request,
  // and the others may be as dead.
  bool wants_fresh = false;

  // The host that was picked, and its priority.
  std::shared_ptr<const Host> host;
  uint8_t priority = 0;
  HostPool* pool = nullptr;        // While kPending: where it waits.
  bool reused_connection = false;  // The connection had served another request before.

  http::ResponseHead& response;
  bool head = false;         // `response` is complete.
  bool end = false;          // Nothing more will be deposited.
  bool any_bytes = false;    // Something of a response has been seen: not retried blindly.
  bool unprocessed = false;  // Of kReset: the host has surely not begun with the request.
  Informational* informational = nullptr;  // Those not yet passed on, oldest first.
  buffer::Buffer body;
  buffer::Slice head_bytes;  // Pins what the head's views point into.
  buffer::Slice trailer_bytes;
  http::HeaderMap* trailers = nullptr;

  // How much of a body is held here before its source is not read any more.
  uint64_t body_limit = 0;
  // With framing, as they pass on the connection.
  uint64_t wire_bytes_received = 0;
  uint64_t wire_bytes_sent = 0;
  // What only some formats ask for; null where none does. Owner: the exchange's; outlives it.
  ExchangeNotes* notes = nullptr;

  base::Link<Exchange, ClientStream> stream;  // While kActive.
};

}  // namespace proxenos::upstream
