// Keys and signatures, by BoringSSL.
#include "source/filters/http/jwt_authn/public_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/digest.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <utility>

#include "absl/strings/match.h"

namespace proxenos::filters::jwt_authn {
namespace {

constexpr unsigned kMinRsaBits = 2048;

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

bssl::UniquePtr<BIGNUM> Number(absl::string_view bytes) {
  return bssl::UniquePtr<BIGNUM>(BN_bin2bn(Bytes(bytes), bytes.size(), nullptr));
}

// By the last three digits of an algorithm's name.
const EVP_MD* DigestOf(absl::string_view alg) {
  if (absl::EndsWith(alg, "256")) return EVP_sha256();
  return absl::EndsWith(alg, "384") ? EVP_sha384() : EVP_sha512();
}

absl::string_view AlgorithmOf(int curve) {
  switch (curve) {
    case NID_X9_62_prime256v1:
      return "ES256";
    case NID_secp384r1:
      return "ES384";
    case NID_secp521r1:
      return "ES512";
    default:
      return "";
  }
}

bool VerifyEvp(EVP_PKEY* key, absl::string_view alg, absl::string_view text,
               absl::string_view signature) {
  bssl::ScopedEVP_MD_CTX context;
  EVP_PKEY_CTX* key_context = nullptr;
  const EVP_MD* digest = alg == "EdDSA" ? nullptr : DigestOf(alg);
  if (!EVP_DigestVerifyInit(context.get(), &key_context, digest, nullptr, key)) return false;
  if (alg[0] == 'P' && (!EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) ||
                        !EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST))) {
    return false;
  }
  return EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(text),
                          text.size()) == 1;
}

// The signature is two numbers of the curve's size, one after the other (RFC 7518, section 3.4).
bool VerifyEc(EVP_PKEY* key, absl::string_view alg, absl::string_view text,
              absl::string_view signature) {
  EC_KEY* ec = EVP_PKEY_get0_EC_KEY(key);
  const size_t size = (EC_GROUP_get_degree(EC_KEY_get0_group(ec)) + 7) / 8;
  if (signature.size() != 2 * size) return false;
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned digest_size = 0;
  if (!EVP_Digest(text.data(), text.size(), digest, &digest_size, DigestOf(alg), nullptr)) {
    return false;
  }
  bssl::UniquePtr<ECDSA_SIG> parts(ECDSA_SIG_new());
  bssl::UniquePtr<BIGNUM> r = Number(signature.substr(0, size));
  bssl::UniquePtr<BIGNUM> s = Number(signature.substr(size));
  if (!parts || !r || !s || !ECDSA_SIG_set0(parts.get(), r.release(), s.release())) return false;
  return ECDSA_do_verify(digest, digest_size, parts.get(), ec) == 1;
}

bool VerifySecret(absl::string_view secret, absl::string_view alg, absl::string_view text,
                  absl::string_view signature) {
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  return HMAC(DigestOf(alg), secret.data(), secret.size(), Bytes(text), text.size(), digest,
              &size) != nullptr &&
         size == signature.size() && CRYPTO_memcmp(digest, signature.data(), size) == 0;
}

}  // namespace

void PublicKey::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

// Takes the key over; nothing when it is of a kind that no algorithm is for.
std::optional<PublicKey> PublicKey::FromHandle(evp_pkey_st* key) {
  PublicKey made;
  made.key_.reset(key);
  switch (key == nullptr ? EVP_PKEY_NONE : EVP_PKEY_id(key)) {
    case EVP_PKEY_RSA:
      if (EVP_PKEY_bits(key) < static_cast<int>(kMinRsaBits)) return std::nullopt;
      made.family_ = "RSA";
      break;
    case EVP_PKEY_EC:
      made.family_ = std::string(
          AlgorithmOf(EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)))));
      break;
    case EVP_PKEY_ED25519:
      made.family_ = "EdDSA";
      break;
    default:
      break;
  }
  ERR_clear_error();
  if (made.family_.empty()) return std::nullopt;
  return made;
}

std::optional<PublicKey> PublicKey::FromRsa(absl::string_view modulus, absl::string_view exponent) {
  bssl::UniquePtr<BIGNUM> n = Number(modulus), e = Number(exponent);
  // BoringSSL checks what a key needs: odd numbers, an exponent that is not too large.
  bssl::UniquePtr<RSA> rsa(n && e ? RSA_new_public_key(n.get(), e.get()) : nullptr);
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (!rsa || !key || !EVP_PKEY_set1_RSA(key.get(), rsa.get())) {
    ERR_clear_error();
    return std::nullopt;
  }
  return FromHandle(key.release());
}

std::optional<PublicKey> PublicKey::FromEc(absl::string_view curve, absl::string_view x,
                                           absl::string_view y) {
  const EC_GROUP* group = curve == "P-256"   ? EC_group_p256()
                          : curve == "P-384" ? EC_group_p384()
                          : curve == "P-521" ? EC_group_p521()
                                             : nullptr;
  if (group == nullptr) return std::nullopt;
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new());
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  bssl::UniquePtr<BIGNUM> bx = Number(x), by = Number(y);
  // A point that is not on the curve is refused here.
  if (!ec || !key || !bx || !by || !EC_KEY_set_group(ec.get(), group) ||
      !EC_KEY_set_public_key_affine_coordinates(ec.get(), bx.get(), by.get()) ||
      !EVP_PKEY_set1_EC_KEY(key.get(), ec.get())) {
    ERR_clear_error();
    return std::nullopt;
  }
  return FromHandle(key.release());
}

std::optional<PublicKey> PublicKey::FromEd25519(absl::string_view x) {
  return FromHandle(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(x), x.size()));
}

std::optional<PublicKey> PublicKey::FromSecret(absl::string_view secret) {
  if (secret.empty()) return std::nullopt;
  PublicKey made;
  made.family_ = "HS";
  made.secret_ = std::string(secret);
  return made;
}

std::optional<PublicKey> PublicKey::FromCertificate(absl::string_view pem) {
  bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<ossl_ssize_t>(pem.size())));
  bssl::UniquePtr<X509> certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)
                                        : nullptr);
  if (!certificate) {
    ERR_clear_error();
    return std::nullopt;
  }
  return FromHandle(X509_get_pubkey(certificate.get()));
}

bool PublicKey::Suits(absl::string_view alg) const {
  if (family_ == "RSA") return absl::StartsWith(alg, "RS") || absl::StartsWith(alg, "PS");
  if (family_ == "HS") return absl::StartsWith(alg, "HS");
  return alg == family_;
}

bool PublicKey::Verifies(absl::string_view alg, absl::string_view text,
                         absl::string_view signature) const {
  bool good = false;
  if (family_ == "HS") {
    good = VerifySecret(secret_, alg, text, signature);
  } else if (absl::StartsWith(family_, "ES")) {
    good = VerifyEc(key_.get(), alg, text, signature);
  } else {
    good = VerifyEvp(key_.get(), alg, text, signature);
  }
  ERR_clear_error();
  return good;
}

}  // namespace proxenos::filters::jwt_authn
