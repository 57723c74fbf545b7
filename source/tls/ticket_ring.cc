// Sealing and opening of tickets by shared keys.
#include "source/tls/ticket_ring.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "openssl/cipher.h"
#include "openssl/digest.h"
#include "openssl/hmac.h"
#include "openssl/rand.h"
#include "source/tls/context_options.h"

namespace proxenos::tls {

absl::StatusOr<TicketRing> TicketRing::Make(const std::vector<std::string>& keys) {
  TicketRing made;
  for (const std::string& text : keys) {
    if (text.size() != kTicketKeyBytes) {
      return absl::InvalidArgumentError(absl::StrCat("session ticket key ", made.keys_.size() + 1,
                                                     " has ", text.size(), " bytes, ",
                                                     kTicketKeyBytes, " are needed"));
    }
    Key key;
    std::memcpy(key.name.data(), text.data(), 16);
    std::memcpy(key.hmac.data(), text.data() + 16, 32);
    std::memcpy(key.aes.data(), text.data() + 48, 32);
    made.keys_.push_back(key);
  }
  return made;
}

int TicketRing::Prepare(uint8_t* name, uint8_t* iv, EVP_CIPHER_CTX* cipher, HMAC_CTX* hmac,
                        bool encrypt) const {
  const EVP_CIPHER* aes = EVP_aes_256_cbc();
  if (encrypt) {
    const Key& key = keys_.front();
    std::memcpy(name, key.name.data(), key.name.size());
    RAND_bytes(iv, EVP_CIPHER_iv_length(aes));
    return EVP_EncryptInit_ex(cipher, aes, nullptr, key.aes.data(), iv) == 1 &&
                   HMAC_Init_ex(hmac, key.hmac.data(), key.hmac.size(), EVP_sha256(), nullptr) == 1
               ? 1
               : -1;
  }
  const auto found = std::find_if(keys_.begin(), keys_.end(), [name](const Key& key) {
    return std::memcmp(name, key.name.data(), key.name.size()) == 0;
  });
  if (found == keys_.end()) return 0;
  if (HMAC_Init_ex(hmac, found->hmac.data(), found->hmac.size(), EVP_sha256(), nullptr) != 1 ||
      EVP_DecryptInit_ex(cipher, aes, nullptr, found->aes.data(), iv) != 1) {
    return -1;
  }
  return found == keys_.begin() ? 1 : 2;
}

}  // namespace proxenos::tls
