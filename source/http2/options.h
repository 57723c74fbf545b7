// What an HTTP/2 session is configured with, and what it counts.
#pragma once

#include <cstdint>

#include "source/base/limits.h"
#include "source/stats/http2_stats.h"

namespace proxenos::http2 {

// Frames that a peer may send beyond what its streams justify. Names in comments are fields of
// envoy.config.core.v3.Http2ProtocolOptions.
struct Budgets {
  uint32_t max_outbound_frames = 10000;         // max_outbound_frames
  uint32_t max_outbound_control_frames = 1000;  // max_outbound_control_frames
  // max_consecutive_inbound_frames_with_empty_payload
  uint32_t max_consecutive_empty_frames = 1;
  // max_inbound_priority_frames_per_stream. Frames of unknown types count with them: neither does
  // anything here.
  uint32_t max_priority_frames_per_stream = 100;
  // max_inbound_window_update_frames_per_data_frame_sent
  uint32_t max_window_updates_per_data_frame = 10;
  // Resets of streams that were not answered yet (rapid reset), and resets that the peer provokes
  // from us (made you reset), beyond which a connection is ended: so many at once, and each stream
  // that ends in order earns one more.
  uint32_t reset_burst = 100;
  uint32_t max_continuation_frames = 16;  // Of one header block of a head of the default size.
  // SETTINGS and PING frames: so many at once. A call of Receive and a stream earn one more each,
  // so that a keepalive, however long the connection lives, is no flood.
  uint32_t max_settings_frames = 100;
  uint32_t max_pings = 100;
};

// What to do with a message whose field names hold an underscore
// (HttpProtocolOptions.headers_with_underscores_action).
enum class Underscores : uint8_t { kAllow, kReject, kDropHeader };

// envoy.config.core.v3.Http2ProtocolOptions, and the header limits of the connection manager or
// cluster. Sizes in bytes.
struct Options {
  uint32_t header_table_size = 4096;  // hpack_table_size
  // Of a server: what the peer may open. Of a client: what we open at most.
  uint32_t max_concurrent_streams = 100;
  uint32_t initial_stream_window = 256 * 1024;
  uint32_t initial_connection_window = 1024 * 1024;
  uint32_t max_frame_size = 16384;  // Of what the peer sends.
  bool allow_connect = false;       // RFC 8441
  bool stream_error_on_invalid_message = false;
  bool disallow_obs_text = false;  // Off: bytes from 0x80 on in values pass as they came.
  uint32_t max_head_bytes = base::limits::kMaxHeadBytes;  // 32 bytes of overhead counted per field.
  uint32_t max_headers = base::limits::kMaxHeaders;
  uint32_t max_trailer_bytes = base::limits::kMaxTrailerBytes;
  // What one stream may have queued to be sent.
  uint32_t send_queue_bytes = base::limits::kStreamBufferBytes;
  bool enable_trailers = true;  // Off: trailers are checked, counted and dropped.
  Underscores underscores = Underscores::kAllow;
  Budgets budgets;
};

}  // namespace proxenos::http2
