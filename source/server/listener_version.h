// What the ListenerStore keeps of one listener. Internal to it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "source/downstream/chain_service.h"
#include "source/downstream/datagram_service.h"
#include "source/server/listener_store.h"
#include "source/server/tls_contexts.h"

namespace proxenos::server {

// Of the routes that are written in a connection manager itself.
inline void ForEachTableWritten(const downstream::HttpConfig& http,
                                absl::FunctionRef<void(const route::RouteTable&)> visit) {
  if (http.routes != nullptr) visit(*http.routes->table);
  if (http.scopes == nullptr) return;
  for (const downstream::Scope& scope : http.scopes->listed) {
    if (scope.written != nullptr) visit(*scope.written->table);
  }
}

// One version of a listener.
struct ListenerStore::Version {
  Version(const Surroundings& around, const xds::Resource& from, base::WallTime now,
          CompiledListener made, std::vector<tls::SecretCellPtr> named)
      : name(from.name),
        resource(ResourceVersion::Of(from, now)),
        compiled(std::move(made)),
        filter_secrets(std::move(named)),
        tls(around.secrets,
            {SecretOwner::Kind::kListener, from.name, compiled.config->stat_address()},
            Templates(compiled)),
        filters(around.extensions, from.name, compiled),
        scopes(around.scopes, from.name, compiled) {}

  // Null for those of chains that are kept: theirs are there.
  static ServerContexts::Templates Templates(const CompiledListener& compiled) {
    ServerContexts::Templates templates;
    for (size_t i = 0; i < compiled.config->chains.size(); ++i) {
      templates.push_back(compiled.Keeps(i) ? nullptr : compiled.config->chains[i]->tls);
    }
    return templates;
  }
  const std::vector<std::shared_ptr<const downstream::ChainConfig>>& chains() const {
    return compiled.config->chains;
  }
  bool HasSecrets() const { return tls.ready() && AreThere(filter_secrets); }
  // The tables of those chains whose routes do not come by name.
  void ForEachInlineTable(absl::FunctionRef<void(const route::RouteTable&)> visit) const {
    for (const auto& chain : chains()) {
      if (chain->http != nullptr) ForEachTableWritten(*chain->http, visit);
    }
  }

  // Calls `visit` with the clusters of each terminal filter that is not HTTP.
  void ForEachTerminal(absl::FunctionRef<void(absl::Span<const std::string>)> visit) const {
    for (const auto& chain : chains()) {
      if (chain->terminal != nullptr) visit(chain->terminal->cluster_names());
    }
    const auto& datagrams = compiled.config->datagrams;
    if (datagrams != nullptr) visit(datagrams->terminal->cluster_names());
  }

  // Takes what chains that are kept have been using over from the version in force.
  void Adopt(Version& before) {
    for (size_t i = 0; i < compiled.kept.size(); ++i) {
      if (compiled.Keeps(i)) tls.Adopt(i, before.tls, static_cast<size_t>(compiled.kept[i]));
    }
    filters.Adopt(before.filters, compiled.kept);
    scopes.Adopt(before.scopes, compiled);
  }

  const std::string name;
  ResourceVersion resource;
  const CompiledListener compiled;
  const std::vector<tls::SecretCellPtr> filter_secrets;  // Those that its filters name.
  // Clusters that stand for servers which its filters name by their addresses (google_grpc).
  std::vector<std::string> own_targets;
  std::vector<NameClaim> routes;  // Of those that come by name.
  ServerContexts tls;
  ExtensionUse filters;
  ScopeUse scopes;
  base::MonoTime routes_deadline = base::kNever;
  base::MonoTime filters_deadline = base::kNever;
  base::MonoTime secrets_deadline = base::kNever;
  base::MonoTime targets_deadline = base::kNever;
};

struct ListenerStore::Listener {
  std::string name;
  bool is_static = false;
  std::unique_ptr<Version> active;
  std::unique_ptr<Version> warming;
  std::optional<Refusal> refused;
};

}  // namespace proxenos::server
