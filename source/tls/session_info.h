// SessionInfo: what a TLS connection knows of itself and its peer, for access logs, XFCC, matchers
// and filters. Each value is made when first asked for.
//
// Owner: the TlsTransport. Thread: the worker's.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace proxenos::tls {

class SessionInfo {
 public:
  virtual ~SessionInfo() = default;

  virtual absl::string_view version() const = 0;  // "TLSv1.3"
  virtual absl::string_view cipher() const = 0;   // "TLS_AES_128_GCM_SHA256"
  virtual absl::string_view sni() const = 0;
  virtual absl::string_view alpn() const = 0;
  virtual const std::string& session_id_hex() const = 0;  // Empty for TLS 1.3.
  virtual bool resumed() const = 0;

  virtual bool peer_presented() const = 0;
  virtual bool peer_validated() const = 0;  // Against a CA or pin.
  struct Certificate {
    std::string subject;  // RFC 2253
    std::string issuer;
    std::string serial_hex;
    std::string sha256_hex;
    std::string sha1_hex;
    std::string pem;
    std::vector<std::string> uri_sans;
    std::vector<std::string> dns_sans;
    std::vector<std::string> ip_sans;
    std::vector<std::string> email_sans;
    int64_t valid_from_s = 0;
    int64_t expires_s = 0;
  };
  // Null when there is none.
  virtual const Certificate* peer() const = 0;
  virtual const Certificate* local() const = 0;
  virtual const std::string& peer_chain_pem() const = 0;
  virtual const std::vector<std::string>& peer_chain_sha256() const = 0;
};

}  // namespace proxenos::tls
