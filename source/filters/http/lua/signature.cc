// By EVP, so that RSA and ECDSA keys both do.
#include "source/filters/http/lua/signature.h"

#include <openssl/bytestring.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "absl/strings/match.h"

namespace proxenos::filters::lua {
namespace {

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

bssl::UniquePtr<EVP_PKEY> Parse(absl::string_view der) {
  CBS bytes;
  CBS_init(&bytes, Bytes(der), der.size());
  bssl::UniquePtr<EVP_PKEY> key(EVP_parse_public_key(&bytes));
  ERR_clear_error();
  return key;
}

const EVP_MD* DigestOf(absl::string_view name) {
  if (absl::EqualsIgnoreCase(name, "sha1")) return EVP_sha1();
  if (absl::EqualsIgnoreCase(name, "sha224")) return EVP_sha224();
  if (absl::EqualsIgnoreCase(name, "sha256")) return EVP_sha256();
  if (absl::EqualsIgnoreCase(name, "sha384")) return EVP_sha384();
  if (absl::EqualsIgnoreCase(name, "sha512")) return EVP_sha512();
  return nullptr;
}

}  // namespace

bool IsPublicKey(absl::string_view der) { return Parse(der) != nullptr; }

const char* VerifySignatureOf(absl::string_view hash, absl::string_view der,
                              absl::string_view signature, absl::string_view data) {
  const EVP_MD* digest = DigestOf(hash);
  if (digest == nullptr) return "the hash function is not supported.";
  const bssl::UniquePtr<EVP_PKEY> key = Parse(der);
  if (key == nullptr) return "Failed to initialize digest verify.";
  bssl::ScopedEVP_MD_CTX context;
  const bool verified =
      EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(data),
                       data.size()) == 1;
  ERR_clear_error();
  return verified ? nullptr : "Failed to verify digest.";
}

}  // namespace proxenos::filters::lua
