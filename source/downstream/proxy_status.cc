// Errors by response flags, as Envoy ranks them, and how they are written.
#include "source/downstream/proxy_status.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/http/chars.h"
#include "source/http/list_field.h"

namespace proxenos::downstream {
namespace {

constexpr char kField[] = "proxy-status";

struct Error {
  uint32_t flag;
  absl::string_view name;
  uint16_t status;  // RFC 9209, section 2.3: the one recommended; 0: none is.
};

// The first whose flag is there. Names and ranks are Envoy's, which are wider than the RFC's.
constexpr Error kErrors[] = {
    {filter::kFailedLocalHealthCheck, "destination_unavailable", 503},
    {filter::kNoHealthyUpstream, "destination_unavailable", 503},
    {filter::kUpstreamRequestTimeout, "http_response_timeout", 504},
    {filter::kDurationTimeout, "connection_timeout", 504},
    {filter::kLocalReset, "connection_timeout", 504},
    {filter::kUpstreamRemoteReset, "connection_terminated", 502},
    {filter::kUpstreamConnectionFailure, "connection_refused", 502},
    {filter::kUnauthorizedExternalService, "connection_refused", 502},
    {filter::kUpstreamConnectionTermination, "connection_terminated", 502},
    {filter::kOverload, "connection_limit_reached", 503},
    {filter::kDropOverload, "connection_limit_reached", 503},
    {filter::kFaultInjected, "http_request_error", 0},
    {filter::kDownstreamConnectionTermination, "connection_terminated", 502},
    {filter::kDownstreamRemoteReset, "connection_terminated", 502},
    {filter::kUpstreamOverflow, "connection_limit_reached", 503},
    {filter::kNoRouteFound, "destination_not_found", 500},
    {filter::kRateLimited, "connection_limit_reached", 503},
    {filter::kRateLimitServiceError, "connection_limit_reached", 503},
    {filter::kUpstreamRetryLimitExceeded, "destination_unavailable", 503},
    {filter::kStreamIdleTimeout, "http_response_timeout", 504},
    {filter::kInvalidEnvoyRequestHeaders, "http_request_error", 0},
    {filter::kDownstreamProtocolError, "http_request_error", 0},
    {filter::kUpstreamMaxStreamDurationReached, "http_response_timeout", 504},
    {filter::kNoFilterConfigFound, "proxy_configuration_error", 500},
    {filter::kUpstreamProtocolError, "http_protocol_error", 502},
    {filter::kNoClusterFound, "destination_unavailable", 503},
    {filter::kDnsResolutionFailed, "dns_error", 502},
};

const Error* ErrorOf(uint32_t flags) {
  if (flags == 0) return nullptr;
  for (const Error& error : kErrors) {
    if ((flags & error.flag) != 0) return &error;
  }
  return nullptr;
}

// An sf-string: printable ASCII.
void AppendQuoted(absl::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c >= ' ' && c <= '~' ? c : '?';
  }
  out += '"';
}

void AppendFlags(uint32_t flags, std::string& out) {
  const char* separator = "; ";
#define PROXENOS_X(id, bit, short_name, long_name) \
  if ((flags & filter::id) != 0) {                 \
    absl::StrAppend(&out, separator, short_name);  \
    separator = ",";                               \
  }
  PROXENOS_RESPONSE_FLAGS(PROXENOS_X)
#undef PROXENOS_X
}

}  // namespace

std::string ProxyName(absl::string_view name) {
  bool token = !name.empty() && (absl::ascii_isalpha(name[0]) || name[0] == '*');
  for (const char c : name) {
    token = token && (http::IsTokenChar(c) || c == ':' || c == '/');
  }
  if (token) return std::string(name);
  std::string quoted;
  AppendQuoted(name, quoted);
  return quoted;
}

void AddProxyStatus(const ProxyStatus& rules, const filter::LocalNode* node,
                    const filter::StreamInfo& info, http::ResponseHead& head) {
  const Error* error = ErrorOf(info.flags);
  if (error == nullptr) return;
  std::string value = rules.node_id ? ProxyName(node == nullptr ? "" : node->id) : rules.name;
  absl::StrAppend(&value, "; error=", error->name);
  if (rules.details && !info.details.empty()) {
    std::string details(info.details);
    std::replace(details.begin(), details.end(), ' ', '_');  // As access logs write them.
    if (rules.connection_details && !info.connection_termination_details.empty()) {
      absl::StrAppend(&details, "; ", info.connection_termination_details);
    }
    if (rules.flags) AppendFlags(info.flags, details);
    value += "; details=";
    AppendQuoted(details, value);
  }
  http::AppendToList(head.headers, absl::string_view(kField), ", ", value);
  if (rules.sets_status && error->status != 0) head.status = error->status;
}

}  // namespace proxenos::downstream
