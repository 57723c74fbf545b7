// The rules on forwarded and generated headers.
#include "source/downstream/request_headers.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/base/uuid.h"
#include "source/downstream/client_address.h"
#include "source/downstream/client_cert_header.h"
#include "source/downstream/origin_rules.h"
#include "source/http/list_field.h"

namespace proxenos::downstream {
namespace {

using http::HeaderId;

// Fields by which a trusted caller steers the router: an outsider's are removed.
constexpr HeaderId kInternalOnly[] = {
    HeaderId::kXEnvoyRetriableStatusCodes,
    HeaderId::kXEnvoyRetriableHeaderNames,
    HeaderId::kXEnvoyRetryOn,
    HeaderId::kXEnvoyRetryGrpcOn,
    HeaderId::kXEnvoyMaxRetries,
    HeaderId::kXEnvoyUpstreamAltStatName,
    HeaderId::kXEnvoyUpstreamRqTimeoutMs,
    HeaderId::kXEnvoyUpstreamRqPerTryTimeoutMs,
    HeaderId::kXEnvoyUpstreamRqTimeoutAltResponse,
    HeaderId::kXEnvoyExpectedRqTimeoutMs,
    HeaderId::kXEnvoyForceTrace,
    HeaderId::kXEnvoyIpTags,
    HeaderId::kXEnvoyHedgeOnPerTryTimeout,
};
constexpr HeaderId kEdgeOnly[] = {
    HeaderId::kXEnvoyDecoratorOperation,
    HeaderId::kXEnvoyDownstreamServiceCluster,
    HeaderId::kXEnvoyDownstreamServiceNode,
    HeaderId::kXEnvoyOriginalPath,
};

// More that an outsider may not send; they have no ids, as nobody reads them here. By the first,
// who follows redirects (a proxy before this one, or this one) tells what was asked for at first;
// the others mean something to an Envoy behind this one.
constexpr absl::string_view kInternalNames[] = {"x-envoy-original-url",
                                                "x-envoy-upstream-stream-duration-ms"};
constexpr absl::string_view kEdgeNames[] = {"x-envoy-original-host"};

void AppendVia(const std::string& via, http::HeaderMap& headers) {
  if (!via.empty()) http::AppendToList(headers, HeaderId::kVia, ", ", via);
}

void SetRequestId(const RequestOrigin& origin, bool replace, http::HeaderMap& headers) {
  if (headers.Has(HeaderId::kXRequestId)) {
    if (!replace) return;
    headers.Remove(HeaderId::kXRequestId);
  }
  char* uuid = static_cast<char*>(headers.arena().Allocate(base::kUuidSize));
  base::FormatUuid(origin.random, uuid);
  headers.AddView(HeaderId::kXRequestId, http::HeaderName(HeaderId::kXRequestId),
                  absl::string_view(uuid, base::kUuidSize));
}

bool AppendsPort(const HttpConfig& config) {
  return config.origin != nullptr && config.origin->append_x_forwarded_port;
}

void SetForwardedPort(const RequestOrigin& origin, http::HeaderMap& headers) {
  const net::Address& local = origin.connection.local;
  if (!local.IpBytes().empty()) {
    headers.Set(HeaderId::kXForwardedPort, absl::AlphaNum(local.port()).Piece());
  }
}

// use_remote_address: this proxy is the edge, and says itself who the client is.
net::Address TakeRemoteAddress(const HttpConfig& config, const RequestOrigin& origin,
                               absl::string_view scheme, http::HeaderMap& headers) {
  net::Address remote = origin.connection.remote();
  const bool trusting = config.xff_trusted_hops > 0;
  if (trusting) {
    const auto forwarded = ForwardedAddress(headers, config.xff_trusted_hops - 1);
    if (forwarded) remote = *forwarded;
  }
  if (!config.skip_xff_append) AppendForwardedFor(headers, origin.connection.remote());
  if (!trusting || !headers.Has(HeaderId::kXForwardedProto)) {
    headers.Set(HeaderId::kXForwardedProto, scheme);
  }
  if (AppendsPort(config) && (!trusting || !headers.Has(HeaderId::kXForwardedPort))) {
    SetForwardedPort(origin, headers);
  }
  return remote;
}

// Who is before this proxy has said it.
net::Address TrustForwarded(const HttpConfig& config, const RequestOrigin& origin,
                            absl::string_view scheme, http::HeaderMap& headers) {
  if (!headers.Has(HeaderId::kXForwardedProto)) {
    headers.AddView(HeaderId::kXForwardedProto, http::HeaderName(HeaderId::kXForwardedProto),
                    scheme);
  }
  if (AppendsPort(config) && !headers.Has(HeaderId::kXForwardedPort)) {
    SetForwardedPort(origin, headers);
  }
  const auto forwarded = origin.detected != nullptr
                             ? origin.detected->address
                             : ForwardedAddress(headers, config.xff_trusted_hops);
  return forwarded ? *forwarded : origin.connection.remote();
}

void SetScheme(const HttpConfig& config, absl::string_view own, http::RequestHead& head) {
  if (config.origin != nullptr && !config.origin->scheme.empty()) {
    head.scheme = config.origin->scheme;
    head.headers.Set(HeaderId::kXForwardedProto, head.scheme);
  }
  if (!head.scheme.empty()) return;
  const absl::string_view forwarded = head.headers.Get(HeaderId::kXForwardedProto);
  head.scheme = forwarded == "https"  ? absl::string_view("https")
                : forwarded == "http" ? absl::string_view("http")
                                      : own;
}

// What the client speaks, as this proxy sees it; or as the port says that it wanted to reach, where
// a PROXY header told of that (forward_proto_config): then somebody before has ended its TLS.
absl::string_view OwnScheme(const HttpConfig& config, const RequestOrigin& origin) {
  if (config.origin != nullptr && origin.connection.local_restored) {
    const uint32_t port = origin.connection.local.port();
    const auto has = [port](const std::vector<uint32_t>& ports) {
      return std::find(ports.begin(), ports.end(), port) != ports.end();
    };
    if (has(config.origin->https_ports)) return "https";
    if (has(config.origin->http_ports)) return "http";
  }
  return origin.tls ? "https" : "http";
}

// Whether nobody stands between the client, as its address is about to be told, and who tells: then
// it may be one of ours. As in Envoy a request that comes with x-forwarded-for to the edge is not.
bool ToldAlone(const HttpConfig& config, const RequestOrigin& origin,
               const http::HeaderMap& headers) {
  if (config.origin == nullptr || !config.origin->internal) return false;
  if (config.use_remote_address) return !headers.Has(HeaderId::kXForwardedFor);
  if (origin.detected != nullptr) return origin.detected->may_be_internal;
  return config.xff_trusted_hops == 0 && NamesOneAlone(headers) &&
         ForwardedAddress(headers, 0).has_value();
}

// Who sends on says so, where the one before did not.
void AddUserAgent(const filter::LocalNode* node, http::HeaderMap& headers) {
  const absl::string_view cluster = node == nullptr ? absl::string_view() : node->cluster;
  headers.Set(HeaderId::kXEnvoyDownstreamServiceCluster, cluster);
  if (headers.Get(HeaderId::kUserAgent).empty()) headers.Set(HeaderId::kUserAgent, cluster);
  if (node != nullptr && !node->id.empty()) {
    headers.Set(HeaderId::kXEnvoyDownstreamServiceNode, node->id);
  }
}

template <size_t N, size_t M>
void RemoveAll(const HeaderId (&ids)[N], const absl::string_view (&names)[M],
               http::HeaderMap& headers) {
  // One pass: nearly always there is nothing to remove.
  headers.RemoveIf([&ids, &names](const http::Header& header) {
    if (header.id == HeaderId::kUnknown) {
      for (const absl::string_view name : names) {
        if (header.name() == name) return true;
      }
      return false;
    }
    if (header.id < HeaderId::kXEnvoyAttemptCount) return false;
    for (const HeaderId id : ids) {
      if (header.id == id) return true;
    }
    return false;
  });
}

}  // namespace

net::Address MutateRequestHeaders(const HttpConfig& config, const RequestOrigin& origin,
                                  http::RequestHead& head) {
  http::HeaderMap& headers = head.headers;
  const absl::string_view scheme = OwnScheme(config, origin);
  headers.Remove(HeaderId::kXEnvoyInternal);
  const bool told_alone = ToldAlone(config, origin, headers);
  const net::Address remote = config.use_remote_address
                                  ? TakeRemoteAddress(config, origin, scheme, headers)
                                  : TrustForwarded(config, origin, scheme, headers);
  SetScheme(config, scheme, head);
  // Who is not one of ours steers nothing; where this proxy says itself who the client is, it is
  // the edge. Without internal_address_config nobody is one of ours (Envoy's default).
  const bool internal = told_alone && config.origin->internal->Holds(remote);
  const bool edge = config.use_remote_address && !internal;
  if (internal) {
    headers.AddView(HeaderId::kXEnvoyInternal, http::HeaderName(HeaderId::kXEnvoyInternal), "true");
  } else {
    RemoveAll(kInternalOnly, kInternalNames, headers);
  }
  if (edge) {
    RemoveAll(kEdgeOnly, kEdgeNames, headers);
    char text[net::Address::kMaxIpText];
    headers.Set(HeaderId::kXEnvoyExternalAddress, absl::string_view(text, remote.FormatIp(text)));
  }
  if (config.generate_request_id) {
    SetRequestId(origin, edge && !config.preserve_external_request_id, headers);
  }
  if (config.origin != nullptr && config.origin->add_user_agent) AddUserAgent(origin.node, headers);
  AppendVia(config.via, headers);
  MutateClientCertHeader(config, origin.connection, head);
  return remote;
}

void MutateResponseHeaders(const HttpConfig& config, const http::RequestHead& request,
                           absl::string_view date, http::ResponseHead& head) {
  http::HeaderMap& headers = head.headers;
  // A copy: access logs may show it in another second.
  if (!headers.Has(HeaderId::kDate)) headers.Add(HeaderId::kDate, date);
  if (config.server_header == HttpConfig::ServerHeader::kOverwrite) {
    headers.Remove(HeaderId::kServer);
  }
  if (config.server_header == HttpConfig::ServerHeader::kOverwrite ||
      (config.server_header == HttpConfig::ServerHeader::kAppendIfAbsent &&
       !headers.Has(HeaderId::kServer))) {
    headers.AddView(HeaderId::kServer, http::HeaderName(HeaderId::kServer), config.server_name);
  }
  if (config.always_set_request_id_in_response) {
    const absl::string_view id = request.headers.Get(HeaderId::kXRequestId);
    if (!id.empty()) headers.Set(HeaderId::kXRequestId, id);
  }
  AppendVia(config.via, headers);
}

}  // namespace proxenos::downstream
