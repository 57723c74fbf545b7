// CertificateDetails: one certificate, as /certs shows it (admin.v3.CertificateDetails).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace proxenos::tls {

struct CertificateDetails {
  std::string path;
  std::string serial_number;
  std::vector<std::string> dns_sans;
  std::vector<std::string> uri_sans;
  std::vector<std::string> ip_sans;
  int64_t valid_from_s = 0;  // Since the epoch.
  int64_t expires_s = 0;
  std::optional<int64_t> ocsp_from_s;
  std::optional<int64_t> ocsp_expires_s;
};

}  // namespace proxenos::tls
