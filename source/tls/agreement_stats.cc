// Counting of agreements.
#include "source/tls/agreement_stats.h"

namespace proxenos::tls {

using stats::TlsAgreement;

void AgreementStats::Count(const SessionInfo& session) {
  Count(TlsAgreement::kCipher, session.cipher());
  Count(TlsAgreement::kVersion, session.version());
  Count(TlsAgreement::kGroup, session.group());
  Count(TlsAgreement::kSignature, session.signature_algorithm());
}

void AgreementStats::Count(TlsAgreement kind, absl::string_view name) {
  if (name.empty()) return;
  auto& counter = counters_[name];
  if (!counter) {
    counter = registry_.Open<stats::TlsAgreementStats>(make_scope_(owner_, kind, name));
  }
  counter->count.Inc();
}

}  // namespace proxenos::tls
