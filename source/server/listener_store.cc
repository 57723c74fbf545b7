// Listeners wait for routes; what they leave behind drains.
#include "source/server/listener_store.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "source/base/log.h"
#include "source/xds/type_url.h"

namespace proxenos::server {

// One version of a listener.
struct ListenerStore::Version {
  std::string name;
  ResourceVersion resource;
  CompiledListener compiled;
  NameClaim routes;  // When they come by name.
  base::MonoTime deadline = base::kNever;

  const downstream::HttpConfig* http() const { return compiled.config->http.get(); }
  bool by_name() const { return http() != nullptr && !http()->rds_name.empty(); }
  // Null when routes come by name.
  const route::RouteTable* inline_table() const {
    return http() == nullptr || http()->routes == nullptr ? nullptr : http()->routes->table.get();
  }
};

struct ListenerStore::Listener {
  std::string name;
  bool is_static = false;
  std::unique_ptr<Version> active;
  std::unique_ptr<Version> warming;
  std::optional<Refusal> refused;
};

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
  if (problem.has_value()) return problem;
  const downstream::HttpConfig* http = compiled.config->http.get();
  if (http == nullptr) return std::nullopt;
  if (http->routes != nullptr) {
    const route::RouteTable& table = *http->routes->table;
    return RouteStore::CheckClusters(table, table.validate_clusters().value_or(true),
                                     around_.clusters);
  }
  // Workers know routes by their names alone.
  if (!context_.wanted.WantedElsewhere(xds::kRouteType, compiled.rds_source, http->rds_name)) {
    return std::nullopt;
  }
  return absl::StrCat("rds.config_source: routes ", http->rds_name,
                      " already come from another source");
}

std::unique_ptr<ListenerStore::Version> ListenerStore::MakeVersion(const xds::Resource& resource,
                                                                   CompiledListener compiled) {
  auto version = std::make_unique<Version>();
  version->name = resource.name;
  version->resource = ResourceVersion::Of(resource, context_.loop.wall_now());
  version->compiled = std::move(compiled);
  if (version->by_name()) {
    version->routes = context_.wanted.Claim(xds::kRouteType, version->compiled.rds_source,
                                            version->http()->rds_name);
    version->deadline = context_.Deadline(version->compiled.rds_timeout);
  } else {
    version->deadline = context_.Deadline(kRouteWait);
  }
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
  CompiledListener compiled = compilers_.listener(
      *resource.bytes, is_static ? Origin::kBootstrap : Origin::kDiscovery, errors);
  std::optional<std::string> problem;
  if (compiled.config == nullptr) {
    problem = std::string(errors.ToStatus().message());
  } else {
    problem = Check(resource.name, compiled);
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
  listener.warming = MakeVersion(resource, std::move(compiled));
  warming_.insert(listener.name);
  context_.Pump();
  return std::nullopt;
}

void ListenerStore::Remove(const std::string& name) {
  const auto found = listeners_.find(name);
  if (found == listeners_.end() || found->second->is_static) return;
  found->second->warming.reset();
  warming_.erase(name);
  removed_.push_back(name);
  context_.Pump();
}

bool ListenerStore::MustWait(const Version& version) const {
  if (version.by_name()) return !around_.routes.Has(version.http()->rds_name);
  const route::RouteTable* table = version.inline_table();
  return table != nullptr && RouteStore::MustWait(*table, around_.clusters);
}

void ListenerStore::Settle(Batch& batch) {
  const base::MonoTime now = context_.loop.now();
  for (auto it = warming_.begin(); it != warming_.end();) {
    Listener& listener = *listeners_[*it];
    const bool wait = MustWait(*listener.warming);
    if (wait && now < listener.warming->deadline) {
      ++it;
      continue;
    }
    if (wait) PX_LOG(kConfig, kWarn, "listener ", *it, ": no routes in time, goes on without");
    Activate(listener, batch);
    it = warming_.erase(it);
  }
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
}

void ListenerStore::Activate(Listener& listener, Batch& batch) {
  const route::RouteTable* table = listener.warming->inline_table();
  if (table != nullptr) around_.uses.Add(*table);
  if (listener.active != nullptr) {
    ++counts_.modified;
    Drain(std::move(listener.active));
  } else {
    ++counts_.added;
  }
  listener.active = std::move(listener.warming);
  batch.listeners.push_back(listener.active->compiled.config);
}

void ListenerStore::Drain(std::unique_ptr<Version> version) {
  const route::RouteTable* table = version->inline_table();
  if (table != nullptr) around_.uses.Drop(*table);
  draining_[version->name] = {std::move(version->resource),
                              context_.loop.now() + around_.drain_time};
}

base::MonoTime ListenerStore::NextDeadline() const {
  base::MonoTime next = base::kNever;
  for (const std::string& name : warming_) {
    next = std::min(next, listeners_.find(name)->second->warming->deadline);
  }
  for (const auto& [name, draining] : draining_) next = std::min(next, draining.until);
  return next;
}

size_t ListenerStore::active_count() const {
  size_t count = 0;
  for (const auto& [name, listener] : listeners_) count += listener->active != nullptr;
  return count;
}

size_t ListenerStore::draining_count() const { return draining_.size(); }

void ListenerStore::ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const {
  for (const auto& [name, listener] : listeners_) {
    ResourceView view{name, listener->is_static};
    if (listener->active) view.active = &listener->active->resource;
    if (listener->warming) view.warming = &listener->warming->resource;
    if (listener->refused.has_value()) view.refused = &*listener->refused;
    const auto draining = draining_.find(name);
    if (draining != draining_.end()) view.draining = &draining->second.resource;
    visit(view);
  }
  for (const auto& [name, draining] : draining_) {
    if (listeners_.contains(name)) continue;
    ResourceView view{name};
    view.draining = &draining.resource;
    visit(view);
  }
}

void ListenerStore::ForEachActive(
    absl::FunctionRef<void(const downstream::ListenerConfig&, bool)> visit) const {
  for (const auto& [name, listener] : listeners_) {
    if (listener->active) visit(*listener->active->compiled.config, listener->is_static);
  }
}

void ListenerStore::ForEachInlineRoutes(
    absl::FunctionRef<void(const std::string&, base::WallTime)> visit) const {
  for (const auto& [name, listener] : listeners_) {
    if (!listener->active || listener->active->compiled.inline_routes == nullptr) continue;
    visit(*listener->active->compiled.inline_routes, listener->active->resource.last_updated);
  }
}

}  // namespace proxenos::server
