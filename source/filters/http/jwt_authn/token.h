// Token: a JSON Web Token in compact form (RFC 7519, RFC 7515), taken apart. Nothing of it is to be
// believed before its signature was verified.
//
// Bytes come from a client: whatever they are, parsing costs in proportion to them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/filters/http/jwt_authn/failure.h"
#include "source/json/value.h"

namespace proxenos::filters::jwt_authn {

// Thread: any (immutable once parsed).
struct Token {
  std::string alg;
  std::string kid;  // Empty: none.
  std::string issuer;
  std::string subject;
  std::vector<std::string> audiences;
  // Seconds since the epoch, as the claims say.
  std::optional<int64_t> expires;
  std::optional<int64_t> not_before;
  std::optional<int64_t> issued;
  json::Object header;
  json::Object payload;
  std::string payload_base64;  // As it stands in the token, without padding.
  std::string signed_text;     // What the signature is of.
  std::string signature;       // Raw.
};

// Fills `token`; what is wrong otherwise.
Failure ParseToken(absl::string_view text, Token* token);

// kNone, kExpired or kNotYetValid; `skew_s` is given to clocks that differ.
Failure CheckTime(const Token& token, int64_t now_s, int64_t skew_s);

// False when the text is not base64url without padding (RFC 7515, section 2).
bool DecodeBase64Url(absl::string_view text, std::string* bytes);

}  // namespace proxenos::filters::jwt_authn
