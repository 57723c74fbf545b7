// Reading values out of a stream.
#include "source/access_log/operator_reads.h"

#include <charconv>
#include <iterator>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "source/access_log/operator_row.h"
#include "source/base/random.h"
#include "source/base/uuid.h"
#include "source/json/parse.h"
#include "source/rpc/status.h"

namespace proxenos::access_log {
namespace {

using filter::StreamInfo;

absl::string_view OriginalPath(const FormatInput& input) {
  if (input.request != nullptr) {
    const http::Header* header = input.request->headers.Find(http::HeaderId::kXEnvoyOriginalPath);
    if (header != nullptr) return header->value();
  }
  return input.stream->original_path;
}

// The field's value; nullopt when it is not there. An empty value is a value.
std::optional<absl::string_view> FindField(const HeaderKey& key, const http::HeaderMap& headers) {
  if (key.name.empty()) return std::nullopt;
  const http::Header* header =
      key.id != http::HeaderId::kUnknown ? headers.Find(key.id) : headers.Find(key.name);
  if (header == nullptr) return std::nullopt;
  return header->value();
}

std::optional<absl::string_view> NotEmpty(absl::string_view text) {
  if (text.empty()) return std::nullopt;
  return text;
}

std::optional<absl::string_view> FindInRequest(const HeaderKey& key, const FormatInput& input) {
  const http::RequestHead& head = *input.request;
  switch (key.control) {
    case HeaderKey::Control::kNone:
      break;
    case HeaderKey::Control::kMethod:
      return NotEmpty(head.method_text);
    case HeaderKey::Control::kPath:
      return NotEmpty(head.path);
    case HeaderKey::Control::kAuthority:
      return NotEmpty(head.authority);
    case HeaderKey::Control::kScheme:
      return NotEmpty(head.scheme);
    case HeaderKey::Control::kUpgrade:
      return NotEmpty(head.upgrade);
    case HeaderKey::Control::kStatus:
      return std::nullopt;
  }
  // Rewriting keeps the original path in the stream even where it adds no field.
  if (key.id == http::HeaderId::kXEnvoyOriginalPath) return NotEmpty(OriginalPath(input));
  return FindField(key, head.headers);
}

std::optional<absl::string_view> FindInRequest(const Operator& self, const FormatInput& input) {
  if (input.request == nullptr) return std::nullopt;
  std::optional<absl::string_view> found = FindInRequest(self.key, input);
  return found ? found : FindInRequest(self.alternative, input);
}

absl::string_view Digits(uint64_t number, Scratch& scratch) {
  char* end = std::to_chars(scratch.bytes, scratch.bytes + sizeof(scratch.bytes), number).ptr;
  return absl::string_view(scratch.bytes, static_cast<size_t>(end - scratch.bytes));
}

Value TextOrAbsent(const std::optional<absl::string_view>& text) {
  return text ? Value::Text(*text) : Value();
}

absl::string_view WithoutQuery(absl::string_view path) { return path.substr(0, path.find('?')); }

Value ReadTime(const Operator& self, base::WallTime time, Scratch& scratch) {
  const size_t size = self.time->Format(time, scratch.bytes, sizeof(scratch.bytes));
  return Value::Text(absl::string_view(scratch.bytes, size));
}

// Control data as the fields that HTTP/2 would send them in, as Envoy counts them.
uint64_t ControlBytes(absl::string_view name, absl::string_view value) {
  return value.empty() ? 0 : name.size() + value.size();
}

}  // namespace

Value ReadConstant(const Operator& self, const FormatInput&, Scratch&) {
  return Value::Text(self.text);
}

Value ReadProtocol(const Operator&, const FormatInput& input, Scratch&) {
  if (input.request == nullptr) return Value();  // Of a connection that is not HTTP.
  return Value::Text(http::VersionText(input.stream->protocol));
}

Value ReadUpstreamProtocol(const Operator&, const FormatInput& input, Scratch&) {
  const auto& protocol = input.stream->upstream_protocol;
  return protocol ? Value::Text(http::VersionText(*protocol)) : Value();
}

Value ReadResponseCode(const Operator&, const FormatInput& input, Scratch&) {
  return Value::Number(input.stream->response_code);
}

Value ReadFlags(const Operator&, const FormatInput& input, Scratch&) {
  Value value = Value::Number(input.stream->flags);
  value.kind = Value::Kind::kFlags;
  return value;
}

Value ReadLongFlags(const Operator&, const FormatInput& input, Scratch&) {
  Value value = Value::Number(input.stream->flags);
  value.kind = Value::Kind::kLongFlags;
  return value;
}

Value ReadAttempts(const Operator&, const FormatInput& input, Scratch&) {
  return Value::Number(input.stream->attempts);
}

// Of HTTP/3 alone.
Value ReadZero(const Operator&, const FormatInput&, Scratch&) { return Value::Number(0); }
Value ReadNothing(const Operator&, const FormatInput&, Scratch&) { return Value(); }

// Another for each line and each time it stands there.
Value ReadUniqueId(const Operator&, const FormatInput&, Scratch& scratch) {
  thread_local base::Random random(base::RandomSeed());
  const uint64_t bits[2] = {random.Next(), random.Next()};
  base::FormatUuid(bits, scratch.bytes);
  return Value::Text(absl::string_view(scratch.bytes, base::kUuidSize));
}

Value ReadStreamId(const Operator&, const FormatInput& input, Scratch&) {
  if (input.request == nullptr) return Value();
  return Value::TextOrAbsent(input.request->headers.Get(http::HeaderId::kXRequestId));
}

Value ReadLogType(const Operator&, const FormatInput& input, Scratch&) {
  return Value::Text(LogTypeName(input.type));
}

Value ReadLocalReplyBody(const Operator&, const FormatInput& input, Scratch&) {
  Value body = Value::Text(input.local_reply_body);
  body.kind = Value::Kind::kBody;
  return body;
}

Value ReadStartTime(const Operator& self, const FormatInput& input, Scratch& scratch) {
  return ReadTime(self, input.stream->start_wall, scratch);
}

Value ReadEmitTime(const Operator& self, const FormatInput& input, Scratch& scratch) {
  const StreamInfo& stream = *input.stream;
  const base::Nanos lasted = stream.complete == 0 ? 0 : stream.complete - stream.start;
  return ReadTime(self, stream.start_wall + lasted / base::kMicrosecond, scratch);
}

Value ReadDuration(const Operator& self, const FormatInput& input, Scratch&) {
  const base::MonoTime from = self.from(input);
  const base::MonoTime to = self.to(input);
  if (from == 0 || to == 0 || to < from) return Value();
  return Value::Number(static_cast<uint64_t>((to - from) / self.unit));
}

Value ReadRequestHeader(const Operator& self, const FormatInput& input, Scratch&) {
  return TextOrAbsent(FindInRequest(self, input));
}

Value ReadRequestHeaderWithoutQuery(const Operator& self, const FormatInput& input, Scratch&) {
  const std::optional<absl::string_view> found = FindInRequest(self, input);
  return found ? Value::Text(WithoutQuery(*found)) : Value();
}

Value ReadResponseHeader(const Operator& self, const FormatInput& input, Scratch& scratch) {
  if (input.response == nullptr) return Value();
  if (self.key.control == HeaderKey::Control::kStatus) {
    if (input.response->status == 0) return Value();
    return Value::Text(Digits(input.response->status, scratch));
  }
  std::optional<absl::string_view> found = FindField(self.key, input.response->headers);
  if (!found) found = FindField(self.alternative, input.response->headers);
  return TextOrAbsent(found);
}

Value ReadResponseTrailer(const Operator& self, const FormatInput& input, Scratch&) {
  if (input.response_trailers == nullptr) return Value();
  std::optional<absl::string_view> found = FindField(self.key, *input.response_trailers);
  if (!found) found = FindField(self.alternative, *input.response_trailers);
  return TextOrAbsent(found);
}

Value ReadRequestHeadersBytes(const Operator&, const FormatInput& input, Scratch&) {
  if (input.request == nullptr) return Value::Number(0);
  const http::RequestHead& head = *input.request;
  return Value::Number(head.headers.ByteSize() + ControlBytes(":method", head.method_text) +
                       ControlBytes(":path", head.path) + ControlBytes(":scheme", head.scheme) +
                       ControlBytes(":authority", head.authority));
}

Value ReadResponseHeadersBytes(const Operator&, const FormatInput& input, Scratch&) {
  if (input.response == nullptr) return Value::Number(0);
  return Value::Number(input.response->headers.ByteSize() + ControlBytes(":status", "200"));
}

Value ReadResponseTrailersBytes(const Operator&, const FormatInput& input, Scratch&) {
  return Value::Number(input.response_trailers == nullptr ? 0
                                                          : input.response_trailers->ByteSize());
}

Value ReadPath(const Operator& self, const FormatInput& input, Scratch&) {
  const int source = self.choice & ~kWithoutQuery;
  absl::string_view path;
  if (source != kPathCurrent) path = OriginalPath(input);
  if (path.empty() && source != kPathOriginal && input.request != nullptr) {
    path = input.request->path;
  }
  if ((self.choice & kWithoutQuery) != 0) path = WithoutQuery(path);
  return Value::TextOrAbsent(path);
}

Value ReadQueryParameter(const Operator& self, const FormatInput& input, Scratch&) {
  if (input.request == nullptr) return Value();
  const absl::string_view path = input.request->path;
  size_t at = path.find('?');
  while (at != absl::string_view::npos) {
    const size_t end = path.find('&', at + 1);
    const absl::string_view pair = path.substr(
        at + 1, end == absl::string_view::npos ? absl::string_view::npos : end - at - 1);
    const size_t equals = pair.find('=');
    if (pair.substr(0, equals) == self.text) {
      Value value = Value::Text(equals == absl::string_view::npos ? absl::string_view()
                                                                  : pair.substr(equals + 1));
      value.kind = Value::Kind::kPercentEncoded;
      return value;
    }
    at = end;
  }
  return Value();
}

Value ReadQueryParameters(const Operator& self, const FormatInput& input, Scratch&) {
  if (input.request == nullptr) return Value();
  const size_t question = input.request->path.find('?');
  if (question == absl::string_view::npos) return Value();
  Value value = Value::TextOrAbsent(input.request->path.substr(question + 1));
  if (self.choice != 0 && value.kind == Value::Kind::kText) {
    value.kind = Value::Kind::kPercentEncoded;
  }
  return value;
}

std::optional<uint64_t> GrpcStatusOf(const FormatInput& input) {
  if (input.request == nullptr) return std::nullopt;
  if (!rpc::IsGrpcType(input.request->headers.Get(http::HeaderId::kContentType))) {
    return std::nullopt;
  }
  uint64_t status;
  for (const http::HeaderMap* headers :
       {input.response_trailers, input.response ? &input.response->headers : nullptr}) {
    if (headers == nullptr || !headers->Has(http::HeaderId::kGrpcStatus)) continue;
    if (absl::SimpleAtoi(headers->Get(http::HeaderId::kGrpcStatus), &status)) return status;
  }
  if (input.stream->response_code == 0) return std::nullopt;
  return static_cast<uint64_t>(rpc::StatusOfHttp(input.stream->response_code));
}

Value ReadGrpcStatus(const Operator& self, const FormatInput& input, Scratch& scratch) {
  static constexpr absl::string_view kNames[][2] = {
      {"OK", "OK"},
      {"Canceled", "CANCELLED"},
      {"Unknown", "UNKNOWN"},
      {"InvalidArgument", "INVALID_ARGUMENT"},
      {"DeadlineExceeded", "DEADLINE_EXCEEDED"},
      {"NotFound", "NOT_FOUND"},
      {"AlreadyExists", "ALREADY_EXISTS"},
      {"PermissionDenied", "PERMISSION_DENIED"},
      {"ResourceExhausted", "RESOURCE_EXHAUSTED"},
      {"FailedPrecondition", "FAILED_PRECONDITION"},
      {"Aborted", "ABORTED"},
      {"OutOfRange", "OUT_OF_RANGE"},
      {"Unimplemented", "UNIMPLEMENTED"},
      {"Internal", "INTERNAL"},
      {"Unavailable", "UNAVAILABLE"},
      {"DataLoss", "DATA_LOSS"},
      {"Unauthenticated", "UNAUTHENTICATED"},
  };
  const std::optional<uint64_t> status = GrpcStatusOf(input);
  if (!status) return Value();
  if (self.choice == kGrpcNumber) return Value::Number(*status);
  if (*status >= std::size(kNames)) {
    return Value::Text(Digits(*status, scratch));
  }
  return Value::Text(kNames[*status][self.choice]);
}

Value ReadDynamicMetadata(const Operator& self, const FormatInput& input, Scratch&) {
  const json::Value* value = input.stream->metadata.Find(self.text, self.path);
  return value == nullptr ? Value() : Value::Json(*value);
}

// A field's is of state that is an object in JSON.
Value ReadFilterState(const Operator& self, const FormatInput& input, Scratch&) {
  const std::string* text = input.stream->state.Find(self.text);
  if (text == nullptr) return Value();
  if (self.path.empty()) return Value::Text(*text);
  const std::optional<json::Object> object = json::ParseObject(*text);
  const json::Value* value = object ? json::FindPath(*object, self.path) : nullptr;
  if (value == nullptr || value->is_null()) return Value();
  // Until the next operator is read on this thread.
  thread_local json::Value kept;
  kept = *value;
  return kept.text() != nullptr ? Value::Text(*kept.text()) : Value::Json(kept);
}

}  // namespace proxenos::access_log
