// OCSP responses for stapling (RFC 6960 section 4.2.1): whether one is about a certificate, when,
// and, where the issuer's certificate is at hand, whether it is signed by whom it must be.
//
// BoringSSL has no OCSP of its own: the DER is read here, bounds first, and signatures are its.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "openssl/base.h"
#include "openssl/bytestring.h"

namespace proxenos::tls {

struct OcspTimes {
  int64_t this_update_s = 0;             // Since the epoch.
  std::optional<int64_t> next_update_s;  // Absent: newer information is always available.

  bool ExpiredAt(int64_t now_s) const {
    return next_update_s.has_value() && *next_update_s < now_s;
  }
};

// A successful basic response with one answer. Views into its DER, each an element's content unless
// said otherwise.
struct OcspResponse {
  // CertID: which certificate it is about.
  CBS hash;  // The identifier of the algorithm of the next two.
  CBS issuer_name_hash;
  CBS issuer_key_hash;
  CBS serial;  // The whole element.
  bool good = false;
  OcspTimes times;
  // What is signed, and by whom: whole elements, but for the responder.
  CBS data;
  CBS algorithm;
  CBS signature;
  bool responder_by_key = false;  // `responder` is a SHA-1 of its key; else its name.
  CBS responder;
  CBS certificates;  // A list of them; empty for none.
};

// Error: not DER of such a response, or longer than 64 KiB.
absl::StatusOr<OcspResponse> ReadOcspResponse(absl::string_view der);

// Error: it is not about `certificate`, does not call it good, or is signed by somebody whom its
// issuer has not asked to (section 4.2.2.2: the issuer itself, or a certificate in the response
// that the issuer has signed for that purpose). `issuer` null: nobody knows whose signature it must
// be, and who signed is not looked at; that is left to clients.
absl::StatusOr<OcspTimes> CheckOcspResponse(absl::string_view der, const X509& certificate,
                                            const X509* issuer);

}  // namespace proxenos::tls
