// One tag after another.
#include "source/tracing/tags.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "source/json/value.h"
#include "source/rpc/status.h"
#include "source/upstream/cluster_map.h"

namespace proxenos::tracing {
namespace {

using http::HeaderId;

absl::string_view OrDash(absl::string_view text) { return text.empty() ? "-" : text; }

void SetNumber(absl::string_view tag, uint64_t number, Span& span) {
  span.SetTag(tag, absl::AlphaNum(number).Piece());
}

// What the client asked for, with no more of the path than may be told.
void SetUrl(const Config& config, const filter::StreamContext& stream, Span& span) {
  const http::RequestHead& head = stream.request;
  absl::string_view path = stream.info.original_path;
  if (path.empty()) path = head.path;
  span.SetTag("http.url", absl::StrCat(head.scheme, "://", head.authority,
                                       path.substr(0, config.max_path_bytes)));
}

void SetRequestTags(const Config& config, const filter::StreamContext& stream, Span& span) {
  const http::RequestHead& head = stream.request;
  const http::HeaderMap& headers = head.headers;
  const absl::string_view id = headers.Get(HeaderId::kXRequestId);
  if (!id.empty()) span.SetTag("guid:x-request-id", id);
  SetUrl(config, stream, span);
  span.SetTag("http.method", head.method_text);
  span.SetTag("downstream_cluster", OrDash(headers.Get(HeaderId::kXEnvoyDownstreamServiceCluster)));
  span.SetTag("user_agent", OrDash(headers.Get(HeaderId::kUserAgent)));
  span.SetTag("http.protocol", http::VersionText(stream.info.protocol));
  if (const http::Header* client = headers.Find("x-client-trace-id")) {
    span.SetTag("guid:x-client-trace-id", client->value());
  }
}

bool IsFailure(rpc::Status status) {
  switch (status) {
    case rpc::Status::kUnknown:
    case rpc::Status::kDeadlineExceeded:
    case rpc::Status::kUnimplemented:
    case rpc::Status::kInternal:
    case rpc::Status::kUnavailable:
    case rpc::Status::kDataLoss:
      return true;
    default:
      return false;
  }
}

void SetGrpcTags(const filter::StreamContext& stream, Span& span) {
  const http::RequestHead& head = stream.request;
  span.SetTag("grpc.path", head.path);
  span.SetTag("grpc.authority", head.authority);
  span.SetTag("grpc.content_type", head.headers.Get(HeaderId::kContentType));
  const absl::string_view timeout = head.headers.Get(HeaderId::kGrpcTimeout);
  if (!timeout.empty()) span.SetTag("grpc.timeout", timeout);
  const http::HeaderMap* from = &stream.response.headers;
  std::optional<rpc::Status> status = rpc::StatusIn(*from);
  if (!status.has_value() && stream.response_out.trailers != nullptr) {
    from = stream.response_out.trailers;
    status = rpc::StatusIn(*from);
  }
  if (!status.has_value()) return;
  SetNumber("grpc.status_code", static_cast<uint64_t>(*status), span);
  span.SetTag("grpc.message", from->Get(HeaderId::kGrpcMessage));
  if (IsFailure(*status)) span.SetTag("error", "true");
}

void SetCluster(const filter::StreamInfo& info, Span& span) {
  if (info.upstream_cluster.empty()) return;
  span.SetTag("upstream_cluster", info.upstream_cluster);
  span.SetTag("upstream_cluster.name", info.upstream_stat_name);
}

void SetFlags(const filter::StreamInfo& info, Span& span) {
  access_log::Value flags;
  flags.kind = access_log::Value::Kind::kFlags;
  flags.number = info.flags;
  std::string text;
  access_log::AppendAsText(flags, "-", text);
  span.SetTag("response_flags", text);
}

void SetStatus(uint32_t status, Span& span) {
  SetNumber("http.status_code", status, span);
  if (status == 0 || status / 100 == 5) span.SetTag("error", "true");
}

// A text as it is; what is no text as JSON has it.
std::string TextOf(const json::Value* value) {
  if (value == nullptr || value->is_null()) return std::string();
  return value->text() != nullptr ? *value->text() : json::ToJson(*value);
}

const json::Value* RouteMetadata(const filter::StreamContext& stream, const route::CustomTag& tag) {
  if (stream.route == nullptr || stream.route->metadata == nullptr) return nullptr;
  const auto space = stream.route->metadata->find(tag.name);
  if (space == stream.route->metadata->end() || space->second.object() == nullptr) return nullptr;
  return json::FindPath(*space->second.object(), tag.path);
}

// `format(index)` renders a format of whose tags they are.
template <typename Format>
void SetTags(const std::vector<route::CustomTag>& tags, const filter::StreamContext& stream,
             Format format, Span& span) {
  using Kind = route::CustomTag::Kind;
  for (const route::CustomTag& tag : tags) {
    std::string value;
    if (tag.kind == Kind::kRequestHeader) {
      if (const http::Header* header = stream.request.headers.Find(tag.name)) {
        value = std::string(header->value());
      }
    } else if (tag.kind == Kind::kRequestMetadata) {
      value = TextOf(stream.info.metadata.Find(tag.name, tag.path));
    } else if (tag.kind == Kind::kRouteMetadata) {
      value = TextOf(RouteMetadata(stream, tag));
    } else if (tag.kind == Kind::kFormat) {
      value = format(tag.format);
    }
    if (value.empty()) value = tag.otherwise;
    if (!value.empty()) span.SetTag(tag.tag, value);
  }
}

// The peer of the connection, as logs print it: that may be less than there is.
void SetPeer(const filter::StreamContext& stream, Span& span) {
  const net::Address& peer = stream.info.connection->direct_remote;
  if (!peer.is_ip()) return span.SetTag("peer.address", peer.ToString());
  static const auto* const kPeer = new access_log::Formatter(
      *access_log::Formatter::Compile("%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"));
  std::string text;
  kPeer->Format(FormatInputOf(stream), text);
  span.SetTag("peer.address", text);
}

}  // namespace

access_log::FormatInput FormatInputOf(const filter::StreamContext& stream) {
  access_log::FormatInput input;
  input.stream = &stream.info;
  input.request = &stream.request;
  input.response = stream.response.status == 0 ? nullptr : &stream.response;
  input.response_trailers = stream.response_out.trailers;
  return input;
}

void SetDownstreamTags(const Config& config, filter::StreamContext& stream, Span& span) {
  const filter::StreamInfo& info = stream.info;
  SetRequestTags(config, stream, span);
  SetNumber("request_size", info.bytes_received, span);
  SetNumber("response_size", info.bytes_sent, span);
  span.SetTag("component", "proxy");
  SetFlags(info, span);
  SetPeer(stream, span);
  SetCluster(info, span);
  SetStatus(info.response_code, span);
  if (stream.IsGrpcCall()) SetGrpcTags(stream, span);
}

void SetUpstreamTags(const filter::StreamContext& stream, uint16_t status, Span& span) {
  const filter::StreamInfo& info = stream.info;
  span.SetTag("component", "proxy");
  SetCluster(info, span);
  if (info.upstream_protocol.has_value()) {
    span.SetTag("http.protocol", http::VersionText(*info.upstream_protocol));
  }
  if (info.upstream_remote.family() != net::Address::Family::kNone) {
    const std::string address = info.upstream_remote.ToString();
    span.SetTag("upstream_address", address);
    span.SetTag("peer.address", address);
  }
  SetFlags(info, span);
  SetStatus(status, span);
}

void SetCustomTags(const Config& config, filter::StreamContext& stream, Span& span) {
  const auto own = [&config, &stream](uint32_t index) {
    std::string text;
    config.formats[index].Format(FormatInputOf(stream), text);
    return text;
  };
  SetTags(config.tags, stream, own, span);
  if (stream.route == nullptr || stream.route->tracing == nullptr) return;
  const auto of_route = [&stream](uint32_t index) {
    return std::string(stream.FormatValue(index));
  };
  SetTags(stream.route->tracing->tags, stream, of_route, span);
}

void AddEvents(const filter::StreamInfo& info, Span& span) {
  const struct {
    base::MonoTime at;
    absl::string_view what;
  } events[] = {
      {info.request_complete, "last_downstream_rx_byte_received"},
      {info.first_upstream_tx, "first_upstream_tx_byte_sent"},
      {info.last_upstream_tx, "last_upstream_tx_byte_sent"},
      {info.first_upstream_rx, "first_upstream_rx_byte_received"},
      {info.last_upstream_rx, "last_upstream_rx_byte_received"},
      {info.first_downstream_tx, "first_downstream_tx_byte_sent"},
      {info.last_downstream_tx, "last_downstream_tx_byte_sent"},
  };
  for (const auto& event : events) {
    if (event.at == 0) continue;
    span.events.push_back(
        {info.start_wall + (event.at - info.start) / base::kMicrosecond, event.what});
  }
}

}  // namespace proxenos::tracing
