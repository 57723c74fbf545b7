// Route and VirtualHost: the compiled configuration that a matched request is served by.
//
// Owner: the RouteTable; its addresses are stable for the table's life. Thread: any (immutable once
// the table is built).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "source/json/value.h"
#include "source/route/action.h"
#include "source/route/filter_override.h"
#include "source/route/header_matcher.h"
#include "source/route/header_mutations.h"
#include "source/route/path_index.h"
#include "source/runtime/setting.h"

namespace proxenos::filter {
struct StreamInfo;
}

namespace proxenos::route {

struct FurtherConditions;  // source/route/further_conditions.h
struct RouteTracing;       // source/route/tracing.h
class RouteTree;
struct VirtualHost;

// What of a request a match may depend on.
struct MatchInput {
  const http::RequestHead& head;
  // One number for the whole of a request: fractions and weights are drawn from it.
  uint64_t random = 0;
  bool is_https = false;     // As x-forwarded-proto says after the connection manager set it.
  bool is_internal = false;  // x-envoy-internal, for VirtualHost.require_tls.
  const runtime::Snapshot* runtime = nullptr;
  // What is known of the stream besides, for a RouteTree; may be null.
  const filter::StreamInfo* stream = nullptr;
};

// RouteMatch but for its path, which the PathIndex looks up.
struct Conditions {
  std::vector<HeaderMatcher> headers;
  std::vector<QueryMatcher> query;
  bool grpc = false;  // content-type application/grpc or application/grpc+….
  std::optional<runtime::FractionSetting> fraction;  // runtime_fraction, unless it always holds.
  // Cookies, and what is known of the stream besides its request; null: they do not matter.
  std::shared_ptr<const FurtherConditions> further;

  bool empty() const {
    return headers.empty() && query.empty() && !grpc && !fraction && further == nullptr;
  }
  bool Hold(const MatchInput& input) const;
};

// A whole RouteMatch, for whoever else the API lets match requests so.
struct RequestMatcher {
  PathPattern path;
  Conditions conditions;

  bool Matches(const MatchInput& input) const;
};

// Of a request's body that went to a host: what is kept of it for a retry where
// request_body_buffer_limit does not say. As much as in Envoy; only routes with a retry policy do.
inline constexpr uint32_t kKeptBodyBytes = 1024 * 1024;

struct Route {
  std::string name;
  std::string stat_prefix;  // Empty: the route has no stats of its own.
  const VirtualHost* virtual_host = nullptr;
  PathPattern path;
  Conditions conditions;
  std::variant<Forward, Redirect, DirectResponse> action;
  HeaderMutations request_headers;
  HeaderMutations response_headers;
  FilterOverrides filter_overrides;
  std::shared_ptr<const json::Object> metadata;  // filter_metadata by namespace; null: none.
  std::optional<uint64_t> request_body_limit;    // Of what is kept of a body for retries.
  std::shared_ptr<const RouteTracing> tracing;   // decorator and tracing; null: none.

  const Forward* forward() const { return std::get_if<Forward>(&action); }
  const Redirect* redirect() const { return std::get_if<Redirect>(&action); }
  const DirectResponse* direct_response() const { return std::get_if<DirectResponse>(&action); }
};

struct VirtualCluster {
  std::string name;
  std::vector<HeaderMatcher> headers;  // All must match.
  bool catch_all = false;              // "other": of requests that belong to no other.
};

struct VirtualHost {
  enum class RequireTls : uint8_t { kNone, kExternalOnly, kAll };

  std::string name;
  std::vector<std::string> domains;  // Lower case.
  RequireTls require_tls = RequireTls::kNone;
  bool include_request_attempt_count = false;
  bool include_attempt_count_in_response = false;
  bool include_is_timeout_retry = false;  // include_is_timeout_retry_header
  std::vector<Route> routes;  // In the order of the list: the first that matches is used.
  std::vector<VirtualCluster> virtual_clusters;  // Where there are any, the last is catch_all.
  RateLimits rate_limits;
  HeaderMutations request_headers;
  HeaderMutations response_headers;
  FilterOverrides filter_overrides;
  std::shared_ptr<const json::Object> metadata;  // As a route's.
  std::optional<uint64_t> request_body_limit;
  // VirtualHost.matcher, which chooses among `routes` instead of their order; null: there is none.
  std::shared_ptr<const RouteTree> tree;

  // Made by RouteTable.
  std::unique_ptr<const PathIndex> index;     // Null: the list is short enough to be walked.
  std::unique_ptr<const Route> tls_redirect;  // Where require_tls is not kNone.

  // The first route whose path and conditions match, or nullptr. `path` without its query.
  const Route* Match(const MatchInput& input, absl::string_view path) const;
  // The same, always by walking the list.
  const Route* MatchInOrder(const MatchInput& input, absl::string_view path) const;
  // The first virtual cluster that the request belongs to, or nullptr.
  const VirtualCluster* FindVirtualCluster(const http::RequestHead& head) const;
};

}  // namespace proxenos::route
