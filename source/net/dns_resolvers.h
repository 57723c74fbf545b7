// DnsResolvers: one CaresResolver for each set of options in use, shared by those who ask for the
// same.
//
// Invariant: a resolver lives as long as a share in it, so options that come and go with the
// configuration leave nothing behind.
#pragma once

#include <memory>
#include <vector>

#include "source/event/event_loop.h"
#include "source/net/dns_resolver.h"

namespace proxenos::net {

// Owner: the main thread's server. Thread: main. Outlives the shares.
class DnsResolvers {
 public:
  explicit DnsResolvers(event::EventLoop& loop) : loop_(loop) {}
  DnsResolvers(const DnsResolvers&) = delete;
  DnsResolvers& operator=(const DnsResolvers&) = delete;
  ~DnsResolvers();

  // A share in the resolver with these options, which is made if there is none.
  std::unique_ptr<DnsResolver> Share(const DnsOptions& options);

  size_t size() const { return all_.size(); }

 private:
  class Counted;
  class Shared;

  event::EventLoop& loop_;
  std::vector<Counted*> all_;  // Those with a share; each takes itself out.
};

}  // namespace proxenos::net
