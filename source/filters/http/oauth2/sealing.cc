// By BoringSSL.
#include "source/filters/http/oauth2/sealing.h"

#include <openssl/aead.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/base/check.h"

namespace proxenos::filters::oauth2 {
namespace {

constexpr absl::string_view kGcm = "gcm.";
constexpr size_t kIvBytes = 12;
constexpr size_t kTagBytes = 16;

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}
uint8_t* Bytes(std::string& text) { return reinterpret_cast<uint8_t*>(text.data()); }

std::string Sha256(absl::string_view text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(Bytes(text), text.size(), Bytes(digest));
  return digest;
}

// The cipher under the key that a secret makes.
class Cipher {
 public:
  explicit Cipher(absl::string_view secret) {
    const std::string key = Sha256(secret);
    CHECK(EVP_AEAD_CTX_init(context_.get(), EVP_aead_aes_256_gcm(), Bytes(key), key.size(),
                            kTagBytes, nullptr) == 1);
  }
  const EVP_AEAD_CTX* get() const { return context_.get(); }

 private:
  bssl::ScopedEVP_AEAD_CTX context_;
};

}  // namespace

std::string HmacBase64(absl::string_view secret, absl::string_view text) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> mac;
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha256(), secret.data(), secret.size(), Bytes(text), text.size(), mac.data(),
             &size) != nullptr);
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(mac.data()), mac.size()));
}

bool SameText(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string Encrypt(absl::string_view text, absl::string_view secret) {
  const Cipher cipher(secret);
  std::string sealed(kIvBytes + text.size() + kTagBytes, '\0');
  RAND_bytes(Bytes(sealed), kIvBytes);
  size_t size = 0;
  CHECK(EVP_AEAD_CTX_seal(cipher.get(), Bytes(sealed) + kIvBytes, &size, sealed.size() - kIvBytes,
                          Bytes(sealed), kIvBytes, Bytes(text), text.size(), nullptr, 0) == 1);
  return absl::StrCat(kGcm, absl::WebSafeBase64Escape(sealed));
}

std::optional<std::string> Decrypt(absl::string_view sealed, absl::string_view secret) {
  std::string bytes;
  if (!absl::StartsWith(sealed, kGcm)) return std::nullopt;
  if (!absl::WebSafeBase64Unescape(sealed.substr(kGcm.size()), &bytes)) return std::nullopt;
  if (bytes.size() < kIvBytes + kTagBytes) return std::nullopt;
  const Cipher cipher(secret);
  std::string text(bytes.size() - kIvBytes, '\0');
  size_t size = 0;
  if (EVP_AEAD_CTX_open(cipher.get(), Bytes(text), &size, text.size(), Bytes(bytes), kIvBytes,
                        Bytes(bytes) + kIvBytes, bytes.size() - kIvBytes, nullptr, 0) != 1) {
    return std::nullopt;
  }
  text.resize(size);
  return text;
}

std::string RandomText(size_t bytes) {
  std::string random(bytes, '\0');
  RAND_bytes(Bytes(random), random.size());
  return absl::WebSafeBase64Escape(random);
}

std::string CodeChallenge(absl::string_view verifier) {
  return absl::WebSafeBase64Escape(Sha256(verifier));
}

}  // namespace proxenos::filters::oauth2
