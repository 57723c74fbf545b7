// Facts of an X.509 certificate: names, validity, hashes, as text.
//
// Invariant: names are read with their length. One that holds a NUL byte is left out, so that no
// later reader can take a part of it for the whole (CVE-2009-2408).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "openssl/base.h"
#include "source/tls/certificate_details.h"
#include "source/tls/session_info.h"

namespace proxenos::tls {

struct SubjectNames {
  std::vector<std::string> dns;
  std::vector<std::string> uri;
  std::vector<std::string> ip;  // As text: "192.0.2.1", "2001:db8::1".
  std::vector<std::string> email;
  struct Other {
    std::string oid;  // Dotted.
    std::string value;
  };
  std::vector<Other> other;

  bool empty() const {
    return dns.empty() && uri.empty() && ip.empty() && email.empty() && other.empty();
  }
};
// The subjectAltName extension; nothing when it is absent or cannot be parsed.
SubjectNames SubjectNamesOf(const X509& certificate);
// The last common name of the subject; empty when there is none.
std::string CommonNameOf(const X509& certificate);

bssl::UniquePtr<X509> ParseCertificate(const CRYPTO_BUFFER& der);
// Null when it cannot be encoded.
bssl::UniquePtr<CRYPTO_BUFFER> EncodeCertificate(const X509& certificate);

// What /certs shows.
CertificateDetails DetailsOf(const X509& certificate, absl::string_view path);
// What access logs and filters may ask.
SessionInfo::Certificate FactsOf(const CRYPTO_BUFFER& der);

std::string SerialHex(const X509& certificate);
// Seconds since the epoch.
int64_t ValidFrom(const X509& certificate);
int64_t ValidUntil(const X509& certificate);

std::string Sha256(absl::string_view bytes);  // 32 bytes.
std::string SpkiSha256(const X509& certificate);
absl::string_view BytesOf(const CRYPTO_BUFFER& der);
std::string ToPem(const CRYPTO_BUFFER& der);

}  // namespace proxenos::tls
