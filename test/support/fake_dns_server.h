// FakeDnsServer: a name server on a loopback port of the kernel's choice, on a thread of its own.
// It answers what the test has set, rightly or wrongly.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "source/net/address.h"

namespace proxenos::testing {

// What the server does about one name.
struct DnsScript {
  std::vector<std::string> v4 = {};
  std::vector<std::string> v6 = {};
  uint32_t ttl = 60;
  int rcode = 0;           // 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
  std::string cname = {};  // The addresses belong to this name, to which the asked one points.
  uint32_t cname_ttl = 60;
  bool drop = false;         // No answer.
  bool truncated = false;    // Over UDP only the TC bit comes; the answer is to be had over TCP.
  std::string garbage = {};  // These bytes, with the right id before them, instead of an answer.
  bool wrong_id = false;     // The answer is to another question.
  bool hold = false;         // Answers only after Release().
};

// Thread: the test's. Names without a script do not exist (NXDOMAIN).
class FakeDnsServer {
 public:
  FakeDnsServer();
  ~FakeDnsServer();
  FakeDnsServer(const FakeDnsServer&) = delete;
  FakeDnsServer& operator=(const FakeDnsServer&) = delete;

  const net::Address& address() const { return address_; }
  void Set(const std::string& name, DnsScript script);
  // Sends the answers that were held, and holds no more.
  void Release();
  // Questions seen, as "name A" or "name AAAA", with "/tcp" when they came that way.
  std::vector<std::string> Questions();
  // The datagrams that questions came in, with the port that each came from.
  struct Datagram {
    uint16_t port = 0;
    std::string bytes;
  };
  std::vector<Datagram> Datagrams();

 private:
  struct Held {
    std::string reply;
    net::Address to;
  };

  void Serve();
  void ServeUdp();
  void ServeTcp();
  // Empty: no answer.
  std::string Reply(const std::string& request, bool tcp, bool& hold);

  net::Address address_;
  int udp_ = -1;
  int tcp_ = -1;
  int stop_ = -1;

  std::mutex mutex_;  // Guards the rest.
  std::map<std::string, DnsScript> scripts_;
  std::vector<std::string> questions_;
  std::vector<Held> held_;
  std::vector<Datagram> datagrams_;
  bool released_ = false;
  std::thread thread_;
};

}  // namespace proxenos::testing
