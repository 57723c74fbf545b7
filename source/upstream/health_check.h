// HealthCheck: how the hosts of a cluster are checked: core.v3.HealthCheck compiled to plain data.
// What does it is source/health.
//
// Invariant: immutable once compiled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/match/string_matcher.h"
#include "source/net/address.h"
#include "source/upstream/transport_socket.h"

namespace proxenos::upstream {

// What a check of one endpoint does otherwise than a request to it: Endpoint.health_check_config.
struct CheckTarget {
  net::Address address;   // Of family kNone: the host's own.
  uint16_t port = 0;      // 0: the address's own.
  std::string hostname;   // Empty: as the check says.
  bool disabled = false;  // The host counts as healthy unless discovery says otherwise.

  friend bool operator==(const CheckTarget&, const CheckTarget&) = default;
};

// A field that checks carry, as HeaderValueOption says: literal text.
struct CheckHeader {
  enum class Action : uint8_t { kAppend, kAddIfAbsent, kOverwrite, kOverwriteIfPresent };
  std::string name;  // Lower case.
  std::string value;
  Action action = Action::kAppend;
};

// HealthCheck.HttpHealthCheck
struct HttpCheck {
  // Half-open, as in Int64Range.
  using Statuses = std::vector<std::pair<uint16_t, uint16_t>>;

  std::string host;  // Empty: the cluster's name.
  std::string path;
  std::string method = "GET";
  std::string send;
  // The body of a good answer has all of these, in this order.
  std::vector<std::string> receive;
  uint64_t response_bytes = 1024;  // Of the body that are looked at; 0: all.
  std::vector<CheckHeader> headers;
  std::vector<std::string> removed_headers;  // Lower case.
  Statuses expected = {{200, 201}};
  Statuses retriable;
  bool http2 = false;
  std::optional<match::StringMatcher> service_name;
};

// HealthCheck.TcpHealthCheck
struct TcpCheck {
  std::string send;
  // Nothing to send and nothing to receive: that it can be connected to is enough.
  std::vector<std::string> receive;
  ProxyHeader proxy_header = ProxyHeader::kNone;
};

// HealthCheck.GrpcHealthCheck
struct GrpcCheck {
  std::string service_name;
  std::string authority;  // Empty: the cluster's name.
  std::vector<CheckHeader> metadata;
};

struct HealthCheck {
  // kRedis is a kTcp that speaks of itself as what it is.
  enum class Kind : uint8_t { kHttp, kTcp, kGrpc, kRedis };

  Kind kind = Kind::kHttp;
  HttpCheck http;
  TcpCheck tcp;
  GrpcCheck grpc;

  base::Nanos timeout = 0;
  base::Nanos interval = 0;
  base::Nanos initial_jitter = 0;
  base::Nanos interval_jitter = 0;
  uint32_t interval_jitter_percent = 0;
  // While the cluster has seen no request.
  base::Nanos no_traffic_interval = 60 * base::kSecond;
  base::Nanos no_traffic_healthy_interval = 60 * base::kSecond;
  // Of hosts that are unhealthy, or whose last checks differ from what they are thought to be.
  base::Nanos unhealthy_interval = 0;
  base::Nanos unhealthy_edge_interval = 0;
  base::Nanos healthy_edge_interval = 0;
  uint32_t unhealthy_threshold = 1;
  uint32_t healthy_threshold = 1;

  uint16_t alt_port = 0;  // 0: the host's own.
  bool reuse_connection = true;
  // Chooses the transport socket in place of the endpoint's own metadata.
  std::optional<FlatStruct> transport_match;
  // What TLS offers in place of what the transport socket says: tls_options; none: that holds.
  std::vector<std::string> alpn;

  std::vector<std::string> event_log_paths;
  bool always_log_failures = false;
  bool always_log_successes = false;
};

}  // namespace proxenos::upstream
