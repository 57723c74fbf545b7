// SessionFacts: SessionInfo of a BoringSSL connection.
//
// Owner: the transport, which makes it when it is first asked for. Thread: the worker's.
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
  // Both outlive it.
  SessionFacts(const SSL& ssl, const ConnectionState& connection)
      : ssl_(ssl), connection_(connection) {}

  absl::string_view version() const override;
  absl::string_view cipher() const override;
  absl::string_view sni() const override;
  absl::string_view alpn() const override;
  const std::string& session_id_hex() const override;
  bool resumed() const override;
  bool peer_presented() const override;
  bool peer_validated() const override { return connection_.validated; }
  const Certificate* peer() const override;
  const Certificate* local() const override;
  const std::string& peer_chain_pem() const override;
  const std::vector<std::string>& peer_chain_sha256() const override;

 private:
  const SSL& ssl_;
  const ConnectionState& connection_;

  // Made when first asked for.
  mutable std::optional<std::string> session_id_hex_;
  mutable std::unique_ptr<const Certificate> peer_;
  mutable std::unique_ptr<const Certificate> local_;
  mutable std::optional<std::string> peer_chain_pem_;
  mutable std::optional<std::vector<std::string>> peer_chain_sha256_;
};

}  // namespace proxenos::tls
