// The functions that read values out of connections, with the client and with the host, for the
// operators. Used by the tables only.
#pragma once

#include "source/access_log/operator.h"
#include "source/filter/tls_fingerprints.h"

namespace proxenos::access_log {

// kEndpoint: what tells addresses of one listener inside the process apart; empty of all others.
enum class AddressPart : uint8_t { kAll, kIp, kPort, kEndpoint };

// Of the IP alone: as a range of so many bits (Operator::choice less one) when choice is not 0.
Value ReadAddress(const Operator& self, const net::Address& address, AddressPart part,
                  Scratch& scratch);

// "host:80" without the port; what has more colons is an IPv6 address.
absl::string_view WithoutPort(absl::string_view host);

template <net::Address filter::StreamInfo::*kField, AddressPart kPart>
Value ReadUpstreamAddress(const Operator& self, const FormatInput& input, Scratch& scratch) {
  return ReadAddress(self, input.stream->*kField, kPart, scratch);
}

// Where the connection to the host goes.
template <AddressPart kPart>
Value ReadUpstreamPeer(const Operator& self, const FormatInput& input, Scratch& scratch) {
  const filter::StreamInfo& info = *input.stream;
  return ReadAddress(self,
                     info.upstream_peer == nullptr ? info.upstream_remote : *info.upstream_peer,
                     kPart, scratch);
}

template <net::Address filter::ConnectionInfo::*kField, AddressPart kPart>
Value ReadDownstreamAddress(const Operator& self, const FormatInput& input, Scratch& scratch) {
  if (input.stream->connection == nullptr) return Value();
  return ReadAddress(self, input.stream->connection->*kField, kPart, scratch);
}

Value ReadConnectionId(const Operator&, const FormatInput& input, Scratch&);
Value ReadDownstreamFailure(const Operator&, const FormatInput& input, Scratch&);
Value ReadServerName(const Operator& self, const FormatInput& input, Scratch&);
Value ReadUpstreamHostName(const Operator& self, const FormatInput& input, Scratch& scratch);
Value ReadUpstreamHostNameWithoutPort(const Operator& self, const FormatInput& input,
                                      Scratch& scratch);
template <std::string filter::TlsFingerprints::*kField>
Value ReadFingerprint(const Operator&, const FormatInput& input, Scratch&) {
  if (input.stream->connection == nullptr) return Value();
  const auto* fingerprints = filter::TlsFingerprints::Of(*input.stream->connection);
  return fingerprints == nullptr ? Value() : Value::TextOrAbsent(fingerprints->*kField);
}

// Instants of the connection with the client.
base::MonoTime ConnectionBegin(const FormatInput& input);
base::MonoTime ConnectionEnd(const FormatInput& input);
base::MonoTime HandshakeBegin(const FormatInput& input);
base::MonoTime HandshakeEnd(const FormatInput& input);

// REQUESTED_SERVER_NAME's choices: SNI only, or one of the two first; and whose host.
inline constexpr int kSniOnly = 0;
inline constexpr int kSniFirst = 1;
inline constexpr int kHostFirst = 2;
inline constexpr int kOriginalHost = 4;
inline constexpr int kCurrentHost = 8;
inline constexpr int kAnyHost = kOriginalHost | kCurrentHost;

}  // namespace proxenos::access_log
