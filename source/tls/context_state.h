// ContextState: BoringSSL's half of a Context, and what both roles set up alike.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "openssl/ssl.h"
#include "source/tls/context_options.h"
#include "source/tls/identity_choice.h"
#include "source/tls/key_log.h"
#include "source/tls/ocsp.h"
#include "source/tls/server_context.h"
#include "source/tls/ticket_ring.h"
#include "source/tls/verifier.h"

namespace proxenos::tls {

// An identity, ready to be shown.
struct ServedIdentity {
  bssl::UniquePtr<SSL_CREDENTIAL> plain;
  bssl::UniquePtr<SSL_CREDENTIAL> stapled;  // Null without an OCSP response.
  bssl::UniquePtr<CRYPTO_BUFFER> leaf;
  bool must_staple = false;
  std::optional<OcspTimes> staple_times;
  std::vector<std::string> server_names;
};

// Owner: its Context; those of clients, all that are alike (client_states.h). Thread: any;
// immutable once made, but for BoringSSL's own locked insides.
struct ContextState {
  bssl::UniquePtr<SSL_CTX> ssl;
  std::unique_ptr<const Verifier> verifier;  // Null: certificates are not judged.
  std::vector<ServedIdentity> identities;
  std::vector<CertificateDetails> certificates;
  std::vector<CertificateDetails> ca_certificates;
  std::unique_ptr<const KeyLog> key_log;
  std::string alpn;  // As on the wire: each with its length before it.

  // Servers.
  IdentityChoice choice;
  OcspPolicy ocsp = OcspPolicy::kLenientStapling;
  bool require_sni = false;
  bool prefers_aes = false;      // See cipher_order.h.
  bool default_ciphers = false;  // Of TLS 1.2.
  std::optional<TicketRing> tickets;

  // Clients.
  ClientOptions client;
};

// Fills what both roles have. Error: the first fault, one line.
absl::Status SetUp(const ContextOptions& options, Verifier::Peer peer, ContextState* state);

// The wire form of ALPN names. Error: one is empty or longer than 255 bytes.
absl::StatusOr<std::string> EncodeAlpn(const std::vector<std::string>& protocols);

// BoringSSL's verification callback, and what a server asks again of resumed sessions: judges the
// peer's chain for the active connection, counts and notes a fault.
bool JudgePeer(const SSL* ssl, uint8_t* alert);

}  // namespace proxenos::tls
