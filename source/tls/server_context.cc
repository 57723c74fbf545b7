// Making of server contexts, and the callbacks of their handshakes.
#include "source/tls/server_context.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "openssl/err.h"
#include "source/base/clock.h"
#include "source/tls/certificate.h"
#include "source/tls/cipher_order.h"
#include "source/tls/compliance.h"
#include "source/tls/connection_state.h"
#include "source/tls/context_state.h"
#include "source/tls/crypto_error.h"

namespace proxenos::tls {
namespace {

enum class Stapling : uint8_t { kStaple, kNone, kRefuse };

Stapling Decide(const ServedIdentity& identity, OcspPolicy policy) {
  const int64_t now = base::RealClock().Wall() / 1'000'000;
  const bool valid = identity.staple_times.has_value() && !identity.staple_times->ExpiredAt(now);
  if (valid) return Stapling::kStaple;
  // A certificate that promises a staple is held to its word.
  if (identity.must_staple) policy = OcspPolicy::kMustStaple;
  switch (policy) {
    case OcspPolicy::kLenientStapling:
      return Stapling::kNone;
    case OcspPolicy::kStrictStapling:
      return identity.staple_times.has_value() ? Stapling::kRefuse : Stapling::kNone;
    case OcspPolicy::kMustStaple:
      return Stapling::kRefuse;
  }
  return Stapling::kRefuse;
}

bool AsksForStaple(const SSL_CLIENT_HELLO* hello) {
  const uint8_t* data = nullptr;
  size_t size = 0;
  return SSL_early_callback_ctx_extension_get(hello, TLSEXT_TYPE_status_request, &data, &size) == 1;
}

// Shows the client what is in `lists`, but for those whose stapling policy forbids it. False: none
// is left.
bool Offer(SSL* ssl, const ContextState& context, const IdentityChoice::Lists& lists, bool asks) {
  stats::TlsStats& stats = ActiveConnection::Get().stats;
  bool counted = !asks;
  bool offered = false;
  SSL_certs_clear(ssl);
  for (const IdentityChoice::Candidates* candidates : lists) {
    if (candidates == nullptr) continue;
    for (const uint16_t index : *candidates) {
      const ServedIdentity& identity = context.identities[index];
      const Stapling stapling = asks ? Decide(identity, context.ocsp) : Stapling::kNone;
      if (stapling == Stapling::kRefuse) continue;
      const bool staple = stapling == Stapling::kStaple;
      if (!counted) (staple ? stats.ocsp_staple_responses : stats.ocsp_staple_omitted).Inc();
      counted = true;
      SSL_add1_credential(ssl, staple ? identity.stapled.get() : identity.plain.get());
      offered = true;
    }
  }
  if (!offered) stats.ocsp_staple_failed.Inc();
  return offered;
}

// The first look at a ClientHello: which identities may answer it.
ssl_select_cert_result_t SelectIdentity(const SSL_CLIENT_HELLO* hello) {
  ConnectionState& connection = ActiveConnection::Get();
  const ContextState& context = connection.context;
  const char* name = SSL_get_servername(hello->ssl, TLSEXT_NAMETYPE_host_name);
  const absl::string_view server_name = name == nullptr ? absl::string_view() : name;
  if (context.require_sni && server_name.empty()) {
    connection.fault = std::make_unique<std::string>("the client names no server");
    return ssl_select_cert_error;
  }
  if (context.prefers_aes) FollowChaCha(*hello, context.default_ciphers);
  const bool asks = AsksForStaple(hello);
  if (asks) connection.stats.ocsp_staple_requests.Inc();
  const IdentityChoice::Lists lists = context.choice.For(server_name);
  for (auto list = lists.rbegin(); list != lists.rend(); ++list) {
    if (*list != nullptr) connection.identity = (*list)->front();
  }
  // The context's own list stands as it is when there is nothing to choose.
  const bool simple = context.identities.size() == 1 && !context.identities[0].must_staple &&
                      !context.identities[0].staple_times.has_value() &&
                      context.ocsp != OcspPolicy::kMustStaple;
  if (simple) {
    if (asks) connection.stats.ocsp_staple_omitted.Inc();
    return ssl_select_cert_success;
  }
  if (Offer(hello->ssl, context, lists, asks)) return ssl_select_cert_success;
  connection.fault = std::make_unique<std::string>("no OCSP response to staple");
  return ssl_select_cert_error;
}

// tidy: allow parameters: a callback of BoringSSL.
int SelectProtocol(SSL* /*ssl*/, const uint8_t** out, uint8_t* out_size, const uint8_t* in,
                   unsigned in_size, void* /*context*/) {
  const std::string& ours = ActiveConnection::Get().context.alpn;
  // In our order: what is passed as the peer's list is what is preferred.
  uint8_t* chosen = nullptr;
  const int verdict =
      SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const uint8_t*>(ours.data()),
                            static_cast<unsigned>(ours.size()), in, in_size);
  *out = chosen;
  // As Envoy does: without a common protocol the connection goes on, and the codec decides.
  return verdict == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

// Which of several identities BoringSSL took is known only while the handshake exists.
void NoteIdentity(const SSL* ssl, int type, int /*value*/) {
  if (type != SSL_CB_HANDSHAKE_DONE) return;
  const SSL_CREDENTIAL* selected = SSL_get0_selected_credential(ssl);
  if (selected == nullptr) return;
  ConnectionState& connection = ActiveConnection::Get();
  const auto& identities = connection.context.identities;
  for (size_t i = 0; i < identities.size(); ++i) {
    if (identities[i].plain.get() == selected || identities[i].stapled.get() == selected) {
      connection.identity = static_cast<uint16_t>(i);
    }
  }
}

// tidy: allow parameters: a callback of BoringSSL.
int SealOrOpenTicket(SSL* /*ssl*/, uint8_t* name, uint8_t* iv, EVP_CIPHER_CTX* cipher,
                     HMAC_CTX* hmac, int encrypt) {
  return ActiveConnection::Get().context.tickets->Prepare(name, iv, cipher, hmac, encrypt != 0);
}

ssl_verify_result_t VerifyClient(SSL* ssl, uint8_t* alert) {
  return JudgePeer(ssl, alert) ? ssl_verify_ok : ssl_verify_invalid;
}

// Who says by names, pins or trust domains which clients may come lets nobody come without a
// certificate.
bool SaysWhich(const Validation& validation) {
  if (!validation.trust_domains.empty()) return true;
  return !validation.accept_untrusted &&
         !(validation.san_matchers.empty() && validation.spki_pins.empty() &&
           validation.certificate_pins.empty());
}

void SetClientCertificates(const ServerOptions& options, ContextState* state) {
  int mode = SSL_VERIFY_NONE;
  // Who accepts untrusted ones wants to see them, even with nothing to hold against them.
  if (state->verifier != nullptr || options.common.validation.accept_untrusted) {
    mode |= SSL_VERIFY_PEER;
  }
  if (options.require_client_certificate || SaysWhich(options.common.validation)) {
    mode |= SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  SSL_CTX_set_custom_verify(state->ssl.get(), mode, &VerifyClient);
  if (state->verifier != nullptr && !options.common.validation.suppress_client_ca_list) {
    SSL_CTX_set0_client_CAs(state->ssl.get(), state->verifier->CaNames().release());
  }
}

// A session may be resumed where the same peers are accepted under the same names, and nowhere
// else: else a client could prove itself to one virtual server and be believed by another.
void BindSessions(const ServerOptions& options, ContextState* state) {
  std::string text = absl::StrCat(options.common.name.size(), ":", options.common.name,
                                  options.require_client_certificate,
                                  options.common.validation.accept_untrusted, ";");
  for (const ServedIdentity& identity : state->identities) {
    absl::StrAppend(&text, absl::StrJoin(identity.server_names, ","), ";");
  }
  if (state->verifier != nullptr) absl::StrAppend(&text, state->verifier->policy_hash());
  const std::string hash = Sha256(text);
  SSL_CTX_set_session_id_context(state->ssl.get(), reinterpret_cast<const uint8_t*>(hash.data()),
                                 hash.size());
}

absl::Status SetResumption(const ServerOptions& options, ContextState* state) {
  SSL_CTX* ssl = state->ssl.get();
  BindSessions(options, state);
  if (!options.stateless_resumption) SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(
      ssl, options.stateful_resumption ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
  // Each costs a seal and a packet's room; a client that wants more connects more.
  SSL_CTX_set_num_tickets(ssl, 1);
  if (options.session_timeout > 0) {
    const uint32_t seconds = static_cast<uint32_t>(options.session_timeout / base::kSecond);
    SSL_CTX_set_timeout(ssl, seconds);
    SSL_CTX_set_session_psk_dhe_timeout(ssl, seconds);
  }
  if (options.ticket_keys.empty()) return absl::OkStatus();
  auto tickets = TicketRing::Make(options.ticket_keys);
  if (!tickets.ok()) return tickets.status();
  state->tickets = std::move(*tickets);
  SSL_CTX_set_tlsext_ticket_key_cb(ssl, &SealOrOpenTicket);
  return absl::OkStatus();
}

absl::Status CheckStaples(const ServerOptions& options, const ContextState& state) {
  for (size_t i = 0; i < state.identities.size(); ++i) {
    const ServedIdentity& identity = state.identities[i];
    if (identity.staple_times.has_value()) continue;
    if (identity.must_staple) {
      return absl::InvalidArgumentError(
          absl::StrCat("certificate ", options.common.identities[i].origin,
                       ": it promises an OCSP staple, and none is given"));
    }
    if (options.ocsp == OcspPolicy::kMustStaple) {
      return absl::InvalidArgumentError(
          absl::StrCat("certificate ", options.common.identities[i].origin,
                       ": the policy demands an OCSP staple, and none is given"));
    }
  }
  return absl::OkStatus();
}

absl::Status Fill(const ServerOptions& options, ContextState* state) {
  if (options.common.identities.empty()) {
    return absl::InvalidArgumentError("a server needs a certificate");
  }
  if (absl::Status set = SetUp(options.common, Verifier::Peer::kClient, state); !set.ok()) {
    return set;
  }
  state->choice.Seal(options.full_scan_certs_on_sni_mismatch);
  state->ocsp = options.ocsp;
  state->require_sni = options.require_sni;
  if (absl::Status staples = CheckStaples(options, *state); !staples.ok()) return staples;
  SSL_CTX* ssl = state->ssl.get();
  for (const uint16_t index : state->choice.Default()) {
    SSL_CTX_add1_credential(ssl, state->identities[index].plain.get());
  }
  if (!options.prefer_client_ciphers) {
    SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE);
    state->default_ciphers = options.common.cipher_suites.empty();
    // A policy's order is its own.
    state->prefers_aes =
        options.common.compliance == Compliance::kNone && PreferAes(ssl, state->default_ciphers);
  }
  SSL_CTX_set_select_certificate_cb(ssl, &SelectIdentity);
  if (state->identities.size() > 1) SSL_CTX_set_info_callback(ssl, &NoteIdentity);
  if (!state->alpn.empty()) SSL_CTX_set_alpn_select_cb(ssl, &SelectProtocol, nullptr);
  SetClientCertificates(options, state);
  if (absl::Status resumption = SetResumption(options, state); !resumption.ok()) return resumption;
  return Comply(options.common.compliance, ssl);
}

}  // namespace

Context::Context(std::shared_ptr<const ContextState> state) : state_(std::move(state)) {}
Context::~Context() = default;

const std::vector<CertificateDetails>& Context::certificates() const {
  return state_->certificates;
}
const std::vector<CertificateDetails>& Context::ca_certificates() const {
  return state_->ca_certificates;
}

absl::StatusOr<std::shared_ptr<const ServerContext>> ServerContext::Make(
    const ServerOptions& options) {
  auto state = std::make_unique<ContextState>();
  const absl::Status filled = Fill(options, state.get());
  ERR_clear_error();
  if (!filled.ok()) return filled;
  return std::make_shared<const ServerContext>(std::move(state));
}

}  // namespace proxenos::tls
