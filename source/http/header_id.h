// The header names that the proxy itself looks at, each with a small number, found by a perfect
// hash when a name is parsed: from then on a look-up compares integers.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace proxenos::http {

// X(enumerator, "lower-case name")
#define PROXENOS_KNOWN_HEADERS(X)                                               \
  X(kAccept, "accept")                                                          \
  X(kAcceptEncoding, "accept-encoding")                                         \
  X(kAge, "age")                                                                \
  X(kAuthorization, "authorization")                                            \
  X(kCacheControl, "cache-control")                                             \
  X(kConnection, "connection")                                                  \
  X(kContentEncoding, "content-encoding")                                       \
  X(kContentLength, "content-length")                                           \
  X(kContentType, "content-type")                                               \
  X(kCookie, "cookie")                                                          \
  X(kDate, "date")                                                              \
  X(kEtag, "etag")                                                              \
  X(kExpect, "expect")                                                          \
  X(kExpires, "expires")                                                        \
  X(kForwarded, "forwarded")                                                    \
  X(kHost, "host")                                                              \
  X(kIfMatch, "if-match")                                                       \
  X(kIfModifiedSince, "if-modified-since")                                      \
  X(kIfNoneMatch, "if-none-match")                                              \
  X(kIfRange, "if-range")                                                       \
  X(kKeepAlive, "keep-alive")                                                   \
  X(kLastModified, "last-modified")                                             \
  X(kLocation, "location")                                                      \
  X(kOrigin, "origin")                                                          \
  X(kPragma, "pragma")                                                          \
  X(kProxyAuthenticate, "proxy-authenticate")                                   \
  X(kProxyAuthorization, "proxy-authorization")                                 \
  X(kProxyConnection, "proxy-connection")                                       \
  X(kRange, "range")                                                            \
  X(kReferer, "referer")                                                        \
  X(kRetryAfter, "retry-after")                                                 \
  X(kServer, "server")                                                          \
  X(kSetCookie, "set-cookie")                                                   \
  X(kTe, "te")                                                                  \
  X(kTrailer, "trailer")                                                        \
  X(kTransferEncoding, "transfer-encoding")                                     \
  X(kUpgrade, "upgrade")                                                        \
  X(kUserAgent, "user-agent")                                                   \
  X(kVary, "vary")                                                              \
  X(kVia, "via")                                                                \
  X(kWwwAuthenticate, "www-authenticate")                                       \
  X(kHttp2Settings, "http2-settings")                                           \
  X(kGrpcStatus, "grpc-status")                                                 \
  X(kGrpcMessage, "grpc-message")                                               \
  X(kGrpcTimeout, "grpc-timeout")                                               \
  X(kXForwardedFor, "x-forwarded-for")                                          \
  X(kXForwardedHost, "x-forwarded-host")                                        \
  X(kXForwardedProto, "x-forwarded-proto")                                      \
  X(kXForwardedPort, "x-forwarded-port")                                        \
  X(kXForwardedClientCert, "x-forwarded-client-cert")                           \
  X(kXRequestId, "x-request-id")                                                \
  X(kXEnvoyAttemptCount, "x-envoy-attempt-count")                               \
  X(kXEnvoyExpectedRqTimeoutMs, "x-envoy-expected-rq-timeout-ms")               \
  X(kXEnvoyExternalAddress, "x-envoy-external-address")                         \
  X(kXEnvoyInternal, "x-envoy-internal")                                        \
  X(kXEnvoyMaxRetries, "x-envoy-max-retries")                                   \
  X(kXEnvoyOriginalPath, "x-envoy-original-path")                               \
  X(kXEnvoyRetryOn, "x-envoy-retry-on")                                         \
  X(kXEnvoyUpstreamRqPerTryTimeoutMs, "x-envoy-upstream-rq-per-try-timeout-ms") \
  X(kXEnvoyUpstreamRqTimeoutMs, "x-envoy-upstream-rq-timeout-ms")               \
  X(kXEnvoyUpstreamServiceTime, "x-envoy-upstream-service-time")                \
  X(kXEnvoyDownstreamServiceCluster, "x-envoy-downstream-service-cluster")      \
  X(kXEnvoyDownstreamServiceNode, "x-envoy-downstream-service-node")            \
  X(kXEnvoyOverloaded, "x-envoy-overloaded")                                    \
  X(kXEnvoyLocalOverloaded, "x-envoy-local-overloaded")                         \
  X(kXEnvoyRatelimited, "x-envoy-ratelimited")                                  \
  X(kXEnvoyImmediateHealthCheckFail, "x-envoy-immediate-health-check-fail")     \
  X(kXEnvoyDegraded, "x-envoy-degraded")                                        \
  X(kXEnvoyDecoratorOperation, "x-envoy-decorator-operation")                   \
  X(kXEnvoyForceTrace, "x-envoy-force-trace")                                   \
  X(kXEnvoyHedgeOnPerTryTimeout, "x-envoy-hedge-on-per-try-timeout")            \
  X(kXEnvoyIpTags, "x-envoy-ip-tags")                                           \
  X(kXEnvoyIsTimeoutRetry, "x-envoy-is-timeout-retry")                          \
  X(kXEnvoyOriginalDstHost, "x-envoy-original-dst-host")                        \
  X(kXEnvoyRetriableHeaderNames, "x-envoy-retriable-header-names")              \
  X(kXEnvoyRetriableStatusCodes, "x-envoy-retriable-status-codes")              \
  X(kXEnvoyRetryGrpcOn, "x-envoy-retry-grpc-on")                                \
  X(kXEnvoyUpstreamAltStatName, "x-envoy-upstream-alt-stat-name")               \
  X(kXEnvoyUpstreamCanary, "x-envoy-upstream-canary")                           \
  X(kXEnvoyUpstreamRqTimeoutAltResponse, "x-envoy-upstream-rq-timeout-alt-response")

enum class HeaderId : uint16_t {
  kUnknown = 0,
#define PROXENOS_X(id, name) id,
  PROXENOS_KNOWN_HEADERS(PROXENOS_X)
#undef PROXENOS_X
      kCount,
};

// The id of a lower-case name; kUnknown when it has none.
HeaderId LookUpHeader(const char* name, size_t size);
inline HeaderId LookUpHeader(absl::string_view name) {
  return LookUpHeader(name.data(), name.size());
}

// The lower-case name of a known header.
absl::string_view HeaderName(HeaderId id);

}  // namespace proxenos::http
