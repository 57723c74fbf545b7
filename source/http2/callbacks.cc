// The way from nghttp2 to SessionState.
#include "source/http2/callbacks.h"

#include "source/base/check.h"
#include "source/http2/session_state.h"

namespace proxenos::http2 {
namespace {

SessionState& State(void* user_data) { return *static_cast<SessionState*>(user_data); }

absl::string_view View(const uint8_t* bytes, size_t size) {
  return absl::string_view(reinterpret_cast<const char*>(bytes), size);
}

int OnBeginFrame(nghttp2_session*, const nghttp2_frame_hd* header, void* user_data) {
  return State(user_data).OnBeginFrame(*header);
}

int OnBeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  return State(user_data).OnBeginHeaders(*frame);
}

// tidy: allow parameters: nghttp2's signature.
int OnHeader(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_size,
             const uint8_t* value, size_t value_size, uint8_t, void* user_data) {
  return State(user_data).OnHeader(View(name, name_size), View(value, value_size));
}

int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
  return State(user_data).OnFrame(*frame);
}

// tidy: allow parameters: nghttp2's signature.
int OnData(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size,
           void* user_data) {
  return State(user_data).OnData(id, data, size);
}

int OnStreamClose(nghttp2_session*, int32_t id, uint32_t code, void* user_data) {
  return State(user_data).OnStreamClose(id, static_cast<ErrorCode>(code));
}

int OnInvalidFrame(nghttp2_session*, const nghttp2_frame* frame, int error, void* user_data) {
  return State(user_data).OnInvalidFrame(*frame, error);
}

int OnFrameNotSent(nghttp2_session*, const nghttp2_frame* frame, int, void* user_data) {
  return State(user_data).OnFrameNotSent(*frame);
}

// tidy: allow parameters: nghttp2's signature.
int SendData(nghttp2_session*, nghttp2_frame*, const uint8_t* frame_header, size_t size,
             nghttp2_data_source* source, void* user_data) {
  return State(user_data).SendData(frame_header, size, *static_cast<Stream*>(source->ptr));
}

// tidy: allow parameters: nghttp2's signature.
ssize_t ReadBody(nghttp2_session*, int32_t, uint8_t*, size_t max, uint32_t* flags,
                 nghttp2_data_source* source, void* user_data) {
  return State(user_data).ReadBody(*static_cast<Stream*>(source->ptr), max, *flags);
}

nghttp2_session_callbacks* MakeCallbacks() {
  nghttp2_session_callbacks* callbacks = nullptr;
  CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, OnBeginFrame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, OnBeginHeaders);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, OnHeader);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, OnFrame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, OnData);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, OnStreamClose);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, OnInvalidFrame);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, OnFrameNotSent);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, SendData);
  return callbacks;
}

}  // namespace

const nghttp2_session_callbacks& Callbacks() {
  static const nghttp2_session_callbacks* const callbacks = MakeCallbacks();
  return *callbacks;
}

nghttp2_data_provider BodyOf(Stream& stream) {
  nghttp2_data_provider provider;
  provider.source.ptr = &stream;
  provider.read_callback = ReadBody;
  return provider;
}

}  // namespace proxenos::http2
