// RouteTable: a RouteConfiguration, compiled: host to virtual host to route.
//
// Immutable after Build and shared by all workers (each pins it once, see base::Held). Views that
// it hands out live as long as it does. Thread: any. Dies when: the last worker and stream that
// pinned it let go.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/route/radix_tree.h"
#include "source/route/route.h"

namespace proxenos::route {

// A value with %OPERATORS%, for the filter layer to compile.
struct FormatString {
  std::string text;
  std::string path;  // The configuration field that first had it, for errors.
};

// The parts that a table is built from; route_config.h makes them from protos.
struct RouteTableParts {
  std::string name;
  std::vector<VirtualHost> virtual_hosts;
  HeaderMutations request_headers;
  HeaderMutations response_headers;
  FilterOverrides filter_overrides;
  std::vector<std::string> internal_only_headers;  // Lower case.
  std::vector<FormatString> formats;
  std::vector<std::string> cluster_names;
  bool most_specific_header_mutations_wins = false;
  bool ignore_port_in_host_matching = false;
  bool ignore_path_parameters = false;
  FieldName vhost_header;  // In the place of the authority; empty: none.
  std::optional<bool> validate_clusters;
  bool discovers_hosts = false;
};

class RouteTable {
 public:
  // REQUIRES: domains are not empty, in lower case, and none occurs twice.
  explicit RouteTable(RouteTableParts parts);
  static std::shared_ptr<const RouteTable> Build(RouteTableParts parts);

  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;

  // The route that serves the request, or nullptr (404). route->virtual_host says where it stands.
  // Does not allocate unless a regex or a header that occurs several times is looked at.
  const Route* Match(const MatchInput& input) const;
  // The virtual host for an authority, in Envoy's order: exact, longest `*suffix`, longest
  // `prefix*`,
  // `*`; nullptr when none.
  const VirtualHost* FindVirtualHost(absl::string_view authority) const;
  // What chooses a request's virtual host: its authority, or the field that vhost_header names.
  absl::string_view HostOf(const http::RequestHead& head) const {
    return parts_.vhost_header.empty() ? head.authority : NamedHost(head);
  }

  // What is matched of a request's target: its path without the query, and where parameters of
  // segments are ignored, without those. The result may point into `storage`.
  absl::string_view PathToMatch(absl::string_view target, std::string& storage) const;

  const std::string& name() const { return parts_.name; }
  const std::vector<VirtualHost>& virtual_hosts() const { return parts_.virtual_hosts; }
  // Format strings that HeaderAddition::format_index counts.
  const std::vector<FormatString>& formats() const { return parts_.formats; }
  // Every cluster that a route names, once: what validate_clusters checks.
  const std::vector<std::string>& cluster_names() const { return parts_.cluster_names; }
  // As configured; when it is not, static tables are checked and those of RDS are not (as in
  // Envoy).
  std::optional<bool> validate_clusters() const { return parts_.validate_clusters; }
  // RouteConfiguration.vhds: a host that is not here may come when it is asked for.
  bool discovers_hosts() const { return parts_.discovers_hosts; }
  const std::vector<std::string>& internal_only_headers() const {
    return parts_.internal_only_headers;
  }

  const FilterOverrides& filter_overrides() const { return parts_.filter_overrides; }

  // Calls visit(const HeaderMutations&) for each level that has any, in the order in which they are
  // to be applied: weighted cluster (may be null), route, virtual host, table; or, with
  // most_specific_header_mutations_wins, the last three the other way round.
  template <typename Visit>
  void ForEachRequestMutations(const Route& route, const WeightedCluster* cluster,
                               Visit visit) const {
    ForEachLevel(cluster == nullptr ? nullptr : &cluster->request_headers, route.request_headers,
                 route.virtual_host->request_headers, parts_.request_headers, visit);
  }
  template <typename Visit>
  void ForEachResponseMutations(const Route& route, const WeightedCluster* cluster,
                                Visit visit) const {
    ForEachLevel(cluster == nullptr ? nullptr : &cluster->response_headers, route.response_headers,
                 route.virtual_host->response_headers, parts_.response_headers, visit);
  }

 private:
  template <typename Visit>
  void ForEachLevel(const HeaderMutations* cluster, const HeaderMutations& route,
                    const HeaderMutations& virtual_host, const HeaderMutations& table,
                    Visit& visit) const {
    const auto apply = [&visit](const HeaderMutations& level) {
      if (!level.empty()) visit(level);
    };
    if (cluster != nullptr) apply(*cluster);
    apply(parts_.most_specific_header_mutations_wins ? table : route);
    apply(virtual_host);
    apply(parts_.most_specific_header_mutations_wins ? route : table);
  }

  absl::string_view NamedHost(const http::RequestHead& head) const;
  void AddDomain(absl::string_view domain, uint32_t virtual_host);

  RouteTableParts parts_;
  // Values are indices into parts_.virtual_hosts.
  absl::flat_hash_map<absl::string_view, uint32_t> exact_;  // Keys live in VirtualHost::domains.
  RadixTree suffixes_;                                      // Of `*suffix`, spelt backwards.
  RadixTree prefixes_;                                      // Of `prefix*`.
  const VirtualHost* any_ = nullptr;                        // `*`
  bool any_only_ = false;                                   // There is nothing but `*`.
};

}  // namespace proxenos::route
