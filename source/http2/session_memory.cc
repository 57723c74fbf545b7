// The allocator that nghttp2 is given, and its options.
#include "source/http2/session_memory.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "source/base/check.h"

namespace proxenos::http2 {
namespace {

// The size of nghttp2's frame buffer: a frame of 16,384 bytes, its header and one byte for padding.
// Should another version ask for another size, it gets memory of its own.
constexpr size_t kFrameBuffer = 9 + 1 + 16384;

struct ThreadBlock {
  alignas(16) char bytes[kFrameBuffer];
};

ThreadBlock& ThisThreadsBlock() {
  static thread_local const std::unique_ptr<ThreadBlock> block = std::make_unique<ThreadBlock>();
  return *block;
}

// While a session is made: whether its frame buffer is still to be asked for.
thread_local bool frame_buffer_due = false;

// `block`, below, is the frame buffer of the thread that made the session.
void* Allocate(size_t size, void*) { return std::malloc(size); }

void Free(void* memory, void* block) {
  if (memory != block) std::free(memory);
}

void* AllocateZeroed(size_t count, size_t size, void*) { return std::calloc(count, size); }

// nghttp2 asks for its buffers by giving nothing to be made larger.
void* Reallocate(void* memory, size_t size, void* block) {
  if (memory == nullptr && size == kFrameBuffer && frame_buffer_due) {
    frame_buffer_due = false;
    return block;
  }
  CHECK(memory != block);
  return std::realloc(memory, size);
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

nghttp2_session* NewSession(const nghttp2_session_callbacks& callbacks, const Options& options,
                            bool server, void* user_data) {
  nghttp2_mem memory = {ThisThreadsBlock().bytes, Allocate, Free, AllocateZeroed, Reallocate};
  const auto option = LibraryOptions(options);
  nghttp2_session* session = nullptr;
  frame_buffer_due = true;
  const int result =
      server ? nghttp2_session_server_new3(&session, &callbacks, user_data, option.get(), &memory)
             : nghttp2_session_client_new3(&session, &callbacks, user_data, option.get(), &memory);
  frame_buffer_due = false;
  CHECK(result == 0);
  return session;
}

}  // namespace proxenos::http2
