// What a TLS context is made of: plain data, compiled from CommonTlsContext and its parents by
// context_config.h, with secrets already put in their places. No proto, no file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/match/string_matcher.h"

namespace proxenos::tls {

// A certificate chain with its private key (TlsCertificate). Bytes, not paths; `origin` is what to
// call it in errors and on /certs (a path, "<inline>", or the secret's name).
struct Identity {
  std::string chain_pem;
  std::string key_pem;
  std::string pkcs12;       // Instead of the two.
  std::string password;     // Of the key or the PKCS#12 bundle.
  std::string ocsp_staple;  // DER; empty for none.
  std::string timestamps;   // A SignedCertificateTimestampList (RFC 6962, 3.3); empty for none.
  std::string origin;
};

enum class Version : uint16_t { kTls10 = 0x0301, kTls11, kTls12, kTls13 };

// SubjectAltNameMatcher. kAny is the deprecated match_subject_alt_names (any type).
struct SanMatcher {
  enum class Type : uint8_t { kAny, kEmail, kDns, kUri, kIpAddress, kOtherName };
  Type type = Type::kAny;
  match::StringMatcher matcher;
  std::string oid;  // Of kOtherName.
};

// SPIFFECertValidatorConfig.TrustDomain: whose workloads a bundle of roots vouches for.
struct TrustDomain {
  std::string name;
  std::string bundle_pem;
  std::string origin;
};

// CertificateValidationContext.
struct Validation {
  std::string trusted_ca_pem;
  std::string crl_pem;
  std::string origin;
  bool system_roots = false;
  // custom_validator_config is SPIFFE's: each takes the place of trusted_ca for its own.
  std::vector<TrustDomain> trust_domains;
  std::vector<SanMatcher> san_matchers;       // Any of them.
  std::vector<std::string> spki_pins;         // SHA-256 of SubjectPublicKeyInfo, 32 bytes each.
  std::vector<std::string> certificate_pins;  // SHA-256 of the DER certificate, 32 bytes each.
  bool accept_untrusted = false;              // trust_chain_verification: ACCEPT_UNTRUSTED
  bool allow_expired = false;
  bool only_verify_leaf_crl = false;
  bool require_signed_certificate_timestamp = false;
  bool suppress_client_ca_list = false;
  std::optional<uint32_t> max_verify_depth;

  bool has_roots() const {
    return !trusted_ca_pem.empty() || system_roots || !trust_domains.empty();
  }
  bool verifies() const { return has_roots() || !spki_pins.empty() || !certificate_pins.empty(); }
};

// TlsKeyLog.
struct KeyLogOptions {
  std::string path;  // Empty: none.
  // "10.0.0.0" and 8: the addresses of connections that are logged; all where there are none.
  using Range = std::pair<std::string, uint32_t>;
  std::vector<Range> local;
  std::vector<Range> remote;
};

// TlsParameters.compliance_policies: what BoringSSL makes of it goes before all other parameters.
enum class Compliance : uint8_t { kNone, kFips202205, kCnsa1, kCnsa2 };

struct ContextOptions {
  std::string name;  // For logs and errors: the listener's chain or the cluster.
  std::vector<Identity> identities;
  Validation validation;
  Version min_version = Version::kTls12;
  Version max_version = Version::kTls13;
  std::string cipher_suites;                      // TLS 1.2; BoringSSL's syntax; empty: default.
  std::vector<std::string> groups;                // Empty: X25519MLKEM768, X25519, P-256.
  std::vector<std::string> signature_algorithms;  // Empty: BoringSSL's.
  Compliance compliance = Compliance::kNone;
  std::vector<std::string> alpn;
  KeyLogOptions key_log;
};

enum class OcspPolicy : uint8_t { kLenientStapling, kStrictStapling, kMustStaple };

// A session ticket key: name 16, HMAC-SHA256 32, AES-256 32.
inline constexpr size_t kTicketKeyBytes = 80;

// DownstreamTlsContext.
struct ServerOptions {
  ContextOptions common;
  bool require_client_certificate = false;
  bool require_sni = false;
  OcspPolicy ocsp = OcspPolicy::kLenientStapling;
  // Keys of kTicketKeyBytes each, the first encrypts. Empty: keys that the process makes and
  // rotates.
  std::vector<std::string> ticket_keys;
  bool stateless_resumption = true;  // Tickets.
  bool stateful_resumption = true;   // Session ids.
  base::Nanos session_timeout = 0;   // 0: BoringSSL's.
  bool full_scan_certs_on_sni_mismatch = false;
  bool prefer_client_ciphers = false;
};

// UpstreamTlsContext.
struct ClientOptions {
  ContextOptions common;
  std::string sni;
  bool auto_host_sni = false;
  bool auto_sni_san_validation = false;
  bool allow_renegotiation = false;  // Always refused; true is rejected at compile time.
  uint32_t max_session_keys = 1;     // 0: no resumption.
  bool enforce_rsa_key_usage = true;
};

}  // namespace proxenos::tls
