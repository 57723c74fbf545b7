// TlsContexts: the contexts of one version's transport sockets as they are now: those of a
// listener's filter chains, or of a cluster.
//
// Invariant: a context is replaced by one that could be made, never by none.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "source/base/log.h"
#include "source/server/secret_store.h"
#include "source/tls/context_assembly.h"

namespace proxenos::server {

// Template: tls::ServerTemplate with Context: tls::ServerContext, or the same of clients.
// Owner: one version of a listener or cluster. Thread: main.
template <typename Template, typename Context>
class TlsContexts {
 public:
  using Templates = std::vector<std::shared_ptr<const Template>>;
  using Contexts = std::vector<std::shared_ptr<const Context>>;

  // A null template is a socket without TLS.
  TlsContexts(SecretStore& store, const SecretOwner& owner, Templates templates)
      : store_(store), owner_(owner), templates_(std::move(templates)) {
    for (const auto& each : templates_) {
      contexts_.push_back(each == nullptr ? nullptr : each->context);
      const bool waits = each != nullptr && !each->secrets.empty();
      uses_.push_back(waits ? std::make_unique<SecretUse>(store, each->secrets, owner) : nullptr);
    }
  }

  // Why a version with such templates cannot be taken; nothing when it can.
  static std::optional<std::string> Check(const SecretStore& store, const Templates& templates) {
    for (const auto& each : templates) {
      if (each == nullptr) continue;
      std::optional<std::string> problem = store.Check(each->secrets);
      if (problem.has_value()) return problem;
    }
    return std::nullopt;
  }

  // Whether every secret is there.
  bool ready() const {
    for (const auto& use : uses_) {
      if (use != nullptr && !use->ready()) return false;
    }
    return true;
  }

  // How long a new version waits for them; 0 without end.
  base::Nanos timeout() const {
    base::Nanos longest = 1;  // Nothing is awaited: any time will do.
    for (const auto& use : uses_) {
      if (use == nullptr || use->ready()) continue;
      if (use->timeout() == 0) return 0;
      longest = std::max(longest, use->timeout());
    }
    return longest;
  }

  // Makes the contexts anew whose secrets changed, and tells which.
  void Refresh(absl::FunctionRef<void(size_t index)> replaced) {
    for (size_t i = 0; i < uses_.size(); ++i) {
      if (uses_[i] == nullptr || !uses_[i]->TakeChanged() || !uses_[i]->ready()) continue;
      auto made = tls::Assemble(*templates_[i], uses_[i]->found());
      if (!made.ok()) {
        const absl::string_view why = made.status().message();
        PX_LOG(
            kConfig, kError, owner_.name, ": its secrets do not go together, ",
            contexts_[i] == nullptr ? "so it cannot serve TLS: " : "the ones before stay: ", why);
        continue;
      }
      contexts_[i] = *std::move(made);
      if (!stats_) stats_ = store_.OpenUpdateStats(owner_);
      stats_->ssl_context_update_by_sds.Inc();
      replaced(i);
    }
  }

  // Takes the socket `theirs` over from the version before, in the place of the null template
  // `ours`: with its context, and with what it has not been told of its secrets yet.
  void Adopt(size_t ours, TlsContexts& before, size_t theirs) {
    templates_[ours] = before.templates_[theirs];
    uses_[ours] = std::move(before.uses_[theirs]);
    contexts_[ours] = before.contexts_[theirs];
  }

  // By socket; null for one without TLS, and for one that waits for its secrets.
  const Contexts& contexts() const { return contexts_; }

 private:
  const SecretStore& store_;
  const SecretOwner owner_;
  Templates templates_;
  std::vector<std::unique_ptr<SecretUse>> uses_;  // Null for sockets that name no secret.
  Contexts contexts_;
  stats::Group<stats::TlsUpdateStats> stats_;  // Once a secret has made a context.
};

using ServerContexts = TlsContexts<tls::ServerTemplate, tls::ServerContext>;
using ClientContexts = TlsContexts<tls::ClientTemplate, tls::ClientContext>;

}  // namespace proxenos::server
