// What the RouteStore keeps of one route configuration. Internal to it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/server/route_store.h"

namespace proxenos::server {

// One version of a route configuration, with the hosts that there were when it was compiled.
struct RouteStore::Version {
  ResourceVersion resource;              // As it was sent.
  std::optional<ResourceVersion> whole;  // With hosts by discovery; none: there are none.
  std::shared_ptr<const downstream::RouteSnapshot> snapshot;
  base::MonoTime deadline = base::kNever;   // Of its wait for clusters, servers and secrets.
  std::vector<tls::SecretCellPtr> secrets;  // Those that its overrides of filters name.
  // Clusters that stand for servers which those name by their addresses (google_grpc).
  std::vector<std::string> own_targets;

  bool discovers = false;             // vhds
  base::MonoTime hosts_deadline = 0;  // Of its wait for the first of them.
  RouteHosts::Domains written;        // The domains of `resource`, with vhds alone.
  size_t written_hosts = 0;
  bool validates = false;  // validate_clusters

  const ResourceVersion& shown() const { return whole.has_value() ? *whole : resource; }
  // The host by discovery that serves `authority`, or null.
  const route::VirtualHost* FindDiscovered(const std::string& authority) const {
    const route::RouteTable& table = *snapshot->table;
    const route::VirtualHost* host = table.FindVirtualHost(authority);
    const bool is_written =
        host != nullptr && static_cast<size_t>(host - table.virtual_hosts().data()) < written_hosts;
    return is_written ? nullptr : host;
  }
};

struct RouteStore::Entry {
  SourceKey source;
  std::unique_ptr<Version> active;
  std::unique_ptr<Version> warming;
  std::optional<Refusal> refused;
  bool missing = false;  // Said not to exist, before there was any.
  // Of the version in force, and of the one that warms unless it has others. Null: no vhds.
  std::unique_ptr<RouteHosts> hosts;
  std::unique_ptr<RouteHosts> next_hosts;  // Of the one that warms, from another source.

  RouteHosts* hosts_of_warming() const {
    if (!warming->discovers) return nullptr;
    return next_hosts != nullptr ? next_hosts.get() : hosts.get();
  }
  // The newest version that goes with `which`; null: it is about to be replaced.
  Version* VersionOf(const RouteHosts& which) const {
    if (warming != nullptr && hosts_of_warming() == &which) return warming.get();
    return warming == nullptr && active != nullptr && active->discovers ? active.get() : nullptr;
  }
};

}  // namespace proxenos::server
