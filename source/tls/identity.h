// Loading of identities: PEM or PKCS#12 to a chain and its private key, checked.
//
// What is loaded here comes from files and control planes: everything has a limit and each fault
// one line that names the origin.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "openssl/evp.h"
#include "openssl/pool.h"
#include "openssl/x509.h"
#include "source/tls/certificate.h"
#include "source/tls/context_options.h"
#include "source/tls/ocsp.h"

namespace proxenos::tls {

// Certificates in the order of the PEM text. Error: no certificate, or one that does not parse;
// `what` begins the message.
absl::StatusOr<std::vector<bssl::UniquePtr<X509>>> ReadCertificates(absl::string_view pem,
                                                                    absl::string_view what);

struct LoadedIdentity {
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> chain;  // Leaf first.
  bssl::UniquePtr<EVP_PKEY> key;
  bool is_rsa = false;
  bool must_staple = false;                 // RFC 7633.
  std::vector<std::string> server_names;    // DNS names, else the common name; in lower case.
  std::vector<CertificateDetails> details;  // Of the chain.
  std::string staple;                       // DER; empty for none.
  std::optional<OcspTimes> staple_times;
  std::string timestamps;  // As Identity's.
};
absl::StatusOr<LoadedIdentity> LoadIdentity(const Identity& identity);

}  // namespace proxenos::tls
