// What others see of the listeners.
#include "source/server/listener_version.h"

namespace proxenos::server {

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
    if (!listener->active) continue;
    for (const RouteOrigin& origin : listener->active->compiled.routes) {
      if (origin.written != nullptr)
        visit(*origin.written, listener->active->resource.last_updated);
    }
  }
}

void ListenerStore::ForEachScopeList(
    absl::FunctionRef<void(const std::string&, const std::vector<std::string>&, base::WallTime)>
        visit) const {
  for (const auto& [name, listener] : listeners_) {
    if (!listener->active) continue;
    const Version& version = *listener->active;
    for (size_t i = 0; i < version.chains().size(); ++i) {
      const std::vector<std::string>& written = version.compiled.routes[i].written_scopes;
      if (written.empty()) continue;
      visit(version.chains()[i]->http->scopes->name, written, version.resource.last_updated);
    }
  }
}

void ListenerStore::ForEachContext(absl::FunctionRef<void(const tls::Context&)> visit) const {
  for (const auto& [name, listener] : listeners_) {
    if (!listener->active) continue;
    for (const auto& context : listener->active->tls.contexts()) {
      if (context != nullptr) visit(*context);
    }
  }
}

}  // namespace proxenos::server
