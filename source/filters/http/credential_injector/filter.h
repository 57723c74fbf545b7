// CredentialInjector: gives requests the credential that their origin asks for.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <string>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"
#include "source/tls/secret_cell.h"

namespace proxenos::filters::credential_injector {

// CredentialInjector with a credential of the type Generic.
// Thread: any (immutable).
struct Settings {
  tls::SecretCellPtr secret;
  std::string header = "authorization";  // Lower case.
  std::string prefix;                    // header_value_prefix
  bool overwrite = false;
  bool allow_without = false;
};

// Scope: "credential_injector." below HttpScope. One group a worker.
#define PX_CREDENTIAL_INJECTOR_STATS(X) \
  X(Counter, injected)                  \
  X(Counter, failed)                    \
  X(Counter, already_exists)
PX_STATS(CredentialInjectorStats, PX_CREDENTIAL_INJECTOR_STATS);

struct CredentialInjectorPart final : public filter::WorkerPart {
  stats::Group<CredentialInjectorStats> stats;
};

class CredentialInjector final : public filter::HttpFilter {
 public:
  // `settings` and `part` outlive it.
  CredentialInjector(const Settings& settings, CredentialInjectorPart& part,
                     filter::StreamContext& stream)
      : settings_(settings), part_(part), stream_(stream) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;

 private:
  const Settings& settings_;
  CredentialInjectorPart& part_;
  filter::StreamContext& stream_;
};

}  // namespace proxenos::filters::credential_injector
