// PublicKey: what a signature is verified with. The one place that knows BoringSSL; keys are bound
// to their kind, so that no token can have a key used for another algorithm than its own.
//
// Thread: any (immutable).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

struct evp_pkey_st;

namespace proxenos::filters::jwt_authn {

class PublicKey {
 public:
  // Raw numbers, big-endian, as in a JSON Web Key (RFC 7518, section 6, and RFC 8037). Nothing when
  // they are no key, or one that is too weak (RSA of less than 2048 bits).
  static std::optional<PublicKey> FromRsa(absl::string_view modulus, absl::string_view exponent);
  static std::optional<PublicKey> FromEc(absl::string_view curve, absl::string_view x,
                                         absl::string_view y);
  static std::optional<PublicKey> FromEd25519(absl::string_view x);
  static std::optional<PublicKey> FromSecret(absl::string_view secret);
  // The key of a certificate in PEM.
  static std::optional<PublicKey> FromCertificate(absl::string_view pem);

  // Whether `alg` (RFC 7518, section 3.1) is one for keys like this.
  bool Suits(absl::string_view alg) const;
  // REQUIRES: Suits(alg).
  bool Verifies(absl::string_view alg, absl::string_view text, absl::string_view signature) const;

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  using Handle = std::unique_ptr<evp_pkey_st, Free>;

  PublicKey() = default;
  static std::optional<PublicKey> FromHandle(evp_pkey_st* key);

  std::string family_;  // "RSA", "ES256", "ES384", "ES512", "EdDSA" or "HS".
  Handle key_;          // Null for "HS".
  std::string secret_;  // Of "HS".
};

}  // namespace proxenos::filters::jwt_authn
