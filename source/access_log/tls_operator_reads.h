// The functions that read values out of a TLS connection for the operators. Used by
// tls_operator_table.cc only.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "source/access_log/operator.h"
#include "source/tls/session_info.h"

namespace proxenos::access_log {

using Certificate = tls::SessionInfo::Certificate;

// Whose connection: with the client, or with the host. Null without TLS.
using Side = const tls::SessionInfo* (*)(const FormatInput& input);
inline const tls::SessionInfo* Downstream(const FormatInput& input) {
  return input.stream->connection == nullptr ? nullptr : input.stream->connection->tls;
}
inline const tls::SessionInfo* Upstream(const FormatInput& input) {
  return input.stream->upstream_tls.get();
}

// Whose certificate: SessionInfo's peer or local.
using Whose = const Certificate* (tls::SessionInfo::*)() const;
inline constexpr Whose kPeer = &tls::SessionInfo::peer;
inline constexpr Whose kLocal = &tls::SessionInfo::local;

template <Side kSide, absl::string_view (tls::SessionInfo::*kRead)() const>
Value ReadTls(const Operator&, const FormatInput& input, Scratch&) {
  const tls::SessionInfo* tls = kSide(input);
  return tls == nullptr ? Value() : Value::TextOrAbsent((tls->*kRead)());
}

template <Side kSide, const std::string& (tls::SessionInfo::*kRead)() const>
Value ReadTlsText(const Operator&, const FormatInput& input, Scratch&) {
  const tls::SessionInfo* tls = kSide(input);
  return tls == nullptr ? Value() : Value::TextOrAbsent((tls->*kRead)());
}

template <Side kSide, Whose kOf>
const Certificate* CertificateOf(const FormatInput& input) {
  const tls::SessionInfo* tls = kSide(input);
  return tls == nullptr ? nullptr : (tls->*kOf)();
}

template <Side kSide, Whose kOf, std::string Certificate::*kField>
Value ReadCertificate(const Operator&, const FormatInput& input, Scratch&) {
  const Certificate* certificate = CertificateOf<kSide, kOf>(input);
  return certificate == nullptr ? Value() : Value::TextOrAbsent(certificate->*kField);
}

// Texts with commas between: as many whole ones as there is room for.
class TextList {
 public:
  explicit TextList(Scratch& scratch) : scratch_(scratch) {}
  // False: it does not fit.
  bool Add(const std::string& text) {
    if (size_ + 1 + text.size() > sizeof(scratch_.bytes)) return false;
    if (size_ > 0) scratch_.bytes[size_++] = ',';
    std::memcpy(scratch_.bytes + size_, text.data(), text.size());
    size_ += text.size();
    return true;
  }
  Value value() const { return Value::TextOrAbsent(absl::string_view(scratch_.bytes, size_)); }

 private:
  Scratch& scratch_;
  size_t size_ = 0;
};

template <Side kSide, Whose kOf, std::vector<std::string> Certificate::*kNames>
Value ReadNames(const Operator&, const FormatInput& input, Scratch& scratch) {
  const Certificate* certificate = CertificateOf<kSide, kOf>(input);
  if (certificate == nullptr) return Value();
  TextList names(scratch);
  for (const std::string& name : certificate->*kNames) {
    if (!names.Add(name)) break;
  }
  return names.value();
}

template <Side kSide, int64_t Certificate::*kSeconds>
Value ReadPeerTime(const Operator& self, const FormatInput& input, Scratch& scratch) {
  const Certificate* certificate = CertificateOf<kSide, kPeer>(input);
  if (certificate == nullptr) return Value();
  const base::WallTime time = certificate->*kSeconds * 1000000;
  return Value::Text(absl::string_view(
      scratch.bytes, self.time->Format(time, scratch.bytes, sizeof(scratch.bytes))));
}

// Of all certificates that the client sent.
template <std::string Certificate::*kField>
Value ReadPeerChain(const Operator&, const FormatInput& input, Scratch& scratch) {
  const tls::SessionInfo* tls = Downstream(input);
  if (tls == nullptr) return Value();
  TextList list(scratch);
  for (const Certificate& certificate : tls->peer_chain()) {
    if (!list.Add(certificate.*kField)) break;
  }
  return list.value();
}

// Of the one behind the client's own, which signed it.
template <std::string Certificate::*kField>
Value ReadPeerIssuer(const Operator&, const FormatInput& input, Scratch&) {
  const tls::SessionInfo* tls = Downstream(input);
  if (tls == nullptr || tls->peer_chain().size() < 2) return Value();
  return Value::TextOrAbsent(tls->peer_chain()[1].*kField);
}

}  // namespace proxenos::access_log
