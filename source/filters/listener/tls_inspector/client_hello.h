// ReadClientHello: what a filter chain may be chosen by in the first message of a TLS handshake
// (RFC 8446, section 4.1.2; records of section 5.1): the server's name and the protocols offered.
//
// Everything else is stepped over, but for what a HelloShape wants. The message may be cut into
// several records.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace proxenos::filters::tls_inspector {

// A hello of more bytes is refused, as Envoy does: none that is meant well comes near it.
inline constexpr uint32_t kMaxClientHello = 16 * 1024;

enum class Hello : uint8_t {
  kFound,
  kMore,      // It begins like one.
  kNotTls,    // Another protocol.
  kBroken,    // TLS, but no hello, or a malformed one.
  kTooLarge,  // Announces more than the limit.
};

struct ClientHello {
  std::string server_name;  // In lower case; empty when none is named.
  std::vector<std::string> protocols;
};

// What tells one TLS library from another: the numbers that it offers, in its order. Values of RFC
// 8701 (GREASE), which are random and mean nothing, are left out but for groups and signature
// algorithms: there Envoy's fingerprints have them, and lists of fingerprints are made from its
// logs.
struct HelloShape {
  uint16_t legacy_version = 0;
  uint16_t version = 0;  // The highest of supported_versions, else the same.
  bool names_server = false;
  std::vector<uint16_t> ciphers;
  std::vector<uint16_t> extensions;
  std::vector<uint16_t> groups;
  std::vector<uint8_t> point_formats;
  std::vector<uint16_t> signature_algorithms;
  std::string first_protocol;  // Of ALPN.
};

struct HelloLimits {
  uint32_t most_bytes = kMaxClientHello;  // Of the whole message.
};

// `bytes`: all that has come of the connection. With kFound `*hello` is filled, and `*shape` unless
// it is null.
Hello ReadClientHello(absl::string_view bytes, const HelloLimits& limits, ClientHello* hello,
                      HelloShape* shape);
inline Hello ReadClientHello(absl::string_view bytes, ClientHello* hello) {
  return ReadClientHello(bytes, HelloLimits(), hello, nullptr);
}

}  // namespace proxenos::filters::tls_inspector
