// Connection: one stream socket: reads into lent buffers, gathers writes. Room 2 of a request.
//
// Bytes arrive in a slab that the thread's pool lends, so an idle connection holds no buffer; what
// its owner could not consume yet it gives back with Hold, and the next read continues behind it.
// What is written in a turn is gathered in `out` and leaves in one system call, by Flush, at the
// turn's end. Nothing here calls up: results are return values.
//
// With a transport (TLS) both go through it, once its handshake is done; without one they go to the
// socket.
//
// Owner: a downstream or upstream connection object, which is the socket's IoHandler.
// Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "source/buffer/buffer.h"
#include "source/buffer/slab.h"
#include "source/event/event_loop.h"
#include "source/net/close_type.h"
#include "source/net/transport.h"

namespace proxenos::net {

class Connection {
 public:
  using ReadStatus = net::ReadStatus;
  using FlushStatus = net::FlushStatus;

  // Takes `fd`, a non-blocking stream socket (connected or connecting). Watch it before anything.
  explicit Connection(int fd) : fd_(fd) {}
  // The same, and registers `handler`.
  Connection(event::EventLoop& loop, int fd, event::IoHandler* handler) : fd_(fd) {
    Watch(loop, handler);
  }
  // Takes over the socket with all it holds. Watch it: its events go to the old handler till then.
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&&) = delete;
  ~Connection() { Close(); }

  // Has `handler` told of events from now on. What is ready already is reported anew, so that no
  // edge is lost when a socket changes hands.
  void Watch(event::EventLoop& loop, event::IoHandler* handler);

  // Stops that: another loop may Watch it, perhaps on another thread. REQUIRES: it holds nothing,
  // has nothing to be sent and no transport.
  void Unwatch(event::EventLoop& loop);

  // Everything from now on goes through `transport`. REQUIRES: it has none.
  void SetTransport(std::unique_ptr<Transport> transport) { transport_ = std::move(transport); }
  Transport* transport() const { return transport_.get(); }

  bool open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  // Tells of the events that OnIo got: they make reads and writes worth trying again.
  void Note(uint32_t events);
  // Whether a read may find something: an edge was seen since the socket was last drained.
  bool may_read() const { return readable_ || (transport_ != nullptr && transport_->buffered()); }
  // Whether the peer has closed its direction or the connection broke (after what is still to be
  // read).
  bool peer_closed() const { return peer_closed_; }

  // Reads once. On kBytes, `*bytes` is all that is unconsumed: what was held, then what arrived.
  ReadStatus Read(buffer::Slice* bytes);
  // Keeps unconsumed bytes for the next Read, in a block of their own size.
  void Hold(buffer::Slice rest);
  // What is held, given back without reading; for pipelined requests.
  buffer::Slice TakeHeld() { return std::move(held_); }
  bool holds() const { return !held_.empty(); }

  // Looks at what the socket has, at most `size` bytes, and leaves it there; Skip drops the first
  // `n` of what was seen. For whoever decides what the bytes are.
  ReadStatus Peek(char* room, uint32_t size, uint32_t* got);
  void Skip(uint32_t n);

  // What is waiting to leave; append to it, then have Flush called at the turn's end.
  buffer::Buffer& out() { return out_; }
  const buffer::Buffer& out() const { return out_; }
  FlushStatus Flush();
  // The last Flush could not finish: EPOLLOUT makes another worth trying.
  bool blocked() const { return blocked_; }

  // Half-closes: the peer sees the end after what was flushed.
  void ShutdownWrite();
  // After a failed operation or a failed connect: the socket's errno.
  int TakeError();
  // Closes at once; unsent bytes are dropped. With `reset` the peer sees RST, else the transport's
  // goodbye. The transport itself stays, for what is asked of it afterwards.
  void Close(bool reset = false);
  // The peer's reset was met: a read or write failed of it.
  bool reset_by_peer() const { return reset_by_peer_; }
  // How it ended; kNormal as well where a timeout or a lost network broke it.
  CloseType close_type() const {
    if (reset_by_peer_) return CloseType::kRemoteReset;
    if (open()) return CloseType::kNone;
    return reset_by_us_ ? CloseType::kLocalReset : CloseType::kNormal;
  }

  // Bytes on the wire: with a transport, more than the application's.
  uint64_t bytes_read() const { return bytes_read_; }
  uint64_t bytes_written() const { return bytes_written_; }

  // The transport's way to the socket. ReadRaw reads once, at most `size` bytes; on kBytes `*got`
  // tells how many. WriteRaw sends from the front of `out` what the kernel takes.
  ReadStatus ReadRaw(char* room, uint32_t size, uint32_t* got);
  FlushStatus WriteRaw(buffer::Buffer& out);

 private:
  ReadStatus ReadPlain(buffer::Slice* bytes);
  ReadStatus ReadTransport(buffer::Slice* bytes);
  void GrowHeld(uint32_t room);

  int fd_;
  bool watched_ = false;
  bool readable_ = false;
  bool writable_ = true;
  bool blocked_ = false;
  bool peer_closed_ = false;
  bool reset_by_peer_ = false;
  bool reset_by_us_ = false;
  buffer::Slice held_;
  buffer::Buffer out_;
  std::unique_ptr<Transport> transport_;
  uint64_t bytes_read_ = 0;
  uint64_t bytes_written_ = 0;
};

}  // namespace proxenos::net
