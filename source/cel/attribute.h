// The attributes that expressions may name, as Envoy documents them, and what shows them.
//
// Thread: any.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "source/cel/value.h"

namespace proxenos::cel {

// X(enumerator, "name", phase): the phase from which on it has a value.
#define PROXENOS_ATTRIBUTES(X)                                                       \
  X(kRequestPath, "request.path", kRequest)                                          \
  X(kRequestUrlPath, "request.url_path", kRequest)                                   \
  X(kRequestHost, "request.host", kRequest)                                          \
  X(kRequestScheme, "request.scheme", kRequest)                                      \
  X(kRequestMethod, "request.method", kRequest)                                      \
  X(kRequestHeaders, "request.headers", kRequest)                                    \
  X(kRequestReferer, "request.referer", kRequest)                                    \
  X(kRequestUserAgent, "request.useragent", kRequest)                                \
  X(kRequestTime, "request.time", kRequest)                                          \
  X(kRequestId, "request.id", kRequest)                                              \
  X(kRequestProtocol, "request.protocol", kRequest)                                  \
  X(kRequestQuery, "request.query", kRequest)                                        \
  X(kRequestDuration, "request.duration", kEnd)                                      \
  X(kRequestSize, "request.size", kRequest)                                          \
  X(kRequestTotalSize, "request.total_size", kRequest)                               \
  X(kResponseCode, "response.code", kResponse)                                       \
  X(kResponseCodeDetails, "response.code_details", kResponse)                        \
  X(kResponseFlags, "response.flags", kResponse)                                     \
  X(kResponseGrpcStatus, "response.grpc_status", kResponse)                          \
  X(kResponseHeaders, "response.headers", kResponse)                                 \
  X(kResponseTrailers, "response.trailers", kEnd)                                    \
  X(kResponseSize, "response.size", kResponse)                                       \
  X(kResponseTotalSize, "response.total_size", kResponse)                            \
  X(kResponseBackendLatency, "response.backend_latency", kEnd)                       \
  X(kSourceAddress, "source.address", kConnection)                                   \
  X(kSourcePort, "source.port", kConnection)                                         \
  X(kDestinationAddress, "destination.address", kConnection)                         \
  X(kDestinationPort, "destination.port", kConnection)                               \
  X(kConnectionId, "connection.id", kConnection)                                     \
  X(kConnectionMtls, "connection.mtls", kConnection)                                 \
  X(kConnectionServerName, "connection.requested_server_name", kConnection)          \
  X(kConnectionTlsVersion, "connection.tls_version", kConnection)                    \
  X(kConnectionSubjectLocal, "connection.subject_local_certificate", kConnection)    \
  X(kConnectionSubjectPeer, "connection.subject_peer_certificate", kConnection)      \
  X(kConnectionDnsLocal, "connection.dns_san_local_certificate", kConnection)        \
  X(kConnectionDnsPeer, "connection.dns_san_peer_certificate", kConnection)          \
  X(kConnectionUriLocal, "connection.uri_san_local_certificate", kConnection)        \
  X(kConnectionUriPeer, "connection.uri_san_peer_certificate", kConnection)          \
  X(kConnectionSha256Peer, "connection.sha256_peer_certificate_digest", kConnection) \
  X(kConnectionTermination, "connection.termination_details", kConnection)           \
  X(kConnectionTransportFailure, "connection.transport_failure_reason", kConnection) \
  X(kUpstreamAddress, "upstream.address", kUpstream)                                 \
  X(kUpstreamPort, "upstream.port", kUpstream)                                       \
  X(kUpstreamTlsVersion, "upstream.tls_version", kUpstream)                          \
  X(kUpstreamSubjectLocal, "upstream.subject_local_certificate", kUpstream)          \
  X(kUpstreamSubjectPeer, "upstream.subject_peer_certificate", kUpstream)            \
  X(kUpstreamDnsLocal, "upstream.dns_san_local_certificate", kUpstream)              \
  X(kUpstreamDnsPeer, "upstream.dns_san_peer_certificate", kUpstream)                \
  X(kUpstreamUriLocal, "upstream.uri_san_local_certificate", kUpstream)              \
  X(kUpstreamUriPeer, "upstream.uri_san_peer_certificate", kUpstream)                \
  X(kUpstreamSha256Peer, "upstream.sha256_peer_certificate_digest", kUpstream)       \
  X(kUpstreamLocalAddress, "upstream.local_address", kUpstream)                      \
  X(kUpstreamTransportFailure, "upstream.transport_failure_reason", kUpstream)       \
  X(kUpstreamAttempts, "upstream.request_attempt_count", kUpstream)                  \
  X(kMetadata, "metadata.filter_metadata", kConnection)                              \
  X(kFilterState, "filter_state", kConnection)                                       \
  X(kClusterName, "xds.cluster_name", kUpstream)                                     \
  X(kRouteName, "xds.route_name", kRequest)                                          \
  X(kRouteMetadata, "xds.route_metadata.filter_metadata", kRequest)                  \
  X(kClusterMetadata, "xds.cluster_metadata.filter_metadata", kUpstream)             \
  X(kHostMetadata, "xds.upstream_host_metadata.filter_metadata", kUpstream)          \
  X(kVirtualHostName, "xds.virtual_host_name", kRequest)                             \
  X(kFilterChainName, "xds.filter_chain_name", kConnection)

// In the order above: what reads them goes by ranges.
enum class Attribute : uint8_t {
#define PROXENOS_X(id, name, phase) id,
  PROXENOS_ATTRIBUTES(PROXENOS_X)
#undef PROXENOS_X
};

// When an attribute comes to be known, in the order of a stream's life.
enum class Phase : uint8_t { kConnection, kRequest, kUpstream, kResponse, kEnd };

std::optional<Attribute> FindAttribute(absl::string_view name);
absl::string_view AttributeName(Attribute attribute);
Phase PhaseOf(Attribute attribute);
// "expected …": what to write where `name` ("request.colour") is no attribute.
absl::string_view HintFor(absl::string_view name);

// Shows the attributes of one stream. Owner: whoever asks, on its stack. Thread: its worker.
class Attributes {
 public:
  virtual ~Attributes() = default;
  // An error where it has no value, or none yet. Views live as long as what is shown.
  virtual Value Read(Attribute attribute, Memory& memory) const = 0;
};

}  // namespace proxenos::cel
