// Signatures that a script has verified, by BoringSSL.
#pragma once

#include "absl/strings/string_view.h"

namespace proxenos::filters::lua {

// Whether `der` is a SubjectPublicKeyInfo.
bool IsPublicKey(absl::string_view der);

// Null: `signature` is that of `data`, by the key that `der` holds; else why it cannot be said so.
// `hash`: SHA1, SHA224, SHA256, SHA384 or SHA512, in any case of letters.
const char* VerifySignatureOf(absl::string_view hash, absl::string_view der,
                              absl::string_view signature, absl::string_view data);

}  // namespace proxenos::filters::lua
