// What an ext_proc filter is configured to do, compiled: envoy.extensions.filters.http.ext_proc.v3.
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/match/string_matchers.h"
#include "source/rpc/service.h"

namespace proxenos::filters::ext_proc {

// ProcessingMode: what of a message the processor is sent.
struct Mode {
  enum class Body : uint8_t { kNone, kStreamed, kBuffered, kBufferedPartial };
  // By filter::Direction.
  bool head[2] = {true, true};
  Body body[2] = {Body::kNone, Body::kNone};
  bool trailers[2] = {false, false};
};

struct Settings {
  rpc::GrpcService service;
  Mode mode;
  base::Nanos message_timeout = 200 * base::kMillisecond;
  uint16_t status_on_error = 500;
  bool failure_mode_allow = false;
  bool allow_mode_override = false;
  bool immediate_responses = true;
  enum class RouteCache : uint8_t { kDefault, kClear, kRetain };
  RouteCache route_cache = RouteCache::kDefault;
  match::StringMatchers allowed_headers;  // Empty: all.
  match::StringMatchers disallowed_headers;
  std::vector<std::string> forwarded_namespaces;  // Of dynamic metadata.
  std::vector<std::string> received_namespaces;
};

// ExtProcPerRoute, of one level.
struct RouteSettings {
  bool disabled = false;
  std::optional<Mode> mode;
  std::optional<rpc::GrpcService> service;
  std::optional<bool> failure_mode_allow;
};

}  // namespace proxenos::filters::ext_proc
