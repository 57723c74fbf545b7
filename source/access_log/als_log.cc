// Field numbers are those of envoy/data/accesslog/v3/accesslog.proto and
// envoy/service/accesslog/v3/als.proto.
#include "source/access_log/als_log.h"

#include <optional>

#include "source/access_log/operator.h"
#include "source/rpc/wire.h"
#include "source/stats/remote_log_stats.h"

namespace proxenos::access_log {
namespace {

using filter::StreamInfo;
using rpc::WireWriter;

// Bytes of a peer, as a text of a message may have them.
std::string Text(absl::string_view bytes) {
  std::string text;
  AppendUtf8Text(bytes, text);
  return text;
}

void AddText(WireWriter& to, uint32_t field, absl::string_view text) {
  if (!text.empty()) to.Text(field, Text(text));
}

void AddNumber(WireWriter& to, uint32_t field, uint64_t number) {
  if (number != 0) to.Number(field, number);
}

// core.v3.Address
void AddAddress(WireWriter& to, uint32_t field, const net::Address& address) {
  if (address.family() == net::Address::Family::kNone) return;
  to.Message(field, [&address](WireWriter& out) {
    if (!address.is_ip()) {
      out.Message(2, [&address](WireWriter& pipe) { pipe.Text(1, address.ToString()); });
      return;
    }
    out.Message(1, [&address](WireWriter& socket) {
      socket.Text(2, address.IpString());
      socket.Number(3, address.port());
    });
  });
}

Operator MakeOperator(absl::string_view name) {
  return *CompileOperator(OperatorText{name, std::nullopt, std::nullopt}, {});
}

// What prints the client's address, which may be less than there is.
struct ClientOperators {
  Operator ip;
  Operator port;
};

// core.v3.Address
void AddClient(WireWriter& to, uint32_t field, const ClientOperators& of,
               const FormatInput& input) {
  Scratch for_ip;
  Scratch for_port;
  const Value ip = of.ip.Get(input, for_ip);
  const Value port = of.port.Get(input, for_port);
  if (ip.text.empty()) return;
  to.Message(field, [&ip, &port](WireWriter& out) {
    if (port.kind != Value::Kind::kNumber) {
      out.Message(2, [&ip](WireWriter& pipe) { pipe.Text(1, ip.text); });
      return;
    }
    out.Message(1, [&ip, &port](WireWriter& socket) {
      socket.Text(2, ip.text);
      socket.Number(3, port.number);
    });
  });
}

void AddClients(WireWriter& to, const FormatInput& input, bool direct) {
  static const auto* const kClient =
      new ClientOperators{MakeOperator("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT"),
                          MakeOperator("DOWNSTREAM_REMOTE_PORT")};
  static const auto* const kDirect =
      new ClientOperators{MakeOperator("DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT"),
                          MakeOperator("DOWNSTREAM_DIRECT_REMOTE_PORT")};
  direct ? AddClient(to, 20, *kDirect, input) : AddClient(to, 2, *kClient, input);
}

// google.protobuf.Duration since the stream began; nothing where it did not happen.
void AddDuration(WireWriter& to, uint32_t field, const StreamInfo& info, base::MonoTime at) {
  if (at == 0) return;
  const base::Nanos since = at - info.start;
  to.Message(field, [since](WireWriter& duration) {
    duration.Number(1, static_cast<uint64_t>(since / base::kSecond));
    duration.Number(2, static_cast<uint64_t>(since % base::kSecond));
  });
}

void AddTimes(WireWriter& to, const StreamInfo& info) {
  to.Message(5, [&info](WireWriter& time) {
    time.Number(1, static_cast<uint64_t>(info.start_wall / 1'000'000));
    time.Number(2, static_cast<uint64_t>(info.start_wall % 1'000'000 * 1000));
  });
  AddDuration(to, 6, info, info.request_complete);
  AddDuration(to, 7, info, info.first_upstream_tx);
  AddDuration(to, 8, info, info.last_upstream_tx);
  AddDuration(to, 9, info, info.first_upstream_rx);
  AddDuration(to, 10, info, info.last_upstream_rx);
  AddDuration(to, 11, info, info.first_downstream_tx);
  AddDuration(to, 12, info, info.last_downstream_tx);
  AddDuration(to, 23, info, info.complete);
}

void AddFlags(WireWriter& to, uint32_t flags) {
  struct Place {
    uint32_t flag;
    uint32_t field;
  };
  static constexpr Place kPlaces[] = {
      {filter::kFailedLocalHealthCheck, 1},
      {filter::kNoHealthyUpstream, 2},
      {filter::kUpstreamRequestTimeout, 3},
      {filter::kLocalReset, 4},
      {filter::kUpstreamRemoteReset, 5},
      {filter::kUpstreamConnectionFailure, 6},
      {filter::kUpstreamConnectionTermination, 7},
      {filter::kUpstreamOverflow, 8},
      {filter::kNoRouteFound, 9},
      {filter::kDelayInjected, 10},
      {filter::kFaultInjected, 11},
      {filter::kRateLimited, 12},
      {filter::kRateLimitServiceError, 14},
      {filter::kDownstreamConnectionTermination, 15},
      {filter::kUpstreamRetryLimitExceeded, 16},
      {filter::kStreamIdleTimeout, 17},
      {filter::kInvalidEnvoyRequestHeaders, 18},
      {filter::kDownstreamProtocolError, 19},
      {filter::kUpstreamMaxStreamDurationReached, 20},
      {filter::kResponseFromCacheFilter, 21},
      {filter::kNoFilterConfigFound, 22},
      {filter::kDurationTimeout, 23},
      {filter::kUpstreamProtocolError, 24},
      {filter::kNoClusterFound, 25},
      {filter::kOverload, 26},
      {filter::kDnsResolutionFailed, 27},
      {filter::kDownstreamRemoteReset, 28},
  };
  if (flags == 0) return;
  to.Message(16, [flags](WireWriter& out) {
    for (const Place& place : kPlaces) {
      if ((flags & place.flag) != 0) out.Flag(place.field, true);
    }
    if ((flags & filter::kUnauthorizedExternalService) != 0) {
      out.Message(13, [](WireWriter& details) { details.Number(1, 1); });
    }
  });
}

// core.v3.Metadata
void AddMetadata(WireWriter& to, const StreamInfo& info) {
  if (info.metadata.all() == nullptr) return;
  to.Message(17, [&info](WireWriter& metadata) {
    for (const auto& [space, values] : *info.metadata.all()) {
      const json::Object* object = values.object();
      if (object == nullptr) continue;
      metadata.Message(1, [&space = space, object](WireWriter& entry) {
        entry.Text(1, Text(space));
        entry.Struct(2, *object);
      });
    }
  });
}

// Texts, each as a google.protobuf.StringValue in an Any.
void AddFilterState(WireWriter& to, const StreamInfo& info, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::string* value = info.state.Find(name);
    if (value == nullptr) continue;
    to.Message(21, [&name, value](WireWriter& entry) {
      entry.Text(1, name);
      entry.Message(2, [value](WireWriter& any) {
        any.Text(1, "type.googleapis.com/google.protobuf.StringValue");
        any.Message(2, [value](WireWriter& text) { text.Text(1, Text(*value)); });
      });
    });
  }
}

void AddTls(WireWriter& to, const filter::ConnectionInfo& connection) {
  if (connection.tls == nullptr && connection.requested_server_name.empty()) return;
  to.Message(4,
             [&connection](WireWriter& tls) { AddText(tls, 3, connection.requested_server_name); });
}

void AddCommon(const AlsLog& log, const FormatInput& input, WireWriter& to) {
  const StreamInfo& info = *input.stream;
  to.Double(1, 1.0);  // sample_rate
  AddClients(to, input, /*direct=*/false);
  if (info.connection != nullptr) {
    AddAddress(to, 3, info.connection->local);
    AddTls(to, *info.connection);
    AddClients(to, input, /*direct=*/true);
    if (info.connection->transport_failure != nullptr) {
      AddText(to, 28, *info.connection->transport_failure);
    }
  }
  AddTimes(to, info);
  AddAddress(to, 13, info.upstream_peer == nullptr ? info.upstream_remote : *info.upstream_peer);
  AddAddress(to, 14, info.upstream_local);
  AddText(to, 15, info.upstream_cluster);
  AddFlags(to, info.flags);
  AddMetadata(to, info);
  AddText(to, 18, info.upstream_failure_reason);
  AddText(to, 19, info.route_name);
  AddFilterState(to, info, log.filter_state);
  AddNumber(to, 24, info.attempts);
  AddText(to, 25, info.connection_termination_details);
  if (input.request != nullptr) {
    AddText(to, 26, input.request->headers.Get(http::HeaderId::kXRequestId));
  }
  AddNumber(to, 29, info.downstream_wire_bytes_sent);
  AddNumber(to, 30, info.downstream_wire_bytes_received);
  AddNumber(to, 31, info.upstream_wire_bytes_sent);
  AddNumber(to, 32, info.upstream_wire_bytes_received);
  to.Number(33, static_cast<uint64_t>(input.type));
}

// map<string, string> of those fields that are there; several values are one, with commas between.
void AddHeaders(WireWriter& to, uint32_t field, const std::vector<std::string>& names,
                const http::HeaderMap* headers) {
  if (headers == nullptr) return;
  for (const std::string& name : names) {
    std::optional<std::string> value;
    for (const http::Header& header : *headers) {
      if (header.name() != name) continue;
      if (value.has_value()) *value += ',';
      AppendUtf8Text(header.value(), value.has_value() ? *value : value.emplace());
    }
    if (value.has_value()) to.Entry(field, name, *value);
  }
}

uint64_t MethodOf(http::Method method) {
  switch (method) {
    case http::Method::kGet:
      return 1;
    case http::Method::kHead:
      return 2;
    case http::Method::kPost:
      return 3;
    case http::Method::kPut:
      return 4;
    case http::Method::kDelete:
      return 5;
    case http::Method::kConnect:
      return 6;
    case http::Method::kOptions:
      return 7;
    case http::Method::kTrace:
      return 8;
    case http::Method::kPatch:
      return 9;
    case http::Method::kOther:
      break;
  }
  return 0;
}

void AddRequest(const AlsLog& log, const FormatInput& input, WireWriter& to) {
  using http::HeaderId;
  const http::RequestHead& head = *input.request;
  to.Message(3, [&log, &input, &head](WireWriter& request) {
    AddNumber(request, 1, MethodOf(head.method));
    AddText(request, 2, head.scheme);
    AddText(request, 3, head.authority);
    AddText(request, 5, head.path);
    AddText(request, 6, head.headers.Get(HeaderId::kUserAgent));
    AddText(request, 7, head.headers.Get(HeaderId::kReferer));
    AddText(request, 8, head.headers.Get(HeaderId::kXForwardedFor));
    AddText(request, 9, head.headers.Get(HeaderId::kXRequestId));
    AddText(request, 10, head.headers.Get(HeaderId::kXEnvoyOriginalPath));
    AddNumber(request, 11, input.stream->request_header_bytes);
    AddNumber(request, 12, input.stream->bytes_received);
    AddHeaders(request, 13, log.request_headers, &head.headers);
  });
}

void AddResponse(const AlsLog& log, const FormatInput& input, WireWriter& to) {
  const StreamInfo& info = *input.stream;
  to.Message(4, [&log, &input, &info](WireWriter& response) {
    if (info.response_code != 0) {
      response.Message(1, [&info](WireWriter& code) { code.Number(1, info.response_code); });
    }
    AddNumber(response, 2, info.response_header_bytes);
    AddNumber(response, 3, info.bytes_sent);
    AddHeaders(response, 4, log.response_headers,
               input.response == nullptr ? nullptr : &input.response->headers);
    AddHeaders(response, 5, log.response_trailers, input.response_trailers);
    AddText(response, 6, info.details);
  });
}

uint64_t VersionOf(http::Version version) {
  switch (version) {
    case http::Version::kHttp10:
      return 1;
    case http::Version::kHttp11:
      return 2;
    case http::Version::kHttp2:
      return 3;
  }
  return 0;
}

}  // namespace

void AlsLog::AppendEntry(const FormatInput& input, base::WallTime, std::string& out) const {
  const StreamInfo& info = *input.stream;
  WireWriter(out).Message(1, [this, &input, &info](WireWriter& entry) {
    entry.Message(1, [this, &input](WireWriter& common) { AddCommon(*this, input, common); });
    if (of == Of::kConnections) {
      entry.Message(2, [&info](WireWriter& connection) {
        AddNumber(connection, 1, info.bytes_received);
        AddNumber(connection, 2, info.bytes_sent);
      });
      return;
    }
    entry.Number(2, VersionOf(info.protocol));
    if (input.request != nullptr) AddRequest(*this, input, entry);
    AddResponse(*this, input, entry);
  });
}

std::string AlsLog::Wrap(absl::string_view entries, const filter::LocalNode* node) const {
  std::string message;
  WireWriter to(message);
  to.Message(1, [this, node](WireWriter& identifier) {
    identifier.Message(1, [node](WireWriter& self) {
      if (node == nullptr) return;
      self.Text(1, node->id);
      self.Text(2, node->cluster);
      if (!node->metadata.empty()) self.Struct(3, node->metadata);
      if (!node->zone.empty()) {
        self.Message(4, [node](WireWriter& locality) { locality.Text(2, node->zone); });
      }
      self.Text(6, "proxenos");
    });
    identifier.Text(2, log_name);
  });
  to.Text(of == Of::kRequests ? 2 : 3, entries);
  return message;
}

stats::ScopeName AlsLog::StatScope() const {
  return stats::ScopeName(stats::kGrpcAccessLogScope, {});
}

}  // namespace proxenos::access_log
