// Reading values out of connections.
#include "source/access_log/connection_operator_reads.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

namespace proxenos::access_log {
namespace {

absl::string_view CopyTo(Scratch& scratch, absl::string_view text) {
  const size_t size = std::min(text.size(), sizeof(scratch.bytes));
  std::memcpy(scratch.bytes, text.data(), size);
  return absl::string_view(scratch.bytes, size);
}

// "10.1.0.0/16"; of an address that has fewer bits, all of them.
Value ReadRange(const net::Address& address, size_t bits, Scratch& scratch) {
  const absl::string_view ip = address.IpBytes();
  unsigned char masked[16] = {};
  std::memcpy(masked, ip.data(), ip.size());
  bits = std::min(bits, ip.size() * 8);
  for (size_t i = 0; i < ip.size(); ++i) {
    const size_t kept = bits > i * 8 ? std::min<size_t>(bits - i * 8, 8) : 0;
    masked[i] &= static_cast<unsigned char>(0xff << (8 - kept));
  }
  inet_ntop(ip.size() == 4 ? AF_INET : AF_INET6, masked, scratch.bytes, sizeof(scratch.bytes));
  char* out = scratch.bytes + std::strlen(scratch.bytes);
  *out++ = '/';
  out = std::to_chars(out, scratch.bytes + sizeof(scratch.bytes), bits).ptr;
  return Value::Text(absl::string_view(scratch.bytes, static_cast<size_t>(out - scratch.bytes)));
}

Value ReadEndpoint(const net::Address& address, Scratch& scratch) {
  const absl::string_view listener = address.internal_listener();
  if (address.family() != net::Address::Family::kInternal) return Value::Text("");
  // "envoy://listener/endpoint"
  const std::string text = address.ToString();
  const size_t slash = text.find('/', absl::string_view("envoy://").size() + listener.size());
  return Value::Text(slash == std::string::npos ? "" : CopyTo(scratch, text.substr(slash + 1)));
}

const tls::SessionInfo* TlsOf(const FormatInput& input) {
  return input.stream->connection == nullptr ? nullptr : input.stream->connection->tls;
}

absl::string_view HostOf(int choice, const FormatInput& input) {
  if (input.request == nullptr) return absl::string_view();
  if ((choice & kOriginalHost) != 0) {
    const http::Header* original = input.request->headers.Find("x-envoy-original-host");
    if (original != nullptr && !original->value().empty()) return original->value();
  }
  return (choice & kCurrentHost) != 0 ? input.request->authority : absl::string_view();
}

}  // namespace

absl::string_view WithoutPort(absl::string_view host) {
  const size_t colon = host.rfind(':');
  if (colon == absl::string_view::npos) return host;
  if (host.front() == '[') return host.substr(0, host.find(']') + 1);
  return host.find(':') == colon ? host.substr(0, colon) : host;
}

Value ReadAddress(const Operator& self, const net::Address& address, AddressPart part,
                  Scratch& scratch) {
  if (address.family() == net::Address::Family::kNone) return Value();
  if (part == AddressPart::kEndpoint) return ReadEndpoint(address, scratch);
  if (!address.is_ip()) {
    return part == AddressPart::kPort ? Value() : Value::Text(CopyTo(scratch, address.IpString()));
  }
  if (part == AddressPart::kPort) return Value::Number(address.port());
  if (part == AddressPart::kIp && self.choice > 0) {
    return ReadRange(address, static_cast<size_t>(self.choice - 1), scratch);
  }
  const bool brackets =
      part == AddressPart::kAll && address.family() == net::Address::Family::kIpv6;
  char* out = scratch.bytes;
  if (brackets) *out++ = '[';
  out += address.FormatIp(out);
  if (brackets) *out++ = ']';
  if (part == AddressPart::kAll) {
    *out++ = ':';
    out = std::to_chars(out, scratch.bytes + sizeof(scratch.bytes), address.port()).ptr;
  }
  return Value::Text(absl::string_view(scratch.bytes, static_cast<size_t>(out - scratch.bytes)));
}

Value ReadConnectionId(const Operator&, const FormatInput& input, Scratch&) {
  return Value::Number(input.stream->connection == nullptr ? 0 : input.stream->connection->id);
}

Value ReadDownstreamFailure(const Operator&, const FormatInput& input, Scratch&) {
  const filter::ConnectionInfo* connection = input.stream->connection;
  if (connection == nullptr || connection->transport_failure == nullptr) return Value();
  Value value = Value::TextOrAbsent(*connection->transport_failure);
  if (value.kind == Value::Kind::kText) value.kind = Value::Kind::kUnderscored;
  return value;
}

Value ReadServerName(const Operator& self, const FormatInput& input, Scratch&) {
  absl::string_view sni;
  if (input.stream->connection != nullptr) sni = input.stream->connection->requested_server_name;
  const bool host_first = (self.choice & kHostFirst) != 0;
  const absl::string_view host = HostOf(self.choice, input);
  const absl::string_view first = host_first ? host : sni;
  return Value::TextOrAbsent(!first.empty() ? first : host_first ? sni : host);
}

Value ReadUpstreamHostName(const Operator& self, const FormatInput& input, Scratch& scratch) {
  if (!input.stream->upstream_host_name.empty()) {
    return Value::Text(input.stream->upstream_host_name);
  }
  return ReadAddress(self, input.stream->upstream_remote, AddressPart::kAll, scratch);
}

Value ReadUpstreamHostNameWithoutPort(const Operator& self, const FormatInput& input,
                                      Scratch& scratch) {
  if (!input.stream->upstream_host_name.empty()) {
    return Value::Text(WithoutPort(input.stream->upstream_host_name));
  }
  return ReadAddress(self, input.stream->upstream_remote, AddressPart::kIp, scratch);
}

base::MonoTime ConnectionBegin(const FormatInput& input) {
  return input.stream->connection == nullptr ? 0 : input.stream->connection->begin;
}

// A connection without HTTP is its own stream.
base::MonoTime ConnectionEnd(const FormatInput& input) {
  return input.request == nullptr ? input.stream->complete : 0;
}

base::MonoTime HandshakeBegin(const FormatInput& input) {
  const tls::SessionInfo* tls = TlsOf(input);
  return tls == nullptr ? 0 : tls->handshake_begin();
}

base::MonoTime HandshakeEnd(const FormatInput& input) {
  const tls::SessionInfo* tls = TlsOf(input);
  return tls == nullptr ? 0 : tls->handshake_end();
}

}  // namespace proxenos::access_log
