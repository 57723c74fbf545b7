// BoringSSL's policies by ours.
#include "source/tls/compliance.h"

#include "absl/strings/str_cat.h"
#include "source/tls/crypto_error.h"

namespace proxenos::tls {

absl::Status Comply(Compliance policy, SSL_CTX* ssl) {
  ssl_compliance_policy_t wanted = ssl_compliance_policy_none;
  switch (policy) {
    case Compliance::kNone:
      return absl::OkStatus();
    case Compliance::kFips202205:
      wanted = ssl_compliance_policy_fips_202205;
      break;
    case Compliance::kCnsa1:
      wanted = ssl_compliance_policy_cnsa1_202603;
      break;
    case Compliance::kCnsa2:
      wanted = ssl_compliance_policy_cnsa2_202603;
      break;
  }
  if (SSL_CTX_set_compliance_policy(ssl, wanted) == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("compliance policy: ", TakeCryptoReason()));
}

std::vector<uint16_t> SignaturesOf(Compliance policy) {
  switch (policy) {
    case Compliance::kNone:
      return {};
    case Compliance::kFips202205:
      return {SSL_SIGN_RSA_PSS_RSAE_SHA256,    SSL_SIGN_RSA_PKCS1_SHA256,
              SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA384,
              SSL_SIGN_RSA_PKCS1_SHA384,       SSL_SIGN_ECDSA_SECP384R1_SHA384,
              SSL_SIGN_RSA_PSS_RSAE_SHA512,    SSL_SIGN_RSA_PKCS1_SHA512};
    case Compliance::kCnsa1:
    case Compliance::kCnsa2:
      return {SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA384,
              SSL_SIGN_RSA_PKCS1_SHA384};
  }
  return {};
}

}  // namespace proxenos::tls
