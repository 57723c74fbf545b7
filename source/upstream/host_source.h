// HostSource: who says where a request goes, in clusters where it is not balancing over all of
// their hosts: hosts that are made as they are asked for, and those of other clusters.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "source/base/random.h"
#include "source/event/event_loop.h"
#include "source/stats/registry.h"
#include "source/upstream/cluster.h"
#include "source/upstream/host.h"
#include "source/upstream/pick_request.h"

namespace proxenos::upstream {

class DynamicHosts;
class WorkerCluster;

// The filter state (of one stream) by which a filter says whom a request is for, where that is not
// its authority: of dynamic forward proxies.
inline constexpr absl::string_view kDynamicAuthority = "proxenos.dynamic_authority";

// Owner: the WorkerCluster. Thread: the worker's.
class HostSource {
 public:
  virtual ~HostSource() = default;

  // Null: no host can be used. Good until the next call.
  virtual const std::shared_ptr<const Host>* Find(const PickRequest& request) = 0;
  // Of a dynamic forward proxy: itself, for the filter that waits for names; else null.
  virtual DynamicHosts* dynamic() { return nullptr; }

  // Whether it is Delegate that says where a request goes, and not Find.
  virtual bool delegates() const { return false; }
  // The cluster that is to be asked for a host, by `request` as it then is; null: none can. Sets
  // what the attempt's priority is called here. Good until the next call.
  virtual WorkerCluster* Delegate(PickRequest&, uint8_t*) { return nullptr; }
  // That cluster chose this host.
  virtual void Note(const Host&) {}
  // The cluster that chose it, where that is known; else null.
  virtual WorkerCluster* OwnerOf(const Host&) { return nullptr; }
};

// What makes the source of a dynamic forward proxy, on each worker. Shared by them.
class DnsCache {
 public:
  struct Parts {
    event::EventLoop& loop;
    stats::Registry& registry;
    const ClusterConfig& config;  // Outlives the source.
    std::shared_ptr<const DnsCache> self;
    // Called with the id of each host that goes.
    absl::AnyInvocable<void(uint64_t)> forget;
  };

  virtual ~DnsCache() = default;
  virtual std::unique_ptr<HostSource> MakeSource(Parts parts) const = 0;
};

// Of an aggregate cluster; both outlive it.
std::unique_ptr<HostSource> MakeAggregateHosts(WorkerCluster& own, base::Random& random);

// Another number whenever some cluster of this thread has got other hosts.
uint64_t HostChanges();

}  // namespace proxenos::upstream
