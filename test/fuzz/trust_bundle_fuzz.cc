// Roots from hostile bytes: PEM bundles and CRLs of trusted_ca and crl, and SPIFFE trust bundle
// maps. The first byte says which.
//
// Invariants: what is read is named and in order; what cannot be used is an error of one line; the
// same bytes lead to the same.
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "openssl/err.h"
#include "source/base/check.h"
#include "source/tls/trust_bundle.h"
#include "source/tls/verifier.h"

namespace proxenos::tls {
namespace {

void CheckError(const absl::Status& status) {
  CHECK(!status.message().empty());
  CHECK(status.message().find('\n') == absl::string_view::npos);
}

void Load(const Validation& validation) {
  const auto first = Verifier::Make(validation, Verifier::Peer::kClient);
  const auto second = Verifier::Make(validation, Verifier::Peer::kClient);
  CHECK(first.ok() == second.ok());
  if (!first.ok()) {
    CheckError(first.status());
    return;
  }
  CHECK((*first)->verifies());
  CHECK((*first)->policy_hash() == (*second)->policy_hash());
  CHECK(!(*first)->ca_details().empty());
  (*first)->CaNames();
}

void LoadMap(const std::string& json) {
  const auto read = ReadTrustBundles(json, "fuzz");
  if (!read.ok()) {
    CHECK(!read.status().message().empty());
    return;
  }
  CHECK(!read->empty());
  Validation validation;
  for (const TrustDomain& domain : *read) {
    CHECK(!domain.name.empty() && !domain.bundle_pem.empty());
    CHECK(validation.trust_domains.empty() || validation.trust_domains.back().name < domain.name);
    validation.trust_domains.push_back(domain);
  }
  Load(validation);
}

void Fuzz(absl::string_view input) {
  if (input.empty()) return;
  const std::string bytes(input.substr(1));
  Validation validation;
  switch (input[0]) {
    case 'j':
      LoadMap(bytes);
      break;
    case 'p':
      if (bytes.empty()) return;
      validation.trusted_ca_pem = bytes;
      Load(validation);
      break;
    case 'c':
      if (bytes.empty()) return;
      // Each reader takes the blocks that are its own.
      validation.trusted_ca_pem = bytes;
      validation.crl_pem = bytes;
      Load(validation);
      break;
    default:
      break;
  }
  ERR_clear_error();
}

}  // namespace
}  // namespace proxenos::tls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::tls::Fuzz(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
