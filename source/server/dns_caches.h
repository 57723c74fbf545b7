// DnsCaches: the DNS caches of dynamic forward proxies: one for each configuration of one, whoever
// uses it. It goes when the last of its users does, so a cluster that changes keeps its names.
#pragma once

#include <memory>
#include <string>

#include "absl/container/btree_map.h"
#include "source/event/event_loop.h"
#include "source/net/dns_resolvers.h"
#include "source/server/batch.h"
#include "source/stats/registry.h"
#include "source/upstream/dns_cache_keeper.h"
#include "source/upstream/dynamic_forward_proxy.h"

namespace proxenos::server {

// Owner: the server. Thread: main.
class DnsCaches {
 public:
  DnsCaches(event::EventLoop& loop, stats::Registry& registry, net::DnsResolvers& resolvers);
  ~DnsCaches();

  // Gives the dynamic forward proxies of a batch their caches, before it is published; lets go of
  // those of clusters that it removes.
  void Complete(Batch& batch);
  size_t size() const { return caches_.size(); }

 private:
  struct Entry {
    size_t users = 0;
    std::unique_ptr<upstream::DnsCacheKeeper> keeper;
  };

  // The cluster uses that cache from now on, and no other.
  const std::shared_ptr<const upstream::SharedDnsCache>& Use(
      const std::string& cluster, const upstream::DnsCacheSettings& settings);
  void LetGo(const std::string& cluster);
  void Leave(const std::string& key);

  event::EventLoop& loop_;
  stats::Registry& registry_;
  net::DnsResolvers& resolvers_;
  absl::btree_map<std::string, Entry> caches_;       // By their configuration.
  absl::btree_map<std::string, std::string> users_;  // Which of them a cluster uses.
  stats::ReadHook before_read_;
};

}  // namespace proxenos::server
