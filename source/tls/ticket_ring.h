// TicketRing: session ticket keys that were configured, to be shared by several proxies
// (TlsSessionTicketKeys). The format of a key, and of the tickets it seals, is Envoy's.
//
// Thread: any (immutable).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "openssl/base.h"

namespace proxenos::tls {

class TicketRing {
 public:
  // Error: a key that has not kTicketKeyBytes.
  static absl::StatusOr<TicketRing> Make(const std::vector<std::string>& keys);

  // BoringSSL's ticket key callback: the first key seals, all of them open; a ticket that another
  // than the first opened is renewed.
  int Prepare(uint8_t* name, uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* hmac,
              bool encrypt) const;

 private:
  struct Key {
    std::array<uint8_t, 16> name;
    std::array<uint8_t, 32> hmac;
    std::array<uint8_t, 32> aes;
  };
  std::vector<Key> keys_;
};

}  // namespace proxenos::tls
