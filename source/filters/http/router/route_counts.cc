// Finding of groups, and letting go of them.
#include "source/filters/http/router/route_counts.h"

#include <algorithm>
#include <memory>

namespace proxenos::filters::router {

base::Rc<RouteCounts::Group> RouteCounts::Of(const stats::ScopeShape& shape, Table& table,
                                             absl::string_view host, absl::string_view name) {
  const auto known = table.groups.find(Names(host, name));
  if (known != table.groups.end()) {
    known->second->used = true;
    return known->second;
  }
  if (table.groups.size() >= table.limit) {
    absl::erase_if(table.groups,
                   [](const auto& each) { return !std::exchange(each.second->used, false); });
    table.limit = std::max(kKept, 2 * table.groups.size());
  }
  base::Rc<Group> made(std::make_unique<Group>());
  made->stats = registry_.Open<stats::RouteStats>(stats::ScopeName(shape, {host, name}));
  made->used = true;
  table.groups.emplace(std::make_pair(std::string(host), std::string(name)), made);
  return made;
}

absl::string_view RequestCounts::Begin(RouteCounts* counts, const route::Route& route,
                                       const http::RequestHead& head) {
  const route::VirtualHost& host = *route.virtual_host;
  if (counts != nullptr && !route.stat_prefix.empty()) {
    route_ = counts->OfRoute(host.name, route.stat_prefix);
  }
  if (host.virtual_clusters.empty()) return {};
  const route::VirtualCluster* cluster = host.FindVirtualCluster(head);
  if (cluster == nullptr) return {};
  if (counts != nullptr) cluster_ = counts->OfVirtualCluster(host.name, cluster->name);
  return cluster->catch_all ? absl::string_view() : absl::string_view(cluster->name);
}

}  // namespace proxenos::filters::router
