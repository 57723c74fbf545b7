// KeySet: a JSON Web Key Set (RFC 7517, section 5), or a map of certificates as some providers
// publish instead.
//
// Keys of kinds that are not known, or for other uses, are passed over, as the RFC asks for.
// Thread: any (immutable).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/filters/http/jwt_authn/failure.h"
#include "source/filters/http/jwt_authn/public_key.h"
#include "source/filters/http/jwt_authn/token.h"

namespace proxenos::filters::jwt_authn {

class KeySet {
 public:
  // More keys are no key set but an attack on whoever tries them all.
  static constexpr size_t kMaxKeys = 100;

  // Null when the text holds no key that could be used; *failure says why.
  static std::shared_ptr<const KeySet> Parse(absl::string_view text, Failure* failure);

  // kNone, kNoMatchingKey or kVerification.
  Failure Verify(const Token& token) const;

  size_t size() const { return keys_.size(); }

 private:
  struct Key {
    std::string kid;  // Empty: for any.
    std::string alg;  // Empty: any that suits.
    PublicKey key;
  };
  std::vector<Key> keys_;
};

}  // namespace proxenos::filters::jwt_authn
