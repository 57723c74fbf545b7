// State: what travels with a login, through the browser and the authorization server and back
// (RFC 6749, section 10.12): where the browser wanted to go, and what binds the answer to it.
//
// Invariant: what Open returns was sealed by us under the same secret, whole: nobody can have put
// another URL into it. (Envoy seals the token alone. It reads ours; its own are refused.)
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace proxenos::filters::oauth2 {

struct State {
  std::string url;         // Where the browser goes in the end.
  std::string csrf_token;  // What the nonce cookie holds too: flow_id "." HMAC(flow_id).
  std::string flow_id;     // Behind a "." in the names of this login's cookies.
};

// A longer one is none of ours.
inline constexpr size_t kMaxStateBytes = 24 * 1024;

// Of a login that begins.
State MakeState(std::string url, absl::string_view secret);
// Base64url of a JSON object.
std::string Seal(const State& state, absl::string_view secret);
// Nothing when it was not sealed so. Whether it is this browser's is for the nonce cookie to tell.
std::optional<State> Open(absl::string_view text, absl::string_view secret);

}  // namespace proxenos::filters::oauth2
