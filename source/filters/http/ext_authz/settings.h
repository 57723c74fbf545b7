// What an ext_authz filter is configured to do, compiled:
// envoy.extensions.filters.http.ext_authz.v3.
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/filter/mutation_rules.h"
#include "source/json/value.h"
#include "source/match/string_matchers.h"
#include "source/match/value_matcher.h"
#include "source/rpc/call_retries.h"
#include "source/rpc/service.h"
#include "source/runtime/setting.h"

namespace proxenos::filters::ext_authz {

// HttpService
struct HttpServer {
  rpc::HttpService service;
  std::string path_prefix;
  std::string path_override;  // In the place of the request's path; empty: none.
  std::vector<std::pair<std::string, std::string>> headers_to_add;
  rpc::CallRetries retries;
  // Which fields of the answer go where. Without `client` all go to a client that is denied.
  match::StringMatchers upstream;
  match::StringMatchers upstream_to_append;
  std::optional<match::StringMatchers> client;
  match::StringMatchers client_on_success;
  match::StringMatchers metadata;
};

// BufferSettings
struct BodySettings {
  uint32_t max_bytes = 0;
  bool allow_partial = false;
  bool as_bytes = false;
};

// What the filter leaves of itself in filter state, under its name.
struct Notes {
  json::Object metadata;      // filter_metadata
  bool with_latency = false;  // emit_filter_state_stats
};

struct Settings {
  // Exactly one of these two.
  std::optional<rpc::GrpcService> grpc;
  std::optional<HttpServer> http;

  std::optional<BodySettings> body;
  // Of the request's fields: what is sent. No value: all of them.
  std::optional<match::StringMatchers> allowed_headers;
  match::StringMatchers disallowed_headers;
  std::vector<std::string> metadata_namespaces;
  std::vector<std::string> route_metadata_namespaces;
  std::string labels_key;  // Of the node's metadata; empty: none.

  runtime::FractionSetting enabled = runtime::FractionSetting{{100, 100}};
  uint16_t status_on_error = 403;
  uint32_t max_denied_body_bytes = 0;  // 0: no limit but that of the answer.
  runtime::FlagSetting deny_at_disable;
  bool failure_mode_allow = false;
  bool failure_mode_allow_header_add = false;
  bool clear_route_cache = false;
  bool validate_mutations = false;
  bool include_peer_certificate = false;
  bool include_tls_session = false;
  bool encode_raw_headers = false;
  bool charge_cluster_stats = true;
  bool ingest_metadata = true;
  std::optional<match::MetadataMatcher> enabled_metadata;  // Of dynamic metadata; none: always.
  // What the service may change of requests; none: all but what codecs own.
  std::optional<filter::MutationRules> rules;
  bool shadows = false;                // shadow_mode
  bool limits_responses = false;       // enforce_response_header_limits
  std::unique_ptr<const Notes> notes;  // Null: it leaves none.
};

// ExtAuthzPerRoute, of one level.
struct RouteSettings {
  bool disabled = false;
  std::map<std::string, std::string> context_extensions;
  bool no_body = false;  // disable_request_body_buffering
  std::optional<BodySettings> body;
  std::optional<rpc::GrpcService> grpc;
  std::optional<HttpServer> http;
};

// What one request is checked by: the most specific level decides, but for the extensions, which
// are those of all levels together.
struct CheckContext {
  const Settings& settings;
  const RouteSettings* route = nullptr;                   // May be null.
  std::map<std::string, std::string> context_extensions;  // By key, for a stable order.

  const rpc::GrpcService* grpc() const {
    if (route != nullptr && route->grpc.has_value()) return &*route->grpc;
    if (route != nullptr && route->http.has_value()) return nullptr;
    return settings.grpc.has_value() ? &*settings.grpc : nullptr;
  }
  // REQUIRES: grpc() is null.
  const HttpServer& http() const {
    return route != nullptr && route->http.has_value() ? *route->http : *settings.http;
  }
  // Null: the body is not sent.
  const BodySettings* body() const {
    if (route != nullptr && route->no_body) return nullptr;
    if (route != nullptr && route->body.has_value()) return &*route->body;
    return settings.body.has_value() ? &*settings.body : nullptr;
  }
};

}  // namespace proxenos::filters::ext_authz
