// What an ext_proc filter is configured to do, compiled: envoy.extensions.filters.http.ext_proc.v3.
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/filter/mutation_rules.h"
#include "source/filters/http/ext_proc/attributes.h"
#include "source/match/string_matchers.h"
#include "source/rpc/service.h"

namespace proxenos::filters::ext_proc {

// ProcessingMode: what of a message the processor is sent.
struct Mode {
  enum class Body : uint8_t { kNone, kStreamed, kBuffered, kBufferedPartial, kDuplex };
  // By filter::Direction.
  bool head[2] = {true, true};
  Body body[2] = {Body::kNone, Body::kNone};
  bool trailers[2] = {false, false};
  friend bool operator==(const Mode&, const Mode&) = default;
};

struct Settings {
  rpc::GrpcService service;
  Mode mode;
  base::Nanos message_timeout = 200 * base::kMillisecond;
  base::Nanos max_message_timeout = 0;  // Of override_message_timeout; 0: none is taken.
  uint16_t status_on_error = 500;
  bool failure_mode_allow = false;
  bool allow_mode_override = false;
  std::vector<Mode> allowed_modes;  // By mode_override; empty: all.
  bool immediate_responses = true;
  bool observes = false;                        // observability_mode
  base::Nanos lingers_for = 5 * base::kSecond;  // deferred_close_timeout
  bool sends_body_early = false;                // send_body_without_waiting_for_header_response
  filter::MutationRules rules;
  enum class RouteCache : uint8_t { kDefault, kClear, kRetain };
  RouteCache route_cache = RouteCache::kDefault;
  match::StringMatchers allowed_headers;  // Empty: all.
  match::StringMatchers disallowed_headers;
  std::vector<std::string> forwarded_namespaces;  // Of dynamic metadata.
  std::vector<std::string> received_namespaces;
  AttributeList attributes[2];  // By filter::Direction.
  std::string noted;            // filter_metadata, as JSON; empty: there is none.
};

// ExtProcPerRoute, of one level.
struct RouteSettings {
  bool disabled = false;
  std::optional<Mode> mode;
  std::optional<rpc::GrpcService> service;
  std::optional<bool> failure_mode_allow;
  std::optional<std::vector<std::string>> forwarded_namespaces;
  std::optional<std::vector<std::string>> received_namespaces;
  // grpc_initial_metadata: in the place of what the service has under the same name.
  std::vector<std::pair<std::string, std::string>> metadata;
};

}  // namespace proxenos::filters::ext_proc
