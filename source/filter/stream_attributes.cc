// Attributes, one by one.
#include "source/filter/stream_attributes.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "source/rpc/status.h"
#include "source/rpc/wire.h"
#include "source/tls/session_info.h"

namespace proxenos::filter {
namespace {

using cel::Attribute;
using cel::Memory;
using cel::Value;

Value Absent() { return Value::Error(cel::kNoSuchAttribute); }
Value TextOrAbsent(absl::string_view text) { return text.empty() ? Absent() : Value::String(text); }
Value Count(uint64_t number) { return Value::Int(static_cast<int64_t>(number)); }

// What a host or a cluster is said to be, by namespace: read when asked for, and kept by the
// evaluation.
class Metadata final : public cel::Map {
 public:
  explicit Metadata(json::Object spaces) : spaces_(std::move(spaces)) {}

  size_t size() const override { return spaces_.size(); }
  void AppendKeys(cel::Items& keys) const override {
    for (const auto& [space, values] : spaces_) keys.push_back(Value::String(space));
  }
  std::optional<Value> Find(const Value& key, Memory&) const override {
    if (key.kind != Value::Kind::kString) return std::nullopt;
    const auto found = spaces_.find(std::string(key.text()));
    if (found == spaces_.end()) return std::nullopt;
    return Value::Json(found->second);
  }

 private:
  const json::Object spaces_;
};

// Of filter_metadata, the first field of core.v3.Metadata: a map of Structs.
json::Object ReadMetadata(absl::string_view serialized) {
  constexpr uint32_t kFilterMetadata = 1, kKey = 1, kValue = 2;
  json::Object spaces;
  rpc::WireReader metadata(serialized);
  while (metadata.Next()) {
    if (metadata.field() != kFilterMetadata) continue;
    std::string space;
    json::Object values;
    rpc::WireReader entry(metadata.bytes());
    while (entry.Next()) {
      if (entry.field() == kKey) space = std::string(entry.bytes());
      if (entry.field() == kValue) values = rpc::ReadStruct(entry.bytes()).value_or(json::Object());
    }
    spaces.insert_or_assign(std::move(space), json::Value(std::move(values)));
  }
  return spaces;
}

Value OfMetadata(const std::string* serialized, Memory& memory) {
  if (serialized == nullptr) return Absent();
  // As the objects that are made of it weigh, about.
  if (!memory.Charge(serialized->size() * 4)) return Value::Error(cel::kTooMuch);
  auto read = std::make_unique<const Metadata>(ReadMetadata(*serialized));
  const Value value = Value::OfMap(*read);
  memory.KeepMap(std::move(read));
  return value;
}

Value OfAddress(const net::Address* address, bool port, Memory& memory) {
  if (address == nullptr || address->family() == net::Address::Family::kNone) return Absent();
  if (!port) return memory.KeepString(address->ToString());
  return address->is_ip() ? Value::Int(address->port()) : Absent();
}

Value Between(base::MonoTime from, base::MonoTime to) {
  if (from == 0 || to == 0) return Absent();
  return Value::Duration(absl::Nanoseconds(to - from));
}

// Attributes of TLS have the same order on both sides of the proxy.
enum class TlsPart : uint8_t {
  kVersion,
  kSubjectLocal,
  kSubjectPeer,
  kDnsLocal,
  kDnsPeer,
  kUriLocal,
  kUriPeer,
  kSha256Peer,
};

Value OfTls(const tls::SessionInfo* session, TlsPart part) {
  if (session == nullptr) return Absent();
  if (part == TlsPart::kVersion) return TextOrAbsent(session->version());
  const bool local =
      part == TlsPart::kSubjectLocal || part == TlsPart::kDnsLocal || part == TlsPart::kUriLocal;
  const tls::SessionInfo::Certificate* shown = local ? session->local() : session->peer();
  if (shown == nullptr) return Absent();
  if (part == TlsPart::kSubjectLocal || part == TlsPart::kSubjectPeer) {
    return TextOrAbsent(shown->subject);
  }
  if (part == TlsPart::kSha256Peer) return TextOrAbsent(shown->sha256_hex);
  const bool dns = part == TlsPart::kDnsLocal || part == TlsPart::kDnsPeer;
  const std::vector<std::string>& names = dns ? shown->dns_sans : shown->uri_sans;
  return names.empty() ? Absent() : Value::String(names[0]);
}

TlsPart PartBy(Attribute attribute, Attribute version) {
  return static_cast<TlsPart>(static_cast<int>(attribute) - static_cast<int>(version));
}

absl::string_view BeforeQuery(absl::string_view path) { return path.substr(0, path.find('?')); }
absl::string_view QueryOf(absl::string_view path) {
  const size_t query = path.find('?');
  if (query == absl::string_view::npos) return absl::string_view();
  path.remove_prefix(query + 1);
  return path.substr(0, path.find('#'));
}

struct Control {
  absl::string_view name;
  absl::string_view http::RequestHead::*value;
};
constexpr Control kControls[] = {{":method", &http::RequestHead::method_text},
                                 {":path", &http::RequestHead::path},
                                 {":authority", &http::RequestHead::authority},
                                 {":scheme", &http::RequestHead::scheme}};

}  // namespace

std::optional<Value> HeadFields::FindControl(absl::string_view name, Memory& memory) const {
  if (response_ != nullptr && name == ":status" && response_->status != 0) {
    return memory.KeepString(absl::StrCat(response_->status));
  }
  if (request_ == nullptr) return std::nullopt;
  if (absl::EqualsIgnoreCase(name, "host")) name = ":authority";
  for (const Control& control : kControls) {
    if (name == control.name && !(request_->*control.value).empty()) {
      return Value::String(request_->*control.value);
    }
  }
  return std::nullopt;
}

std::optional<Value> HeadFields::Find(const Value& key, Memory& memory) const {
  if (fields_ == nullptr || key.kind != Value::Kind::kString) return std::nullopt;
  // What a loop over the fields would look up in each turn is charged like text that is read.
  if (!memory.Walk(fields_->size() * 16)) return Value::Error(cel::kTooMuch);
  const absl::string_view name = key.text();
  if (std::optional<Value> control = FindControl(name, memory)) return control;
  absl::string_view first;
  std::string joined;
  size_t seen = 0;
  for (const http::Header& field : *fields_) {
    if (!absl::EqualsIgnoreCase(field.name(), name)) continue;
    if (seen++ == 0) {
      first = field.value();
      continue;
    }
    if (joined.size() + field.value_size > Memory::kMaxBytes) return Value::Error(cel::kTooMuch);
    if (seen == 2) joined = std::string(first);
    absl::StrAppend(&joined, ",", field.value());
  }
  if (seen == 0) return std::nullopt;
  return seen == 1 ? Value::String(first) : memory.KeepString(std::move(joined));
}

size_t HeadFields::ByteSize() const {
  if (fields_ == nullptr) return 0;
  size_t bytes = fields_->ByteSize();
  if (response_ != nullptr) bytes += 10;  // ":status" and three digits.
  if (request_ == nullptr) return bytes;
  for (const Control& control : kControls) {
    const absl::string_view value = request_->*control.value;
    if (!value.empty()) bytes += control.name.size() + value.size();
  }
  return bytes;
}

size_t HeadFields::size() const {
  cel::Items keys;
  AppendKeys(keys);
  return keys.size();
}

void HeadFields::AppendKeys(cel::Items& keys) const {
  if (fields_ == nullptr) return;
  if (response_ != nullptr && response_->status != 0) keys.push_back(Value::String(":status"));
  if (request_ != nullptr) {
    for (const Control& control : kControls) {
      if (!(request_->*control.value).empty()) keys.push_back(Value::String(control.name));
    }
  }
  for (const http::Header* field = fields_->begin(); field != fields_->end(); ++field) {
    const bool again = std::any_of(fields_->begin(), field, [field](const http::Header& before) {
      return before.name() == field->name();
    });
    if (!again) keys.push_back(Value::String(field->name()));
  }
}

// As bytes: whoever writes state need not write text.
std::optional<Value> FilterStateMap::Find(const Value& key, Memory&) const {
  if (state_ == nullptr || key.kind != Value::Kind::kString) return std::nullopt;
  const std::string* value = state_->Find(key.text());
  if (value == nullptr) return std::nullopt;
  return Value::Bytes(*value);
}

StreamAttributes::StreamAttributes(const Shown& shown)
    : shown_(shown),
      request_fields_(shown.request, nullptr,
                      shown.request == nullptr ? nullptr : &shown.request->headers),
      response_fields_(nullptr, shown.response,
                       shown.response == nullptr ? nullptr : &shown.response->headers),
      trailer_fields_(nullptr, nullptr, shown.response_trailers),
      state_(shown.state) {}

StreamAttributes::Shown StreamAttributes::Of(const StreamInfo& stream) {
  Shown shown;
  shown.connection = stream.connection;
  shown.stream = &stream;
  shown.remote = &stream.remote;
  if (stream.connection != nullptr) shown.server_name = stream.connection->requested_server_name;
  shown.metadata = &stream.metadata;
  shown.state = &stream.state;
  return shown;
}

StreamAttributes::Shown StreamAttributes::Of(const MatchSubject& subject) {
  Shown shown;
  shown.connection = &subject.connection;
  shown.stream = subject.stream;
  shown.remote = &subject.remote;
  shown.server_name = subject.server_name;
  shown.request = subject.head;
  shown.response = subject.response;
  shown.metadata = subject.metadata;
  shown.state = subject.state;
  shown.route_metadata = subject.route_metadata;
  return shown;
}

Value StreamAttributes::ReadRequestHead(Attribute attribute) const {
  const http::RequestHead& head = *shown_.request;
  switch (attribute) {
    case Attribute::kRequestPath:
      return TextOrAbsent(head.path);
    case Attribute::kRequestUrlPath:
      return Value::String(BeforeQuery(head.path));
    case Attribute::kRequestHost:
      return TextOrAbsent(head.authority);
    case Attribute::kRequestScheme:
      return TextOrAbsent(head.scheme);
    case Attribute::kRequestMethod:
      return TextOrAbsent(head.method_text);
    case Attribute::kRequestHeaders:
      return Value::OfMap(request_fields_);
    case Attribute::kRequestQuery:
      return Value::String(QueryOf(head.path));
    case Attribute::kRequestReferer:
    case Attribute::kRequestUserAgent:
    case Attribute::kRequestId: {
      const absl::string_view name = attribute == Attribute::kRequestReferer     ? "referer"
                                     : attribute == Attribute::kRequestUserAgent ? "user-agent"
                                                                                 : "x-request-id";
      const http::Header* field = head.headers.Find(name);
      return field == nullptr ? Absent() : Value::String(field->value());
    }
    default:
      return Absent();
  }
}

Value StreamAttributes::ReadRequest(Attribute attribute) const {
  const StreamInfo* stream = shown_.stream;
  switch (attribute) {
    case Attribute::kRequestTime:
      if (stream == nullptr) return Absent();
      return Value::Timestamp(absl::FromUnixMicros(stream->start_wall));
    case Attribute::kRequestProtocol:
      if (stream == nullptr) return Absent();
      return Value::String(http::VersionText(stream->protocol));
    case Attribute::kRequestDuration:
      return stream == nullptr ? Absent() : Between(stream->start, stream->complete);
    case Attribute::kRequestTotalSize:
      if (stream == nullptr) return Absent();
      return Count(stream->bytes_received + request_fields_.ByteSize());
    case Attribute::kRequestSize:
      // Before the body is there, its length as the head says it.
      if (shown_.request != nullptr && shown_.request->framing.kind == http::Framing::kLength) {
        return Count(shown_.request->framing.length);
      }
      return stream == nullptr ? Absent() : Count(stream->bytes_received);
    default:
      return shown_.request == nullptr ? Absent() : ReadRequestHead(attribute);
  }
}

Value StreamAttributes::ReadResponse(Attribute attribute) const {
  if (attribute == Attribute::kResponseHeaders) {
    return response_fields_.there() ? Value::OfMap(response_fields_) : Absent();
  }
  if (attribute == Attribute::kResponseTrailers) {
    return trailer_fields_.there() ? Value::OfMap(trailer_fields_) : Absent();
  }
  if (shown_.stream == nullptr) return Absent();
  const StreamInfo& stream = *shown_.stream;
  const uint16_t code = stream.response_code != 0    ? stream.response_code
                        : shown_.response != nullptr ? shown_.response->status
                                                     : uint16_t{0};
  switch (attribute) {
    case Attribute::kResponseCode:
      return code == 0 ? Absent() : Value::Int(code);
    case Attribute::kResponseCodeDetails:
      return TextOrAbsent(stream.details);
    case Attribute::kResponseFlags:
      return Value::Int(stream.flags);
    case Attribute::kResponseSize:
      return Count(stream.bytes_sent);
    case Attribute::kResponseTotalSize:
      return Count(stream.bytes_sent + response_fields_.ByteSize() + trailer_fields_.ByteSize());
    case Attribute::kResponseBackendLatency:
      return Between(stream.first_upstream_tx, stream.last_upstream_rx);
    case Attribute::kResponseGrpcStatus:
      for (const http::HeaderMap* fields :
           {shown_.response_trailers,
            shown_.response == nullptr ? nullptr : &shown_.response->headers}) {
        int64_t status;
        if (fields != nullptr && fields->Has(http::HeaderId::kGrpcStatus) &&
            absl::SimpleAtoi(fields->Get(http::HeaderId::kGrpcStatus), &status)) {
          return Value::Int(status);
        }
      }
      return code == 0 ? Absent() : Value::Int(static_cast<int64_t>(rpc::StatusOfHttp(code)));
    default:
      return Absent();
  }
}

Value StreamAttributes::ReadConnection(Attribute attribute, Memory& memory) const {
  const ConnectionInfo* connection = shown_.connection;
  if (connection == nullptr) return Absent();
  switch (attribute) {
    case Attribute::kSourceAddress:
    case Attribute::kSourcePort:
      return OfAddress(shown_.remote, attribute == Attribute::kSourcePort, memory);
    case Attribute::kDestinationAddress:
    case Attribute::kDestinationPort:
      return OfAddress(&connection->local, attribute == Attribute::kDestinationPort, memory);
    case Attribute::kConnectionId:
      return Value::Uint(connection->id);
    case Attribute::kConnectionMtls:
      return Value::Bool(connection->tls != nullptr && connection->tls->peer_presented());
    case Attribute::kConnectionServerName:
      return Value::String(shown_.server_name);
    case Attribute::kConnectionTermination:
      if (shown_.stream == nullptr) return Absent();
      return TextOrAbsent(shown_.stream->connection_termination_details);
    case Attribute::kConnectionTransportFailure:
      return connection->transport_failure == nullptr
                 ? Absent()
                 : TextOrAbsent(*connection->transport_failure);
    default:
      return OfTls(connection->tls, PartBy(attribute, Attribute::kConnectionTlsVersion));
  }
}

Value StreamAttributes::ReadUpstream(Attribute attribute, Memory& memory) const {
  if (shown_.stream == nullptr) return Absent();
  const StreamInfo& stream = *shown_.stream;
  switch (attribute) {
    case Attribute::kUpstreamAddress:
    case Attribute::kUpstreamPort:
      return OfAddress(&stream.upstream_remote, attribute == Attribute::kUpstreamPort, memory);
    case Attribute::kUpstreamLocalAddress:
      return OfAddress(&stream.upstream_local, false, memory);
    case Attribute::kUpstreamTransportFailure:
      return TextOrAbsent(stream.upstream_failure_reason);
    case Attribute::kUpstreamAttempts:
      return Value::Uint(stream.attempts);
    default:
      return OfTls(stream.upstream_tls.get(), PartBy(attribute, Attribute::kUpstreamTlsVersion));
  }
}

// Where in the configuration a stream is, and what filters have left to it.
Value StreamAttributes::ReadPlace(Attribute attribute, Memory& memory) const {
  static const json::Object kNone;
  if (attribute == Attribute::kMetadata) {
    const json::Object* all = shown_.metadata == nullptr ? nullptr : shown_.metadata->all();
    return Value::Json(all == nullptr ? kNone : *all);
  }
  if (attribute == Attribute::kFilterState) return Value::OfMap(state_);
  if (attribute == Attribute::kRouteMetadata) {
    return Value::Json(shown_.route_metadata == nullptr ? kNone : *shown_.route_metadata);
  }
  if (shown_.stream == nullptr) return Absent();
  const StreamInfo& stream = *shown_.stream;
  if (attribute == Attribute::kClusterName) return TextOrAbsent(stream.upstream_cluster);
  if (attribute == Attribute::kClusterMetadata) return OfMetadata(stream.cluster_metadata, memory);
  if (attribute == Attribute::kHostMetadata) {
    // A host that nothing is said of has none; that of a cluster is empty.
    const std::string* of_host = stream.upstream_metadata;
    return of_host == nullptr || of_host->empty() ? Absent() : OfMetadata(of_host, memory);
  }
  // A route need not have a name; its virtual host does.
  if (attribute == Attribute::kRouteName) {
    return stream.virtual_host_name.empty() ? Absent() : Value::String(stream.route_name);
  }
  if (attribute == Attribute::kVirtualHostName) return TextOrAbsent(stream.virtual_host_name);
  return Value::String(stream.filter_chain_name);
}

Value StreamAttributes::Read(Attribute attribute, Memory& memory) const {
  if (attribute <= Attribute::kRequestTotalSize) return ReadRequest(attribute);
  if (attribute <= Attribute::kResponseBackendLatency) return ReadResponse(attribute);
  if (attribute <= Attribute::kConnectionTransportFailure) return ReadConnection(attribute, memory);
  if (attribute <= Attribute::kUpstreamAttempts) return ReadUpstream(attribute, memory);
  return ReadPlace(attribute, memory);
}

}  // namespace proxenos::filter
