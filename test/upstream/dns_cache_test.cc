// The cache of a dynamic forward proxy over a scripted resolver and simulated time: what the main
// thread finds out, and what a worker sees of it.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/upstream/dns_cache_keeper.h"
#include "source/upstream/dynamic_hosts.h"
#include "test/support/scripted_dns_resolver.h"
#include "test/support/sim_clock.h"

namespace proxenos::upstream {
namespace {

using base::kSecond;

class DnsCacheTest : public ::testing::Test {
 protected:
  DnsCacheTest() {
    clock_.Advance(1000 * kSecond);
    settings_.cache.name = "c";
    settings_.cache.dns.refresh_rate = 60 * kSecond;
    settings_.cache.dns.failure_refresh_base = 2 * kSecond;
    settings_.cache.dns.failure_refresh_max = 2 * kSecond;
  }

  void Start() {
    loop_.RunOnce(0);
    keeper_.emplace(loop_, resolver_.Share(), registry_, settings_.cache);
    hosts_ = std::make_unique<DynamicHosts>(loop_, registry_, settings_, keeper_->cache(),
                                            [this](uint64_t id) { forgotten_.push_back(id); });
  }
  void Wait(base::Nanos time) {
    clock_.Advance(time);
    loop_.RunOnce(0);
  }
  static DynamicName Named(const std::string& host) { return DynamicName{host, 80}; }
  // A request for `host` comes; it waits.
  std::unique_ptr<DnsWait> Ask(const std::string& host) {
    auto wait = hosts_->Wait(Named(host), [this] { ++woken_; });
    loop_.RunOnce(0);
    return wait;
  }
  // And the name has this address.
  void Know(const std::string& host, const std::string& ip = "10.0.0.1",
            base::Nanos ttl = base::kNever) {
    const auto wait = Ask(host);
    resolver_.Answer(host, {ip}, ttl);
    loop_.RunOnce(0);
  }
  // "pending", "failed", "refused", or the address.
  static std::string TextOf(const NameView* view) {
    if (view == nullptr || view->state == NameState::kPending) return "pending";
    if (view->state == NameState::kFailed) return "failed";
    return view->host == nullptr ? "refused" : view->host->address().ToString();
  }
  std::string Look(const std::string& host) { return TextOf(hosts_->Look(Named(host))); }
  uint64_t Stat(absl::string_view name) {
    keeper_->RefreshStats();
    uint64_t sum = 0;
    for (const stats::ScopeReading& scope : registry_.Read()) {
      for (size_t i = 0; i < scope.schema->stats.size(); ++i) {
        if (absl::StrCat(scope.name.prefix(), scope.schema->stats[i].name) == name) {
          sum += scope.total.values[i];
        }
      }
    }
    return sum;
  }

  proxenos::testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  proxenos::testing::ScriptedDnsResolver resolver_;
  stats::Registry registry_;
  DynamicForwardProxy settings_;
  std::optional<DnsCacheKeeper> keeper_;
  std::vector<uint64_t> forgotten_;
  std::unique_ptr<DynamicHosts> hosts_;
  int woken_ = 0;
};

TEST_F(DnsCacheTest, ANameIsAskedForOnceAndThenKnown) {
  Start();
  EXPECT_EQ(Look("a"), "pending");
  EXPECT_EQ(resolver_.asked(), 0);  // Looking asks nobody.
  const auto first = Ask("a");
  const auto second = Ask("a");
  EXPECT_EQ(resolver_.asked(), 1);
  resolver_.Answer("a", {"10.0.0.1", "10.0.0.2"});
  EXPECT_EQ(woken_, 0);
  loop_.RunOnce(0);
  EXPECT_EQ(woken_, 2);
  const NameView view = first->Look();
  EXPECT_EQ(TextOf(&view), "10.0.0.1:80");
  EXPECT_EQ(Look("a"), "10.0.0.1:80");
  EXPECT_EQ(hosts_->Look(Named("a"))->host->hostname(), "a");
  PickRequest request;
  request.authority = "A:80";
  EXPECT_NE(hosts_->Find(request), nullptr);
  request.authority = "a:81";  // Another port is another name.
  EXPECT_EQ(hosts_->Find(request), nullptr);
  EXPECT_EQ(Stat("dns_cache.c.num_hosts"), 1u);
  EXPECT_EQ(Stat("dns_cache.c.host_added"), 1u);
  EXPECT_EQ(Stat("dns_cache.c.dns_query_success"), 1u);
}

TEST_F(DnsCacheTest, AWaitThatComesTooLateIsToldAtOnce) {
  Start();
  Know("a");
  woken_ = 0;
  const auto wait = Ask("a");
  EXPECT_EQ(woken_, 1);
  EXPECT_EQ(resolver_.asked(), 1);
}

TEST_F(DnsCacheTest, AWaitThatDiesIsNotTold) {
  Start();
  auto dies = Ask("a");
  auto dies_late = Ask("a");
  const auto stays = Ask("a");
  EXPECT_EQ(Stat("dns_cache.c.circuit_breakers.rq_pending_remaining"), 1021u);
  dies.reset();
  resolver_.Answer("a", {"10.0.0.1"});
  dies_late.reset();  // It was told, but has not heard it yet.
  loop_.RunOnce(0);
  EXPECT_EQ(woken_, 1);
}

TEST_F(DnsCacheTest, OnlySoManyWait) {
  settings_.cache.max_pending_requests = 2;
  Start();
  auto first = Ask("a");
  const auto second = Ask("b");
  EXPECT_EQ(Ask("c"), nullptr);
  EXPECT_EQ(resolver_.asked(), 2);
  EXPECT_EQ(Stat("dns_cache.c.dns_rq_pending_overflow"), 1u);
  EXPECT_EQ(Stat("dns_cache.c.circuit_breakers.rq_pending_open"), 1u);
  first.reset();
  EXPECT_NE(Ask("c"), nullptr);
  EXPECT_EQ(Stat("dns_cache.c.circuit_breakers.rq_pending_remaining"), 1u);
}

TEST_F(DnsCacheTest, AFailureIsRememberedUntilTheNextAnswer) {
  Start();
  const auto wait = Ask("a");
  resolver_.Fail("a");
  loop_.RunOnce(0);
  EXPECT_EQ(woken_, 1);
  EXPECT_EQ(Look("a"), "failed");
  EXPECT_EQ(resolver_.asked(), 1);
  Wait(2 * kSecond);
  EXPECT_EQ(resolver_.asked(), 2);
  EXPECT_EQ(Look("a"), "failed");  // Also while it is asked for again.
  resolver_.Answer("a", {"10.0.0.1"});
  EXPECT_EQ(Look("a"), "10.0.0.1:80");
  EXPECT_EQ(Stat("dns_cache.c.dns_query_failure"), 1u);
}

TEST_F(DnsCacheTest, ANameWithoutAddressesFails) {
  Start();
  const auto wait = Ask("a");
  resolver_.Answer("a", {});
  EXPECT_EQ(Look("a"), "failed");
}

TEST_F(DnsCacheTest, WithoutRefreshOnFailureItIsAskedForByTheNextRequest) {
  settings_.cache.refresh_on_failure = false;
  Start();
  const auto wait = Ask("a");
  resolver_.Fail("a");
  loop_.RunOnce(0);
  const NameView view = wait->Look();
  EXPECT_EQ(TextOf(&view), "failed");
  EXPECT_EQ(Look("a"), "pending");
  EXPECT_EQ(Stat("dns_cache.c.num_hosts"), 0u);
  Know("a");
  EXPECT_EQ(Look("a"), "10.0.0.1:80");
}

TEST_F(DnsCacheTest, AFailureLaterKeepsWhatWasKnown) {
  Start();
  Know("a");
  Wait(60 * kSecond);
  resolver_.Fail("a");
  EXPECT_EQ(Look("a"), "10.0.0.1:80");
}

TEST_F(DnsCacheTest, RefreshFollowsTheRecords) {
  Start();
  Know("a", "10.0.0.1", 30 * kSecond);
  Know("b", "10.0.0.2", 1 * kSecond);  // At least dns_min_refresh_rate.
  Wait(4 * kSecond);
  EXPECT_TRUE(resolver_.Open().empty());
  Wait(1 * kSecond);
  EXPECT_EQ(resolver_.Open(), std::vector<std::string>{"b"});
  resolver_.Answer("b", {"10.0.0.2"}, 1000 * kSecond);
  Wait(25 * kSecond);
  EXPECT_EQ(resolver_.Open(), std::vector<std::string>{"a"});
}

TEST_F(DnsCacheTest, ANewAddressIsTheSameHost) {
  Start();
  Know("a");
  const uint64_t id = hosts_->Look(Named("a"))->host->id();
  Wait(60 * kSecond);
  resolver_.Answer("a", {"10.0.0.9"});
  EXPECT_EQ(Look("a"), "10.0.0.9:80");
  EXPECT_EQ(hosts_->Look(Named("a"))->host->id(), id);
  EXPECT_EQ(Stat("dns_cache.c.host_address_changed"), 1u);
  EXPECT_TRUE(forgotten_.empty());
}

TEST_F(DnsCacheTest, WhatNobodyUsesIsForgotten) {
  settings_.cache.host_ttl = 100 * kSecond;
  Start();
  Know("used");
  Know("unused");
  const uint64_t id = hosts_->Look(Named("unused"))->host->id();
  for (int i = 0; i < 3; ++i) {
    Wait(60 * kSecond);
    for (const std::string& name : resolver_.Open()) resolver_.Answer(name, {"10.0.0.1"});
    EXPECT_EQ(Look("used"), "10.0.0.1:80");
  }
  EXPECT_EQ(Stat("dns_cache.c.num_hosts"), 1u);
  EXPECT_EQ(Stat("dns_cache.c.host_removed"), 1u);
  Wait(10 * kSecond);  // The worker lets its pools go.
  EXPECT_EQ(forgotten_, std::vector<uint64_t>{id});
  EXPECT_EQ(Look("unused"), "pending");
}

TEST_F(DnsCacheTest, AFullCacheForgetsWhatWasNotUsedForLongest) {
  settings_.cache.max_hosts = 3;
  Start();
  for (const char* name : {"a", "b", "c"}) {
    Know(name);
    Wait(2 * kSecond);
  }
  EXPECT_EQ(Look("a"), "10.0.0.1:80");
  Know("d");
  EXPECT_EQ(Look("d"), "10.0.0.1:80");
  // Sixteen of three are drawn: all of them, but for one draw in several hundred.
  EXPECT_EQ(Stat("dns_cache.c.num_hosts"), 3u);
  EXPECT_EQ(Stat("dns_cache.c.host_removed"), 1u);
  EXPECT_EQ(Stat("dns_cache.c.host_overflow"), 0u);
}

TEST_F(DnsCacheTest, EverNewNamesAreNotKeptByWorkers) {
  settings_.cache.max_hosts = 3;
  Start();
  constexpr size_t kNames = 1000;
  for (size_t i = 0; i < kNames; ++i) {
    const std::string name = absl::StrCat("n", i);
    Know(name);
    EXPECT_EQ(Look(name), "10.0.0.1:80");
    Wait(2 * base::kMillisecond);  // All of them within two seconds.
  }
  EXPECT_EQ(Stat("dns_cache.c.num_hosts"), 3u);
  EXPECT_GE(forgotten_.size(), kNames - 200);
}

TEST_F(DnsCacheTest, ACacheThatIsFullOfQuestionsTakesNoMore) {
  settings_.cache.max_hosts = 2;
  Start();
  const auto a = Ask("a");
  const auto b = Ask("b");
  const auto c = Ask("c");
  loop_.RunOnce(0);
  EXPECT_EQ(woken_, 1);
  const NameView view = c->Look();
  EXPECT_EQ(TextOf(&view), "refused");
  EXPECT_EQ(Stat("dns_cache.c.host_overflow"), 1u);
  EXPECT_EQ(Look("c"), "pending");  // It may be asked for again.
}

TEST_F(DnsCacheTest, AQueryTakesOnlySoLong) {
  settings_.cache.query_timeout = 3 * kSecond;
  Start();
  const auto wait = Ask("a");
  Wait(3 * kSecond);
  loop_.RunOnce(0);
  EXPECT_EQ(woken_, 1);
  EXPECT_EQ(Look("a"), "failed");
  EXPECT_TRUE(resolver_.Open().empty());
  EXPECT_EQ(Stat("dns_cache.c.dns_query_timeout"), 1u);
}

TEST_F(DnsCacheTest, SomeNamesAreAskedForAhead) {
  settings_.cache.preresolved = {Named("a"), Named("b")};
  Start();
  EXPECT_EQ(resolver_.Open(), (std::vector<std::string>{"a", "b"}));
  resolver_.Answer("a", {"10.0.0.1"});
  EXPECT_EQ(Look("a"), "10.0.0.1:80");
}

TEST_F(DnsCacheTest, AddressesThatMayNotBeUsed) {
  settings_.cache.removed.ranges = {*match::IpRange::Parse("127.0.0.0", 8),
                                    *match::IpRange::Parse("10.0.0.0", 8),
                                    *match::IpRange::Parse("::1", 128)};
  Start();
  const std::pair<const char*, std::vector<std::string>> cases[] = {
      {"loopback", {"127.0.0.1"}},         {"private", {"10.1.2.3"}},
      {"disguised", {"::ffff:127.0.0.1"}}, {"six", {"::1"}},
      {"all", {"127.0.0.1", "::1"}},
  };
  for (const auto& [name, addresses] : cases) {
    const auto wait = Ask(name);
    resolver_.Answer(name, addresses);
    EXPECT_EQ(Look(name), "failed") << name;
  }
  const auto wait = Ask("some");
  resolver_.Answer("some", {"127.0.0.1", "192.0.2.1"});
  EXPECT_EQ(Look("some"), "192.0.2.1:80");
  // A name that is led astray later keeps its address.
  Wait(60 * kSecond);
  resolver_.Answer("some", {"127.0.0.1"});
  EXPECT_EQ(Look("some"), "192.0.2.1:80");
}

TEST_F(DnsCacheTest, ConnectionsTryAllAddressesThatMayBeUsed) {
  settings_.cache.removed.ranges = {*match::IpRange::Parse("10.0.0.0", 8)};
  Start();
  const auto further = [this] {
    std::vector<std::string> texts;
    for (const net::Address& each : hosts_->Look(Named("a"))->host->further_addresses()) {
      texts.push_back(each.ToString());
    }
    return texts;
  };
  const auto wait = Ask("a");
  resolver_.Answer("a", {"10.0.0.1", "192.0.2.1", "10.0.0.2", "2001:db8::1", "192.0.2.2"});
  EXPECT_EQ(Look("a"), "192.0.2.1:80");
  EXPECT_EQ(further(), (std::vector<std::string>{"[2001:db8::1]:80", "192.0.2.2:80"}));
  const uint64_t id = hosts_->Look(Named("a"))->host->id();
  Wait(60 * kSecond);
  resolver_.Answer("a", {"192.0.2.1"});
  EXPECT_TRUE(further().empty());
  EXPECT_EQ(hosts_->Look(Named("a"))->host->id(), id);
}

TEST_F(DnsCacheTest, AllButSomeAddressesMayBeForbidden) {
  settings_.cache.removed.ranges = {*match::IpRange::Parse("192.0.2.0", 24)};
  settings_.cache.removed.invert = true;
  Start();
  Know("in", "192.0.2.7");
  Know("out", "198.51.100.1");
  EXPECT_EQ(Look("in"), "192.0.2.7:80");
  EXPECT_EQ(Look("out"), "failed");
}

TEST_F(DnsCacheTest, WhoWaitsWhenTheCacheGoesIsTold) {
  Start();
  const auto wait = Ask("a");
  keeper_.reset();
  loop_.RunOnce(0);
  EXPECT_EQ(woken_, 1);
  const NameView view = wait->Look();
  EXPECT_EQ(TextOf(&view), "refused");
  // A stream that still has the cluster may ask once more.
  const auto late = Ask("b");
  loop_.RunOnce(0);
  EXPECT_EQ(woken_, 2);
}

}  // namespace
}  // namespace proxenos::upstream
