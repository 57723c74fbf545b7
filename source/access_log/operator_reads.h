// The functions that read values out of a stream for the operators, and those that take an
// operator's argument apart. Used by operator_table.cc only.
#pragma once

#include "absl/status/status.h"
#include "source/access_log/operator.h"

namespace proxenos::access_log {

template <uint64_t filter::StreamInfo::*kField>
Value ReadNumber(const Operator&, const FormatInput& input, Scratch&) {
  return Value::Number(input.stream->*kField);
}

template <absl::string_view filter::StreamInfo::*kField>
Value ReadText(const Operator&, const FormatInput& input, Scratch&) {
  return Value::TextOrAbsent(input.stream->*kField);
}

template <absl::string_view filter::StreamInfo::*kField>
Value ReadUnderscored(const Operator& self, const FormatInput& input, Scratch&) {
  Value value = Value::TextOrAbsent(input.stream->*kField);
  if (value.kind == Value::Kind::kText && self.choice == 0) value.kind = Value::Kind::kUnderscored;
  return value;
}

template <absl::string_view filter::TraceIds::*kField>
Value ReadTraceId(const Operator&, const FormatInput& input, Scratch&) {
  if (input.stream->trace == nullptr) return Value();
  return Value::TextOrAbsent(input.stream->trace->*kField);
}

Value ReadConstant(const Operator& self, const FormatInput& input, Scratch&);
Value ReadProtocol(const Operator&, const FormatInput& input, Scratch&);
Value ReadUpstreamProtocol(const Operator&, const FormatInput& input, Scratch&);
Value ReadResponseCode(const Operator&, const FormatInput& input, Scratch&);
Value ReadFlags(const Operator&, const FormatInput& input, Scratch&);
Value ReadLongFlags(const Operator&, const FormatInput& input, Scratch&);
Value ReadAttempts(const Operator&, const FormatInput& input, Scratch&);
Value ReadZero(const Operator&, const FormatInput& input, Scratch&);
Value ReadNothing(const Operator&, const FormatInput& input, Scratch&);
Value ReadUniqueId(const Operator&, const FormatInput& input, Scratch& scratch);
Value ReadStreamId(const Operator&, const FormatInput& input, Scratch&);
Value ReadLogType(const Operator&, const FormatInput& input, Scratch&);
Value ReadLocalReplyBody(const Operator&, const FormatInput& input, Scratch&);
Value ReadStartTime(const Operator& self, const FormatInput& input, Scratch& scratch);
Value ReadEmitTime(const Operator& self, const FormatInput& input, Scratch& scratch);
Value ReadRequestHeader(const Operator& self, const FormatInput& input, Scratch& scratch);
Value ReadRequestHeaderWithoutQuery(const Operator& self, const FormatInput& input, Scratch&);
Value ReadResponseHeader(const Operator& self, const FormatInput& input, Scratch& scratch);
Value ReadResponseTrailer(const Operator& self, const FormatInput& input, Scratch&);
Value ReadRequestHeadersBytes(const Operator&, const FormatInput& input, Scratch&);
Value ReadResponseHeadersBytes(const Operator&, const FormatInput& input, Scratch&);
Value ReadResponseTrailersBytes(const Operator&, const FormatInput& input, Scratch&);
Value ReadPath(const Operator& self, const FormatInput& input, Scratch&);
Value ReadQueryParameter(const Operator& self, const FormatInput& input, Scratch&);
Value ReadQueryParameters(const Operator& self, const FormatInput& input, Scratch&);
Value ReadDynamicMetadata(const Operator& self, const FormatInput& input, Scratch&);
Value ReadFilterState(const Operator& self, const FormatInput& input, Scratch&);
Value ReadGrpcStatus(const Operator& self, const FormatInput& input, Scratch& scratch);

// The gRPC status of a call as access logs see it: trailers, else head, else the HTTP status.
// Nullopt when the request is no gRPC call.
std::optional<uint64_t> GrpcStatusOf(const FormatInput& input);

// PATH's choices: where the path comes from, plus kWithoutQuery.
inline constexpr int kPathOriginalOrCurrent = 0;
inline constexpr int kPathOriginal = 1;
inline constexpr int kPathCurrent = 2;
inline constexpr int kWithoutQuery = 4;
// GRPC_STATUS' choices.
inline constexpr int kGrpcCamel = 0;
inline constexpr int kGrpcSnake = 1;
inline constexpr int kGrpcNumber = 2;

}  // namespace proxenos::access_log
