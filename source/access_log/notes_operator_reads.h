// The functions that read values out of a stream's notes for the operators. Used by the tables
// only.
#pragma once

#include "source/access_log/operator.h"
#include "source/filter/log_notes.h"

namespace proxenos::access_log {

using filter::LogNotes;

template <uint64_t upstream::ExchangeNotes::*kField>
Value ReadUpstreamBytes(const Operator&, const FormatInput& input, Scratch&) {
  const LogNotes* notes = input.stream->notes;
  return Value::Number(notes == nullptr ? 0 : notes->upstream.*kField);
}

// Heads of the client's side before HPACK; where there is none, as on the wire.
template <uint64_t LogNotes::*kField, uint64_t filter::StreamInfo::*kOnWire>
Value ReadFieldBytes(const Operator&, const FormatInput& input, Scratch&) {
  const LogNotes* notes = input.stream->notes;
  const uint64_t fields = notes == nullptr ? 0 : notes->*kField;
  return Value::Number(fields != 0 ? fields : input.stream->*kOnWire);
}

template <absl::string_view LogNotes::*kField>
Value ReadCloseReason(const Operator&, const FormatInput& input, Scratch&) {
  const LogNotes* notes = input.stream->notes;
  return notes == nullptr ? Value() : Value::TextOrAbsent(notes->*kField);
}

template <base::MonoTime LogNotes::*kField>
base::MonoTime NotedAt(const FormatInput& input) {
  const LogNotes* notes = input.stream->notes;
  return notes == nullptr ? 0 : notes->*kField;
}

// Lists of attempts, with commas between.
Value ReadHostsAttempted(const Operator& self, const FormatInput& input, Scratch& scratch);
Value ReadHostsAttemptedWithoutPort(const Operator& self, const FormatInput& input,
                                    Scratch& scratch);
Value ReadHostNamesAttempted(const Operator& self, const FormatInput& input, Scratch& scratch);
Value ReadHostNamesAttemptedWithoutPort(const Operator& self, const FormatInput& input,
                                        Scratch& scratch);
Value ReadConnectionIdsAttempted(const Operator& self, const FormatInput& input, Scratch& scratch);

// A connection that is not over has closed in the way that most do, as in Envoy.
Value ReadDownstreamCloseType(const Operator&, const FormatInput& input, Scratch&);
Value ReadUpstreamCloseType(const Operator&, const FormatInput& input, Scratch&);

Value ReadRouteResolutions(const Operator&, const FormatInput& input, Scratch&);
Value ReadRouteResolutionTime(const Operator&, const FormatInput& input, Scratch&);
Value ReadRouteMetadata(const Operator& self, const FormatInput& input, Scratch&);

// Instants of the connection with the host.
base::MonoTime UpstreamConnectBegin(const FormatInput& input);
base::MonoTime UpstreamConnectEnd(const FormatInput& input);
base::MonoTime UpstreamHandshakeEnd(const FormatInput& input);

}  // namespace proxenos::access_log
