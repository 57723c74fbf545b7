// Setting up of an SSL_CTX: what servers and clients have in common.
#include "source/tls/context_state.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/pool.h"
#include "source/tls/compliance.h"
#include "source/tls/connection_state.h"
#include "source/tls/crypto_error.h"
#include "source/tls/identity.h"

namespace proxenos::tls {
namespace {

// Forward secrecy and authenticated encryption only (RFC 9325 section 4.2); within brackets the
// client's preference decides, so that one without AES in hardware may take ChaCha20.
constexpr char kDefaultCiphers[] =
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]:"
    "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr char kDefaultGroups[] = "X25519MLKEM768:X25519:P-256";

// Nothing is signed or believed with SHA-1 (RFC 9155) unless the configuration names it: BoringSSL
// would with TLS 1.2, for who offers nothing else. Its own lists without that.
constexpr uint16_t kDefaultSigns[] = {
    SSL_SIGN_ED25519,          SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA256,
    SSL_SIGN_RSA_PKCS1_SHA256, SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA384,
    SSL_SIGN_RSA_PKCS1_SHA384, SSL_SIGN_ECDSA_SECP521R1_SHA512, SSL_SIGN_RSA_PSS_RSAE_SHA512,
    SSL_SIGN_RSA_PKCS1_SHA512,
};
constexpr uint16_t kDefaultVerifies[] = {
    SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PKCS1_SHA256,
    SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA384, SSL_SIGN_RSA_PKCS1_SHA384,
    SSL_SIGN_RSA_PSS_RSAE_SHA512,    SSL_SIGN_RSA_PKCS1_SHA512,
};

struct SignatureName {
  absl::string_view name;
  uint16_t algorithm;
};
// As RFC 8446 section 4.2.3 names them, and as OpenSSL does.
constexpr SignatureName kSignatures[] = {
    {"rsa_pkcs1_sha1", SSL_SIGN_RSA_PKCS1_SHA1},
    {"rsa_pkcs1_sha256", SSL_SIGN_RSA_PKCS1_SHA256},
    {"rsa_pkcs1_sha384", SSL_SIGN_RSA_PKCS1_SHA384},
    {"rsa_pkcs1_sha512", SSL_SIGN_RSA_PKCS1_SHA512},
    {"ecdsa_sha1", SSL_SIGN_ECDSA_SHA1},
    {"ecdsa_secp256r1_sha256", SSL_SIGN_ECDSA_SECP256R1_SHA256},
    {"ecdsa_secp384r1_sha384", SSL_SIGN_ECDSA_SECP384R1_SHA384},
    {"ecdsa_secp521r1_sha512", SSL_SIGN_ECDSA_SECP521R1_SHA512},
    {"rsa_pss_rsae_sha256", SSL_SIGN_RSA_PSS_RSAE_SHA256},
    {"rsa_pss_rsae_sha384", SSL_SIGN_RSA_PSS_RSAE_SHA384},
    {"rsa_pss_rsae_sha512", SSL_SIGN_RSA_PSS_RSAE_SHA512},
    {"ed25519", SSL_SIGN_ED25519},
    {"RSA+SHA1", SSL_SIGN_RSA_PKCS1_SHA1},
    {"RSA+SHA256", SSL_SIGN_RSA_PKCS1_SHA256},
    {"RSA+SHA384", SSL_SIGN_RSA_PKCS1_SHA384},
    {"RSA+SHA512", SSL_SIGN_RSA_PKCS1_SHA512},
    {"ECDSA+SHA1", SSL_SIGN_ECDSA_SHA1},
    {"ECDSA+SHA256", SSL_SIGN_ECDSA_SECP256R1_SHA256},
    {"ECDSA+SHA384", SSL_SIGN_ECDSA_SECP384R1_SHA384},
    {"ECDSA+SHA512", SSL_SIGN_ECDSA_SECP521R1_SHA512},
    {"RSA-PSS+SHA256", SSL_SIGN_RSA_PSS_RSAE_SHA256},
    {"RSA-PSS+SHA384", SSL_SIGN_RSA_PSS_RSAE_SHA384},
    {"RSA-PSS+SHA512", SSL_SIGN_RSA_PSS_RSAE_SHA512},
    {"PSS+SHA256", SSL_SIGN_RSA_PSS_RSAE_SHA256},
    {"PSS+SHA384", SSL_SIGN_RSA_PSS_RSAE_SHA384},
    {"PSS+SHA512", SSL_SIGN_RSA_PSS_RSAE_SHA512},
};

absl::Status SetVersions(const ContextOptions& options, SSL_CTX* ssl) {
  if (options.min_version > options.max_version) {
    return absl::InvalidArgumentError("the lowest TLS version is above the highest");
  }
  if (SSL_CTX_set_min_proto_version(ssl, static_cast<uint16_t>(options.min_version)) != 1 ||
      SSL_CTX_set_max_proto_version(ssl, static_cast<uint16_t>(options.max_version)) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("TLS versions: ", TakeCryptoReason()));
  }
  return absl::OkStatus();
}

absl::Status SetCiphers(const std::string& ciphers, SSL_CTX* ssl) {
  const std::string& wanted = ciphers.empty() ? std::string(kDefaultCiphers) : ciphers;
  if (SSL_CTX_set_strict_cipher_list(ssl, wanted.c_str()) == 1) return absl::OkStatus();
  const std::string reason = TakeCryptoReason();
  std::vector<std::string> refused;
  for (const absl::string_view one : absl::StrSplit(wanted, absl::ByAnyChar(":[]|"))) {
    const std::string name(one);
    if (!name.empty() && SSL_CTX_set_strict_cipher_list(ssl, name.c_str()) != 1) {
      refused.push_back(name);
    }
  }
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(
      "cipher suites ", wanted, ": ",
      refused.empty() ? reason : absl::StrCat("unknown: ", absl::StrJoin(refused, ", "))));
}

absl::Status SetGroups(const std::vector<std::string>& groups, SSL_CTX* ssl) {
  const std::string wanted = groups.empty() ? kDefaultGroups : absl::StrJoin(groups, ":");
  if (SSL_CTX_set1_groups_list(ssl, wanted.c_str()) == 1) return absl::OkStatus();
  const std::string reason = TakeCryptoReason();
  for (const std::string& group : groups) {
    if (SSL_CTX_set1_groups_list(ssl, group.c_str()) == 1) continue;
    ERR_clear_error();
    return absl::InvalidArgumentError(absl::StrCat("key exchange group ", group, ": unknown"));
  }
  return absl::InvalidArgumentError(absl::StrCat("key exchange groups ", wanted, ": ", reason));
}

absl::StatusOr<std::vector<uint16_t>> ParseSignatures(const std::vector<std::string>& names) {
  std::vector<uint16_t> algorithms;
  for (const std::string& name : names) {
    const size_t before = algorithms.size();
    for (const SignatureName& known : kSignatures) {
      if (known.name == name) algorithms.push_back(known.algorithm);
    }
    if (algorithms.size() == before) {
      return absl::InvalidArgumentError(absl::StrCat("signature algorithm ", name, ": unknown"));
    }
  }
  return algorithms;
}

bssl::UniquePtr<SSL_CREDENTIAL> MakeCredential(const LoadedIdentity& identity,
                                               const std::vector<uint16_t>& signatures,
                                               bool stapled) {
  bssl::UniquePtr<SSL_CREDENTIAL> credential(SSL_CREDENTIAL_new_x509());
  std::vector<CRYPTO_BUFFER*> chain;
  for (const bssl::UniquePtr<CRYPTO_BUFFER>& certificate : identity.chain) {
    chain.push_back(certificate.get());
  }
  bool made = SSL_CREDENTIAL_set1_cert_chain(credential.get(), chain.data(), chain.size()) == 1 &&
              SSL_CREDENTIAL_set1_private_key(credential.get(), identity.key.get()) == 1;
  if (made) {
    made = SSL_CREDENTIAL_set1_signing_algorithm_prefs(credential.get(), signatures.data(),
                                                       signatures.size()) == 1;
  }
  if (made && stapled) {
    const bssl::UniquePtr<CRYPTO_BUFFER> staple(
        CRYPTO_BUFFER_new(reinterpret_cast<const uint8_t*>(identity.staple.data()),
                          identity.staple.size(), /*pool=*/nullptr));
    made = SSL_CREDENTIAL_set1_ocsp_response(credential.get(), staple.get()) == 1;
  }
  if (made && !identity.timestamps.empty()) {
    const bssl::UniquePtr<CRYPTO_BUFFER> timestamps(
        CRYPTO_BUFFER_new(reinterpret_cast<const uint8_t*>(identity.timestamps.data()),
                          identity.timestamps.size(), /*pool=*/nullptr));
    made = SSL_CREDENTIAL_set1_signed_cert_timestamp_list(credential.get(), timestamps.get()) == 1;
  }
  return made ? std::move(credential) : nullptr;
}

absl::Status AddIdentity(const Identity& options, const std::vector<uint16_t>& signatures,
                         ContextState* state) {
  absl::StatusOr<LoadedIdentity> loaded = LoadIdentity(options);
  if (!loaded.ok()) return loaded.status();
  ServedIdentity served;
  served.plain = MakeCredential(*loaded, signatures, /*stapled=*/false);
  if (!loaded->staple.empty()) {
    served.stapled = MakeCredential(*loaded, signatures, /*stapled=*/true);
  }
  if (served.plain == nullptr || (served.stapled == nullptr && !loaded->staple.empty())) {
    return absl::InvalidArgumentError(
        absl::StrCat("certificate ", options.origin, ": ", TakeCryptoReason()));
  }
  served.leaf = bssl::UpRef(loaded->chain[0]);
  served.must_staple = loaded->must_staple;
  served.staple_times = loaded->staple_times;
  state->choice.Add(loaded->server_names, loaded->is_rsa);
  served.server_names = std::move(loaded->server_names);
  for (CertificateDetails& details : loaded->details) {
    state->certificates.push_back(std::move(details));
  }
  state->identities.push_back(std::move(served));
  return absl::OkStatus();
}

absl::Status AddIdentities(const ContextOptions& options, ContextState* state) {
  auto signatures = ParseSignatures(options.signature_algorithms);
  if (!signatures.ok()) return signatures.status();
  std::vector<uint16_t> believed = *signatures;
  if (signatures->empty()) {
    signatures->assign(std::begin(kDefaultSigns), std::end(kDefaultSigns));
    believed.assign(std::begin(kDefaultVerifies), std::end(kDefaultVerifies));
  }
  if (SSL_CTX_set_verify_algorithm_prefs(state->ssl.get(), believed.data(), believed.size()) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("signature algorithms: ", TakeCryptoReason()));
  }
  // A policy on the context says nothing of what its certificates sign with.
  const std::vector<uint16_t> complying = SignaturesOf(options.compliance);
  for (const Identity& identity : options.identities) {
    const auto& own = complying.empty() ? *signatures : complying;
    if (absl::Status added = AddIdentity(identity, own, state); !added.ok()) return added;
  }
  return absl::OkStatus();
}

// A CA given, pins, names to be matched: any of them makes a certificate worth looking at.
bool Judges(const Validation& validation) {
  return validation.verifies() || !validation.san_matchers.empty() || !validation.crl_pem.empty() ||
         validation.require_signed_certificate_timestamp;
}

absl::Status SetVerifier(const Validation& validation, Verifier::Peer peer, ContextState* state) {
  // A client may be told a name to check for each connection.
  if (peer == Verifier::Peer::kClient && !Judges(validation)) return absl::OkStatus();
  auto verifier = Verifier::Make(validation, peer);
  if (!verifier.ok()) return verifier.status();
  state->verifier = std::move(*verifier);
  state->ca_certificates = state->verifier->ca_details();
  return absl::OkStatus();
}

absl::Status SetKeyLog(const KeyLogOptions& options, ContextState* state) {
  if (options.path.empty()) return absl::OkStatus();
  auto log = KeyLog::Open(options);
  if (!log.ok()) return log.status();
  state->key_log = std::move(*log);
  SSL_CTX_set_keylog_callback(state->ssl.get(), [](const SSL*, const char* line) {
    const ConnectionState& connection = ActiveConnection::Get();
    if (connection.logs_keys) connection.context.key_log->Write(line);
  });
  return absl::OkStatus();
}

void CountFault(Verifier::Fault fault, stats::TlsStats& stats) {
  switch (fault) {
    case Verifier::Fault::kNone:
      break;
    case Verifier::Fault::kChain:
      stats.fail_verify_error.Inc();
      break;
    case Verifier::Fault::kNames:
      stats.fail_verify_san.Inc();
      break;
    case Verifier::Fault::kPin:
      stats.fail_verify_cert_hash.Inc();
      break;
  }
}

}  // namespace

absl::Status SetUp(const ContextOptions& options, Verifier::Peer peer, ContextState* state) {
  // Certificates stay bytes; only a Verifier and SessionInfo parse them, when they must.
  state->ssl.reset(SSL_CTX_new(TLS_with_buffers_method()));
  SSL_CTX* ssl = state->ssl.get();
  // Peers of one context often show the same intermediates.
  const bssl::UniquePtr<CRYPTO_BUFFER_POOL> pool(CRYPTO_BUFFER_POOL_new());
  SSL_CTX_set1_buffer_pool(ssl, pool.get());
  SSL_CTX_set_early_data_enabled(ssl, 0);
  for (absl::Status step :
       {SetVersions(options, ssl), SetCiphers(options.cipher_suites, ssl),
        SetGroups(options.groups, ssl), AddIdentities(options, state),
        SetVerifier(options.validation, peer, state), SetKeyLog(options.key_log, state)}) {
    if (!step.ok()) return step;
  }
  auto alpn = EncodeAlpn(options.alpn);
  if (!alpn.ok()) return alpn.status();
  state->alpn = std::move(*alpn);
  return absl::OkStatus();
}

absl::StatusOr<std::string> EncodeAlpn(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) {
      return absl::InvalidArgumentError("an ALPN protocol has 1 to 255 bytes");
    }
    wire.push_back(static_cast<char>(protocol.size()));
    wire += protocol;
  }
  if (wire.size() > 0xffff) {
    return absl::InvalidArgumentError("the ALPN protocols are too many");
  }
  return wire;
}

bool JudgePeer(const SSL* ssl, uint8_t* alert) {
  ConnectionState& connection = ActiveConnection::Get();
  const Verifier* verifier = connection.context.verifier.get();
  connection.validated = false;
  if (verifier == nullptr) return true;
  Verifier::Wanted wanted;
  if (const ClientIntent* client = connection.client.get()) {
    wanted.host = client->verify_host;
    if (client->verify_sni) wanted.sni = client->sni;
  }
  Verifier::Verdict verdict = verifier->Verify(SSL_get0_peer_certificates(ssl), wanted);
  connection.validated = verdict.verified;
  if (verdict.fault == Verifier::Fault::kNone) return true;
  CountFault(verdict.fault, connection.stats);
  if (verifier->accepts_untrusted()) return true;
  *alert = verdict.alert;
  connection.refused = true;
  connection.fault = std::make_unique<std::string>(std::move(verdict.detail));
  return false;
}

}  // namespace proxenos::tls
