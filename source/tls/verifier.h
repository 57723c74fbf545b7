// Verifier: decides whether a peer's certificate chain is accepted, by one Validation.
//
// Thread: any (immutable; the X509_STORE inside locks its own lookups).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "openssl/base.h"
#include "openssl/pool.h"
#include "source/tls/certificate_details.h"
#include "source/tls/context_options.h"

namespace proxenos::tls {

class Verifier {
  struct ByMake {};

 public:
  enum class Peer : uint8_t { kClient, kServer };

  // Error: a CA or CRL that cannot be read.
  static absl::StatusOr<std::unique_ptr<const Verifier>> Make(const Validation& validation,
                                                              Peer peer);
  Verifier(ByMake, const Validation& validation, Peer peer);
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;
  ~Verifier();

  enum class Fault : uint8_t { kNone, kChain, kNames, kPin };
  struct Verdict {
    Fault fault = Fault::kNone;
    bool verified = false;  // Something was checked and all of it passed.
    uint8_t alert = 0;      // When there is a fault.
    std::string detail;     // The same, for the log.
  };
  // Whom the leaf must have been made for, as one connection wants it; empty: nobody in particular.
  struct Wanted {
    absl::string_view host;
    absl::string_view sni;  // Takes the place of the validation's own matchers of names.
  };
  // `chain` is what the peer sent, leaf first.
  Verdict Verify(const STACK_OF(CRYPTO_BUFFER) * chain, const Wanted& wanted) const;

  // Whether a chain without fault was checked against a CA or pin.
  bool verifies() const { return verifies_; }
  // Whether a chain with a fault is accepted all the same (and told as not validated). Never where
  // trust domains are given: who is in none of them has no identity.
  bool accepts_untrusted() const {
    return validation_.accept_untrusted && validation_.trust_domains.empty();
  }
  // The names of the CAs, for a CertificateRequest; empty when they would be too many to send.
  bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> CaNames() const;
  const std::vector<CertificateDetails>& ca_details() const { return ca_details_; }
  // Equal for equal validations only: a part of what a session is bound to.
  const std::string& policy_hash() const { return policy_hash_; }

 private:
  absl::Status Load();
  // Of a SPIFFE trust domain.
  struct DomainRoots {
    std::string name;
    bssl::UniquePtr<X509_STORE> store;
  };

  bssl::UniquePtr<X509_STORE> NewStore() const;
  absl::Status LoadCas();
  absl::Status LoadTrustDomains();
  absl::Status AddCas(absl::string_view pem, const std::string& origin, X509_STORE& store);
  absl::Status LoadCrls();
  Verdict VerifyChain(X509& leaf, const STACK_OF(CRYPTO_BUFFER) * chain, X509_STORE& store) const;
  Verdict VerifyWorkload(X509& leaf, const STACK_OF(CRYPTO_BUFFER) * chain) const;
  Verdict VerifyNames(const X509& leaf, const Wanted& wanted) const;
  bool MatchesPin(const X509& leaf, const CRYPTO_BUFFER& der) const;

  Validation validation_;  // Without the PEM, once loaded.
  const Peer peer_;
  const bool verifies_;
  const std::string policy_hash_;
  bssl::UniquePtr<X509_STORE> store_;  // Null when no CA is given.
  std::vector<DomainRoots> domains_;   // Instead of store_, where there are any.
  std::vector<bssl::UniquePtr<X509>> cas_;
  std::vector<CertificateDetails> ca_details_;
};

}  // namespace proxenos::tls
