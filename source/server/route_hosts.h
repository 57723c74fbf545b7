// RouteHosts: the virtual hosts of one route configuration that come by discovery (VHDS): those in
// force, and those that requests asked for. A part of the RouteStore.
//
// A resource is called "ROUTES/HOST"; its name and its aliases say for which authorities it was
// sent. That a domain stands in two hosts, or in the configuration itself too, is the fault of what
// came later.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "source/server/compilers.h"
#include "source/server/config_record.h"
#include "source/server/demanded_names.h"
#include "source/server/store_context.h"
#include "source/stats/registry.h"
#include "source/stats/vhds_stats.h"

namespace proxenos::server {

// "ROUTES" and "HOST" of a resource's name; a host has no slash, a route configuration may. The
// second is empty where there is none.
std::pair<std::string, std::string> SplitHostName(absl::string_view name);

// Owner: the RouteStore. Thread: main.
class RouteHosts {
 public:
  using Domains = absl::flat_hash_set<std::string>;

  RouteHosts(StoreContext context, std::string routes, HostsOrigin origin);

  const SourceKey& source() const { return origin_.source; }
  const HostsOrigin& origin() const { return origin_; }
  void SetOrigin(HostsOrigin origin) { origin_ = std::move(origin); }

  // One that came, well made by itself: its compiled form, and what is wrong with it beside the
  // others: a domain that another one has, or the configuration. Empty: it is in force.
  struct Candidate {
    const xds::Resource* resource;
    std::shared_ptr<const route::RouteTable> table;
    std::string problem = {};

    const std::vector<std::string>& domains() const {
      return table->virtual_hosts().front().domains;
    }
  };
  // Takes those that came together: domains may change hands among them. `written`: the
  // configuration's own. Of one that is refused, the version before stays.
  void Take(std::vector<Candidate>& candidates, const Domains& written);
  // It is in force as it was sent.
  bool Has(const xds::Resource& resource);
  void Refuse(const xds::Resource& resource, const std::string& reason);
  // False: there was none.
  bool Remove(const std::string& name);
  bool empty() const { return domains_.empty(); }
  // The first domain that a host here and the configuration both have; empty: none.
  std::string Conflict(const Domains& written) const;
  // The RouteConfiguration `routes`, serialized, with the hosts.
  std::string AddTo(const std::string& routes) const;
  // In order of the names.
  void ForEach(absl::FunctionRef<void(const ResourceView&)> visit) const;

  // Whether the source has said what it has at first, or its time was over.
  bool answered() const { return answered_; }
  void SetAnswered() { answered_ = true; }

  // By authority.
  DemandedNames& demands() { return demands_; }
  const DemandedNames& demands() const { return demands_; }
  // Asks for the host of `authority`. REQUIRES: it is not demanded yet, and there is room.
  void Ask(const std::string& authority);
  // Authorities that the source has answered for; what it said is perhaps not in force yet.
  std::set<std::string>& arrived() { return arrived_; }
  // Whether hosts went since this was last asked.
  bool TakeShrunk() { return std::exchange(shrunk_, false); }

  // Null until the route configuration's user is known.
  stats::Group<stats::VhdsStats>& stats() { return stats_; }

 private:
  struct Item {
    std::optional<ResourceVersion> active;
    std::optional<Refusal> refused;
    std::vector<std::string> domains;  // Of what is in force.
  };

  using Owners = absl::flat_hash_map<std::string, std::string>;

  void Release(const Item& item, Owners& owners) const;
  // Whose a domain would be if those without a problem were in force. False: there is a new one.
  bool Divide(std::vector<Candidate>& candidates, const Domains& written, Owners& owners) const;

  StoreContext context_;
  const std::string routes_;
  HostsOrigin origin_;
  NameClaim claim_;  // Of all hosts of the route configuration.
  absl::btree_map<std::string, Item> items_;
  Owners domains_;  // By domain, the resource that has it.
  DemandedNames demands_;
  std::set<std::string> arrived_;
  bool answered_ = false;
  bool shrunk_ = false;
  stats::Group<stats::VhdsStats> stats_;
};

}  // namespace proxenos::server
