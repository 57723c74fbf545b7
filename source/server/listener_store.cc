// Listeners wait for routes; what they leave behind drains, whole or chain by chain.
#include "source/server/listener_store.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "source/server/listener_version.h"
#include "source/server/own_clusters.h"
#include "source/xds/type_url.h"

namespace proxenos::server {

ListenerStore::ListenerStore(StoreContext context, Compilers& compilers, Surroundings surroundings)
    : context_(context), compilers_(compilers), around_(std::move(surroundings)) {}

ListenerStore::~ListenerStore() = default;

std::optional<std::string> ListenerStore::CheckAddresses(
    const std::string& name, const downstream::ListenerConfig& config) const {
  if (!config.bind_to_port) return std::nullopt;
  for (const auto& [other_name, other] : listeners_) {
    if (other_name == name || absl::c_linear_search(removed_, other_name)) continue;
    const Version* version = other->warming ? other->warming.get() : other->active.get();
    if (version == nullptr || !version->compiled.config->bind_to_port) continue;
    // A port of TCP and the same of UDP are two.
    if ((version->compiled.config->datagrams == nullptr) != (config.datagrams == nullptr)) continue;
    for (const net::Address& address : config.addresses) {
      // Port 0 is another one each time.
      if (address.is_ip() && address.port() == 0) continue;
      if (absl::c_linear_search(version->compiled.config->addresses, address)) {
        return absl::StrCat("address: ", address.ToString(), " is that of listener ", other_name);
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> ListenerStore::Check(const std::string& name,
                                                const CompiledListener& compiled) const {
  std::optional<std::string> problem = CheckAddresses(name, *compiled.config);
  if (!problem) problem = CheckRoutes(compiled);
  if (!problem) {
    problem = ServerContexts::Check(around_.secrets, Version::Templates(compiled));
  }
  for (const auto& chain : compiled.config->chains) {
    if (!problem && chain->http != nullptr) {
      problem = around_.extensions.Check(chain->http->discovered);
    }
  }
  return problem;
}

std::optional<std::string> ListenerStore::CheckRoutes(const CompiledListener& compiled) const {
  absl::flat_hash_map<std::string, SourceKey> sources;  // Of this listener's own routes.
  std::optional<std::string> problem;
  for (size_t i = 0; i < compiled.config->chains.size() && !problem; ++i) {
    const downstream::HttpConfig* http = compiled.config->chains[i]->http.get();
    if (http == nullptr) continue;
    // Those of a chain that is kept are in force: no cluster that is gone makes them wrong.
    const bool kept = compiled.Keeps(i);
    ForEachTableWritten(*http, [this, kept, &problem](const route::RouteTable& table) {
      if (problem || kept) return;
      problem = RouteStore::CheckClusters(table, table.validate_clusters().value_or(true),
                                          around_.clusters);
    });
    if (http->scopes != nullptr && !problem)
      problem = around_.scopes.Check(compiled.routes[i], *http);
    if (http->routes != nullptr || http->scopes != nullptr) continue;
    const SourceKey& source = compiled.routes[i].source;
    problem = context_.SourceProblem(xds::kRouteType, source, http->rds_name, "rds.config_source");
    // Workers know routes by their names alone.
    if (!problem && (sources.try_emplace(http->rds_name, source).first->second != source ||
                     context_.wanted.WantedElsewhere(xds::kRouteType, source, http->rds_name))) {
      problem = absl::StrCat("rds.config_source: routes ", http->rds_name,
                             " already come from another source");
    }
  }
  return problem;
}

std::unique_ptr<ListenerStore::Version> ListenerStore::MakeVersion(
    const xds::Resource& resource, CompiledListener compiled,
    std::vector<tls::SecretCellPtr> filter_secrets) {
  auto version = std::make_unique<Version>(around_, resource, context_.loop.wall_now(),
                                           std::move(compiled), std::move(filter_secrets));
  // The longest wait of its chains; inline routes wait for clusters.
  base::MonoTime until = context_.loop.now();
  for (size_t i = 0; i < version->chains().size(); ++i) {
    const downstream::HttpConfig* http = version->chains()[i]->http.get();
    if (http == nullptr) continue;
    base::Nanos wait = version->compiled.Keeps(i) ? 1 : kRouteWait;
    if (http->scopes != nullptr) {
      wait = version->scopes.timeout();
    } else if (!http->rds_name.empty()) {
      const RouteOrigin& origin = version->compiled.routes[i];
      around_.routes.NoteUser(http->rds_name, http->stat_prefix);
      version->routes.push_back(
          context_.wanted.Claim(xds::kRouteType, origin.source, http->rds_name));
      if (!version->compiled.Keeps(i)) wait = origin.timeout;
    }
    until = std::max(until, context_.Deadline(wait));
  }
  version->routes_deadline = until;
  version->secrets_deadline = std::max(context_.Deadline(version->tls.timeout()),
                                       DeadlineOf(version->filter_secrets, context_));
  version->filters_deadline = context_.Deadline(version->filters.timeout());
  version->targets_deadline = context_.Deadline(kRouteWait);
  return version;
}

std::optional<std::string> ListenerStore::Take(const xds::Resource& resource, bool is_static) {
  std::unique_ptr<Listener>& slot = listeners_[resource.name];
  if (slot == nullptr) {
    slot = std::make_unique<Listener>();
    slot->name = resource.name;
    slot->is_static = is_static;
  }
  Listener& listener = *slot;
  if (listener.is_static != is_static) {
    return "a static listener has this name; it cannot be changed by discovery";
  }
  if (is_static && (listener.active || listener.warming)) {
    return "a listener of this name was defined before";
  }
  const auto gone = absl::c_find(removed_, resource.name);
  if (gone != removed_.end()) removed_.erase(gone);

  const Version* newest = listener.warming ? listener.warming.get() : listener.active.get();
  if (newest != nullptr && newest->resource.SameBytes(resource)) {
    listener.refused.reset();
    return std::nullopt;
  }
  config::Errors errors;
  const uint64_t stamp = tls::SecretCells::OfProcess().stamp();
  const uint64_t targets_stamp = rpc::OwnTargets::OfProcess().stamp();
  CompiledListener compiled = Compile(resource, listener, errors);
  std::vector<tls::SecretCellPtr> named = tls::SecretCells::OfProcess().NamedSince(stamp);
  std::optional<std::string> problem;
  if (compiled.config == nullptr) {
    problem = std::string(errors.ToStatus().message());
  } else {
    problem = Check(resource.name, compiled);
    if (!problem.has_value()) problem = around_.secrets.Check(named);
  }
  if (!problem.has_value() && around_.admit) {
    const downstream::ListenerConfig* previous =
        listener.active ? listener.active->compiled.config.get() : nullptr;
    const absl::Status admitted = around_.admit(*compiled.config, previous);
    if (!admitted.ok()) problem = std::string(admitted.message());
  }
  if (problem.has_value()) {
    listener.refused = Refusal{ResourceVersion::Of(resource, context_.loop.wall_now()), *problem};
    return problem;
  }
  listener.refused.reset();
  listener.warming = MakeVersion(resource, std::move(compiled), std::move(named));
  listener.warming->own_targets = OwnClusters::NamedSince(targets_stamp);
  if (!listener.warming->compiled.kept.empty()) ++counts_.in_place;
  warming_.insert(listener.name);
  context_.Pump();
  return std::nullopt;
}

CompiledListener ListenerStore::Compile(const xds::Resource& resource, const Listener& listener,
                                        config::Errors& errors) const {
  const Version* active = listener.active.get();
  // What warms may hold other sockets already; those in force are let go of.
  const bool rebinds = listener.warming != nullptr && listener.warming->compiled.kept.empty();
  if (active == nullptr || rebinds || compilers_.next_listener == nullptr) {
    const Origin origin = listener.is_static ? Origin::kBootstrap : Origin::kDiscovery;
    return compilers_.listener(*resource.bytes, origin, errors);
  }
  return compilers_.next_listener(*resource.bytes, {*active->resource.bytes, active->compiled},
                                  errors);
}

void ListenerStore::Remove(const std::string& name) {
  const auto found = listeners_.find(name);
  if (found == listeners_.end() || found->second->is_static) return;
  found->second->warming.reset();
  warming_.erase(name);
  removed_.push_back(name);
  context_.Pump();
}

bool ListenerStore::WaitsForRoutes(const Version& version) const {
  bool waits = !version.scopes.ready();
  for (size_t i = 0; i < version.chains().size() && !waits; ++i) {
    const downstream::HttpConfig* http = version.chains()[i]->http.get();
    if (http == nullptr || version.compiled.Keeps(i)) continue;
    waits = !http->rds_name.empty() && around_.routes.Awaits(http->rds_name);
    ForEachTableWritten(*http, [this, &waits](const route::RouteTable& table) {
      waits = waits || RouteStore::MustWait(table, around_.clusters);
    });
  }
  return waits;
}

ListenerStore::Waits ListenerStore::WaitsFor(const Version& version) const {
  return {WaitsForRoutes(version), !version.HasSecrets(), !version.filters.ready()};
}

void ListenerStore::Tell(const std::string& name, const Version& version,
                         const Waits& goes_without) {
  if (goes_without.routes) {
    PX_LOG(kConfig, kWarn, "listener ", name, ": no routes in time, goes on without");
    for (const auto& chain : version.chains()) {
      const downstream::HttpConfig* http = chain->http.get();
      if (http == nullptr || http->rds_name.empty()) continue;
      if (around_.routes.Awaits(http->rds_name)) around_.routes.CountTimeout(http->rds_name);
    }
  }
  if (goes_without.secrets) {
    PX_LOG(kConfig, kWarn, "listener ", name, ": no secrets in time, goes on without");
  }
  if (goes_without.filters) {
    PX_LOG(kConfig, kWarn, "listener ", name,
           ": a filter did not come in time, its default stands");
  }
}

void ListenerStore::Settle(Batch& batch) {
  const base::MonoTime now = context_.loop.now();
  for (auto it = warming_.begin(); it != warming_.end();) {
    Listener& listener = *listeners_[*it];
    const Version& version = *listener.warming;
    const Waits waits = WaitsFor(version);
    // gRPC holds a call back while the name of its server is being looked up for the first time.
    // Here the listener is held back, so that no request meets a server which has no address yet.
    const bool looks_up = around_.clusters.AnyUnready(version.own_targets);
    if ((waits.routes && now < version.routes_deadline) ||
        (waits.secrets && now < version.secrets_deadline) ||
        (waits.filters && now < version.filters_deadline) ||
        (looks_up && now < version.targets_deadline) ||
        version.filters.LooksUpUntil(around_.clusters) > now) {
      ++it;
      continue;
    }
    Tell(*it, version, waits);
    if (looks_up) {
      PX_LOG(kConfig, kWarn, "listener ", *it,
             ": a google_grpc server's name was not looked up in time, goes on without");
    }
    Activate(listener, batch);
    it = warming_.erase(it);
  }
  SettleSecrets(batch);
  SettleFilters(batch);
  SettleScopes(batch);
  for (const std::string& name : std::exchange(removed_, {})) {
    const auto found = listeners_.find(name);
    // One that never was in force may have sockets all the same.
    batch.removed_listeners.push_back(name);
    if (found->second->active != nullptr) {
      ++counts_.removed;
      Drain(std::move(found->second->active));
    }
    listeners_.erase(found);
  }
  absl::erase_if(draining_, [now](const auto& each) { return now >= each.second.until; });
  while (!draining_chains_.empty() && now >= draining_chains_.front().until) {
    draining_chain_count_ -= draining_chains_.front().count;
    draining_chains_.pop_front();
  }
}

void ListenerStore::SettleSecrets(Batch& batch) {
  for (const std::string& name : around_.secrets.TakeChanged(SecretOwner::Kind::kListener)) {
    const auto found = listeners_.find(name);
    if (found == listeners_.end() || found->second->active == nullptr) continue;
    ServerContexts& tls = found->second->active->tls;
    tls.Refresh([&batch, &name, &tls](size_t chain) {
      batch.listener_tls.push_back({name, chain, tls.contexts()[chain]});
    });
  }
}

void ListenerStore::SettleFilters(Batch& batch) {
  filters_pending_.merge(around_.extensions.TakeChanged());
  for (auto it = filters_pending_.begin(); it != filters_pending_.end();) {
    const std::string& name = *it;
    const auto found = listeners_.find(name);
    if (found != listeners_.end() && found->second->active != nullptr) {
      ExtensionUse& filters = found->second->active->filters;
      if (filters.LooksUpUntil(around_.clusters) != 0) {
        ++it;  // Those before go on meanwhile.
        continue;
      }
      filters.TakeChanged(
          [&batch, &name](size_t chain, std::shared_ptr<const filter::FilterFactories> changed) {
            batch.listener_filters.push_back({name, chain, std::move(changed)});
          });
    }
    it = filters_pending_.erase(it);
  }
}

void ListenerStore::SettleScopes(Batch& batch) {
  scopes_pending_.merge(around_.scopes.TakeChanged());
  for (auto it = scopes_pending_.begin(); it != scopes_pending_.end();) {
    const auto found = listeners_.find(*it);
    bool done = true;
    if (found != listeners_.end() && found->second->active != nullptr) {
      const std::string& name = *it;
      done = found->second->active->scopes.Settle(
          [&batch, &name](size_t chain, ScopeUse::Table table) {
            batch.listener_scopes.push_back({name, chain, std::move(table)});
          });
    }
    it = done ? scopes_pending_.erase(it) : std::next(it);
  }
}

void ListenerStore::Activate(Listener& listener, Batch& batch) {
  listener.warming->ForEachInlineTable(
      [this](const route::RouteTable& table) { around_.uses.Add(table); });
  listener.warming->ForEachTerminal(
      [this](absl::Span<const std::string> clusters) { around_.uses.Add(clusters); });
  std::unique_ptr<Version> before = std::exchange(listener.active, std::move(listener.warming));
  ++(before == nullptr ? counts_.added : counts_.modified);
  Version& next = *listener.active;
  next.tls.Refresh([](size_t) {});
  next.filters.TakeChanged([](size_t, const std::shared_ptr<const filter::FilterFactories>&) {});
  batch.listeners.push_back({next.compiled.config, next.tls.contexts(), next.filters.Filters(),
                             next.scopes.Begin(), next.compiled.kept});
  if (before == nullptr) return;
  if (next.compiled.kept.empty()) {
    Drain(std::move(before));
  } else {
    // What is new of theirs follows in this batch: they are still among those that changed.
    next.Adopt(*before);
    DrainChains(*before, next);
  }
}

void ListenerStore::DropUses(const Version& version) {
  version.ForEachInlineTable([this](const route::RouteTable& table) { around_.uses.Drop(table); });
  version.ForEachTerminal(
      [this](absl::Span<const std::string> clusters) { around_.uses.Drop(clusters); });
}

void ListenerStore::DrainChains(const Version& before, const Version& next) {
  DropUses(before);
  const auto kept = static_cast<size_t>(
      absl::c_count_if(next.compiled.kept, [](int32_t chain) { return chain >= 0; }));
  const size_t replaced = before.chains().size() - kept;
  if (replaced == 0) return;
  draining_chains_.push_back({replaced, context_.loop.now() + around_.drain_time});
  draining_chain_count_ += replaced;
}

void ListenerStore::Drain(std::unique_ptr<Version> version) {
  DropUses(*version);
  draining_[version->name] = {std::move(version->resource),
                              context_.loop.now() + around_.drain_time};
}

base::MonoTime ListenerStore::NextDeadline() const {
  base::MonoTime next = base::kNever;
  const base::MonoTime now = context_.loop.now();
  for (const std::string& name : warming_) {
    const Version& version = *listeners_.find(name)->second->warming;
    // One that is over is not waited for any more.
    for (const base::MonoTime deadline :
         {version.routes_deadline, version.secrets_deadline, version.filters_deadline,
          version.targets_deadline, version.filters.LooksUpUntil(around_.clusters)}) {
      if (deadline > now) next = std::min(next, deadline);
    }
  }
  for (const std::string& name : filters_pending_) {
    const auto found = listeners_.find(name);
    if (found == listeners_.end() || found->second->active == nullptr) continue;
    const base::MonoTime until = found->second->active->filters.LooksUpUntil(around_.clusters);
    if (until != 0) next = std::min(next, until);
  }
  for (const std::string& name : scopes_pending_) {
    const auto found = listeners_.find(name);
    if (found == listeners_.end() || found->second->active == nullptr) continue;
    next = std::min(next, found->second->active->scopes.NextDeadline());
  }
  for (const auto& [name, draining] : draining_) next = std::min(next, draining.until);
  if (!draining_chains_.empty()) next = std::min(next, draining_chains_.front().until);
  return next;
}

}  // namespace proxenos::server
