// Sets of scopes by source, and the chains that use them.
#include "source/server/scope_store.h"

#include <algorithm>
#include <iterator>
#include <map>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/base/log.h"
#include "source/stats/scope.h"
#include "source/xds/type_url.h"
#include "source/xds/xdstp_name.h"
#include "source/xds/xxhash64.h"

namespace proxenos::server {

// The scopes of one chain.
struct ScopeStore::Slot {
  const std::string* listener;
  size_t chain;
  const downstream::ScopedRoutes& scoped;
  const RouteOrigin* origin;
  const std::string& stat_prefix;  // Of the connection manager.
  Set* set = nullptr;              // Null: they are listed.
  NameClaim claim;                 // Of the set.
  // Of the routes that are named: by what is in force, and by what is to come.
  std::vector<NameClaim> routes;
  std::vector<NameClaim> next_routes;
  bool dirty = false;
  base::MonoTime deadline = base::kNever;  // Of what is to come.
  stats::Group<stats::ScopeStats> stats;

  // As they are now.
  std::vector<downstream::Scope> Scopes() const {
    if (set == nullptr) return scoped.listed;
    std::vector<downstream::Scope> scopes;
    for (const auto& [name, item] : set->items) {
      if (item.active.has_value()) scopes.push_back(item.scope);
    }
    return scopes;
  }
  void ClaimRoutes(WantedNames& wanted, RouteStore& store, std::vector<NameClaim>& claims) const {
    std::vector<NameClaim> made;
    for (const downstream::Scope& scope : Scopes()) {
      if (scope.written != nullptr) continue;
      store.NoteUser(scope.routes, stat_prefix);
      made.push_back(wanted.Claim(xds::kRouteType, origin->source, scope.routes));
    }
    claims = std::move(made);
  }
  bool HasAll(const RouteStore& store) const {
    if (set != nullptr && !set->answered) return false;
    const std::vector<downstream::Scope> scopes = Scopes();
    return absl::c_all_of(scopes, [&store](const downstream::Scope& scope) {
      return scope.written != nullptr || !store.Awaits(scope.routes);
    });
  }
  ScopeUse::Table PutInForce() {
    dirty = false;
    deadline = base::kNever;
    routes = std::exchange(next_routes, {});
    auto table = std::make_shared<const downstream::ScopeTable>(Scopes());
    stats->all_scopes.Set(table->origins().size());
    stats->active_scopes.Set(table->origins().size());
    return table;
  }
};

ScopeStore::ScopeStore(StoreContext context, Compilers& compilers, RouteStore& routes,
                       stats::Registry& registry)
    : context_(context), compilers_(compilers), routes_(routes), registry_(registry) {}

ScopeStore::~ScopeStore() {
  for (const auto& [key, set] : sets_) CHECK(set->users.empty());
}

ScopeStore::SetKey ScopeStore::KeyOf(const ScopeOrigin& origin) const {
  SetKey key(origin.source, xds::kAllNames);
  if (origin.locator.empty()) return key;
  const auto collection =
      context_.find_collection(xds::kScopedRouteType, origin.source, origin.locator);
  if (collection.ok()) key.second = *collection;  // Else Check has told.
  return key;
}

ScopeStore::Set* ScopeStore::SetOf(const SourceKey& source, const std::string& name) {
  auto found = sets_.end();
  if (xds::IsXdstpName(name)) {
    const absl::StatusOr<xds::XdstpName> parsed = xds::ParseXdstpName(name);
    if (parsed.ok()) found = sets_.find({source, parsed->Collection().ToString()});
  }
  if (found == sets_.end()) found = sets_.find({source, xds::kAllNames});
  return found == sets_.end() ? nullptr : found->second.get();
}

// What came for one set in one step, and is good but perhaps for its keys.
struct ScopeStore::Step {
  struct Arrival {
    const xds::Resource* resource;
    route::Scope scope;
    bool refused = false;
  };
  std::vector<Arrival> arrivals;
  absl::flat_hash_map<absl::string_view, size_t> by_name;  // Index in `arrivals`.
};

std::vector<xds::ResourceError> ScopeStore::Take(const SourceKey& source,
                                                 const xds::TypeUpdate& update) {
  std::vector<xds::ResourceError> errors;
  for (const std::string& name : update.removed) Remove(source, name);
  std::map<Set*, Step> steps;
  for (const xds::Resource& resource : update.resources) {
    Set* const set = SetOf(source, resource.name);
    if (set == nullptr) continue;  // Nobody asked.
    Item& item = set->items[resource.name];
    if (item.active.has_value() && item.active->SameBytes(resource)) {
      item.refused.reset();
      continue;
    }
    config::Errors problems;
    std::optional<route::Scope> scope = compilers_.scope(*resource.bytes, problems);
    if (scope.has_value()) {
      problems.AddLines(config::Path("route_configuration_name"),
                        xds::CheckWantedName(scope->routes));
    }
    if (!problems.ok()) {
      errors.push_back(Refuse(item, resource, std::string(problems.ToStatus().message())));
      continue;
    }
    Step& step = steps[set];
    step.by_name[resource.name] = step.arrivals.size();
    step.arrivals.push_back({&resource, *std::move(scope)});
  }
  for (auto& [set, step] : steps) {
    ShareKeys(*set, step, errors);
    PutIn(*set, step);
  }
  EndStep(source, update, !errors.empty());
  return errors;
}

xds::ResourceError ScopeStore::Refuse(Item& item, const xds::Resource& resource,
                                      std::string reason) const {
  item.refused = Refusal{ResourceVersion::Of(resource, context_.loop.wall_now()), reason};
  return {resource.name, std::move(reason)};
}

// Keys change hands in a step, in whatever order it names them. A scope that is refused keeps the
// key that it has: who came for that one is refused in its turn.
void ScopeStore::ShareKeys(Set& set, Step& step, std::vector<xds::ResourceError>& errors) const {
  for (const Step::Arrival& arrival : step.arrivals) {
    const Item& item = set.items[arrival.resource->name];
    if (item.active.has_value()) set.owners.erase(item.scope.key);
  }
  for (size_t each = 0; each < step.arrivals.size(); ++each) {
    const Step::Arrival& arrival = step.arrivals[each];
    const auto [place, was_free] =
        set.owners.try_emplace(arrival.scope.key, arrival.resource->name);
    std::string winner = was_free ? "" : place->second;
    size_t loser = each;
    while (!winner.empty()) {
      Step::Arrival& lost = step.arrivals[loser];
      lost.refused = true;
      const std::string& name = lost.resource->name;
      Item& item = set.items[name];
      errors.push_back(
          Refuse(item, *lost.resource, absl::StrCat("key: is that of scope ", winner, " too")));
      winner.clear();
      if (!item.active.has_value()) break;
      const auto [kept, free] = set.owners.try_emplace(item.scope.key, name);
      if (free) break;
      loser = step.by_name.at(std::exchange(kept->second, name));
      winner = name;
    }
  }
}

void ScopeStore::PutIn(Set& set, Step& step) const {
  for (Step::Arrival& arrival : step.arrivals) {
    if (arrival.refused) continue;
    Item& item = set.items[arrival.resource->name];
    item.refused.reset();
    item.active = ResourceVersion::Of(*arrival.resource, context_.loop.wall_now());
    static_cast<route::Scope&>(item.scope) = std::move(arrival.scope);
    set.changed = true;
  }
}

void ScopeStore::Remove(const SourceKey& source, const std::string& name) {
  Set* const set = SetOf(source, name);
  if (set == nullptr) return;
  const auto found = set->items.find(name);
  if (found == set->items.end()) return;
  if (found->second.active.has_value()) set->owners.erase(found->second.scope.key);
  set->items.erase(found);
  set->changed = true;
}

std::set<ScopeStore::Set*> ScopeStore::SetsOf(const SourceKey& source,
                                              const xds::TypeUpdate& update) {
  std::set<Set*> sets;
  for (const xds::Resource& resource : update.resources) sets.insert(SetOf(source, resource.name));
  for (const std::string& name : update.removed) sets.insert(SetOf(source, name));
  for (const std::string& name : update.renewed) sets.insert(SetOf(source, name));
  if (!sets.empty()) return sets;
  // That there is nothing is about whoever asked for everything, or alone. Of several collections
  // nobody can tell which one that is.
  const auto first = sets_.lower_bound({source, ""});
  const auto all = sets_.find({source, xds::kAllNames});
  const bool alone = first != sets_.end() && first->first.first == source &&
                     (std::next(first) == sets_.end() || std::next(first)->first.first != source);
  if (all != sets_.end()) {
    sets.insert(all->second.get());
  } else if (alone) {
    sets.insert(first->second.get());
  }
  return sets;
}

void ScopeStore::EndStep(const SourceKey& source, const xds::TypeUpdate& update, bool rejected) {
  const std::set<Set*> about = SetsOf(source, update);
  const std::string& version = update.version;
  for (const auto& [key, set] : sets_) {
    if (!about.contains(set.get())) continue;
    const bool changed = std::exchange(set->changed, false);
    if (!std::exchange(set->answered, true) || changed) Changed(*set);
    for (Slot* slot : set->users) {
      slot->stats->update_attempt.Inc();
      (rejected ? slot->stats->update_rejected : slot->stats->update_success).Inc();
      if (rejected) continue;
      slot->stats->version.Set(xds::XxHash64(version));
      slot->stats->version_text.Set(version);
    }
  }
}

void ScopeStore::Changed(Set& set) {
  for (Slot* slot : set.users) {
    slot->dirty = true;
    slot->deadline = context_.Deadline(kRouteWait);
    // What both name is wanted throughout.
    slot->ClaimRoutes(context_.wanted, routes_, slot->next_routes);
    changed_.insert(*slot->listener);
  }
  context_.Pump();
}

void ScopeStore::Drop(const SourceKey& source, const std::string& collection) {
  const auto found = sets_.find({source, collection});
  if (found != sets_.end() && found->second->users.empty()) sets_.erase(found);
}

std::optional<std::string> ScopeStore::Check(const RouteOrigin& origin,
                                             const downstream::HttpConfig& http) const {
  constexpr absl::string_view kRoutesField = "scoped_routes.rds_config_source";
  std::optional<std::string> problem;
  for (const downstream::Scope& scope : http.scopes->listed) {
    if (problem.has_value() || scope.written != nullptr) continue;
    problem = context_.SourceProblem(xds::kRouteType, origin.source, scope.routes, kRoutesField);
  }
  if (problem.has_value() || !origin.scopes.has_value()) return problem;
  problem = context_.SourceProblem(xds::kRouteType, origin.source, kRoutesField);
  if (problem.has_value()) return problem;
  problem = context_.SourceProblem(xds::kScopedRouteType, origin.scopes->source,
                                   "scoped_routes.scoped_rds.scoped_rds_config_source");
  if (problem.has_value() || origin.scopes->locator.empty()) return problem;
  constexpr absl::string_view kLocator = "scoped_routes.scoped_rds.srds_resources_locator";
  if (context_.find_collection == nullptr) return absl::StrCat(kLocator, ": is not for this place");
  const auto collection = context_.find_collection(xds::kScopedRouteType, origin.scopes->source,
                                                   origin.scopes->locator);
  if (!collection.ok()) return absl::StrCat(kLocator, ": ", collection.status().message());
  return context_.Ask(xds::kScopedRouteType, origin.scopes->source, *collection, kLocator);
}

void ScopeStore::ForEachSet(
    absl::FunctionRef<void(const std::string& name, const std::vector<ResourceView>&)> visit)
    const {
  for (const auto& [key, set] : sets_) {
    std::vector<ResourceView> views;
    for (const auto& [name, item] : set->items) {
      ResourceView& view = views.emplace_back(ResourceView{name});
      if (item.active.has_value()) view.active = &*item.active;
      if (item.refused.has_value()) view.refused = &*item.refused;
    }
    std::set<std::string> names;
    for (const Slot* slot : set->users) names.insert(slot->scoped.name);
    for (const std::string& name : names) visit(name, views);
  }
}

ScopeUse::ScopeUse(ScopeStore& store, std::string listener, const CompiledListener& compiled)
    : store_(store), listener_(std::move(listener)) {
  for (size_t chain = 0; chain < compiled.config->chains.size(); ++chain) {
    const downstream::HttpConfig* http = compiled.config->chains[chain]->http.get();
    if (http == nullptr || http->scopes == nullptr || compiled.Keeps(chain)) continue;
    AddSlot(chain, *http, compiled.routes[chain]);
    slots_.back()->stats = store_.registry_.Open<stats::ScopeStats>(
        stats::ScopeName(stats::kScopedRoutesScope, {http->stat_prefix, http->scopes->name}));
  }
}

void ScopeUse::AddSlot(size_t chain, const downstream::HttpConfig& http,
                       const RouteOrigin& origin) {
  slots_.push_back(std::make_unique<ScopeStore::Slot>(ScopeStore::Slot{&listener_,
                                                                       chain,
                                                                       *http.scopes,
                                                                       &origin,
                                                                       http.stat_prefix,
                                                                       nullptr,
                                                                       NameClaim(),
                                                                       {},
                                                                       {},
                                                                       false,
                                                                       base::kNever,
                                                                       {}}));
  ScopeStore::Slot& slot = *slots_.back();
  if (origin.scopes.has_value()) {
    const ScopeStore::SetKey key = store_.KeyOf(*origin.scopes);
    std::unique_ptr<ScopeStore::Set>& set = store_.sets_[key];
    if (set == nullptr) set = std::make_unique<ScopeStore::Set>();
    set->users.push_back(&slot);
    slot.set = set.get();
    slot.claim = store_.context_.wanted.Claim(xds::kScopedRouteType, key.first, key.second);
  }
  slot.ClaimRoutes(store_.context_.wanted, store_.routes_, slot.routes);
}

ScopeUse::~ScopeUse() {
  for (const auto& slot : slots_) {
    if (slot->set == nullptr) continue;
    auto& users = slot->set->users;
    users.erase(absl::c_find(users, slot.get()));
  }
}

void ScopeUse::Adopt(ScopeUse& before, const CompiledListener& compiled) {
  std::vector<std::unique_ptr<ScopeStore::Slot>> left;
  for (auto& slot : before.slots_) {
    const auto place = absl::c_find(compiled.kept, static_cast<int32_t>(slot->chain));
    if (place == compiled.kept.end()) {
      left.push_back(std::move(slot));
      continue;
    }
    slot->listener = &listener_;
    slot->chain = static_cast<size_t>(place - compiled.kept.begin());
    slot->origin = &compiled.routes[slot->chain];
    slots_.push_back(std::move(slot));
  }
  before.slots_ = std::move(left);
}

bool ScopeUse::ready() const {
  return absl::c_all_of(slots_, [this](const auto& slot) { return slot->HasAll(store_.routes_); });
}

base::Nanos ScopeUse::timeout() const {
  base::Nanos longest = 1;  // Nothing is awaited: any time will do.
  for (const auto& slot : slots_) {
    if (slot->HasAll(store_.routes_)) continue;
    const base::Nanos scopes = slot->set == nullptr ? 1 : slot->origin->scopes->timeout;
    if (scopes == 0 || slot->origin->timeout == 0) return 0;
    longest = std::max(longest, scopes + slot->origin->timeout);
  }
  return longest;
}

std::vector<ScopeUse::Table> ScopeUse::Begin() {
  std::vector<Table> tables;
  for (const auto& slot : slots_) {
    if (tables.size() <= slot->chain) tables.resize(slot->chain + 1);
    slot->ClaimRoutes(store_.context_.wanted, store_.routes_, slot->next_routes);
    tables[slot->chain] = slot->PutInForce();
  }
  return tables;
}

bool ScopeUse::Settle(absl::FunctionRef<void(size_t chain, Table)> visit) {
  bool all = true;
  const base::MonoTime now = store_.context_.loop.now();
  for (const auto& slot : slots_) {
    if (!slot->dirty) continue;
    const bool has_all = slot->HasAll(store_.routes_);
    if (!has_all && now < slot->deadline) {
      all = false;
      continue;
    }
    if (!has_all) {
      PX_LOG(kConfig, kWarn, "scopes ", slot->scoped.name, ": some of their routes did not come");
    }
    slot->stats->config_reload.Inc();
    visit(slot->chain, slot->PutInForce());
  }
  return all;
}

base::MonoTime ScopeUse::NextDeadline() const {
  base::MonoTime next = base::kNever;
  const base::MonoTime now = store_.context_.loop.now();
  for (const auto& slot : slots_) {
    if (slot->dirty && slot->deadline > now) next = std::min(next, slot->deadline);
  }
  return next;
}

}  // namespace proxenos::server
