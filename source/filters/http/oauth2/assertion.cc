// JWTs by which a client proves who it is (RFC 7523; RFC 7518, section 3).
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/digest.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pem.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/filters/http/oauth2/sealing.h"
#include "source/json/value.h"

namespace proxenos::filters::oauth2 {
namespace {

constexpr unsigned kMinRsaBits = 2048;

const EVP_MD* DigestOf(absl::string_view algorithm) {
  if (absl::EndsWith(algorithm, "256")) return EVP_sha256();
  return absl::EndsWith(algorithm, "384") ? EVP_sha384() : EVP_sha512();
}

int CurveOf(absl::string_view algorithm) {
  if (algorithm == "ES256") return NID_X9_62_prime256v1;
  return algorithm == "ES384" ? NID_secp384r1 : NID_secp521r1;
}

bool Suits(EVP_PKEY* key, absl::string_view algorithm) {
  if (absl::StartsWith(algorithm, "RS")) {
    return EVP_PKEY_id(key) == EVP_PKEY_RSA &&
           static_cast<unsigned>(EVP_PKEY_bits(key)) >= kMinRsaBits;
  }
  const EC_KEY* curve_key = EVP_PKEY_get0_EC_KEY(key);
  return curve_key != nullptr &&
         EC_GROUP_get_curve_name(EC_KEY_get0_group(curve_key)) == CurveOf(algorithm);
}

// From DER to two numbers of one length, as a JWS has them (RFC 7518, section 3.4).
std::optional<std::string> RawSignature(const std::string& der, EVP_PKEY* key) {
  const bssl::UniquePtr<ECDSA_SIG> signature(
      ECDSA_SIG_from_bytes(reinterpret_cast<const uint8_t*>(der.data()), der.size()));
  if (signature == nullptr) return std::nullopt;
  const size_t size = (static_cast<size_t>(EVP_PKEY_bits(key)) + 7) / 8;
  std::string raw(2 * size, '\0');
  auto* out = reinterpret_cast<uint8_t*>(raw.data());
  if (!BN_bn2bin_padded(out, size, ECDSA_SIG_get0_r(signature.get())) ||
      !BN_bn2bin_padded(out + size, size, ECDSA_SIG_get0_s(signature.get()))) {
    return std::nullopt;
  }
  return raw;
}

std::optional<std::string> Sign(EVP_PKEY* key, absl::string_view algorithm,
                                const std::string& text) {
  bssl::ScopedEVP_MD_CTX context;
  size_t size = 0;
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  if (!EVP_DigestSignInit(context.get(), nullptr, DigestOf(algorithm), nullptr, key) ||
      !EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size())) {
    return std::nullopt;
  }
  std::string signature(size, '\0');
  if (!EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &size, bytes,
                      text.size())) {
    return std::nullopt;
  }
  signature.resize(size);
  if (absl::StartsWith(algorithm, "RS")) return signature;
  return RawSignature(signature, key);
}

std::string Claims(const Assertion& assertion) {
  json::Object claims;
  claims.emplace("iss", json::Value(std::string(assertion.client_id)));
  claims.emplace("sub", json::Value(std::string(assertion.client_id)));
  claims.emplace("aud", json::Value(std::string(assertion.audience)));
  claims.emplace("jti", json::Value(RandomText(16)));
  claims.emplace("iat", json::Value(assertion.issued_s));
  claims.emplace("exp", json::Value(assertion.issued_s + assertion.lifetime_s));
  std::string text;
  json::AppendJson(claims, text);
  return text;
}

}  // namespace

std::optional<std::string> SignAssertion(const Assertion& assertion) {
  const bssl::UniquePtr<BIO> pem(BIO_new_mem_buf(
      assertion.key_pem.data(), static_cast<ossl_ssize_t>(assertion.key_pem.size())));
  const bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(pem.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (key == nullptr || !Suits(key.get(), assertion.algorithm)) return std::nullopt;
  json::Object header;
  header.emplace("alg", json::Value(std::string(assertion.algorithm)));
  header.emplace("typ", json::Value(std::string("JWT")));
  if (!assertion.key_id.empty()) {
    header.emplace("kid", json::Value(std::string(assertion.key_id)));
  }
  std::string head;
  json::AppendJson(header, head);
  const std::string text = absl::StrCat(absl::WebSafeBase64Escape(head), ".",
                                        absl::WebSafeBase64Escape(Claims(assertion)));
  const std::optional<std::string> signature = Sign(key.get(), assertion.algorithm, text);
  ERR_clear_error();
  if (!signature.has_value()) return std::nullopt;
  return absl::StrCat(text, ".", absl::WebSafeBase64Escape(*signature));
}

}  // namespace proxenos::filters::oauth2
