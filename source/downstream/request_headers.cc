// The rules on forwarded and generated headers.
#include "source/downstream/request_headers.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/base/uuid.h"
#include "source/downstream/client_cert_header.h"

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

// The address `hops` places before the last in x-forwarded-for, or nullopt.
std::optional<net::Address> ForwardedAddress(const http::HeaderMap& headers, uint32_t hops) {
  // Several fields are one list; walk it from the end.
  for (uint32_t i = headers.size(); i > 0; --i) {
    const http::Header& header = headers.begin()[i - 1];
    if (header.id != HeaderId::kXForwardedFor) continue;
    absl::string_view rest = header.value();
    while (true) {
      const size_t comma = rest.rfind(',');
      const absl::string_view last = absl::StripAsciiWhitespace(
          comma == absl::string_view::npos ? rest : rest.substr(comma + 1));
      if (hops == 0) {
        auto address = net::Address::FromIp(last, 0);
        if (!address.ok()) return std::nullopt;
        return *address;
      }
      --hops;
      if (comma == absl::string_view::npos) break;
      rest = rest.substr(0, comma);
    }
  }
  return std::nullopt;
}

void AppendForwardedFor(http::HeaderMap& headers, const net::Address& address) {
  char text[net::Address::kMaxIpText];
  const absl::string_view ip(text, address.FormatIp(text));
  if (ip.empty()) return;
  for (uint32_t i = headers.size(); i > 0; --i) {
    http::Header& header = headers.begin()[i - 1];
    if (header.id != HeaderId::kXForwardedFor) continue;
    const absl::string_view old = header.value();
    const size_t size = old.size() + 1 + ip.size();
    char* joined = static_cast<char*>(headers.arena().Allocate(size));
    old.copy(joined, old.size());
    joined[old.size()] = ',';
    ip.copy(joined + old.size() + 1, ip.size());
    header.value_data = joined;
    header.value_size = static_cast<uint32_t>(size);
    return;
  }
  headers.Add(HeaderId::kXForwardedFor, ip);
}

void AppendVia(const std::string& via, http::HeaderMap& headers) {
  if (via.empty()) return;
  const http::Header* header = headers.Find(HeaderId::kVia);
  if (header == nullptr) {
    headers.AddView(HeaderId::kVia, http::HeaderName(HeaderId::kVia), via);
  } else {
    headers.Set(HeaderId::kVia, absl::StrCat(header->value(), ", ", via));
  }
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

template <size_t N>
void RemoveAll(const HeaderId (&ids)[N], http::HeaderMap& headers) {
  // One pass: nearly always there is nothing to remove.
  headers.RemoveIf([&ids](const http::Header& header) {
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
  net::Address remote = origin.connection.remote();
  const absl::string_view scheme = origin.tls ? "https" : "http";
  headers.Remove(HeaderId::kXEnvoyInternal);
  MutateClientCertHeader(config, origin.connection.tls, headers);
  if (config.use_remote_address) {
    if (config.xff_trusted_hops > 0) {
      const auto forwarded = ForwardedAddress(headers, config.xff_trusted_hops - 1);
      if (forwarded) remote = *forwarded;
    }
    if (!config.skip_xff_append) AppendForwardedFor(headers, origin.connection.remote());
    if (config.xff_trusted_hops == 0 || !headers.Has(HeaderId::kXForwardedProto)) {
      headers.Set(HeaderId::kXForwardedProto, scheme);
    }
  } else {
    const auto forwarded = ForwardedAddress(headers, config.xff_trusted_hops);
    if (forwarded) remote = *forwarded;
    if (!headers.Has(HeaderId::kXForwardedProto)) {
      headers.AddView(HeaderId::kXForwardedProto, http::HeaderName(HeaderId::kXForwardedProto),
                      scheme);
    }
  }
  if (head.scheme.empty()) {
    const absl::string_view forwarded = headers.Get(HeaderId::kXForwardedProto);
    head.scheme = forwarded == "https"  ? absl::string_view("https")
                  : forwarded == "http" ? absl::string_view("http")
                                        : scheme;
  }
  // No address is trusted as internal (Envoy's default since no internal_address_config names one):
  // so every request that comes over a proxy which detects addresses itself is at the edge.
  RemoveAll(kInternalOnly, headers);
  if (config.use_remote_address) {
    RemoveAll(kEdgeOnly, headers);
    char text[net::Address::kMaxIpText];
    headers.Set(HeaderId::kXEnvoyExternalAddress, absl::string_view(text, remote.FormatIp(text)));
  }
  if (config.generate_request_id) {
    SetRequestId(origin, config.use_remote_address && !config.preserve_external_request_id,
                 headers);
  }
  AppendVia(config.via, headers);
  return remote;
}

void MutateResponseHeaders(const HttpConfig& config, const http::RequestHead& request,
                           absl::string_view date, bool, http::ResponseHead& head) {
  http::HeaderMap& headers = head.headers;
  if (!headers.Has(HeaderId::kDate)) {
    headers.AddView(HeaderId::kDate, http::HeaderName(HeaderId::kDate), date);
  }
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
