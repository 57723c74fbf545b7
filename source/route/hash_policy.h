// HashPolicy: what of a request says which host of a hashing cluster it goes to:
// RouteAction.HashPolicy, compiled.
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/base/clock.h"
#include "source/http/message.h"
#include "source/match/regex.h"
#include "source/route/header_matcher.h"

namespace proxenos::route {

struct HashPolicy {
  enum class Kind : uint8_t { kHeader, kCookie, kSourceIp, kQueryParameter, kFilterState };

  Kind kind = Kind::kHeader;
  FieldName field;        // Of kHeader.
  std::string name;       // Of the cookie, parameter or object of filter state.
  bool terminal = false;  // When this gives a hash, those behind it are not looked at.

  // Of kHeader.
  std::optional<match::Regex> pattern;
  std::string substitution;

  // Of kCookie: a client without one is given one that lasts so long (0: its session).
  std::optional<base::Nanos> ttl;
  std::string path;
  std::vector<std::pair<std::string, std::string>> attributes;
};

// The client and the proxy as the connection has them, as text: "10.0.0.1:1234".
struct HashAddresses {
  std::string client;
  std::string client_ip;  // Without the port.
  std::string proxy;
};

// What besides its head a request is hashed by, each asked only when needed.
struct HashSources {
  absl::FunctionRef<HashAddresses()> addresses;
  // The text of an object of filter state; nothing where there is none.
  absl::FunctionRef<std::optional<absl::string_view>(absl::string_view)> state;
};

// The hash of a request; none where no policy applies. `set_cookie` is called with the value of a
// Set-Cookie that the response should carry.
std::optional<uint64_t> HashOf(absl::Span<const HashPolicy> policies, const http::RequestHead& head,
                               const HashSources& sources,
                               absl::FunctionRef<void(std::string)> set_cookie);

}  // namespace proxenos::route
