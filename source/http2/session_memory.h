// What nghttp2 allocates for a session, and what of it stays.
//
// Two blocks are large. The buffer that a session packs one frame in (16 KiB) is empty but while
// frames are taken out, which happens to one session of a thread at a time: all sessions of a
// thread share one. The table of streams (4 KiB) is all zero while there are none: it lies in a
// page of its own, which an idle session gives back.
#pragma once

#include <nghttp2/nghttp2.h>

#include "source/http2/options.h"

namespace proxenos::http2 {

// Owner: the session's state, before and after the nghttp2_session. Thread: its worker's.
class SessionMemory {
 public:
  SessionMemory();
  SessionMemory(const SessionMemory&) = delete;
  SessionMemory& operator=(const SessionMemory&) = delete;

  // A new session. REQUIRES of the caller: what one call of nghttp2_session_mem_send gives is taken
  // before the next, and between the first and the one that gives nothing no other session of this
  // thread packs frames.
  nghttp2_session* NewSession(const nghttp2_session_callbacks& callbacks, const Options& options,
                              bool server, void* user_data);

  // Gives back what an idle session does not need. Costs a system call and, at the next stream, a
  // page fault: for sessions that have been idle for a while.
  void ReleaseIdle();

 private:
  static void* Allocate(size_t size, void* self);
  static void Free(void* memory, void* self);
  static void* AllocateZeroed(size_t count, size_t size, void* self);
  static void* Reallocate(void* memory, size_t size, void* self);

  void* const frame_buffer_;  // The thread's.
  void* stream_table_ = nullptr;
  bool frame_buffer_due_ = false;  // While a session is made: they are still to be asked for.
  bool stream_table_due_ = false;
};

}  // namespace proxenos::http2
