// Preference of cipher suites.
#include "source/tls/cipher_order.h"

#include <cstdint>

#include "openssl/aead.h"
#include "openssl/bytestring.h"

namespace proxenos::tls {
namespace {

constexpr uint16_t kAes128 = 0x1301;     // TLS_AES_128_GCM_SHA256
constexpr uint16_t kAes256 = 0x1302;     // TLS_AES_256_GCM_SHA384
constexpr uint16_t kChaCha = 0x1303;     // TLS_CHACHA20_POLY1305_SHA256
constexpr uint16_t kRsaChaCha = 0xcca8;  // RFC 7905
constexpr uint16_t kEcdsaChaCha = 0xcca9;
constexpr uint16_t kRenegotiationSignal = 0x00ff;  // RFC 5746 section 3.3
constexpr uint16_t kFallbackSignal = 0x5600;       // RFC 7507

constexpr uint16_t kAesFirst[] = {kAes128, kAes256, kChaCha};
constexpr uint16_t kChaChaFirst[] = {kChaCha, kAes128, kAes256};

constexpr char kAesFirst12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kChaChaFirst12[] =
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

// RFC 8701: values that mean nothing, sent to keep servers tolerant.
bool IsGrease(uint16_t suite) {
  return (suite & 0x0f0f) == 0x0a0a && (suite >> 8) == (suite & 0xff);
}

uint16_t FirstSuite(const SSL_CLIENT_HELLO& hello) {
  CBS suites;
  CBS_init(&suites, hello.cipher_suites, hello.cipher_suites_len);
  uint16_t suite = 0;
  while (CBS_get_u16(&suites, &suite) == 1) {
    if (!IsGrease(suite) && suite != kRenegotiationSignal && suite != kFallbackSignal) return suite;
  }
  return 0;
}

}  // namespace

bool PreferAes(SSL_CTX* context, bool tls12_too) {
  if (EVP_has_aes_hardware() == 0) return false;
  SSL_CTX_set1_tls13_ciphers(context, kAesFirst, nullptr, 3);
  if (tls12_too) SSL_CTX_set_strict_cipher_list(context, kAesFirst12);
  return true;
}

void FollowChaCha(const SSL_CLIENT_HELLO& hello, bool tls12_too) {
  const uint16_t first = FirstSuite(hello);
  if (first != kChaCha && first != kRsaChaCha && first != kEcdsaChaCha) return;
  SSL_set1_tls13_ciphers(hello.ssl, kChaChaFirst, nullptr, 3);
  // Parsed for each such client, which is few and a matter of microseconds.
  if (tls12_too) SSL_set_strict_cipher_list(hello.ssl, kChaChaFirst12);
}

}  // namespace proxenos::tls
