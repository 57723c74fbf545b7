// TokenRequest: asks the token endpoint for tokens, by a code or by a refresh token (RFC 6749,
// sections 4.1.3 and 6).
//
// Owner: the filter, as a member: the destructor cancels. Thread: the worker's.
#pragma once

#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "source/filter/environment.h"
#include "source/filter/retrying_call.h"
#include "source/filters/http/oauth2/session.h"
#include "source/filters/http/oauth2/settings.h"

namespace proxenos::filters::oauth2 {

// The answer of a token endpoint; nothing when it is no grant, or one that could not be kept.
std::optional<Grant> ParseGrant(uint16_t status, absl::string_view body, const Settings& settings);

class TokenRequest {
 public:
  // A code is as it stood in the query, percent-encoded.
  struct Code {
    absl::string_view code;
    absl::string_view redirect_uri;
    absl::string_view verifier;
  };

  // `on_done` captures nothing but the owner, and is called once, never before Start has returned.
  TokenRequest(const filter::Environment& environment, const Settings& settings,
               absl::AnyInvocable<void()> on_done);

  // False: it cannot be asked, and nobody will be told.
  bool StartWithCode(const Code& code);
  bool StartWithRefreshToken(absl::string_view token);

  // REQUIRES: on_done was called.
  std::optional<Grant> TakeGrant();

 private:
  bool Start(std::string body);
  // Adds what proves who we are; false when that cannot be told.
  bool Authenticate(std::string& body);
  buffer::Buffer Fill(rpc::HttpCall& call) const;

  const filter::Environment& environment_;
  const Settings& settings_;
  std::string body_;
  std::string authorization_;  // Empty: none.
  filter::RetryingCall call_;
};

}  // namespace proxenos::filters::oauth2
