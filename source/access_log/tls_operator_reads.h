// The functions that read values out of a downstream TLS connection for the operators. Used by
// operator_table.cc only.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "source/access_log/operator.h"
#include "source/tls/session_info.h"

namespace proxenos::access_log {

using Certificate = tls::SessionInfo::Certificate;

// Null without TLS.
inline const tls::SessionInfo* TlsOf(const FormatInput& input) {
  return input.stream->connection == nullptr ? nullptr : input.stream->connection->tls;
}

template <absl::string_view (tls::SessionInfo::*kRead)() const>
Value ReadTls(const Operator&, const FormatInput& input, Scratch&) {
  const tls::SessionInfo* tls = TlsOf(input);
  return tls == nullptr ? Value() : Value::TextOrAbsent((tls->*kRead)());
}

inline Value ReadTlsSessionId(const Operator&, const FormatInput& input, Scratch&) {
  const tls::SessionInfo* tls = TlsOf(input);
  return tls == nullptr ? Value() : Value::TextOrAbsent(tls->session_id_hex());
}

// kOf: SessionInfo's peer or local.
template <const Certificate* (tls::SessionInfo::*kOf)() const, std::string Certificate::*kField>
Value ReadCertificate(const Operator&, const FormatInput& input, Scratch&) {
  const tls::SessionInfo* tls = TlsOf(input);
  const Certificate* certificate = tls == nullptr ? nullptr : (tls->*kOf)();
  return certificate == nullptr ? Value() : Value::TextOrAbsent(certificate->*kField);
}

// As many whole names as there is room for, with commas between.
template <const Certificate* (tls::SessionInfo::*kOf)() const,
          std::vector<std::string> Certificate::*kNames>
Value ReadCertificateNames(const Operator&, const FormatInput& input, Scratch& scratch) {
  const tls::SessionInfo* tls = TlsOf(input);
  const Certificate* certificate = tls == nullptr ? nullptr : (tls->*kOf)();
  if (certificate == nullptr || (certificate->*kNames).empty()) return Value();
  size_t size = 0;
  for (const std::string& name : certificate->*kNames) {
    if (size + 1 + name.size() > sizeof(scratch.bytes)) break;
    if (size > 0) scratch.bytes[size++] = ',';
    std::memcpy(scratch.bytes + size, name.data(), name.size());
    size += name.size();
  }
  return Value::TextOrAbsent(absl::string_view(scratch.bytes, size));
}

template <int64_t Certificate::*kSeconds>
Value ReadPeerTime(const Operator& self, const FormatInput& input, Scratch& scratch) {
  const tls::SessionInfo* tls = TlsOf(input);
  const Certificate* certificate = tls == nullptr ? nullptr : tls->peer();
  if (certificate == nullptr) return Value();
  const base::WallTime time = certificate->*kSeconds * 1000000;
  return Value::Text(absl::string_view(
      scratch.bytes, self.time->Format(time, scratch.bytes, sizeof(scratch.bytes))));
}

}  // namespace proxenos::access_log
