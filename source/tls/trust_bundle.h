// SPIFFE trust bundle maps (SPIFFECertValidatorConfig.trust_bundles): the roots of many trust
// domains in one JSON text, as SPIRE writes it:
//
//   {"trust_domains": {"one.example": {"keys": [{"use": "x509-svid", "x5c": ["MIIB..."]}]}}}
//
// (SPIFFE Trust Domain and Bundle, section 4; keys of other uses are passed over.)
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "source/tls/context_options.h"

namespace proxenos::tls {

// The domains by rising name. Error: not JSON, not such a map, or a domain without a root; one
// line. Whether the roots are certificates is seen when they are used.
absl::StatusOr<std::vector<TrustDomain>> ReadTrustBundles(absl::string_view json,
                                                          const std::string& origin);

}  // namespace proxenos::tls
