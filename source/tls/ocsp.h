// OCSP responses for stapling (RFC 6960 section 4.2.1): what the server must know of one to decide
// whether to send it. Clients check signatures; we check that it is about our certificate and when.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "openssl/base.h"

namespace proxenos::tls {

struct OcspTimes {
  int64_t this_update_s = 0;             // Since the epoch.
  std::optional<int64_t> next_update_s;  // Absent: newer information is always available.

  bool ExpiredAt(int64_t now_s) const {
    return next_update_s.has_value() && *next_update_s < now_s;
  }
};

// Error: not a successful response with exactly one answer, or about another certificate.
absl::StatusOr<OcspTimes> ParseOcspResponse(absl::string_view der, const X509& certificate);

}  // namespace proxenos::tls
