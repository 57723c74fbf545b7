// Session: the tokens of one browser, as its cookies hold them: encrypted one by one, and bound to
// each other, to their expiry and to the host by an HMAC.
//
// Thread: the worker's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/filters/http/oauth2/cookies.h"
#include "source/filters/http/oauth2/settings.h"

namespace proxenos::filters::oauth2 {

struct Tokens {
  std::string access;
  std::string id;       // Empty: none.
  std::string refresh;  // Empty: none.
};

// What a token endpoint gives (RFC 6749, section 5.1).
struct Grant {
  Tokens tokens;
  int64_t expires_in_s = 0;
};

// What a session depends on besides its cookies.
struct Place {
  const Settings& settings;
  absl::string_view secret;  // The HMAC's.
  absl::string_view authority;
  int64_t now_s = 0;
};

struct Session {
  Tokens tokens;       // Decrypted; a token that could not be is missing.
  bool valid = false;  // The HMAC is right, and the time has not come.
};

// Whether text may stand where tokens do, in cookies and in fields.
bool IsTokenText(absl::string_view text);

// Reads the session, and puts plain tokens in the place of encrypted ones.
Session ReadSession(const Place& place, Cookies& cookies);

// Of these tokens those that the configuration lets a browser keep.
Tokens Kept(const Settings& settings, Tokens tokens);

// The Set-Cookie fields that make a session of a grant; those of tokens that are no more, and that
// `sent` has, are taken back.
std::vector<std::string> SessionCookies(const Place& place, const Grant& grant,
                                        const Cookies& sent);
// `suffix`: of the cookies of one login, "." and its flow_id; else empty.
std::string SetCookie(const Cookie& cookie, absl::string_view suffix, absl::string_view value,
                      int64_t age_s);
// Of a whole name, which may have a suffix.
std::string DeleteCookie(const Cookie& cookie, absl::string_view name);

}  // namespace proxenos::filters::oauth2
