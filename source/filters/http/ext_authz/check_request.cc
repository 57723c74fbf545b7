// Attributes of a request, field by field.
#include "source/filters/http/ext_authz/check_request.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/filter/check_wire.h"
#include "source/filter/header_change.h"
#include "source/rpc/wire.h"

namespace proxenos::filters::ext_authz {
namespace {

using rpc::WireWriter;

constexpr absl::string_view kPartialBody = "x-envoy-auth-partial-body";

// Field numbers of envoy.service.auth.v3.
enum CheckField : uint32_t { kAttributes = 1 };
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
  for (const auto& [name, value] : joined) http.Entry(kHeaders, name, filter::CheckText(value));
  if (!partial.empty()) http.Entry(kHeaders, kPartialBody, partial);
}

void WriteHttp(WireWriter& request, const filter::StreamContext& stream,
               const CheckContext& context) {
  request.Message(kHttp, [&stream, &context](WireWriter& http) {
    const http::RequestHead& head = stream.request;
    http.Text(kId, absl::StrCat(stream.random));
    http.Text(kMethod, head.method_text);
    http.Text(kPath, filter::CheckText(head.path));
    http.Text(kHost, filter::CheckText(head.authority));
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
        http.Text(kBody, filter::CheckText(bytes));
      }
    }
    WriteHeaders(http, stream, context.settings, partial);
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
    // Who sent it the last hop, whatever fields say of those before.
    const filter::ConnectionInfo& connection = *stream.info.connection;
    filter::WriteCheckSource(
        attributes, connection,
        stream.request.headers.Get(http::HeaderId::kXEnvoyDownstreamServiceCluster),
        settings.include_peer_certificate);
    filter::WriteCheckDestination(attributes, connection, stream.environment.node,
                                  settings.labels_key);
    attributes.Message(filter::kCheckRequest, [&stream, &context](WireWriter& request) {
      request.Timestamp(kTime, stream.info.start_wall);
      WriteHttp(request, stream, context);
    });
    for (const auto& [key, value] : context.context_extensions) {
      attributes.Entry(filter::kCheckContextExtensions, key, value);
    }
    filter::WriteCheckMetadata(attributes, filter::kCheckMetadataContext,
                               settings.metadata_namespaces, stream.info.metadata.all());
    filter::WriteCheckMetadata(attributes, filter::kCheckRouteMetadataContext,
                               settings.route_metadata_namespaces,
                               stream.route == nullptr ? nullptr : stream.route->metadata.get());
    if (settings.include_tls_session) filter::WriteCheckSession(attributes, connection);
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
