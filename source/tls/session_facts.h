// SessionFacts: SessionInfo of a BoringSSL connection. It keeps what outlives the connection: the
// session, which has the certificates, and a few words besides.
//
// Owner: the transport, which makes it when it is first asked for, and what SessionInfo says.
// Thread: the worker's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "openssl/base.h"
#include "source/tls/connection_state.h"
#include "source/tls/session_info.h"

namespace proxenos::tls {

class SessionFacts final : public SessionInfo {
 public:
  // REQUIRES: the handshake is done.
  SessionFacts(const SSL& ssl, const ConnectionState& connection);
  ~SessionFacts() override;

  absl::string_view version() const override;
  absl::string_view cipher() const override;
  absl::string_view group() const override;
  absl::string_view signature_algorithm() const override;
  absl::string_view sni() const override { return sni_; }
  absl::string_view alpn() const override { return alpn_; }
  const std::string& session_id_hex() const override;
  bool resumed() const override { return resumed_; }
  bool peer_presented() const override;
  bool peer_validated() const override { return validated_; }
  const Certificate* peer() const override;
  const Certificate* local() const override;
  const std::string& peer_chain_pem() const override;
  const std::vector<Certificate>& peer_chain() const override;

 private:
  const bssl::UniquePtr<SSL_SESSION> session_;
  bssl::UniquePtr<CRYPTO_BUFFER> local_leaf_;  // Null when none was shown.
  std::string sni_;
  std::string alpn_;
  const uint16_t group_;
  const uint16_t signature_algorithm_;
  const bool resumed_;
  const bool validated_;

  // Made when first asked for.
  mutable std::optional<std::string> session_id_hex_;
  mutable std::unique_ptr<const Certificate> peer_;
  mutable std::unique_ptr<const Certificate> local_;
  mutable std::optional<std::string> peer_chain_pem_;
  mutable std::optional<std::vector<Certificate>> peer_chain_;
};

}  // namespace proxenos::tls
