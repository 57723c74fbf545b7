// Reading values out of a stream's notes.
#include "source/access_log/notes_operator_reads.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "source/access_log/connection_operator_reads.h"

namespace proxenos::access_log {
namespace {

using Attempt = LogNotes::Attempt;

absl::string_view Names(net::CloseType type) {
  switch (type) {
    case net::CloseType::kLocalReset:
      return "LocalReset";
    case net::CloseType::kRemoteReset:
      return "RemoteReset";
    case net::CloseType::kNone:
    case net::CloseType::kNormal:
      break;
  }
  return "Normal";
}

// As many whole ones as there is room for. `read` gives the text of one; empty: it is left out.
template <typename Read>
Value List(const FormatInput& input, Scratch& scratch, const Read& read) {
  const LogNotes* notes = input.stream->notes;
  if (notes == nullptr) return Value();
  size_t size = 0;
  for (const Attempt& attempt : notes->attempts) {
    Scratch own;
    const absl::string_view text = read(attempt, own);
    if (text.empty()) continue;
    if (size + 1 + text.size() > sizeof(scratch.bytes)) break;
    if (size > 0) scratch.bytes[size++] = ',';
    std::memcpy(scratch.bytes + size, text.data(), text.size());
    size += text.size();
  }
  return Value::TextOrAbsent(absl::string_view(scratch.bytes, size));
}

Value Addresses(const Operator& self, const FormatInput& input, Scratch& scratch,
                AddressPart part) {
  return List(input, scratch, [&self, part](const Attempt& attempt, Scratch& own) {
    return ReadAddress(self, attempt.address, part, own).text;
  });
}

}  // namespace

Value ReadHostsAttempted(const Operator& self, const FormatInput& input, Scratch& scratch) {
  return Addresses(self, input, scratch, AddressPart::kAll);
}

Value ReadHostsAttemptedWithoutPort(const Operator& self, const FormatInput& input,
                                    Scratch& scratch) {
  return Addresses(self, input, scratch, AddressPart::kIp);
}

Value ReadHostNamesAttempted(const Operator& self, const FormatInput& input, Scratch& scratch) {
  return List(input, scratch, [&self](const Attempt& attempt, Scratch& own) {
    if (!attempt.host_name.empty()) return absl::string_view(attempt.host_name);
    return ReadAddress(self, attempt.address, AddressPart::kAll, own).text;
  });
}

Value ReadHostNamesAttemptedWithoutPort(const Operator& self, const FormatInput& input,
                                        Scratch& scratch) {
  return List(input, scratch, [&self](const Attempt& attempt, Scratch& own) {
    if (!attempt.host_name.empty()) return WithoutPort(attempt.host_name);
    return ReadAddress(self, attempt.address, AddressPart::kIp, own).text;
  });
}

Value ReadConnectionIdsAttempted(const Operator&, const FormatInput& input, Scratch& scratch) {
  return List(input, scratch, [](const Attempt& attempt, Scratch& own) {
    if (attempt.connection_id == 0) return absl::string_view();
    const char* end =
        std::to_chars(own.bytes, own.bytes + sizeof(own.bytes), attempt.connection_id).ptr;
    return absl::string_view(own.bytes, static_cast<size_t>(end - own.bytes));
  });
}

Value ReadDownstreamCloseType(const Operator&, const FormatInput& input, Scratch&) {
  const LogNotes* notes = input.stream->notes;
  return notes == nullptr ? Value() : Value::Text(Names(notes->downstream_close));
}

Value ReadUpstreamCloseType(const Operator&, const FormatInput& input, Scratch&) {
  const LogNotes* notes = input.stream->notes;
  if (notes == nullptr || notes->attempts.empty()) return Value();
  return Value::Text(Names(notes->upstream.close_type));
}

Value ReadRouteResolutions(const Operator&, const FormatInput& input, Scratch&) {
  const LogNotes* notes = input.stream->notes;
  return Value::Number(notes == nullptr ? 0 : notes->route_resolutions);
}

Value ReadRouteResolutionTime(const Operator&, const FormatInput& input, Scratch&) {
  const LogNotes* notes = input.stream->notes;
  const base::Nanos time = notes == nullptr ? 0 : notes->route_resolution_time;
  return Value::Number(static_cast<uint64_t>(time / base::kMicrosecond));
}

Value ReadRouteMetadata(const Operator& self, const FormatInput& input, Scratch&) {
  const LogNotes* notes = input.stream->notes;
  if (notes == nullptr || notes->route_metadata == nullptr) return Value();
  const auto space = notes->route_metadata->find(self.text);
  if (space == notes->route_metadata->end()) return Value();
  if (self.path.empty()) return Value::Json(space->second);
  const json::Object* fields = space->second.object();
  const json::Value* value = fields == nullptr ? nullptr : json::FindPath(*fields, self.path);
  return value == nullptr ? Value() : Value::Json(*value);
}

base::MonoTime UpstreamConnectBegin(const FormatInput& input) {
  const LogNotes* notes = input.stream->notes;
  return notes == nullptr ? 0 : notes->upstream.connect_begin;
}

base::MonoTime UpstreamConnectEnd(const FormatInput& input) {
  const LogNotes* notes = input.stream->notes;
  return notes == nullptr ? input.stream->upstream_connected : notes->upstream.connect_end;
}

base::MonoTime UpstreamHandshakeEnd(const FormatInput& input) {
  const tls::SessionInfo* tls = input.stream->upstream_tls.get();
  return tls == nullptr ? 0 : tls->handshake_end();
}

}  // namespace proxenos::access_log
