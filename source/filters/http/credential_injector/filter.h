// CredentialInjector: gives requests the credential that their origin asks for.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/credential_injector/token_source.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"
#include "source/tls/secret_cell.h"

namespace proxenos::filters::credential_injector {

// CredentialInjector with a credential of the type Generic or OAuth2.
// Thread: any (immutable).
struct Settings {
  tls::SecretCellPtr secret;                        // Of Generic.
  std::unique_ptr<const ClientCredentials> client;  // Of OAuth2, else null.
  std::string header = "authorization";             // Lower case.
  std::string prefix;                               // header_value_prefix
  bool overwrite = false;
  bool allow_without = false;
};

// Scope: "credential_injector." below HttpScope. One group a worker.
#define PX_CREDENTIAL_INJECTOR_STATS(X) \
  X(Counter, injected)                  \
  X(Counter, failed)                    \
  X(Counter, already_exists)
PX_STATS(CredentialInjectorStats, PX_CREDENTIAL_INJECTOR_STATS);

// `client`, which outlives it, may be null.
struct CredentialInjectorPart final : public filter::WorkerPart {
  explicit CredentialInjectorPart(const ClientCredentials* credentials) : client(credentials) {}
  void Start(const filter::Environment& environment) override {
    if (client != nullptr) tokens.emplace(*client, environment, *token_stats);
  }

  const ClientCredentials* const client;
  stats::Group<CredentialInjectorStats> stats;
  stats::Group<TokenStats> token_stats;  // With a client alone.
  std::optional<TokenSource> tokens;
};

class CredentialInjector final : public filter::HttpFilter {
 public:
  // `settings` and `part` outlive it.
  CredentialInjector(const Settings& settings, CredentialInjectorPart& part,
                     filter::StreamContext& stream)
      : settings_(settings), part_(part), stream_(stream) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;

 private:
  // What goes behind the prefix; empty where there is nothing that could.
  std::string Credential() const;

  const Settings& settings_;
  CredentialInjectorPart& part_;
  filter::StreamContext& stream_;
};

}  // namespace proxenos::filters::credential_injector
