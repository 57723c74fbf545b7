// Chain, name and pin checks.
#include "source/tls/verifier.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "openssl/bio.h"
#include "openssl/err.h"
#include "openssl/pem.h"
#include "openssl/ssl.h"
#include "openssl/x509.h"
#include "source/tls/certificate.h"
#include "source/tls/crypto_error.h"
#include "source/tls/identity.h"
#include "source/tls/san_match.h"

namespace proxenos::tls {
namespace {

// BoringSSL's own default, and Envoy's.
constexpr int kMaxDepth = 100;
// A CertificateRequest holds 64 KiB at most, and every client is sent it.
constexpr size_t kMaxCaNameBytes = size_t{16} * 1024;

// Where distributions keep the roots that they trust: Debian, Fedora, SUSE, Alpine and the BSDs.
constexpr const char* kSystemRootPaths[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
};

// Empty when there are none.
std::string SystemRoots(std::string* path) {
  for (const char* candidate : kSystemRootPaths) {
    std::ifstream in(candidate, std::ios::binary);
    std::string pem((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (pem.empty()) continue;
    *path = candidate;
    return pem;
  }
  return std::string();
}

bool Contains(const std::vector<std::string>& pins, const std::string& hash) {
  return std::find(pins.begin(), pins.end(), hash) != pins.end();
}

// Adds the revocation lists that `pem` holds beside other things, and has `store` ask them. Returns
// how many there are. Error: one cannot be read.
absl::StatusOr<int> AddCrls(absl::string_view pem, const std::string& what, bool leaf_only,
                            X509_STORE& store) {
  if (!absl::StrContains(pem, "-----BEGIN X509 CRL-----")) return 0;
  ERR_clear_error();
  const bssl::UniquePtr<BIO> in(BIO_new_mem_buf(pem.data(), static_cast<ossl_ssize_t>(pem.size())));
  int count = 0;
  while (
      bssl::UniquePtr<X509_CRL> crl{PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr)}) {
    X509_STORE_add_crl(&store, crl.get());
    ++count;
  }
  const std::string reason = TakeCryptoReason();
  if (reason != "NO_START_LINE") {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": list ", count + 1, " cannot be read (", reason, ")"));
  }
  const unsigned long all = leaf_only ? 0ul : X509_V_FLAG_CRL_CHECK_ALL;
  X509_STORE_set_flags(&store, X509_V_FLAG_CRL_CHECK | all);
  return count;
}

// How many certificates may stand between the leaf and the anchor. The configuration counts the
// anchor too.
int DepthOf(const Validation& validation) {
  if (!validation.max_verify_depth.has_value()) return kMaxDepth;
  const uint32_t depth = std::min<uint32_t>(*validation.max_verify_depth, kMaxDepth);
  return depth == 0 ? 0 : static_cast<int>(depth) - 1;
}

// allow_expired_certificate: only the certificates' own dates are forgiven.
int ForgiveDates(int ok, X509_STORE_CTX* check) {
  if (ok == 1) return 1;
  const int error = X509_STORE_CTX_get_error(check);
  return error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID ? 1 : 0;
}

// The same text for validations that accept the same peers.
std::string Canonical(const Validation& v) {
  std::string text =
      absl::StrCat(v.trusted_ca_pem.size(), ":", v.trusted_ca_pem, v.crl_pem.size(), ":", v.crl_pem,
                   v.system_roots, v.accept_untrusted, v.allow_expired, v.only_verify_leaf_crl,
                   v.max_verify_depth.value_or(kMaxDepth), ";");
  for (const SanMatcher& matcher : v.san_matchers) {
    const std::string pattern = matcher.matcher.Canonical();
    absl::StrAppend(&text, static_cast<int>(matcher.type), ",", matcher.oid, ",", pattern.size(),
                    ":", pattern);
  }
  for (const TrustDomain& domain : v.trust_domains) {
    absl::StrAppend(&text, "d", domain.name.size(), ":", domain.name, domain.bundle_pem.size(), ":",
                    domain.bundle_pem);
  }
  for (const std::string& pin : v.spki_pins) absl::StrAppend(&text, "s", pin);
  for (const std::string& pin : v.certificate_pins) absl::StrAppend(&text, "c", pin);
  return text;
}

// The trust domain of a SPIFFE ID; empty when it is none.
absl::string_view TrustDomainOf(absl::string_view uri) {
  constexpr absl::string_view kScheme = "spiffe://";
  if (!absl::StartsWith(uri, kScheme)) return absl::string_view();
  uri.remove_prefix(kScheme.size());
  return uri.substr(0, uri.find('/'));
}

// It may not sign others. Without the extension, a key's usage says nothing.
bool IsWorkload(X509& leaf) {
  if ((X509_get_extension_flags(&leaf) & EXFLAG_CA) != 0) return false;
  const uint32_t usage = X509_get_key_usage(&leaf);
  return usage == UINT32_MAX || (usage & (X509v3_KU_CRL_SIGN | X509v3_KU_KEY_CERT_SIGN)) == 0;
}

Verifier::Verdict Bad(Verifier::Fault fault, uint8_t alert, std::string detail) {
  Verifier::Verdict verdict;
  verdict.fault = fault;
  verdict.alert = alert;
  verdict.detail = absl::StrCat("verify cert failed: ", detail);
  return verdict;
}

}  // namespace

Verifier::Verifier(ByMake, const Validation& validation, Peer peer)
    : validation_(validation),
      peer_(peer),
      verifies_(validation.verifies()),
      policy_hash_(Sha256(Canonical(validation))) {}
Verifier::~Verifier() = default;

absl::StatusOr<std::unique_ptr<const Verifier>> Verifier::Make(const Validation& validation,
                                                               Peer peer) {
  auto verifier = std::make_unique<Verifier>(ByMake(), validation, peer);
  if (absl::Status loaded = verifier->Load(); !loaded.ok()) return loaded;
  // Parsed, they are in the store; a bundle of public roots is not kept twice.
  verifier->validation_.trusted_ca_pem = std::string();
  verifier->validation_.crl_pem = std::string();
  return std::unique_ptr<const Verifier>(std::move(verifier));
}

absl::Status Verifier::Load() {
  if (!validation_.trusted_ca_pem.empty() || validation_.system_roots) store_ = NewStore();
  if (validation_.require_signed_certificate_timestamp) {
    return absl::InvalidArgumentError("signed certificate timestamps are not checked here");
  }
  for (absl::Status step : {LoadCas(), LoadTrustDomains()}) {
    if (!step.ok()) return step;
  }
  return LoadCrls();
}

bssl::UniquePtr<X509_STORE> Verifier::NewStore() const {
  bssl::UniquePtr<X509_STORE> store(X509_STORE_new());
  // An intermediate CA in trusted_ca is an anchor like any other.
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  return store;
}

absl::Status Verifier::LoadCas() {
  if (validation_.system_roots) {
    std::string path;
    const std::string roots = SystemRoots(&path);
    if (roots.empty()) {
      return absl::InvalidArgumentError("the system's trusted roots are not where they are known");
    }
    if (absl::Status added = AddCas(roots, path, *store_); !added.ok()) return added;
  }
  if (validation_.trusted_ca_pem.empty()) return absl::OkStatus();
  return AddCas(validation_.trusted_ca_pem, validation_.origin, *store_);
}

absl::Status Verifier::LoadTrustDomains() {
  for (TrustDomain& domain : validation_.trust_domains) {
    domains_.push_back(DomainRoots{domain.name, NewStore()});
    absl::Status added = AddCas(domain.bundle_pem, domain.origin, *domains_.back().store);
    if (!added.ok()) return added;
    domain.bundle_pem = std::string();  // Parsed, it is in the store.
  }
  return absl::OkStatus();
}

absl::Status Verifier::AddCas(absl::string_view pem, const std::string& origin, X509_STORE& store) {
  const std::string what = absl::StrCat("trusted CA ", origin);
  auto cas = ReadCertificates(pem, what);
  if (!cas.ok()) return cas.status();
  for (bssl::UniquePtr<X509>& ca : *cas) {
    if (X509_STORE_add_cert(&store, ca.get()) != 1) {
      return absl::InvalidArgumentError(absl::StrCat(what, ": ", TakeCryptoReason()));
    }
    ca_details_.push_back(DetailsOf(*ca, origin));
    cas_.push_back(std::move(ca));
  }
  return AddCrls(pem, what, validation_.only_verify_leaf_crl, store).status();
}

absl::Status Verifier::LoadCrls() {
  if (validation_.crl_pem.empty()) return absl::OkStatus();
  const std::string what = absl::StrCat("CRL ", validation_.origin);
  std::vector<X509_STORE*> stores;
  if (store_ != nullptr) stores.push_back(store_.get());
  for (const DomainRoots& domain : domains_) stores.push_back(domain.store.get());
  if (stores.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": is of no use without a trusted CA"));
  }
  for (X509_STORE* store : stores) {
    const auto count = AddCrls(validation_.crl_pem, what, validation_.only_verify_leaf_crl, *store);
    if (!count.ok()) return count.status();
    if (*count == 0) return absl::InvalidArgumentError(absl::StrCat(what, ": not PEM"));
  }
  return absl::OkStatus();
}

Verifier::Verdict Verifier::Verify(const STACK_OF(CRYPTO_BUFFER) * chain,
                                   const Wanted& wanted) const {
  if (chain == nullptr || sk_CRYPTO_BUFFER_num(chain) == 0) {
    return Bad(Fault::kChain, SSL_AD_CERTIFICATE_REQUIRED, "no certificate");
  }
  const CRYPTO_BUFFER& der = *sk_CRYPTO_BUFFER_value(chain, 0);
  const bssl::UniquePtr<X509> leaf = ParseCertificate(der);
  if (leaf == nullptr) {
    ERR_clear_error();
    return Bad(Fault::kChain, SSL_AD_BAD_CERTIFICATE, "the certificate does not parse");
  }
  Verdict verdict;
  if (!domains_.empty()) {
    verdict = VerifyWorkload(*leaf, chain);
  } else if (store_ != nullptr) {
    verdict = VerifyChain(*leaf, chain, *store_);
  }
  if (verdict.fault != Fault::kNone) return verdict;
  verdict = VerifyNames(*leaf, wanted);
  if (verdict.fault != Fault::kNone) return verdict;
  if (!MatchesPin(*leaf, der)) {
    return Bad(Fault::kPin, SSL_AD_CERTIFICATE_UNKNOWN, "no certificate or SPKI hash matches");
  }
  verdict.verified = verifies_;
  return verdict;
}

Verifier::Verdict Verifier::VerifyNames(const X509& leaf, const Wanted& wanted) const {
  const bool matches = wanted.sni.empty() && !validation_.san_matchers.empty();
  if (!matches && wanted.sni.empty() && wanted.host.empty()) return Verdict();
  const SubjectNames names = SubjectNamesOf(leaf);
  if (matches && !MatchesAny(validation_.san_matchers, names)) {
    return Bad(Fault::kNames, SSL_AD_CERTIFICATE_UNKNOWN, "SAN matcher");
  }
  for (const absl::string_view name : {wanted.host, wanted.sni}) {
    if (!name.empty() && !NamesHost(names, name)) {
      return Bad(Fault::kNames, SSL_AD_CERTIFICATE_UNKNOWN,
                 absl::StrCat("the certificate is not for ", name));
    }
  }
  return Verdict();
}

// X509-SVID, sections 4 and 5: by the roots of the domain that the certificate's identity is in.
Verifier::Verdict Verifier::VerifyWorkload(X509& leaf,
                                           const STACK_OF(CRYPTO_BUFFER) * chain) const {
  if (!IsWorkload(leaf)) {
    return Bad(Fault::kChain, SSL_AD_BAD_CERTIFICATE, "an authority's certificate is no SVID");
  }
  // Section 5.2: more than one must be refused, or an authority of one domain could name a workload
  // of another beside its own.
  const std::vector<std::string> uris = SubjectNamesOf(leaf).uri;
  if (uris.size() > 1) {
    return Bad(Fault::kChain, SSL_AD_BAD_CERTIFICATE, "several URI SANs: an SVID has one");
  }
  const absl::string_view name = uris.empty() ? absl::string_view() : TrustDomainOf(uris[0]);
  for (const DomainRoots& domain : domains_) {
    if (domain.name == name) return VerifyChain(leaf, chain, *domain.store);
  }
  return Bad(Fault::kChain, SSL_AD_UNKNOWN_CA,
             name.empty() ? "no SPIFFE ID" : absl::StrCat("no bundle for trust domain ", name));
}

Verifier::Verdict Verifier::VerifyChain(X509& leaf, const STACK_OF(CRYPTO_BUFFER) * chain,
                                        X509_STORE& store) const {
  const bssl::UniquePtr<STACK_OF(X509)> others(sk_X509_new_null());
  for (size_t i = 1; i < sk_CRYPTO_BUFFER_num(chain); ++i) {
    bssl::UniquePtr<X509> other = ParseCertificate(*sk_CRYPTO_BUFFER_value(chain, i));
    if (other == nullptr) {
      ERR_clear_error();
      return Bad(Fault::kChain, SSL_AD_BAD_CERTIFICATE, "a certificate does not parse");
    }
    bssl::PushToStack(others.get(), std::move(other));
  }
  const bssl::UniquePtr<X509_STORE_CTX> check(X509_STORE_CTX_new());
  const char* purpose = peer_ == Peer::kClient ? "ssl_client" : "ssl_server";
  if (X509_STORE_CTX_init(check.get(), &store, &leaf, others.get()) != 1 ||
      X509_STORE_CTX_set_default(check.get(), purpose) != 1) {
    ERR_clear_error();
    return Bad(Fault::kChain, SSL_AD_INTERNAL_ERROR, "out of memory");
  }
  X509_STORE_CTX_set_depth(check.get(), DepthOf(validation_));
  if (validation_.allow_expired) X509_STORE_CTX_set_verify_cb(check.get(), &ForgiveDates);
  if (X509_verify_cert(check.get()) == 1) return Verdict();
  ERR_clear_error();
  const int error = X509_STORE_CTX_get_error(check.get());
  return Bad(Fault::kChain, static_cast<uint8_t>(SSL_alert_from_verify_result(error)),
             absl::StrCat("X509_verify_cert: certificate verification error at depth ",
                          X509_STORE_CTX_get_error_depth(check.get()), ": ",
                          X509_verify_cert_error_string(error)));
}

// With pins of both kinds, one match of either is enough.
bool Verifier::MatchesPin(const X509& leaf, const CRYPTO_BUFFER& der) const {
  if (validation_.spki_pins.empty() && validation_.certificate_pins.empty()) return true;
  return (!validation_.certificate_pins.empty() &&
          Contains(validation_.certificate_pins, Sha256(BytesOf(der)))) ||
         (!validation_.spki_pins.empty() && Contains(validation_.spki_pins, SpkiSha256(leaf)));
}

bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> Verifier::CaNames() const {
  bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)> names(sk_CRYPTO_BUFFER_new_null());
  size_t bytes = 0;
  for (const bssl::UniquePtr<X509>& ca : cas_) {
    uint8_t* der = nullptr;
    const int size = i2d_X509_NAME(X509_get_subject_name(ca.get()), &der);
    if (size <= 0) continue;
    const bssl::UniquePtr<uint8_t> owned(der);
    bytes += static_cast<size_t>(size) + 2;
    if (bytes > kMaxCaNameBytes) {
      return bssl::UniquePtr<STACK_OF(CRYPTO_BUFFER)>(sk_CRYPTO_BUFFER_new_null());
    }
    bssl::PushToStack(names.get(), bssl::UniquePtr<CRYPTO_BUFFER>(
                                       CRYPTO_BUFFER_new(der, static_cast<size_t>(size), nullptr)));
  }
  return names;
}

}  // namespace proxenos::tls
