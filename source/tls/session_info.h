// SessionInfo: what a TLS connection knows of itself and its peer, for access logs, XFCC, matchers
// and filters. What costs something is made when first asked for.
//
// Owner: the TlsTransport, and whoever asks still when that is gone (the log of a request whose
// upstream connection has closed). Thread: the worker's.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/base/rc.h"

namespace proxenos::tls {

class SessionInfo : public base::RefCounted {
 public:
  virtual ~SessionInfo() = default;

  virtual absl::string_view version() const = 0;  // "TLSv1.3"
  virtual absl::string_view cipher() const = 0;   // "TLS_AES_128_GCM_SHA256"
  virtual absl::string_view group() const = 0;    // "X25519MLKEM768"; empty when none was needed.
  virtual absl::string_view signature_algorithm() const = 0;  // Of the peer; empty without one.
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
    std::vector<std::string> other_sans;  // The values of otherNames.
    int64_t valid_from_s = 0;
    int64_t expires_s = 0;
  };
  // Null when there is none.
  virtual const Certificate* peer() const = 0;
  // EncodePem of the peer's; empty when there is none.
  const std::string& peer_pem_encoded() const;
  virtual const Certificate* local() const = 0;
  virtual const std::string& peer_chain_pem() const = 0;
  // The certificates that the peer sent, its own first.
  virtual const std::vector<Certificate>& peer_chain() const = 0;

  // When it shook hands; 0 while it has not.
  base::MonoTime handshake_begin() const { return handshake_begin_; }
  base::MonoTime handshake_end() const { return handshake_end_; }
  void SetHandshake(base::MonoTime begin, base::MonoTime end) {
    handshake_begin_ = begin;
    handshake_end_ = end;
  }

 private:
  base::MonoTime handshake_begin_ = 0;
  base::MonoTime handshake_end_ = 0;
  mutable std::string peer_pem_encoded_;  // Made when first asked for.
};

// PEM with what XFCC and logs could take for signs of their own percent-encoded.
std::string EncodePem(absl::string_view pem);

}  // namespace proxenos::tls
