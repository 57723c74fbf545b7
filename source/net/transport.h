// Transport: what lies between a Connection and its socket: TLS, or a header that precedes the
// stream. A plain connection has none and pays for none.
//
// Owner: its Connection. Thread: the worker's. Dies with the connection. Calls nobody above it.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/buffer/buffer.h"
#include "source/buffer/slab.h"

namespace proxenos::net {

class Connection;

enum class ReadStatus : uint8_t { kBytes, kNothing, kEnd, kError };
enum class FlushStatus : uint8_t { kDone, kBlocked, kError };

class Transport {
 public:
  virtual ~Transport() = default;

  enum class Handshake : uint8_t {
    kDone,     // Application bytes may flow.
    kWantsIo,  // Waits for the socket: call again when it is readable or writable.
    kWaits,    // Waits for something else (a secret, a verdict): its owner is told otherwise.
    kFailed,   // failure() tells why; close once the alert is flushed.
  };
  // Takes the handshake as far as it goes now. `connection` is its own, for raw reads and writes.
  virtual Handshake Advance(Connection& connection) = 0;

  // As Connection::Read and Flush, of application bytes. REQUIRES: the handshake is done.
  virtual ReadStatus Read(Connection& connection, buffer::Slice* bytes) = 0;
  virtual FlushStatus Flush(Connection& connection, buffer::Buffer& out) = 0;
  // Whether a Read may find bytes although the socket has none (they are decoded already).
  virtual bool buffered() const = 0;
  // Tells the peer that nothing more comes (close_notify), before the socket says so. Once is
  // enough: further calls do nothing.
  virtual void ShutdownWrite(Connection& connection) = 0;
  // After kEnd: the socket ended before the peer had said so. Where only the end tells how long a
  // message is (RFC 9112 section 9.8), that makes it incomplete.
  virtual bool truncated() const { return false; }

  // The protocol chosen by ALPN; empty when none was.
  virtual absl::string_view protocol() const = 0;
  // Why the handshake failed or a read was an error: one line for logs; empty when neither.
  virtual absl::string_view failure() const = 0;
};

}  // namespace proxenos::net
