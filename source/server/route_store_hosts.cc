// The part of the RouteStore that deals with virtual hosts by discovery.
#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "source/server/route_store.h"
#include "source/server/route_version.h"
#include "source/xds/type_url.h"
#include "source/xds/xxhash64.h"

namespace proxenos::server {

using Outcome = filter::OnDemand::Outcome;

void RouteStore::AddHosts(const std::string& name, HostsOrigin origin, Version& version,
                          Entry& entry, config::Errors& errors) {
  const auto problem =
      context_.SourceProblem(xds::kVirtualHostType, origin.source, name, "vhds.config_source");
  if (problem.has_value()) errors.Add(config::Path(), *problem);
  version.written_hosts = version.snapshot->table->virtual_hosts().size();
  for (const route::VirtualHost& host : version.snapshot->table->virtual_hosts()) {
    version.written.insert(host.domains.begin(), host.domains.end());
  }
  for (const RouteHosts* hosts : {entry.hosts.get(), entry.next_hosts.get()}) {
    if (hosts == nullptr || hosts->source() != origin.source) continue;
    const std::string conflict = hosts->Conflict(version.written);
    if (!conflict.empty()) errors.Add(config::Path("virtual_hosts"), conflict);
  }
  if (!errors.ok()) return;
  version.hosts_deadline = context_.Deadline(origin.timeout);
  RouteHosts& hosts = HostsFrom(name, std::move(origin), entry);
  if (!hosts.empty()) Merge(name, hosts, version);
}

RouteHosts& RouteStore::HostsFrom(const std::string& name, HostsOrigin origin, Entry& entry) {
  if (entry.hosts != nullptr && entry.hosts->source() == origin.source) {
    entry.next_hosts.reset();
    entry.hosts->SetOrigin(std::move(origin));
    return *entry.hosts;
  }
  auto& slot = entry.active == nullptr ? entry.hosts : entry.next_hosts;
  if (slot != nullptr && slot->source() == origin.source) {
    slot->SetOrigin(std::move(origin));
    return *slot;
  }
  slot = std::make_unique<RouteHosts>(context_, name, std::move(origin));
  slot->stats() = registry_.Open<stats::VhdsStats>(
      stats::ScopeName(stats::kVhdsScope, {stats_.PrefixOf(name), name}));
  return *slot;
}

bool RouteStore::Merge(const std::string& name, const RouteHosts& hosts, Version& version) {
  ResourceVersion whole = version.resource;
  whole.bytes = std::make_shared<const std::string>(hosts.AddTo(*version.resource.bytes));
  config::Errors errors;
  auto snapshot = compilers_.routes(*whole.bytes, Origin::kDiscovery, errors);
  if (snapshot == nullptr) {  // Each of them was fine by itself.
    const std::string message = errors.ToStatus().ToString();
    PX_LOG(kConfig, kError, "routes ", name, " with their virtual hosts: ", message);
    return false;
  }
  version.snapshot = std::move(snapshot);
  version.whole = std::move(whole);
  return true;
}

RouteHosts* RouteStore::FindHosts(const SourceKey& source, const std::string& routes) {
  const auto found = routes_.find(routes);
  if (found == routes_.end()) return nullptr;
  for (const auto* hosts : {&found->second->hosts, &found->second->next_hosts}) {
    if (*hosts != nullptr && (*hosts)->source() == source) return hosts->get();
  }
  return nullptr;
}

// One that was asked for by an alias may have a name of any kind.
RouteHosts* RouteStore::HostsOf(const SourceKey& source, const xds::Resource& resource,
                                std::string& routes) {
  routes = SplitHostName(resource.name).first;
  RouteHosts* hosts = FindHosts(source, routes);
  for (const std::string& alias : resource.aliases) {
    if (hosts != nullptr) break;
    routes = SplitHostName(alias).first;
    hosts = FindHosts(source, routes);
  }
  return hosts;
}

std::optional<std::string> RouteStore::CompileHost(const xds::Resource& resource,
                                                   const Version& version, const RouteHosts& hosts,
                                                   RouteHosts::Candidate& candidate) {
  config::Errors errors;
  candidate.table = compilers_.host(*resource.bytes, hosts.origin(), errors);
  if (candidate.table == nullptr) return std::string(errors.ToStatus().message());
  return CheckClusters(*candidate.table, version.validates, clusters_);
}

void RouteStore::NoteArrival(const std::string& name, const std::string& routes,
                             RouteHosts& hosts) {
  const auto [of, authority] = SplitHostName(name);
  if (of != routes || hosts.demands().Find(authority) == nullptr) return;
  hosts.arrived().insert(authority);
  untold_.insert(routes);
}

void RouteStore::RemoveHosts(const SourceKey& source, const xds::TypeUpdate& update, Steps& steps) {
  for (const std::string& name : update.removed) {
    std::string routes = SplitHostName(name).first;
    RouteHosts* hosts = FindHosts(source, routes);
    if (hosts == nullptr) hosts = FindHosts(source, routes = name);  // It has no hosts at all.
    if (hosts == nullptr) continue;
    steps[hosts].routes = routes;
    if (hosts->Remove(name)) changed_.insert(routes);
    NoteArrival(name, routes, *hosts);
  }
}

void RouteStore::CollectHosts(const SourceKey& source, const xds::TypeUpdate& update,
                              Steps& steps) {
  for (const xds::Resource& resource : update.resources) {
    std::string routes;
    RouteHosts* hosts = HostsOf(source, resource, routes);
    if (hosts == nullptr) continue;
    HostStep& step = steps[hosts];
    step.routes = routes;
    NoteArrival(resource.name, routes, *hosts);
    for (const std::string& alias : resource.aliases) NoteArrival(alias, routes, *hosts);
    const Version* version = routes_[routes]->VersionOf(*hosts);
    // Without one, they go with what is about to go.
    if (version == nullptr || hosts->Has(resource)) continue;
    RouteHosts::Candidate candidate{&resource, nullptr};
    if (auto problem = CompileHost(resource, *version, *hosts, candidate)) {
      hosts->Refuse(resource, *problem);
      step.errors.push_back({resource.name, *std::move(problem)});
    } else {
      step.candidates.push_back(std::move(candidate));
    }
  }
}

std::vector<xds::ResourceError> RouteStore::TakeHosts(const SourceKey& source,
                                                      const xds::TypeUpdate& update) {
  Steps steps;
  RemoveHosts(source, update, steps);
  CollectHosts(source, update, steps);
  if (steps.empty()) {
    for (const auto& [name, entry] : routes_) {
      if (RouteHosts* hosts = FindHosts(source, name)) steps[hosts].routes = name;
    }
  }
  std::vector<xds::ResourceError> errors;
  for (auto& [hosts, step] : steps) {
    if (!step.candidates.empty()) {
      hosts->Take(step.candidates, routes_[step.routes]->VersionOf(*hosts)->written);
    }
    for (RouteHosts::Candidate& each : step.candidates) {
      if (each.problem.empty()) {
        changed_.insert(step.routes);
        continue;
      }
      hosts->Refuse(*each.resource, each.problem);
      step.errors.push_back({each.resource->name, std::move(each.problem)});
    }
    hosts->SetAnswered();
    CountHostStep(update, !step.errors.empty(), *hosts->stats());
    std::move(step.errors.begin(), step.errors.end(), std::back_inserter(errors));
  }
  context_.Pump();
  return errors;
}

void RouteStore::CountHostStep(const xds::TypeUpdate& update, bool refused,
                               stats::VhdsStats& stats) {
  stats.update_attempt.Inc();
  (refused ? stats.update_rejected : stats.update_success).Inc();
  if (update.resources.empty() && update.removed.empty() && update.unchanged == 0) {
    stats.update_empty.Inc();
  }
  if (refused) return;
  stats.version.Set(xds::XxHash64(update.version));
  stats.version_text.Set(update.version);
}

void RouteStore::SettleHosts(base::MonoTime now) {
  for (auto it = demanding_.begin(); it != demanding_.end();) {
    const std::string& name = *it;
    Entry& entry = *routes_[name];
    if (entry.hosts != nullptr) {
      entry.hosts->demands().Expire(now, [this, &name](const std::string& authority) {
        Answer(name, authority, Outcome::kMissing);
      });
    }
    const bool none = entry.hosts == nullptr || entry.hosts->demands().empty();
    it = none ? demanding_.erase(it) : std::next(it);
  }
  for (const std::string& name : warming_) {
    Entry& entry = *routes_[name];
    RouteHosts* hosts = entry.hosts_of_warming();
    if (hosts == nullptr || hosts->answered() || now < entry.warming->hosts_deadline) continue;
    PX_LOG(kConfig, kWarn, "routes ", name, ": no virtual hosts in time, go on without");
    hosts->SetAnswered();
    hosts->stats()->init_fetch_timeout.Inc();
  }
  // A large table takes a while: at most every other moment goes into making it anew.
  if (changed_.empty() || now < rebuild_at_) return;
  const base::MonoTime begin = context_.loop.ReadClock();
  for (const std::string& name : std::exchange(changed_, {})) Rebuild(name, *routes_[name]);
  const base::MonoTime end = context_.loop.ReadClock();
  rebuild_at_ = end + (end - begin);
}

void RouteStore::Rebuild(const std::string& name, Entry& entry) {
  RouteHosts* hosts = entry.warming != nullptr ? entry.hosts_of_warming() : entry.hosts.get();
  Version* version = hosts == nullptr ? nullptr : entry.VersionOf(*hosts);
  if (version == nullptr) return;
  untold_.insert(name);
  if (version == entry.warming.get()) {
    if (Merge(name, *hosts, *version)) hosts->stats()->config_reload.Inc();
    return;
  }
  auto next = std::make_unique<Version>(*version);
  if (!Merge(name, *hosts, *next)) return;
  next->deadline = context_.Deadline(kRouteWait);
  next->resource.last_updated = next->whole->last_updated = context_.loop.wall_now();
  hosts->stats()->config_reload.Inc();
  entry.warming = std::move(next);
  warming_.insert(name);
}

void RouteStore::ActivateHosts(const std::string& name, Entry& entry) {
  if (!entry.active->discovers || entry.next_hosts != nullptr) {
    const std::unique_ptr<RouteHosts> former =
        std::exchange(entry.hosts, std::move(entry.next_hosts));
    // What is asked of the source before goes to the new one, if there is one.
    for (const std::string& authority :
         former == nullptr ? std::vector<std::string>() : former->demands().Asked()) {
      if (entry.hosts != nullptr && entry.hosts->demands().MakeRoom()) {
        entry.hosts->Ask(authority);
      } else {
        const bool found = entry.active->snapshot->table->FindVirtualHost(authority) != nullptr;
        Answer(name, authority, found ? Outcome::kFound : Outcome::kMissing);
      }
    }
  }
  if (entry.hosts != nullptr) untold_.insert(name);
}

void RouteStore::TellAll() {
  for (auto it = untold_.begin(); it != untold_.end();) {
    Entry& entry = *routes_[*it];
    if (entry.warming != nullptr || changed_.contains(*it)) {
      ++it;  // What came is not in force yet.
      continue;
    }
    if (entry.hosts != nullptr && entry.active != nullptr) Tell(*it, entry);
    it = untold_.erase(it);
  }
}

void RouteStore::Tell(const std::string& name, Entry& entry) {
  RouteHosts& hosts = *entry.hosts;
  DemandedNames& demands = hosts.demands();
  const std::set<std::string> arrived = std::exchange(hosts.arrived(), {});
  for (const std::string& authority : demands.Asked()) {
    if (entry.active->FindDiscovered(authority) != nullptr) {
      if (demands.Found(authority)) Answer(name, authority, Outcome::kFound);
    } else if (arrived.contains(authority)) {
      demands.Missing(authority, context_.loop.now());
      const bool written = entry.active->snapshot->table->FindVirtualHost(authority) != nullptr;
      Answer(name, authority, written ? Outcome::kFound : Outcome::kMissing);
    }
  }
  if (!hosts.TakeShrunk()) return;
  for (const std::string& authority : demands.AllFound()) {
    if (entry.active->FindDiscovered(authority) == nullptr) demands.Drop(authority);
  }
}

void RouteStore::Ask(const Demand& demand) {
  const auto found = routes_.find(demand.origin);
  Entry* entry = found == routes_.end() ? nullptr : found->second.get();
  const std::string& authority = demand.name;
  const bool can_be = entry != nullptr && entry->hosts != nullptr && entry->active != nullptr &&
                      MayBeDemanded(authority) && !absl::StrContains(authority, '/');
  if (!can_be) return Answer(demand.origin, authority, Outcome::kMissing);
  if (entry->active->FindDiscovered(authority) != nullptr) {
    return Answer(demand.origin, authority, Outcome::kFound);
  }
  DemandedNames& demands = entry->hosts->demands();
  const DemandedNames::State* state = demands.Find(authority);
  if (state != nullptr) {
    // Others wait for it too; or it was said that there is none, or has gone again.
    if (*state == DemandedNames::State::kAsked) return;
    return Answer(demand.origin, authority, Outcome::kMissing);
  }
  if (!demands.MakeRoom()) return Answer(demand.origin, authority, Outcome::kOverload);
  entry->hosts->Ask(authority);
  demanding_.insert(demand.origin);
  context_.Pump();
}

void RouteStore::Answer(const std::string& routes, const std::string& authority, Outcome outcome) {
  answers_.push_back({{Demand::Kind::kHost, routes, authority}, outcome});
  context_.Pump();
}

base::MonoTime RouteStore::NextHostsDeadline() const {
  base::MonoTime next = changed_.empty() ? base::kNever : rebuild_at_;
  for (const std::string& name : demanding_) {
    const Entry& entry = *routes_.find(name)->second;
    if (entry.hosts != nullptr) next = std::min(next, entry.hosts->demands().NextDeadline());
  }
  return next;
}

void RouteStore::ForEachHost(absl::FunctionRef<void(const ResourceView&)> visit) const {
  for (const auto& [name, entry] : routes_) {
    for (const auto* hosts : {&entry->hosts, &entry->next_hosts}) {
      if (*hosts != nullptr) (*hosts)->ForEach(visit);
    }
  }
}

}  // namespace proxenos::server
