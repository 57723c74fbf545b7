// Socket: a blocking TCP socket for tests, with the ways in which a peer can be nasty: bytes in
// pieces, half-closing, resetting. Every wait ends after kPatience, so a wrong proxy fails a test
// instead of hanging it.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace proxenos::testing {

// Far beyond what any correct exchange takes, on any machine.
inline constexpr int kPatienceSeconds = 30;

// Owner: whoever holds it. Thread: one at a time, but Abort from any.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  // To 127.0.0.1. An invalid socket when nobody listens.
  static Socket Connect(uint16_t port);

  bool valid() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  uint16_t local_port() const;

  // False when the peer has closed.
  bool Send(absl::string_view bytes);
  // The same bytes in pieces of 1 to `largest` bytes, as a seed decides, each in a packet of its
  // own.
  bool SendInPieces(absl::string_view bytes, uint64_t seed, size_t largest);

  enum class Read { kBytes, kEnd, kReset, kTimeout };
  // Appends what is there, waiting for at least one byte.
  Read ReadSome(std::string& out);
  // All until the peer closes; `how`, if given, tells kEnd, kReset or kTimeout.
  std::string ReadAll(Read* how = nullptr);
  // True while the peer has neither closed nor sent anything.
  bool IsQuiet() const;

  void ShutdownWrite();
  void Close();
  // Closes with a RST.
  void Reset();
  // Makes the next Close send a RST.
  void ArmReset();
  // Makes every call under way in another thread return.
  void Abort();

 private:
  int fd_ = -1;
};

// A listening socket on 127.0.0.1.
class ListenSocket {
 public:
  // Port 0: any free one.
  explicit ListenSocket(uint16_t port = 0);
  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&& other) noexcept;
  ~ListenSocket();

  uint16_t port() const { return port_; }
  // Invalid once Abort was called.
  Socket Accept();
  // From any thread: ends Accept for good; new connections are refused.
  void Abort();
  void Close();

 private:
  int fd_ = -1;
  uint16_t port_ = 0;
};

// A port on which nobody listens: bound, so that nobody else gets it, but refusing connections.
class ClosedPort {
 public:
  ClosedPort();
  ~ClosedPort();
  uint16_t port() const { return port_; }

 private:
  int fd_ = -1;
  uint16_t port_ = 0;
};

}  // namespace proxenos::testing
