// Answers about an established TLS connection.
#include "source/tls/session_facts.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "openssl/pool.h"
#include "openssl/ssl.h"
#include "source/tls/certificate.h"
#include "source/tls/context_state.h"

namespace proxenos::tls {
namespace {

absl::string_view View(const uint8_t* data, size_t size) {
  return absl::string_view(reinterpret_cast<const char*>(data), size);
}

size_t Count(const STACK_OF(CRYPTO_BUFFER) * chain) {
  return chain == nullptr ? 0 : sk_CRYPTO_BUFFER_num(chain);
}

}  // namespace

absl::string_view SessionFacts::version() const { return SSL_get_version(&ssl_); }

absl::string_view SessionFacts::cipher() const {
  const SSL_CIPHER* cipher = SSL_get_current_cipher(&ssl_);
  return cipher == nullptr ? absl::string_view() : SSL_CIPHER_get_name(cipher);
}

absl::string_view SessionFacts::sni() const {
  if (connection_.client != nullptr) return connection_.client->sni;
  const char* name = SSL_get_servername(&ssl_, TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? absl::string_view() : name;
}

absl::string_view SessionFacts::alpn() const {
  const uint8_t* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(&ssl_, &protocol, &size);
  return View(protocol, size);
}

const std::string& SessionFacts::session_id_hex() const {
  if (!session_id_hex_.has_value()) {
    session_id_hex_.emplace();
    const SSL_SESSION* session = SSL_get_session(&ssl_);
    if (session != nullptr && SSL_version(&ssl_) < TLS1_3_VERSION) {
      unsigned size = 0;
      const uint8_t* id = SSL_SESSION_get_id(session, &size);
      session_id_hex_ = absl::BytesToHexString(View(id, size));
    }
  }
  return *session_id_hex_;
}

bool SessionFacts::resumed() const { return SSL_session_reused(&ssl_) != 0; }

bool SessionFacts::peer_presented() const { return Count(SSL_get0_peer_certificates(&ssl_)) > 0; }

const SessionInfo::Certificate* SessionFacts::peer() const {
  const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(&ssl_);
  if (peer_ == nullptr && Count(chain) > 0) {
    peer_ = std::make_unique<const Certificate>(FactsOf(*sk_CRYPTO_BUFFER_value(chain, 0)));
  }
  return peer_.get();
}

const SessionInfo::Certificate* SessionFacts::local() const {
  const auto& identities = connection_.context.identities;
  if (local_ == nullptr && connection_.identity < identities.size()) {
    local_ = std::make_unique<const Certificate>(FactsOf(*identities[connection_.identity].leaf));
  }
  return local_.get();
}

const std::string& SessionFacts::peer_chain_pem() const {
  if (!peer_chain_pem_.has_value()) {
    peer_chain_pem_.emplace();
    const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(&ssl_);
    for (size_t i = 0; i < Count(chain); ++i) {
      absl::StrAppend(&*peer_chain_pem_, ToPem(*sk_CRYPTO_BUFFER_value(chain, i)));
    }
  }
  return *peer_chain_pem_;
}

const std::vector<std::string>& SessionFacts::peer_chain_sha256() const {
  if (!peer_chain_sha256_.has_value()) {
    peer_chain_sha256_.emplace();
    const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(&ssl_);
    for (size_t i = 0; i < Count(chain); ++i) {
      peer_chain_sha256_->push_back(
          absl::BytesToHexString(Sha256(BytesOf(*sk_CRYPTO_BUFFER_value(chain, i)))));
    }
  }
  return *peer_chain_sha256_;
}

}  // namespace proxenos::tls
