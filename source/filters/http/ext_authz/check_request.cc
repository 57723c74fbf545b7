// Attributes of a request, field by field.
#include "source/filters/http/ext_authz/check_request.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/filter/header_change.h"
#include "source/json/utf8.h"
#include "source/rpc/wire.h"
#include "source/tls/session_info.h"

namespace proxenos::filters::ext_authz {
namespace {

using rpc::WireWriter;

constexpr absl::string_view kPartialBody = "x-envoy-auth-partial-body";

// Field numbers of envoy.service.auth.v3 and what its messages are made of.
enum CheckField : uint32_t { kAttributes = 1 };
enum AttributeField : uint32_t {
  kSource = 1,
  kDestination = 2,
  kRequest = 4,
  kContextExtensions = 10,
  kMetadataContext = 11,
  kTlsSession = 12,
  kRouteMetadataContext = 13,
};
enum PeerField : uint32_t {
  kAddress = 1,
  kService = 2,
  kLabels = 3,
  kPrincipal = 4,
  kCertificate = 5,
};
enum AddressField : uint32_t { kSocketAddress = 1, kPipe = 2 };
enum SocketField : uint32_t { kIp = 2, kPort = 3 };
enum RequestField : uint32_t { kTime = 1, kHttp = 2 };
enum HttpField : uint32_t {
  kId = 1,
  kMethod = 2,
  kHeaders = 3,
  kPath = 4,
  kHost = 5,
  kScheme = 6,
  kSize = 9,
  kProtocol = 10,
  kBody = 11,
  kRawBody = 12,
  kHeaderMap = 13,
};

// Texts of protobuf are UTF-8, or the service cannot read the message at all.
std::string Sanitized(absl::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t size = json::Utf8Size(bytes);
    if (size == 0) {
      text += '!';
    } else {
      text.append(bytes.data(), size);
    }
    bytes.remove_prefix(std::max<size_t>(size, 1));
  }
  return text;
}

bool MaySend(const Settings& settings, absl::string_view name) {
  if (settings.disallowed_headers.Matches(name)) return false;
  return !settings.allowed_headers.has_value() || settings.allowed_headers->Matches(name);
}

// Calls visit(name, value) for control data and fields that may be told; several of one name come
// one after another as they stand.
template <typename Visit>
void ForEachField(const filter::StreamContext& stream, const Settings& settings, Visit visit) {
  const http::RequestHead& head = stream.request;
  const std::pair<absl::string_view, absl::string_view> controls[] = {
      {":method", head.method_text},
      {":path", head.path},
      {":authority", head.authority},
      {":scheme", head.scheme}};
  for (const auto& [name, value] : controls) {
    if (!value.empty() && MaySend(settings, name)) visit(name, value);
  }
  for (const http::Header& field : head.headers) {
    if (field.name() != kPartialBody && MaySend(settings, field.name())) {
      visit(field.name(), field.value());
    }
  }
}

void WriteAddress(WireWriter& peer, const net::Address& address) {
  peer.Message(kAddress, [&address](WireWriter& out) {
    if (address.family() == net::Address::Family::kUnix) {
      out.Message(kPipe, [&address](WireWriter& pipe) { pipe.Text(1, address.ToString()); });
      return;
    }
    out.Message(kSocketAddress, [&address](WireWriter& socket) {
      socket.Text(kIp, address.IpString());
      socket.Number(kPort, address.port());
    });
  });
}

// Who it is by its certificate: the first URI, else the subject.
absl::string_view PrincipalOf(const tls::SessionInfo::Certificate& certificate) {
  return certificate.uri_sans.empty() ? certificate.subject : certificate.uri_sans[0];
}

// As in x-forwarded-client-cert: whatever is not unreserved in a URI is escaped.
std::string UrlEncoded(absl::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

void WriteSource(WireWriter& attributes, const filter::StreamContext& stream,
                 const Settings& settings) {
  attributes.Message(kSource, [&stream, &settings](WireWriter& peer) {
    // Who sent it the last hop, whatever fields say of those before.
    WriteAddress(peer, stream.info.connection->remote());
    const absl::string_view service =
        stream.request.headers.Get(http::HeaderId::kXEnvoyDownstreamServiceCluster);
    if (!service.empty()) peer.Text(kService, Sanitized(service));
    const tls::SessionInfo* session = stream.info.connection->tls;
    const auto* certificate = session == nullptr ? nullptr : session->peer();
    if (certificate == nullptr) return;
    peer.Text(kPrincipal, Sanitized(PrincipalOf(*certificate)));
    if (settings.include_peer_certificate) peer.Text(kCertificate, UrlEncoded(certificate->pem));
  });
}

void WriteDestination(WireWriter& attributes, const filter::StreamContext& stream,
                      const Settings& settings) {
  attributes.Message(kDestination, [&stream, &settings](WireWriter& peer) {
    WriteAddress(peer, stream.info.connection->local);
    const filter::LocalNode* node = stream.environment.node;
    if (!settings.labels_key.empty() && node != nullptr) {
      const auto found = node->metadata.find(settings.labels_key);
      const json::Object* labels = found == node->metadata.end() ? nullptr : found->second.object();
      for (const auto& [name, value] : labels == nullptr ? json::Object() : *labels) {
        if (value.text() != nullptr) peer.Entry(kLabels, name, *value.text());
      }
    }
    const tls::SessionInfo* session = stream.info.connection->tls;
    const auto* certificate = session == nullptr ? nullptr : session->local();
    if (certificate != nullptr) peer.Text(kPrincipal, Sanitized(PrincipalOf(*certificate)));
  });
}

// Fields of one name become one entry, joined by commas: a map has no other way.
void WriteHeaders(WireWriter& http, const filter::StreamContext& stream, const Settings& settings,
                  absl::string_view partial) {
  if (settings.encode_raw_headers) {
    http.Message(kHeaderMap, [&stream, &settings, partial](WireWriter& map) {
      const auto write = [&map](absl::string_view name, absl::string_view value) {
        map.Message(1, [name, value](WireWriter& entry) {
          entry.Text(1, name);
          entry.Text(3, value);
        });
      };
      ForEachField(stream, settings, write);
      if (!partial.empty()) write(kPartialBody, partial);
    });
    return;
  }
  std::map<absl::string_view, std::string> joined;
  ForEachField(stream, settings, [&joined](absl::string_view name, absl::string_view value) {
    const auto [it, added] = joined.try_emplace(name, value);
    if (!added) absl::StrAppend(&it->second, ",", value);
  });
  for (const auto& [name, value] : joined) http.Entry(kHeaders, name, Sanitized(value));
  if (!partial.empty()) http.Entry(kHeaders, kPartialBody, partial);
}

void WriteHttp(WireWriter& request, const filter::StreamContext& stream,
               const CheckContext& context) {
  request.Message(kHttp, [&stream, &context](WireWriter& http) {
    const http::RequestHead& head = stream.request;
    http.Text(kId, absl::StrCat(stream.random));
    http.Text(kMethod, head.method_text);
    http.Text(kPath, Sanitized(head.path));
    http.Text(kHost, Sanitized(head.authority));
    http.Text(kScheme, head.scheme);
    http.Number(kSize, stream.request_in.body.size());
    http.Text(kProtocol, http::VersionText(stream.info.protocol));
    absl::string_view partial;
    const BodySettings* body = context.body();
    if (body != nullptr) {
      const std::string bytes = BodyToCheck(stream, context).ToString();
      if (!stream.request_in.body.empty()) {
        partial = bytes.size() < stream.request_in.body.size() ? "true" : "false";
      }
      if (body->as_bytes) {
        http.Text(kRawBody, bytes);
      } else {
        http.Text(kBody, Sanitized(bytes));
      }
    }
    WriteHeaders(http, stream, context.settings, partial);
  });
}

// core.v3.Metadata with those of `namespaces` that there are.
void WriteMetadata(WireWriter& attributes, uint32_t field,
                   const std::vector<std::string>& namespaces, const json::Object* spaces) {
  if (namespaces.empty()) return;
  attributes.Message(field, [&namespaces, spaces](WireWriter& metadata) {
    for (const std::string& space : namespaces) {
      const json::Value* values = spaces == nullptr ? nullptr : json::FindPath(*spaces, {space});
      if (values == nullptr || values->object() == nullptr) continue;
      metadata.Message(1, [&space, values](WireWriter& entry) {
        entry.Text(1, space);
        entry.Struct(2, *values->object());
      });
    }
  });
}

}  // namespace

buffer::Buffer BodyToCheck(const filter::StreamContext& stream, const CheckContext& context) {
  buffer::Buffer copy;
  const BodySettings* settings = context.body();
  uint64_t left = settings == nullptr ? 0 : settings->max_bytes;
  const buffer::Buffer& body = stream.request_in.body;
  for (size_t i = 0; i < body.slice_count() && left > 0; ++i) {
    const absl::string_view bytes = body.slice(i).view().substr(0, left);
    copy.Append(bytes);
    left -= bytes.size();
  }
  return copy;
}

std::string MakeCheckRequest(const filter::StreamContext& stream, const CheckContext& context) {
  const Settings& settings = context.settings;
  std::string message;
  WireWriter(message).Message(kAttributes, [&stream, &context, &settings](WireWriter& attributes) {
    WriteSource(attributes, stream, settings);
    WriteDestination(attributes, stream, settings);
    attributes.Message(kRequest, [&stream, &context](WireWriter& request) {
      request.Timestamp(kTime, stream.info.start_wall);
      WriteHttp(request, stream, context);
    });
    for (const auto& [key, value] : context.context_extensions) {
      attributes.Entry(kContextExtensions, key, value);
    }
    WriteMetadata(attributes, kMetadataContext, settings.metadata_namespaces,
                  stream.info.metadata.all());
    WriteMetadata(attributes, kRouteMetadataContext, settings.route_metadata_namespaces,
                  stream.route == nullptr ? nullptr : stream.route->metadata.get());
    if (settings.include_tls_session && stream.info.connection->tls != nullptr) {
      attributes.Message(kTlsSession, [&stream](WireWriter& session) {
        session.Text(1, Sanitized(stream.info.connection->tls->sni()));
      });
    }
  });
  return message;
}

buffer::Buffer FillHttpCheck(const filter::StreamContext& stream, const CheckContext& context,
                             rpc::HttpCall& call) {
  const HttpServer& server = context.http();
  http::RequestHead& head = call.request();
  head.method_text = stream.request.method_text;
  head.authority = stream.request.authority;
  head.path = call.arena().Copy(server.path_override.empty()
                                    ? absl::StrCat(server.path_prefix, stream.request.path)
                                    : server.path_override);
  ForEachField(stream, context.settings, [&head](absl::string_view name, absl::string_view value) {
    Apply(filter::HeaderChange{filter::HeaderChange::How::kAdd, std::string(name),
                               std::string(value)},
          head.headers);
  });
  buffer::Buffer body = BodyToCheck(stream, context);
  if (!body.empty()) {
    head.headers.Set(kPartialBody, body.size() < stream.request_in.body.size() ? "true" : "false");
  }
  for (const auto& [name, value] : server.headers_to_add) head.headers.Set(name, value);
  return body;
}

}  // namespace proxenos::filters::ext_authz
