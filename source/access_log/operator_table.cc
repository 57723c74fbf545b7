// The table of command operators, and the compiling of their arguments.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "source/access_log/connection_operator_reads.h"
#include "source/access_log/notes_operator_reads.h"
#include "source/access_log/operator.h"
#include "source/access_log/operator_reads.h"
#include "source/access_log/operator_row.h"

namespace proxenos::access_log {
namespace {

using filter::StreamInfo;

absl::Status Wrong(absl::string_view message) { return absl::InvalidArgumentError(message); }

absl::StatusOr<HeaderKey> CompileKey(absl::string_view name) {
  static constexpr struct {
    absl::string_view name;
    HeaderKey::Control control;
  } kControls[] = {
      {":method", HeaderKey::Control::kMethod},       {":path", HeaderKey::Control::kPath},
      {":authority", HeaderKey::Control::kAuthority}, {"host", HeaderKey::Control::kAuthority},
      {":scheme", HeaderKey::Control::kScheme},       {"upgrade", HeaderKey::Control::kUpgrade},
      {":status", HeaderKey::Control::kStatus},
  };
  HeaderKey key;
  key.name = absl::AsciiStrToLower(name);
  const absl::string_view token = absl::string_view(key.name).substr(name[0] == ':' ? 1 : 0);
  for (const char c : token) {
    // RFC 9110, section 5.6.2: token.
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
        absl::string_view("!#$%&'*+-.^_`|~").find(c) == absl::string_view::npos) {
      return Wrong(absl::StrCat("'", name, "' is not a header name"));
    }
  }
  if (token.empty()) return Wrong(absl::StrCat("'", name, "' is not a header name"));
  for (const auto& entry : kControls) {
    if (key.name == entry.name) key.control = entry.control;
  }
  key.id = http::LookUpHeader(key.name);
  return key;
}

absl::Status ConfigureHeader(absl::string_view argument, Operator& out) {
  const std::vector<absl::string_view> names = absl::StrSplit(argument, '?');
  if (names.size() > 2) return Wrong("more than one alternative header");
  absl::StatusOr<HeaderKey> key =
      names[0].empty() ? Wrong("empty header name") : CompileKey(names[0]);
  if (!key.ok()) return key.status();
  out.key = *std::move(key);
  if (names.size() == 1 || names[1].empty()) return absl::OkStatus();
  absl::StatusOr<HeaderKey> alternative = CompileKey(names[1]);
  if (!alternative.ok()) return alternative.status();
  out.alternative = *std::move(alternative);
  return absl::OkStatus();
}

template <base::MonoTime StreamInfo::*kField>
base::MonoTime Of(const FormatInput& input) {
  return input.stream->*kField;
}

template <base::MonoTime StreamInfo::*kFrom, base::MonoTime StreamInfo::*kTo>
absl::Status ConfigureDuration(absl::string_view, Operator& out) {
  out.from = Of<kFrom>;
  out.to = Of<kTo>;
  return absl::OkStatus();
}

absl::Status ConfigureCommonDuration(absl::string_view argument, Operator& out) {
  static constexpr struct {
    absl::string_view name;
    Instant instant;
  } kPoints[] = {
      {"DS_CX_BEG", ConnectionBegin},
      {"DS_CX_END", ConnectionEnd},
      {"DS_HS_BEG", HandshakeBegin},
      {"DS_HS_END", HandshakeEnd},
      {"DS_RX_BEG", Of<&StreamInfo::start>},
      {"DS_RX_END", Of<&StreamInfo::request_complete>},
      {"DS_RX_HDR_END", NotedAt<&LogNotes::request_head>},
      {"US_CX_BEG", UpstreamConnectBegin},
      {"US_CX_END", UpstreamConnectEnd},
      {"US_HS_END", UpstreamHandshakeEnd},
      {"US_TX_BEG", Of<&StreamInfo::first_upstream_tx>},
      {"US_TX_END", Of<&StreamInfo::last_upstream_tx>},
      {"US_RX_BEG", Of<&StreamInfo::first_upstream_rx>},
      {"US_RX_BODY_BEG", NotedAt<&LogNotes::first_upstream_body>},
      {"US_RX_END", Of<&StreamInfo::last_upstream_rx>},
      {"DS_TX_BEG", Of<&StreamInfo::first_downstream_tx>},
      {"DS_TX_END", Of<&StreamInfo::last_downstream_tx>},
  };
  const std::vector<absl::string_view> parts = absl::StrSplit(argument, ':');
  if (parts.size() < 2 || parts.size() > 3) return Wrong("takes START:END[:ms|us|ns]");
  for (const auto& point : kPoints) {
    if (parts[0] == point.name) out.from = point.instant;
    if (parts[1] == point.name) out.to = point.instant;
  }
  if (out.from == nullptr || out.to == nullptr) {
    return Wrong(absl::StrCat("no time point '", out.from == nullptr ? parts[0] : parts[1],
                              "' is recorded"));
  }
  if (parts.size() == 2 || parts[2] == "ms") return absl::OkStatus();
  if (parts[2] != "us" && parts[2] != "ns") {
    return Wrong(absl::StrCat("unit '", parts[2], "' is not ms, us or ns"));
  }
  out.unit = parts[2] == "us" ? base::kMicrosecond : 1;
  return absl::OkStatus();
}

absl::Status ConfigureEnvironment(absl::string_view argument, Operator& out) {
  const char* value = std::getenv(std::string(argument).c_str());
  out.text = value == nullptr ? "-" : value;
  return absl::OkStatus();
}

absl::Status ConfigureHostname(absl::string_view, Operator& out) {
  char name[256] = {};
  out.text = gethostname(name, sizeof(name) - 1) == 0 ? name : "-";
  return absl::OkStatus();
}

absl::Status ConfigureDetails(absl::string_view argument, Operator& out) {
  if (argument.empty()) return absl::OkStatus();
  if (argument != "ALLOW_WHITESPACES") return Wrong("takes no argument but ALLOW_WHITESPACES");
  out.choice = 1;
  return absl::OkStatus();
}

absl::Status ConfigurePath(absl::string_view argument, Operator& out) {
  const std::vector<absl::string_view> parts = absl::StrSplit(argument, ':');
  if (parts.size() > 2) return Wrong("takes QUERY:SOURCE");
  if (parts[0] == "NQ") {
    out.choice |= kWithoutQuery;
  } else if (!parts[0].empty() && parts[0] != "WQ") {
    return Wrong(absl::StrCat("'", parts[0], "' is not WQ or NQ"));
  }
  const absl::string_view source = parts.size() == 2 ? parts[1] : "";
  if (source == "ORIG") {
    out.choice |= kPathOriginal;
  } else if (source == "PATH") {
    out.choice |= kPathCurrent;
  } else if (!source.empty() && source != "ORIG_OR_PATH") {
    return Wrong(absl::StrCat("'", source, "' is not ORIG, PATH or ORIG_OR_PATH"));
  }
  return absl::OkStatus();
}

absl::Status ConfigureQueryParameter(absl::string_view argument, Operator& out) {
  out.text = std::string(argument);
  return absl::OkStatus();
}

absl::Status ConfigureQueryParameters(absl::string_view argument, Operator& out) {
  if (!argument.empty() && argument != "ORIG" && argument != "DECODED") {
    return Wrong(absl::StrCat("'", argument, "' is not ORIG or DECODED"));
  }
  out.choice = argument == "DECODED" ? 1 : 0;
  return absl::OkStatus();
}

// NAMESPACE:KEY:KEY…
absl::Status ConfigureDynamicMetadata(absl::string_view argument, Operator& out) {
  out.path = absl::StrSplit(argument, ':');
  out.text = out.path[0];
  out.path.erase(out.path.begin());
  return out.text.empty() ? Wrong("needs a namespace") : absl::OkStatus();
}

// TYPE:NAMESPACE:KEY:KEY…
absl::Status ConfigureMetadata(absl::string_view argument, Operator& out) {
  if (absl::ConsumePrefix(&argument, "ROUTE:")) {
    out.read = ReadRouteMetadata;
  } else if (!absl::ConsumePrefix(&argument, "DYNAMIC:")) {
    return Wrong("of the kinds of metadata only DYNAMIC and ROUTE are implemented by proxenos");
  }
  return ConfigureDynamicMetadata(argument, out);
}

absl::Status ConfigureFilterState(absl::string_view argument, Operator& out) {
  const std::vector<absl::string_view> parts = absl::StrSplit(argument, ':');
  if (parts[0].empty()) return Wrong("needs a key");
  // What filters of proxenos leave is text, which has no typed form of its own.
  out.text = std::string(parts[0]);
  if (parts.size() == 3 && parts[1] == "FIELD" && !parts[2].empty()) {
    out.path = {std::string(parts[2])};
    return absl::OkStatus();
  }
  return parts.size() == 2 && parts[1] == "PLAIN" ? absl::OkStatus()
                                                  : Wrong("takes KEY:PLAIN or KEY:FIELD:NAME");
}

template <int kDefault>
absl::Status ConfigureGrpcStatus(absl::string_view argument, Operator& out) {
  out.choice = kDefault;
  if (argument == "CAMEL_STRING") out.choice = kGrpcCamel;
  if (argument == "SNAKE_STRING") out.choice = kGrpcSnake;
  if (argument == "NUMBER") out.choice = kGrpcNumber;
  const bool known = argument.empty() || argument == "CAMEL_STRING" || argument == "SNAKE_STRING" ||
                     argument == "NUMBER";
  return known
             ? absl::OkStatus()
             : Wrong(absl::StrCat("'", argument, "' is not CAMEL_STRING, SNAKE_STRING or NUMBER"));
}

constexpr Row kRows[] = {
    {"ACCESS_LOG_TYPE", ReadLogType},
    {"BYTES_RECEIVED", ReadNumber<&StreamInfo::bytes_received>},
    {"BYTES_RETRANSMITTED", ReadZero},
    {"BYTES_SENT", ReadNumber<&StreamInfo::bytes_sent>},
    {"CEL", ReadCel, kMustHave | kLimit, CompileCel},
    {"COALESCE", ReadCoalesce, kMustHave | kLimit},
    {"COMMON_DURATION", ReadDuration, kMustHave, ConfigureCommonDuration},
    {"CONNECTION_TERMINATION_DETAILS", ReadText<&StreamInfo::connection_termination_details>},
    {"DOWNSTREAM_HEADER_BYTES_RECEIVED", ReadNumber<&StreamInfo::request_header_bytes>},
    {"DOWNSTREAM_HEADER_BYTES_SENT", ReadNumber<&StreamInfo::response_header_bytes>},
    {"DOWNSTREAM_WIRE_BYTES_RECEIVED", ReadNumber<&StreamInfo::downstream_wire_bytes_received>},
    {"DOWNSTREAM_WIRE_BYTES_SENT", ReadNumber<&StreamInfo::downstream_wire_bytes_sent>},
    {"CUSTOM_FLAGS", ReadConstant},  // No filter of proxenos sets any.
    {"DURATION", ReadDuration, kPlain,
     ConfigureDuration<&StreamInfo::start, &StreamInfo::complete>},
    {"DYNAMIC_METADATA", ReadDynamicMetadata, kMustHave | kLimit, ConfigureDynamicMetadata},
    {"EMIT_TIME", ReadEmitTime, kMayHave, ConfigureTime<false>},
    {"EMIT_TIME_LOCAL", ReadEmitTime, kMayHave, ConfigureTime<true>},
    {"ENVIRONMENT", ReadConstant, kMustHave | kLimit, ConfigureEnvironment},
    {"FILTER_CHAIN_NAME", ReadText<&StreamInfo::filter_chain_name>},
    {"FILTER_STATE", ReadFilterState, kMustHave | kLimit, ConfigureFilterState},
    {"GRPC_STATUS", ReadGrpcStatus, kMayHave, ConfigureGrpcStatus<kGrpcCamel>},
    {"GRPC_STATUS_NUMBER", ReadGrpcStatus, kPlain, ConfigureGrpcStatus<kGrpcNumber>},
    {"HOSTNAME", ReadConstant, kPlain, ConfigureHostname},
    {"LOCAL_REPLY_BODY", ReadLocalReplyBody},
    {"METADATA", ReadDynamicMetadata, kMustHave | kLimit, ConfigureMetadata},
    {"PACKETS_RETRANSMITTED", ReadZero},
    {"PATH", ReadPath, kMayHave | kLimit, ConfigurePath},
    {"PROTOCOL", ReadProtocol},
    {"QUERY_PARAM", ReadQueryParameter, kMustHave | kLimit, ConfigureQueryParameter},
    {"QUERY_PARAMS", ReadQueryParameters, kMayHave | kLimit, ConfigureQueryParameters},
    {"REQ", ReadRequestHeader, kMustHave | kLimit, ConfigureHeader},
    {"REQUEST_DURATION", ReadDuration, kPlain,
     ConfigureDuration<&StreamInfo::start, &StreamInfo::request_complete>},
    {"REQUEST_HEADER", ReadRequestHeader, kMustHave | kLimit, ConfigureHeader},
    {"REQUEST_HEADERS_BYTES", ReadRequestHeadersBytes},
    {"REQUEST_TX_DURATION", ReadDuration, kPlain,
     ConfigureDuration<&StreamInfo::start, &StreamInfo::last_upstream_tx>},
    {"RESP", ReadResponseHeader, kMustHave | kLimit, ConfigureHeader},
    {"RESPONSE_CODE", ReadResponseCode},
    {"RESPONSE_CODE_DETAILS", ReadUnderscored<&StreamInfo::details>, kMayHave, ConfigureDetails},
    {"RESPONSE_DURATION", ReadDuration, kPlain,
     ConfigureDuration<&StreamInfo::start, &StreamInfo::first_upstream_rx>},
    {"RESPONSE_FLAGS", ReadFlags},
    {"RESPONSE_FLAGS_LONG", ReadLongFlags},
    {"RESPONSE_HEADER", ReadResponseHeader, kMustHave | kLimit, ConfigureHeader},
    {"RESPONSE_HEADERS_BYTES", ReadResponseHeadersBytes},
    {"RESPONSE_TRAILER", ReadResponseTrailer, kMustHave | kLimit, ConfigureHeader},
    {"RESPONSE_TRAILERS_BYTES", ReadResponseTrailersBytes},
    {"RESPONSE_TX_DURATION", ReadDuration, kPlain,
     ConfigureDuration<&StreamInfo::first_upstream_rx, &StreamInfo::last_downstream_tx>},
    {"ROUNDTRIP_DURATION", ReadNothing},
    {"ROUTE_NAME", ReadText<&StreamInfo::route_name>},
    {"SPAN_ID", ReadTraceId<&filter::TraceIds::span_id>},
    {"START_TIME", ReadStartTime, kMayHave, ConfigureTime<false>},
    {"START_TIME_LOCAL", ReadStartTime, kMayHave, ConfigureTime<true>},
    {"STREAM_ID", ReadStreamId},
    {"TRACE_ID", ReadTraceId<&filter::TraceIds::trace_id>},
    {"TRAILER", ReadResponseTrailer, kMustHave | kLimit, ConfigureHeader},
    {"TYPED_CEL", ReadTypedCel, kMustHave | kLimit, CompileCel},
    {"UNIQUE_ID", ReadUniqueId},
    {"UPSTREAM_CLUSTER", ReadText<&StreamInfo::upstream_stat_name>},
    {"UPSTREAM_CLUSTER_RAW", ReadText<&StreamInfo::upstream_cluster>},
    {"UPSTREAM_CONNECTION_ID", ReadNumber<&StreamInfo::upstream_connection_id>},
    {"UPSTREAM_PROTOCOL", ReadUpstreamProtocol},
    {"UPSTREAM_REQUEST_ATTEMPT_COUNT", ReadAttempts},
    {"UPSTREAM_TRANSPORT_FAILURE_REASON", ReadUnderscored<&StreamInfo::upstream_failure_reason>},
    {"UPSTREAM_WIRE_BYTES_RECEIVED", ReadNumber<&StreamInfo::upstream_wire_bytes_received>},
    {"UPSTREAM_WIRE_BYTES_SENT", ReadNumber<&StreamInfo::upstream_wire_bytes_sent>},
    // No filter of the host's side leaves any.
    {"UPSTREAM_FILTER_STATE", ReadNothing, kMustHave | kLimit, ConfigureFilterState},
    {"VIRTUAL_CLUSTER_NAME", ReadText<&StreamInfo::virtual_cluster_name>},
};

constexpr Row kReqWithoutQuery = {"REQ_WITHOUT_QUERY", ReadRequestHeaderWithoutQuery,
                                  kMustHave | kLimit, ConfigureHeader};

// Operators that Envoy has and proxenos has not: the message for these differs from that for a
// typo.
constexpr absl::string_view kNotImplemented[] = {
    "CLUSTER_METADATA", "DOWNSTREAM_CX_RTT", "FILE_CONTENT", "SECRET", "UPSTREAM_METADATA",
};

bool IsKnownToEnvoy(absl::string_view name) {
  return std::find(std::begin(kNotImplemented), std::end(kNotImplemented), name) !=
         std::end(kNotImplemented);
}

const Row* FindRow(absl::string_view name, const OperatorExtensions& extensions) {
  for (const absl::Span<const Row> rows :
       {absl::MakeSpan(kRows), ConnectionRows(), TlsRows(), NotesRows()}) {
    for (const Row& row : rows) {
      if (row.name == name) return &row;
    }
  }
  if (extensions.req_without_query && name == kReqWithoutQuery.name) return &kReqWithoutQuery;
  return nullptr;
}

}  // namespace

absl::StatusOr<Operator> CompileOperator(const OperatorText& text,
                                         const OperatorExtensions& extensions) {
  const auto wrong = [&text](absl::string_view what) {
    return Wrong(absl::StrCat("%", text.name, "%: ", what));
  };
  const Row* row = FindRow(text.name, extensions);
  if (row == nullptr) {
    return wrong(IsKnownToEnvoy(text.name) ? "not implemented by proxenos"
                                           : "no such command operator");
  }
  if (text.argument && (row->syntax & (kMayHave | kMustHave)) == 0)
    return wrong("takes no argument");
  if (!text.argument && (row->syntax & kMustHave) != 0) return wrong("needs an argument");
  if (text.limit && (row->syntax & kLimit) == 0) return wrong("takes no length");
  Operator result;
  result.read = row->read;
  result.limit = text.limit.value_or(UINT32_MAX);
  if (row->read == ReadCoalesce) {
    const absl::Status status = CompileCoalesce(*text.argument, extensions, result);
    if (!status.ok()) return wrong(status.message());
  }
  if (row->configure != nullptr) {
    // Not a null view: StrSplit makes no part at all of that.
    const absl::Status status = row->configure(text.argument.value_or(""), result);
    if (!status.ok()) return wrong(status.message());
  }
  return result;
}

}  // namespace proxenos::access_log
