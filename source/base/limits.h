// Every bound of the data path and its default, with the reason beside it. Configuration may
// change those that name an Envoy field; nothing here is unlimited.
#pragma once

#include <cstddef>
#include <cstdint>

#include "source/base/clock.h"

namespace proxenos::base::limits {

// Message heads. Envoy's defaults, so that what passes there passes here.
inline constexpr uint32_t kMaxHeadBytes = 60 * 1024;  // HCM.max_request_headers_kb
inline constexpr uint32_t kMaxHeaders = 100;  // common_http_protocol_options.max_headers_count
inline constexpr uint32_t kMaxTrailerBytes = 8 * 1024;
inline constexpr uint32_t kMaxStartLineBytes = 16 * 1024;  // Longer targets get 414.
// Chunk-size line with its extensions: longer has only ever been an attack.
inline constexpr uint32_t kMaxChunkLineBytes = 256;
// Sum of all chunk overhead that may precede one byte of body, against one-byte-chunk floods.
inline constexpr uint32_t kMaxChunkExtensionBytesPerMessage = 16 * 1024;

// Buffers. What one stream may hold in each direction before its source is not read any more.
inline constexpr uint32_t kStreamBufferBytes = 64 * 1024;
// What a connection may have written but not yet handed to the kernel.
inline constexpr uint32_t kConnectionOutBytes = 256 * 1024;
// One lent read buffer: large enough for bodies, small enough to stay in the L2 cache.
inline constexpr uint32_t kSlabBytes = 64 * 1024;
// So much, read at once, is passed on before anything else is read (EventLoop::Hurry).
inline constexpr uint32_t kBulkBytes = 32 * 1024;
// A read into less room than this would cost more system calls than it saves memory.
inline constexpr uint32_t kMinReadBytes = 16 * 1024;

// Work per turn of the event loop, so that one peer cannot starve the others.
inline constexpr int kMaxEventsPerTurn = 256;
inline constexpr int kMaxAcceptsPerTurn = 64;
inline constexpr int kMaxReadsPerEvent = 4;
inline constexpr int kMaxPumpRounds = 64;
inline constexpr int kMaxPipelinedPerTurn = 16;
// Local replies of one stream, each taking the place of the one before: filters that answer each
// other's answers would never end.
inline constexpr int kMaxLocalReplies = 4;

// Time. Safe at an open edge; each is an Envoy field.
inline constexpr Nanos kConnectTimeout = 5 * kSecond;            // Cluster.connect_timeout
inline constexpr Nanos kRouteTimeout = 15 * kSecond;             // RouteAction.timeout
inline constexpr Nanos kStreamIdleTimeout = 300 * kSecond;       // HCM.stream_idle_timeout
inline constexpr Nanos kConnectionIdleTimeout = 3600 * kSecond;  // HttpProtocolOptions.idle_timeout
// HCM.request_headers_timeout: Envoy has none by default, which lets a slow head hold a connection
// for the stream idle timeout. We bound it.
inline constexpr Nanos kRequestHeadersTimeout = 60 * kSecond;
// FilterChain.transport_socket_connect_timeout: Envoy has none by default, which lets a client that
// never finishes its handshake hold a connection for good. We bound it.
inline constexpr Nanos kHandshakeTimeout = 15 * kSecond;
inline constexpr Nanos kListenerFiltersTimeout = 15 * kSecond;  // Listener.listener_filters_timeout
inline constexpr Nanos kDrainTimeout = 5 * kSecond;             // HCM.drain_timeout
inline constexpr Nanos kDelayedCloseTimeout = 1 * kSecond;      // HCM.delayed_close_timeout

// Circuit breakers: Envoy's defaults (CircuitBreakers.Thresholds).
inline constexpr uint32_t kMaxConnections = 1024;
inline constexpr uint32_t kMaxPendingRequests = 1024;
inline constexpr uint32_t kMaxRequests = 1024;
inline constexpr uint32_t kMaxRetries = 3;

}  // namespace proxenos::base::limits
