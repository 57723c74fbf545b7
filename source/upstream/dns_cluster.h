// DnsCluster: keeps the names of a STRICT_DNS or LOGICAL_DNS cluster resolved and tells when the
// endpoints have changed.
//
// STRICT_DNS: every address of every name is an endpoint. LOGICAL_DNS: the one name is, at its
// first address, and the others are where connections try their luck besides. A failed look-up
// keeps what was known; a name without addresses loses its endpoints.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "source/event/event_loop.h"
#include "source/net/dns_resolver.h"
#include "source/upstream/cluster.h"

namespace proxenos::upstream {

// Counts, for the cluster's stats (update_attempt, update_success, update_failure, update_empty,
// update_no_rebuild).
struct DnsCounts {
  uint64_t attempts = 0;
  uint64_t successes = 0;
  uint64_t failures = 0;
  uint64_t empty = 0;
  uint64_t unchanged = 0;  // Of the successes: the addresses are those of the answer before.
};

// Owner: the cluster on the main thread. Thread: main. Dies when: the cluster does; cancels.
class DnsCluster {
 public:
  // Told of new endpoints: all resolved, in place of the names. Comes first when warming is over,
  // and later whenever something has changed. Never comes inside Start. May not destroy the
  // DnsCluster.
  using OnAssignment = absl::AnyInvocable<void(std::shared_ptr<const Assignment>)>;

  // REQUIRES: `config` is of a DNS kind. Nothing is asked before Start. `resolver` is a share in
  // the one that the cluster's DnsSettings ask for (net/dns_resolvers.h).
  DnsCluster(event::EventLoop& loop, std::unique_ptr<net::DnsResolver> resolver,
             std::shared_ptr<const ClusterConfig> config, OnAssignment on_assignment);
  ~DnsCluster();
  DnsCluster(const DnsCluster&) = delete;
  DnsCluster& operator=(const DnsCluster&) = delete;

  void Start();
  // A name has addresses, or every name was answered or has failed.
  bool warmed() const { return warmed_; }
  const DnsCounts& counts() const { return counts_; }

 private:
  class Name;

  void OnNameDone(bool first, bool has_addresses, bool changed);
  void Report();
  const Name& NameOf(const std::string& dns_name) const;
  void AddResolved(const Endpoint& endpoint, std::vector<Endpoint>& out) const;
  static void AddLogical(const Endpoint& endpoint, const std::vector<net::Address>& addresses,
                         std::vector<Endpoint>& out);
  std::shared_ptr<const Assignment> Resolved() const;

  event::EventLoop& loop_;
  const std::unique_ptr<net::DnsResolver> resolver_;
  const std::shared_ptr<const ClusterConfig> config_;
  OnAssignment on_assignment_;
  event::Timer nothing_to_resolve_;  // Ends warming when all endpoints are numeric.

  absl::flat_hash_map<std::string, std::unique_ptr<Name>> names_;  // Distinct names.
  size_t unanswered_ = 0;  // Names that were neither answered nor failed yet.
  bool warmed_ = false;
  DnsCounts counts_;
};

}  // namespace proxenos::upstream
