// Connection: one stream socket: reads into lent buffers, gathers writes. Room 2 of a request.
//
// Bytes arrive in a slab that the thread's pool lends, so an idle connection holds no buffer; what
// its owner could not consume yet it gives back with Hold, and the next read continues behind it.
// What is written in a turn is gathered in `out` and leaves in one system call, by Flush, at the
// turn's end. Nothing here calls up: results are return values.
//
// Owner: a downstream or upstream connection object, which is the socket's IoHandler.
// Thread: the worker's.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/buffer/buffer.h"
#include "source/buffer/slab.h"
#include "source/event/event_loop.h"

namespace proxenos::net {

class Connection {
 public:
  // Takes `fd`, a non-blocking stream socket (connected or connecting), and registers `handler`.
  Connection(event::EventLoop& loop, int fd, event::IoHandler* handler);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { Close(); }

  bool open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  // Tells of the events that OnIo got: they make reads and writes worth trying again.
  void Note(uint32_t events);
  // Whether a read may find something: an edge was seen since the socket was last drained.
  bool may_read() const { return readable_; }
  // Whether the peer has closed its direction or the connection broke (after what is still to be
  // read).
  bool peer_closed() const { return peer_closed_; }

  enum class ReadStatus : uint8_t { kBytes, kNothing, kEnd, kError };
  // Reads once. On kBytes, `*bytes` is all that is unconsumed: what was held, then what arrived.
  ReadStatus Read(buffer::Slice* bytes);
  // Keeps unconsumed bytes for the next Read, in a block of their own size.
  void Hold(buffer::Slice rest);
  // What is held, given back without reading; for pipelined requests.
  buffer::Slice TakeHeld() { return std::move(held_); }
  bool holds() const { return !held_.empty(); }

  // What is waiting to leave; append to it, then have Flush called at the turn's end.
  buffer::Buffer& out() { return out_; }
  const buffer::Buffer& out() const { return out_; }
  enum class FlushStatus : uint8_t { kDone, kBlocked, kError };
  FlushStatus Flush();

  // Half-closes: the peer sees the end after what was flushed.
  void ShutdownWrite();
  // After a failed operation or a failed connect: the socket's errno.
  int TakeError();
  // Closes at once; unsent bytes are dropped. With `reset` the peer sees RST.
  void Close(bool reset = false);

  uint64_t bytes_read() const { return bytes_read_; }
  uint64_t bytes_written() const { return bytes_written_; }

 private:
  int fd_;
  bool readable_ = false;
  bool writable_ = true;
  bool peer_closed_ = false;
  buffer::Slice held_;
  buffer::Buffer out_;
  uint64_t bytes_read_ = 0;
  uint64_t bytes_written_ = 0;
};

}  // namespace proxenos::net
