// ReadClientHello: what a filter chain may be chosen by in the first message of a TLS handshake
// (RFC 8446, section 4.1.2; records of section 5.1): the server's name and the protocols offered.
//
// Everything else is stepped over. The message may be cut into several records.
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
  kTooLarge,  // Announces more than kMaxClientHello.
};

struct ClientHello {
  std::string server_name;  // In lower case; empty when none is named.
  std::vector<std::string> protocols;
};

// `bytes`: all that has come of the connection. `*hello` is filled with kFound.
Hello ReadClientHello(absl::string_view bytes, ClientHello* hello);

}  // namespace proxenos::filters::tls_inspector
