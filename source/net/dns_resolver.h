// DnsResolver: names to addresses, without blocking the loop. One of the eight seams: c-ares
// (cares_resolver.h) and a scripted one for tests.
//
// Invariant: an answer never comes inside Resolve (a downcall never upcalls), and none comes after
// the query's handle is gone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/net/address.h"

namespace proxenos::net {

// Cluster.DnsLookupFamily. kAuto: IPv6, and IPv4 if there is none; kV4Preferred: the reverse.
enum class DnsFamily : uint8_t { kAuto, kV4Only, kV6Only, kV4Preferred, kAll };

// Which servers are asked, and how. Equal options may share a resolver.
struct DnsOptions {
  std::vector<Address> servers;  // Empty: those of the system (/etc/resolv.conf).
  bool use_tcp = false;
  bool no_search_domains = false;
  bool rotate = false;  // Ask the servers in turn rather than the first one first.
  base::Nanos query_timeout = 5 * base::kSecond;
  uint32_t query_tries = 4;  // Per server.
  // `servers` are asked only where the system has none.
  bool servers_as_fallback = false;
  // Addresses of a family that no interface but loopback has are left out of answers.
  bool filter_unroutable = false;
  uint32_t udp_max_queries = 0;   // From one socket; 0: as many as come.
  uint32_t edns_payload = 0;      // EDNS0, and the largest answer by UDP; 0: without it.
  base::Nanos channel_age = 0;    // Sockets older than this are given up; 0: never.
  bool renew_on_timeout = false;  // And those on which a question had no answer.

  friend bool operator==(const DnsOptions&, const DnsOptions&) = default;
};

enum class DnsStatus : uint8_t {
  kOk,       // Answered. No addresses: the name has none, or does not exist.
  kFailed,   // No server gave a usable answer.
  kTimeout,  // No server answered in time.
};

struct DnsAnswer {
  DnsStatus status = DnsStatus::kFailed;
  std::vector<Address> addresses;  // Port 0; in the order of the answer, no duplicates.
  base::Nanos ttl = base::kNever;  // The least of the records; kNever where none says.
  std::string error;               // Words for a log, unless kOk.
};

// A question under way. Owner: whoever asked (a member). Its destructor cancels.
class DnsQuery {
 public:
  virtual ~DnsQuery() = default;
};

// Owner: the main thread's server. Thread: the loop's. Outlives its queries.
class DnsResolver {
 public:
  // Called once. May destroy the query's handle.
  using Done = absl::AnyInvocable<void(DnsAnswer)>;

  virtual ~DnsResolver() = default;

  // Asks for the addresses of `name`. Numeric addresses and /etc/hosts are answered without a
  // server. The answer comes in a later step of the loop.
  virtual std::unique_ptr<DnsQuery> Resolve(absl::string_view name, DnsFamily family,
                                            Done done) = 0;
};

}  // namespace proxenos::net
