// SessionState: where a session's host stands in requests and responses, in the forms that Envoy
// writes: a cookie with {address, expires} as a protobuf message in base64, or a header with the
// address in base64.
//
// Immutable; shared by all workers. What requests bring is hostile: it is no more than the name of
// a host that the cluster has.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/http/message.h"

namespace proxenos::filters::stateful_session {

struct SessionState {
  enum class Kind : uint8_t { kNone, kCookie, kHeader };

  Kind kind = Kind::kNone;
  std::string name;  // Of a header in lower case.
  // Of cookies.
  base::Nanos ttl = 0;  // 0: as long as the client's session.
  std::string path;     // Empty: every path.
  std::vector<std::pair<std::string, std::string>> attributes;

  // Whether requests for that path have sessions.
  bool Covers(absl::string_view request_path) const;
  // The address that the request names; empty: it names none, or one whose time is over.
  // `unix_seconds`: now.
  std::string Read(const http::RequestHead& head, uint64_t unix_seconds) const;
  // Tells the client its host.
  void Write(absl::string_view address, uint64_t unix_seconds, http::ResponseHead& head) const;
};

// The value of a cookie, before base64: message { string address = 1; uint64 expires = 2; }, or, as
// older ones have it, the address alone.
std::string EncodeSession(absl::string_view address, uint64_t expires);
std::string DecodeSession(absl::string_view bytes, uint64_t unix_seconds);

}  // namespace proxenos::filters::stateful_session
