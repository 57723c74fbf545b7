// Who has which domain.
#include "source/server/route_hosts.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "source/xds/type_url.h"

namespace proxenos::server {

std::pair<std::string, std::string> SplitHostName(absl::string_view name) {
  const size_t slash = name.rfind('/');
  if (slash == absl::string_view::npos) return {std::string(name), ""};
  return {std::string(name.substr(0, slash)), std::string(name.substr(slash + 1))};
}

RouteHosts::RouteHosts(StoreContext context, std::string routes, HostsOrigin origin)
    : context_(context),
      routes_(std::move(routes)),
      origin_(std::move(origin)),
      claim_(context_.wanted.Claim(xds::kVirtualHostType, origin_.source, routes_)) {}

bool RouteHosts::Has(const xds::Resource& resource) {
  const auto found = items_.find(resource.name);
  if (found == items_.end() || !found->second.active.has_value() ||
      !found->second.active->SameBytes(resource)) {
    return false;
  }
  found->second.refused.reset();
  return true;
}

bool RouteHosts::Divide(std::vector<Candidate>& candidates, const Domains& written,
                        Owners& owners) const {
  for (const Candidate& each : candidates) {
    const auto item = items_.find(each.resource->name);
    if (each.problem.empty() && item != items_.end()) Release(item->second, owners);
  }
  for (Candidate& each : candidates) {
    if (!each.problem.empty()) continue;
    config::Errors errors;
    const std::vector<std::string>& domains = each.domains();
    for (size_t i = 0; i < domains.size(); ++i) {
      const auto owner = owners.find(domains[i]);
      if (owner == owners.end() && !written.contains(domains[i])) continue;
      errors.AddValue(config::Path("domains").Index(i), domains[i],
                      owner != owners.end()
                          ? absl::StrCat("a domain that ", owner->second, " does not have")
                          : "a domain that the route configuration itself does not have");
    }
    if (!errors.ok()) {
      each.problem = std::string(errors.ToStatus().message());
      return false;
    }
    for (const std::string& domain : domains) owners[domain] = each.resource->name;
  }
  return true;
}

void RouteHosts::Take(std::vector<Candidate>& candidates, const Domains& written) {
  Owners owners = domains_;
  // Each round finds one more that cannot be, whose version before keeps its domains then.
  while (!Divide(candidates, written, owners)) owners = domains_;
  domains_ = std::move(owners);
  for (const Candidate& each : candidates) {
    if (!each.problem.empty()) continue;
    Item& item = items_[each.resource->name];
    item.refused.reset();
    item.active = ResourceVersion::Of(*each.resource, context_.loop.wall_now());
    item.domains = each.domains();
  }
}

void RouteHosts::Refuse(const xds::Resource& resource, const std::string& reason) {
  items_[resource.name].refused =
      Refusal{ResourceVersion::Of(resource, context_.loop.wall_now()), reason};
}

bool RouteHosts::Remove(const std::string& name) {
  const auto found = items_.find(name);
  if (found == items_.end()) return false;
  const bool was_active = found->second.active.has_value();
  Release(found->second, domains_);
  items_.erase(found);
  shrunk_ |= was_active;
  return was_active;
}

void RouteHosts::Release(const Item& item, Owners& owners) const {
  for (const std::string& domain : item.domains) owners.erase(domain);
}

std::string RouteHosts::Conflict(const Domains& written) const {
  for (const auto& [domain, owner] : domains_) {
    if (written.contains(domain)) return absl::StrCat(domain, " is that of ", owner, " (vhds)");
  }
  return "";
}

std::string RouteHosts::AddTo(const std::string& routes) const {
  // Messages that are written one after the other are one: elements of repeated fields add up.
  constexpr char kVirtualHosts = 2 << 3 | 2;  // RouteConfiguration.virtual_hosts, with a length.
  std::string all = routes;
  for (const auto& [name, item] : items_) {
    if (!item.active.has_value()) continue;
    const std::string& host = *item.active->bytes;
    uint8_t length[10];
    const uint8_t* end = google::protobuf::io::CodedOutputStream::WriteVarint32ToArray(
        static_cast<uint32_t>(host.size()), length);
    all.push_back(kVirtualHosts);
    all.append(reinterpret_cast<const char*>(length), static_cast<size_t>(end - length));
    all.append(host);
  }
  return all;
}

void RouteHosts::ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const {
  for (const auto& [name, item] : items_) {
    ResourceView view{name};
    if (item.active.has_value()) view.active = &*item.active;
    if (item.refused.has_value()) view.refused = &*item.refused;
    visit(view);
  }
}

void RouteHosts::Ask(const std::string& authority) {
  demands_.Ask(authority,
               context_.wanted.Claim(xds::kVirtualHostType, origin_.source,
                                     absl::StrCat(routes_, "/", authority)),
               context_.loop.now());
}

}  // namespace proxenos::server
