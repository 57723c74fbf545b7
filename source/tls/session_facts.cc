// Answers about an established TLS connection.
#include "source/tls/session_facts.h"

#include "absl/strings/ascii.h"
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

std::string SniOf(const SSL& ssl, const ConnectionState& connection) {
  if (connection.client != nullptr) return connection.client->sni;
  const char* name = SSL_get_servername(&ssl, TLSEXT_NAMETYPE_host_name);
  // As the TLS inspector tells it: who is refused by name must not come in by another spelling.
  return name == nullptr ? std::string() : absl::AsciiStrToLower(name);
}

std::string AlpnOf(const SSL& ssl) {
  const uint8_t* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(&ssl, &protocol, &size);
  return std::string(View(protocol, size));
}

const STACK_OF(CRYPTO_BUFFER) * ChainOf(const SSL_SESSION* session) {
  return session == nullptr ? nullptr : SSL_SESSION_get0_peer_certificates(session);
}

absl::string_view OrEmpty(const char* name) {
  return name == nullptr ? absl::string_view() : absl::string_view(name);
}

}  // namespace

SessionFacts::SessionFacts(const SSL& ssl, const ConnectionState& connection)
    : session_(bssl::UpRef(SSL_get_session(&ssl))),
      sni_(SniOf(ssl, connection)),
      alpn_(AlpnOf(ssl)),
      group_(SSL_get_group_id(&ssl)),
      signature_algorithm_(SSL_get_peer_signature_algorithm(&ssl)),
      resumed_(SSL_session_reused(&ssl) != 0),
      validated_(connection.validated) {
  const auto& identities = connection.context.identities;
  if (connection.identity < identities.size()) {
    local_leaf_ = bssl::UpRef(identities[connection.identity].leaf);
  }
}

SessionFacts::~SessionFacts() = default;

absl::string_view SessionFacts::version() const {
  return session_ == nullptr ? absl::string_view() : SSL_SESSION_get_version(session_.get());
}

absl::string_view SessionFacts::cipher() const {
  const SSL_CIPHER* cipher =
      session_ == nullptr ? nullptr : SSL_SESSION_get0_cipher(session_.get());
  return cipher == nullptr ? absl::string_view() : SSL_CIPHER_get_name(cipher);
}

absl::string_view SessionFacts::group() const { return OrEmpty(SSL_get_group_name(group_)); }

absl::string_view SessionFacts::signature_algorithm() const {
  return OrEmpty(SSL_get_signature_algorithm_name(signature_algorithm_, /*include_curve=*/1));
}

const std::string& SessionFacts::session_id_hex() const {
  if (!session_id_hex_.has_value()) {
    session_id_hex_.emplace();
    if (session_ != nullptr && SSL_SESSION_get_protocol_version(session_.get()) < TLS1_3_VERSION) {
      unsigned size = 0;
      const uint8_t* id = SSL_SESSION_get_id(session_.get(), &size);
      session_id_hex_ = absl::BytesToHexString(View(id, size));
    }
  }
  return *session_id_hex_;
}

bool SessionFacts::peer_presented() const { return Count(ChainOf(session_.get())) > 0; }

const SessionInfo::Certificate* SessionFacts::peer() const {
  const STACK_OF(CRYPTO_BUFFER)* chain = ChainOf(session_.get());
  if (peer_ == nullptr && Count(chain) > 0) {
    peer_ = std::make_unique<const Certificate>(FactsOf(*sk_CRYPTO_BUFFER_value(chain, 0)));
  }
  return peer_.get();
}

const SessionInfo::Certificate* SessionFacts::local() const {
  if (local_ == nullptr && local_leaf_ != nullptr) {
    local_ = std::make_unique<const Certificate>(FactsOf(*local_leaf_));
  }
  return local_.get();
}

const std::string& SessionFacts::peer_chain_pem() const {
  if (!peer_chain_pem_.has_value()) {
    peer_chain_pem_.emplace();
    const STACK_OF(CRYPTO_BUFFER)* chain = ChainOf(session_.get());
    for (size_t i = 0; i < Count(chain); ++i) {
      absl::StrAppend(&*peer_chain_pem_, ToPem(*sk_CRYPTO_BUFFER_value(chain, i)));
    }
  }
  return *peer_chain_pem_;
}

const std::vector<SessionInfo::Certificate>& SessionFacts::peer_chain() const {
  if (!peer_chain_.has_value()) {
    peer_chain_.emplace();
    const STACK_OF(CRYPTO_BUFFER)* chain = ChainOf(session_.get());
    for (size_t i = 0; i < Count(chain); ++i) {
      peer_chain_->push_back(FactsOf(*sk_CRYPTO_BUFFER_value(chain, i)));
    }
  }
  return *peer_chain_;
}

}  // namespace proxenos::tls
