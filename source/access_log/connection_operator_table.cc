// The command operators of connections but for TLS, and the compiling of their arguments.
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/access_log/connection_operator_reads.h"
#include "source/access_log/operator_row.h"

namespace proxenos::access_log {
namespace {

using filter::ConnectionInfo;
using filter::StreamInfo;

absl::Status Wrong(absl::string_view message) { return absl::InvalidArgumentError(message); }

// Of a client: what the stream's filter state has in the place of the true address, which a filter
// did not want printed. Text that is no address leaves nothing to print.
const net::Address& Printed(const StreamInfo& info, const net::Address& client,
                            absl::string_view name, net::Address& room) {
  const std::string* instead = info.state.Find(name);
  if (instead == nullptr) return client;
  return room = net::Address::FromIp(*instead, 0).value_or(net::Address());
}

template <AddressPart kPart>
Value ReadClient(const Operator& self, const FormatInput& input, Scratch& scratch) {
  net::Address room;
  const StreamInfo& info = *input.stream;
  return ReadAddress(self, Printed(info, info.remote, "proxenos.printed_remote_address", room),
                     kPart, scratch);
}

template <AddressPart kPart>
Value ReadDirectClient(const Operator& self, const FormatInput& input, Scratch& scratch) {
  const StreamInfo& info = *input.stream;
  if (info.connection == nullptr) return Value();
  net::Address room;
  const net::Address& client =
      Printed(info, info.connection->direct_remote, "proxenos.printed_direct_remote_address", room);
  return ReadAddress(self, client, kPart, scratch);
}

// MASK_PREFIX_LEN
absl::Status ConfigureMask(absl::string_view argument, Operator& out) {
  if (argument.empty()) return absl::OkStatus();
  constexpr uint32_t kMostBits = 128;
  uint32_t bits;
  if (!absl::SimpleAtoi(argument, &bits) || bits > kMostBits) {
    return Wrong(absl::StrCat("'", argument, "' is not a number of bits up to 128"));
  }
  out.choice = static_cast<int>(bits) + 1;
  return absl::OkStatus();
}

absl::Status ConfigureServerName(absl::string_view argument, Operator& out) {
  const std::vector<absl::string_view> parts = absl::StrSplit(argument, ':');
  if (parts.size() > 2) return Wrong("takes FIRST:HOST");
  if (parts[0] == "SNI_FIRST") {
    out.choice = kSniFirst;
  } else if (parts[0] == "HOST_FIRST") {
    out.choice = kHostFirst;
  } else if (!parts[0].empty() && parts[0] != "SNI_ONLY") {
    return Wrong(absl::StrCat("'", parts[0], "' is not SNI_ONLY, SNI_FIRST or HOST_FIRST"));
  }
  const absl::string_view host = parts.size() == 2 ? parts[1] : "";
  int of = kAnyHost;
  if (host == "ORIG") {
    of = kOriginalHost;
  } else if (host == "HOST") {
    of = kCurrentHost;
  } else if (!host.empty() && host != "ORIG_OR_HOST") {
    return Wrong(absl::StrCat("'", host, "' is not ORIG, HOST or ORIG_OR_HOST"));
  }
  if (out.choice != kSniOnly) out.choice |= of;
  return absl::OkStatus();
}

absl::Status ConfigureHandshakeDuration(absl::string_view, Operator& out) {
  out.from = ConnectionBegin;
  out.to = HandshakeEnd;
  return absl::OkStatus();
}

constexpr AddressPart kAll = AddressPart::kAll;
constexpr AddressPart kIp = AddressPart::kIp;
constexpr AddressPart kPort = AddressPart::kPort;
constexpr AddressPart kEndpoint = AddressPart::kEndpoint;

constexpr Row kConnectionRows[] = {
    {"CONNECTION_ID", ReadConnectionId},
    {"DOWNSTREAM_DIRECT_LOCAL_ADDRESS", ReadDownstreamAddress<&ConnectionInfo::local, kAll>},
    {"DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID",
     ReadDownstreamAddress<&ConnectionInfo::local, kEndpoint>},
    {"DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT",
     ReadDownstreamAddress<&ConnectionInfo::local, kIp>, kMayHave, ConfigureMask},
    {"DOWNSTREAM_DIRECT_LOCAL_PORT", ReadDownstreamAddress<&ConnectionInfo::local, kPort>},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS", ReadDirectClient<kAll>},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", ReadDirectClient<kIp>, kMayHave,
     ConfigureMask},
    {"DOWNSTREAM_DIRECT_REMOTE_PORT", ReadDirectClient<kPort>},
    {"DOWNSTREAM_HANDSHAKE_DURATION", ReadDuration, kPlain, ConfigureHandshakeDuration},
    {"DOWNSTREAM_LOCAL_ADDRESS", ReadDownstreamAddress<&ConnectionInfo::local, kAll>},
    {"DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID",
     ReadDownstreamAddress<&ConnectionInfo::local, kEndpoint>},
    {"DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", ReadDownstreamAddress<&ConnectionInfo::local, kIp>,
     kMayHave, ConfigureMask},
    {"DOWNSTREAM_LOCAL_PORT", ReadDownstreamAddress<&ConnectionInfo::local, kPort>},
    {"DOWNSTREAM_REMOTE_ADDRESS", ReadClient<kAll>},
    {"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", ReadClient<kIp>, kMayHave, ConfigureMask},
    {"DOWNSTREAM_REMOTE_PORT", ReadClient<kPort>},
    {"DOWNSTREAM_TRANSPORT_FAILURE_REASON", ReadDownstreamFailure},
    {"REQUESTED_SERVER_NAME", ReadServerName, kMayHave, ConfigureServerName},
    {"TLS_JA3_FINGERPRINT", ReadFingerprint<&filter::TlsFingerprints::ja3>},
    {"TLS_JA4_FINGERPRINT", ReadFingerprint<&filter::TlsFingerprints::ja4>},
    {"UPSTREAM_HOST", ReadUpstreamAddress<&StreamInfo::upstream_remote, kAll>},
    {"UPSTREAM_HOST_NAME", ReadUpstreamHostName},
    {"UPSTREAM_HOST_NAME_WITHOUT_PORT", ReadUpstreamHostNameWithoutPort},
    {"UPSTREAM_LOCAL_ADDRESS", ReadUpstreamAddress<&StreamInfo::upstream_local, kAll>},
    {"UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", ReadUpstreamAddress<&StreamInfo::upstream_local, kIp>,
     kMayHave, ConfigureMask},
    {"UPSTREAM_LOCAL_PORT", ReadUpstreamAddress<&StreamInfo::upstream_local, kPort>},
    {"UPSTREAM_REMOTE_ADDRESS", ReadUpstreamPeer<kAll>},
    {"UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID", ReadUpstreamPeer<kEndpoint>},
    {"UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", ReadUpstreamPeer<kIp>, kMayHave, ConfigureMask},
    {"UPSTREAM_REMOTE_PORT", ReadUpstreamPeer<kPort>},
};

}  // namespace

absl::Span<const Row> ConnectionRows() { return kConnectionRows; }

}  // namespace proxenos::access_log
