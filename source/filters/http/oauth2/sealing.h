// What keeps cookies and the state of a login honest: authenticated encryption, HMACs that are
// compared in constant time, and random text. The one place of this filter that knows BoringSSL.
//
// Thread: any.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace proxenos::filters::oauth2 {

// HMAC-SHA256 in base64, with padding.
std::string HmacBase64(absl::string_view secret, absl::string_view text);
// Takes as long for any two texts of one length.
bool SameText(absl::string_view a, absl::string_view b);

// AES-256-GCM under the SHA-256 of `secret`: "gcm." and, in base64url, a random IV of 12 bytes, the
// ciphertext and the tag of 16 bytes. It is what Envoy writes with oauth2_use_gcm_encryption and
// reads in any case. Its older AES-256-CBC is never read: who may try texts learns from such
// cookies what is in them (CVE-2026-47775).
std::string Encrypt(absl::string_view text, absl::string_view secret);
// Nothing when it was not encrypted under this secret, or changed since.
std::optional<std::string> Decrypt(absl::string_view sealed, absl::string_view secret);

// So many random bytes in base64url, without padding.
std::string RandomText(size_t bytes);

// code_challenge of a code_verifier: BASE64URL(SHA256(verifier)) (RFC 7636, section 4.2).
std::string CodeChallenge(absl::string_view verifier);

// How a client proves who it is by its key (RFC 7523): JWTs with these claims.
struct Assertion {
  absl::string_view algorithm;  // RS256, RS384, RS512, ES256, ES384 or ES512.
  absl::string_view key_pem;
  absl::string_view key_id;  // Empty: none is told.
  absl::string_view client_id;
  absl::string_view audience;
  int64_t issued_s = 0;
  int64_t lifetime_s = 60;
};
// Nothing when the key is none, or of another kind than the algorithm needs.
std::optional<std::string> SignAssertion(const Assertion& assertion);

}  // namespace proxenos::filters::oauth2
