// Making of client contexts, and the callbacks of their handshakes.
#include <utility>

#include "openssl/err.h"
#include "source/base/log.h"
#include "source/tls/client_states.h"
#include "source/tls/compliance.h"
#include "source/tls/connection_state.h"
#include "source/tls/context_state.h"
#include "source/tls/server_context.h"
#include "source/tls/session_store.h"

namespace proxenos::tls {
namespace {

ssl_verify_result_t VerifyServer(SSL* ssl, uint8_t* alert) {
  return JudgePeer(ssl, alert) ? ssl_verify_ok : ssl_verify_invalid;
}

// Returns 1 when it took the session.
int KeepSession(SSL* /*ssl*/, SSL_SESSION* session) {
  const ConnectionState& connection = ActiveConnection::Get();
  connection.sessions->Add(connection.client->session_key, bssl::UniquePtr<SSL_SESSION>(session));
  return 1;
}

absl::Status Fill(const ClientOptions& options, ContextState* state) {
  if (options.allow_renegotiation) {
    return absl::InvalidArgumentError("TLS renegotiation is never allowed");
  }
  if (absl::Status set = SetUp(options.common, Verifier::Peer::kServer, state); !set.ok()) {
    return set;
  }
  state->client = options;
  // Secrets have no business in what stays, nor has what is parsed already.
  state->client.common.name.clear();
  state->client.common.identities.clear();
  state->client.common.validation = Validation();
  state->choice.Seal(/*scan_all=*/true);
  SSL_CTX* ssl = state->ssl.get();
  for (const ServedIdentity& identity : state->identities) {
    SSL_CTX_add1_credential(ssl, identity.plain.get());
  }
  SSL_CTX_set_custom_verify(ssl, SSL_VERIFY_PEER, &VerifyServer);
  if (options.max_session_keys > 0) {
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, &KeepSession);
  } else {
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
  }
  return Comply(options.common.compliance, ssl);
}

absl::StatusOr<std::unique_ptr<const ContextState>> MakeState(const ClientOptions& options) {
  auto state = std::make_unique<ContextState>();
  const absl::Status filled = Fill(options, state.get());
  ERR_clear_error();
  if (!filled.ok()) return filled;
  return state;
}

}  // namespace

ClientContext::ClientContext(std::shared_ptr<const ContextState> state,
                             std::unique_ptr<SessionStore> sessions)
    : Context(std::move(state)), sessions_(std::move(sessions)) {}
ClientContext::~ClientContext() = default;

absl::StatusOr<std::shared_ptr<const ClientContext>> ClientContext::Make(
    const ClientOptions& options) {
  auto state = ClientStates::OfProcess().Get(options, &MakeState);
  if (!state.ok()) return state.status();
  if (!options.common.validation.verifies() || options.common.validation.accept_untrusted) {
    PX_LOG(kConfig, kWarn, "TLS to ", options.common.name,
           ": the servers' certificates are NOT verified: anybody in between can read and change"
           " all traffic. Give a trusted_ca");
  }
  std::unique_ptr<SessionStore> sessions;
  if (options.max_session_keys > 0) {
    sessions = std::make_unique<SessionStore>(options.max_session_keys);
  }
  return std::make_shared<const ClientContext>(*std::move(state), std::move(sessions));
}

const ClientOptions& ClientContext::options() const { return state().client; }

}  // namespace proxenos::tls
