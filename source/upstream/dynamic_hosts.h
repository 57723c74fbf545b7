// DynamicHosts: the hosts of a dynamic forward proxy on one worker: those of the names that its
// requests have asked for, as the shared SharedDnsCache has them.
//
// Owner: the WorkerCluster. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "source/event/event_loop.h"
#include "source/event/timer_wheel.h"
#include "source/stats/dns_cache_stats.h"
#include "source/stats/registry.h"
#include "source/upstream/dns_cache.h"
#include "source/upstream/dynamic_forward_proxy.h"
#include "source/upstream/dynamic_name.h"
#include "source/upstream/host_source.h"

namespace proxenos::upstream {

class DynamicHosts final : public HostSource {
 public:
  // `forget` is called with the id of each host that goes.
  DynamicHosts(event::EventLoop& loop, stats::Registry& registry,
               const DynamicForwardProxy& settings, std::shared_ptr<const SharedDnsCache> cache,
               absl::AnyInvocable<void(uint64_t)> forget);

  // By PickRequest::authority. Null: nobody has waited for that name, or it has no host.
  const std::shared_ptr<const Host>* Find(const PickRequest& request) override;
  DynamicHosts* dynamic() override { return this; }

  const SharedDnsCache& cache() const { return *cache_; }
  uint16_t default_port() const { return settings_.default_port; }
  // What is known of a name, good until the next call; null: it has to be waited for.
  const NameView* Look(const DynamicName& name);
  // Null, which is counted: too many wait already. `done` as in DnsWait::Begin.
  std::unique_ptr<DnsWait> Wait(const DynamicName& name, absl::AnyInvocable<void()> done);

 private:
  using Names = absl::flat_hash_map<std::string, NameView>;

  void Drop(Names::iterator name);
  void Clean();

  event::EventLoop& loop_;
  const DynamicForwardProxy& settings_;
  const std::shared_ptr<const SharedDnsCache> cache_;
  absl::AnyInvocable<void(uint64_t)> forget_;
  stats::Group<stats::DnsCacheRequestStats> stats_;
  Names names_;         // Those that were answered. By their keys.
  uint32_t added_ = 0;  // To them, since the last cleaning.
  event::Timer cleaning_;
};

}  // namespace proxenos::upstream
