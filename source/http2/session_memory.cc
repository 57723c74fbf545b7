// The allocator that nghttp2 is given, and its options.
#include "source/http2/session_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "source/base/check.h"

namespace proxenos::http2 {
namespace {

// The sizes of nghttp2's blocks: a frame of 16,384 bytes, its header and one byte for padding; the
// first table of streams. Should another version ask for others, it gets memory like any.
constexpr size_t kFrameBuffer = 9 + 1 + 16384;
constexpr size_t kStreamTable = 4096;

struct FrameBuffer {
  alignas(16) char bytes[kFrameBuffer];
};

FrameBuffer& ThisThreadsFrameBuffer() {
  static thread_local const std::unique_ptr<FrameBuffer> buffer = std::make_unique<FrameBuffer>();
  return *buffer;
}

// Zeroed pages, one a session. Sessions are made seldom, on any thread.
class Pages {
 public:
  static Pages& OfProcess() {
    static Pages* const pages = new Pages();  // Outlives every session.
    return *pages;
  }

  // Null when there is no memory.
  void* Take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (free_.empty() && !Grow()) return nullptr;
    void* page = free_.back();
    free_.pop_back();
    return page;
  }

  void Return(void* page) {
    Clear(page);
    const std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(page);
  }

  // The page is all zero afterwards and takes no memory until it is written to.
  static void Clear(void* page) { CHECK(madvise(page, kStreamTable, MADV_DONTNEED) == 0); }

 private:
  static constexpr size_t kPagesAtOnce = 64;

  bool Grow() {
    void* const begin = mmap(nullptr, kPagesAtOnce * kStreamTable, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (begin == MAP_FAILED) return false;
    for (size_t i = 0; i < kPagesAtOnce; ++i) {
      free_.push_back(static_cast<char*>(begin) + i * kStreamTable);
    }
    return true;
  }

  std::mutex mutex_;
  std::vector<void*> free_;
};

bool IsZero(const void* block) {
  const char* bytes = static_cast<const char*>(block);
  return bytes[0] == 0 && std::memcmp(bytes, bytes + 1, kStreamTable - 1) == 0;
}

struct OptionDeleter {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};

std::unique_ptr<nghttp2_option, OptionDeleter> LibraryOptions(const Options& options) {
  nghttp2_option* option = nullptr;
  CHECK(nghttp2_option_new(&option) == 0);
  nghttp2_option_set_no_auto_window_update(option, 1);
  // HeadReader checks messages, more strictly.
  nghttp2_option_set_no_http_messaging(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_reserved_remote_streams(option, 0);
  nghttp2_option_set_max_outbound_ack(
      option, std::max<size_t>(options.budgets.max_outbound_control_frames, 1));
  nghttp2_option_set_max_deflate_dynamic_table_size(option, options.header_table_size);
  nghttp2_option_set_peer_max_concurrent_streams(option, options.max_concurrent_streams);
  // FrameMeter and SessionState have these budgets, and count them.
  nghttp2_option_set_stream_reset_rate_limit(option, UINT64_MAX, UINT64_MAX);
  nghttp2_option_set_max_continuations(option, SIZE_MAX);
  nghttp2_option_set_max_send_header_block_length(
      option, std::max<size_t>(2 * size_t{options.max_head_bytes}, 256 * 1024));
  return std::unique_ptr<nghttp2_option, OptionDeleter>(option);
}

}  // namespace

SessionMemory::SessionMemory() : frame_buffer_(ThisThreadsFrameBuffer().bytes) {}

void* SessionMemory::Allocate(size_t size, void*) { return std::malloc(size); }

void SessionMemory::Free(void* memory, void* self) {
  SessionMemory& session = *static_cast<SessionMemory*>(self);
  if (memory == session.frame_buffer_) return;
  if (memory == session.stream_table_ && memory != nullptr) {
    session.stream_table_ = nullptr;
    Pages::OfProcess().Return(memory);
    return;
  }
  std::free(memory);
}

void* SessionMemory::AllocateZeroed(size_t count, size_t size, void* self) {
  SessionMemory& session = *static_cast<SessionMemory*>(self);
  if (session.stream_table_due_ && count * size == kStreamTable) {
    session.stream_table_due_ = false;
    return session.stream_table_ = Pages::OfProcess().Take();
  }
  return std::calloc(count, size);
}

// nghttp2 asks for its buffers by giving nothing to be made larger.
void* SessionMemory::Reallocate(void* memory, size_t size, void* self) {
  SessionMemory& session = *static_cast<SessionMemory*>(self);
  if (memory == nullptr && session.frame_buffer_due_ && size == kFrameBuffer) {
    session.frame_buffer_due_ = false;
    return session.frame_buffer_;
  }
  CHECK(memory != session.frame_buffer_);
  return std::realloc(memory, size);
}

nghttp2_session* SessionMemory::NewSession(const nghttp2_session_callbacks& callbacks,
                                           const Options& options, bool server, void* user_data) {
  nghttp2_mem memory = {this, Allocate, Free, AllocateZeroed, Reallocate};
  const auto option = LibraryOptions(options);
  nghttp2_session* session = nullptr;
  frame_buffer_due_ = stream_table_due_ = true;
  const int result =
      server ? nghttp2_session_server_new3(&session, &callbacks, user_data, option.get(), &memory)
             : nghttp2_session_client_new3(&session, &callbacks, user_data, option.get(), &memory);
  frame_buffer_due_ = stream_table_due_ = false;
  CHECK(result == 0);
  return session;
}

void SessionMemory::ReleaseIdle() {
  // Whatever nghttp2 keeps there: zeros are as good as new.
  if (stream_table_ != nullptr && IsZero(stream_table_)) Pages::Clear(stream_table_);
}

}  // namespace proxenos::http2
