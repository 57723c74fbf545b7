// FakeTlsSession: a TLS connection of which a test says what it knows.
#pragma once

#include <string>
#include <vector>

#include "source/tls/session_info.h"

namespace proxenos::testing {

class FakeTlsSession final : public tls::SessionInfo {
 public:
  absl::string_view version() const override { return version_text; }
  absl::string_view cipher() const override { return cipher_text; }
  absl::string_view group() const override { return group_text; }
  absl::string_view signature_algorithm() const override { return ""; }
  absl::string_view sni() const override { return sni_text; }
  absl::string_view alpn() const override { return ""; }
  const std::string& session_id_hex() const override { return session_id; }
  bool resumed() const override { return false; }
  bool peer_presented() const override { return presented; }
  bool peer_validated() const override { return presented && validated; }
  const Certificate* peer() const override { return presented ? &peer_certificate : nullptr; }
  const Certificate* local() const override { return &local_certificate; }
  const std::string& peer_chain_pem() const override { return chain_pem; }
  const std::vector<Certificate>& peer_chain() const override { return chain; }

  std::string version_text = "TLSv1.3";
  std::string cipher_text;
  std::string group_text;
  std::string sni_text;
  std::string session_id;
  bool presented = true;
  bool validated = true;  // Of what was presented.
  Certificate peer_certificate;
  Certificate local_certificate;
  std::vector<Certificate> chain;
  std::string chain_pem;
};

}  // namespace proxenos::testing
