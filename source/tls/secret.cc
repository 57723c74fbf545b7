// Comparing what was read.
#include "source/tls/secret.h"

#include <algorithm>

namespace proxenos::tls {

const char* NameOf(SecretKind kind) {
  switch (kind) {
    case SecretKind::kIdentity:
      return "a certificate";
    case SecretKind::kValidation:
      return "a validation context";
    case SecretKind::kTicketKeys:
      return "session ticket keys";
    case SecretKind::kGeneric:
      return "a generic secret";
  }
  return "a secret";
}

bool SameFiles(const Secret& a, const Secret& b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case SecretKind::kIdentity: {
      const Identity& x = std::get<Identity>(a.content);
      const Identity& y = std::get<Identity>(b.content);
      return x.chain_pem == y.chain_pem && x.key_pem == y.key_pem && x.pkcs12 == y.pkcs12 &&
             x.password == y.password && x.ocsp_staple == y.ocsp_staple &&
             x.timestamps == y.timestamps;
    }
    case SecretKind::kValidation: {
      // Matchers and pins are in the message itself.
      const Validation& x = std::get<Validation>(a.content);
      const Validation& y = std::get<Validation>(b.content);
      return x.trusted_ca_pem == y.trusted_ca_pem && x.crl_pem == y.crl_pem &&
             std::equal(x.trust_domains.begin(), x.trust_domains.end(), y.trust_domains.begin(),
                        y.trust_domains.end(),
                        [](const TrustDomain& one, const TrustDomain& other) {
                          return one.bundle_pem == other.bundle_pem;
                        });
    }
    case SecretKind::kTicketKeys:
      return std::get<TicketKeys>(a.content).keys == std::get<TicketKeys>(b.content).keys;
    case SecretKind::kGeneric: {
      const GenericValues& x = std::get<GenericValues>(a.content);
      const GenericValues& y = std::get<GenericValues>(b.content);
      return x.value == y.value && x.named == y.named;
    }
  }
  return true;
}

}  // namespace proxenos::tls
