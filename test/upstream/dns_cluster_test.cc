// STRICT_DNS and LOGICAL_DNS clusters over a scripted resolver and simulated time.
#include "source/upstream/dns_cluster.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "test/support/scripted_dns_resolver.h"
#include "test/support/sim_clock.h"
#include "test/upstream/assignments.h"

namespace proxenos::upstream {
namespace {

using Texts = std::vector<std::string>;

Endpoint Named(const std::string& name, uint16_t port) {
  Endpoint endpoint;
  endpoint.dns_name = name;
  endpoint.dns_port = port;
  endpoint.hostname = name;
  return endpoint;
}

class DnsClusterTest : public ::testing::Test {
 protected:
  void Start(DiscoveryKind kind, std::vector<Endpoint> endpoints, DnsSettings settings = {}) {
    auto config = std::make_shared<ClusterConfig>();
    config->name = "c";
    config->discovery = kind;
    config->assignment =
        std::make_shared<const Assignment>(proxenos::upstream::testing::Of(std::move(endpoints)));
    config->dns = std::make_unique<const DnsSettings>(std::move(settings));
    config_ = config;
    cluster_ = std::make_unique<DnsCluster>(
        loop_, resolver_.Share(), config, [this](std::shared_ptr<const Assignment> assignment) {
          ++reports_;
          hosts_ = BuildHostSet(*config_, *assignment, hosts_).hosts;
        });
    cluster_->Start();
  }

  void Wait(base::Nanos time) {
    clock_.Advance(time);
    loop_.RunOnce(0);
  }

  Texts Hosts() const {
    Texts texts;
    if (hosts_ == nullptr) return texts;
    for (const HostEntry& entry : hosts_->entries()) {
      texts.push_back(entry.host->address().ToString());
    }
    return texts;
  }

  proxenos::testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  proxenos::testing::ScriptedDnsResolver resolver_;
  std::shared_ptr<const ClusterConfig> config_;
  std::shared_ptr<const HostSet> hosts_;
  int reports_ = 0;
  std::unique_ptr<DnsCluster> cluster_;
};

TEST_F(DnsClusterTest, StrictMakesEveryAddressAHost) {
  Start(DiscoveryKind::kStrictDns, {Named("a", 80), Named("b", 81), Named("a", 90)});
  EXPECT_EQ(resolver_.Open().size(), 2u);  // A name is asked once, however often it occurs.
  EXPECT_FALSE(cluster_->warmed());
  resolver_.Answer("a", {"10.0.0.2", "10.0.0.1"});
  EXPECT_TRUE(cluster_->warmed());
  EXPECT_EQ(Hosts(), (Texts{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.1:90", "10.0.0.2:90"}));
  EXPECT_EQ(hosts_->host(0).hostname(), "a");
  resolver_.Answer("b", {"10.0.1.1"});
  EXPECT_EQ(Hosts(),
            (Texts{"10.0.0.1:80", "10.0.0.2:80", "10.0.1.1:81", "10.0.0.1:90", "10.0.0.2:90"}));
  EXPECT_EQ(reports_, 2);
}

TEST_F(DnsClusterTest, AsksAgainAtTheRefreshRate) {
  Start(DiscoveryKind::kStrictDns, {Named("a", 80)});
  resolver_.Answer("a", {"10.0.0.1"});
  EXPECT_EQ(resolver_.asked(), 1);
  Wait(5 * base::kSecond - base::kMillisecond);
  EXPECT_EQ(resolver_.asked(), 1);
  Wait(base::kMillisecond);
  EXPECT_EQ(resolver_.asked(), 2);
  Wait(60 * base::kSecond);  // The question is open: no second one.
  EXPECT_EQ(resolver_.asked(), 2);
}

TEST_F(DnsClusterTest, RotatedAnswersChangeNothing) {
  Start(DiscoveryKind::kStrictDns, {Named("a", 80)});
  resolver_.Answer("a", {"10.0.0.1", "10.0.0.2"});
  Wait(5 * base::kSecond);
  resolver_.Answer("a", {"10.0.0.2", "10.0.0.1"});
  EXPECT_EQ(reports_, 1);
  EXPECT_EQ(cluster_->counts().unchanged, 1u);
  const auto stays = hosts_->shared_host(1);
  Wait(5 * base::kSecond);
  resolver_.Answer("a", {"10.0.0.3", "10.0.0.2"});
  EXPECT_EQ(reports_, 2);
  EXPECT_EQ(cluster_->counts().unchanged, 1u);
  EXPECT_EQ(hosts_->shared_host(0), stays);
}

TEST_F(DnsClusterTest, AFailureKeepsWhatWasKnown) {
  Start(DiscoveryKind::kStrictDns, {Named("a", 80)});
  resolver_.Answer("a", {"10.0.0.1"});
  Wait(5 * base::kSecond);
  resolver_.Fail("a");
  EXPECT_EQ(Hosts(), (Texts{"10.0.0.1:80"}));
  EXPECT_EQ(reports_, 1);
  EXPECT_EQ(cluster_->counts().failures, 1u);
  Wait(5 * base::kSecond);
  EXPECT_EQ(resolver_.asked(), 3);
}

TEST_F(DnsClusterTest, ANameWithoutAddressesLosesItsHosts) {
  Start(DiscoveryKind::kStrictDns, {Named("a", 80)});
  resolver_.Answer("a", {"10.0.0.1"});
  Wait(5 * base::kSecond);
  resolver_.Answer("a", {});
  EXPECT_EQ(Hosts(), Texts{});
  EXPECT_EQ(cluster_->counts().empty, 1u);
  EXPECT_EQ(cluster_->counts().successes, 2u);
}

TEST_F(DnsClusterTest, WarmingEndsWhenAllHaveFailed) {
  Start(DiscoveryKind::kStrictDns, {Named("a", 80), Named("b", 80)});
  resolver_.Fail("a");
  EXPECT_FALSE(cluster_->warmed());  // The other may still bring hosts.
  EXPECT_EQ(reports_, 0);
  resolver_.Fail("b");
  EXPECT_TRUE(cluster_->warmed());
  EXPECT_EQ(reports_, 1);
  EXPECT_EQ(Hosts(), Texts{});
  Wait(5 * base::kSecond);
  resolver_.Answer("b", {"10.0.0.1"});
  EXPECT_EQ(reports_, 2);
}

TEST_F(DnsClusterTest, NumericEndpointsNeedNoResolver) {
  Start(DiscoveryKind::kStrictDns, {proxenos::upstream::testing::At("10.0.0.1")});
  EXPECT_EQ(reports_, 0);  // Not inside Start.
  Wait(base::kMillisecond);
  EXPECT_TRUE(cluster_->warmed());
  EXPECT_EQ(Hosts(), (Texts{"10.0.0.1:80"}));
  EXPECT_EQ(resolver_.asked(), 0);
}

TEST_F(DnsClusterTest, LogicalUsesTheFirstAddressUnderOneIdentity) {
  Endpoint endpoint = Named("db", 5432);
  endpoint.logical_name = "db:5432";
  DnsSettings settings;
  settings.family = net::DnsFamily::kV4Preferred;
  Start(DiscoveryKind::kLogicalDns, {endpoint}, settings);
  EXPECT_EQ(resolver_.last_family(), net::DnsFamily::kV4Preferred);
  resolver_.Answer("db", {"10.0.0.2", "10.0.0.1"});
  EXPECT_EQ(Hosts(), (Texts{"10.0.0.2:5432"}));
  const uint64_t id = hosts_->host(0).id();
  Wait(5 * base::kSecond);
  EXPECT_EQ(hosts_->host(0).further_addresses().size(), 1u);
  resolver_.Answer("db", {"10.0.0.2", "10.0.0.9"});
  EXPECT_EQ(reports_, 2);
  EXPECT_EQ(hosts_->host(0).further_addresses().at(0).ToString(), "10.0.0.9:5432");
  Wait(5 * base::kSecond);
  resolver_.Answer("db", {"10.0.0.1", "10.0.0.2"});
  EXPECT_EQ(Hosts(), (Texts{"10.0.0.1:5432"}));
  EXPECT_EQ(hosts_->host(0).id(), id);
  Wait(5 * base::kSecond);
  resolver_.Answer("db", {"10.0.0.1"});
  EXPECT_TRUE(hosts_->host(0).further_addresses().empty());
  EXPECT_EQ(hosts_->host(0).id(), id);
}

TEST_F(DnsClusterTest, TtlCountsWhenRespected) {
  DnsSettings settings;
  settings.respect_ttl = true;
  Start(DiscoveryKind::kStrictDns, {Named("a", 80)}, settings);
  resolver_.Answer("a", {"10.0.0.1"}, 30 * base::kSecond);
  Wait(29 * base::kSecond);
  EXPECT_EQ(resolver_.asked(), 1);
  Wait(base::kSecond);
  EXPECT_EQ(resolver_.asked(), 2);
  resolver_.Answer("a", {"10.0.0.1"});  // Without one, the refresh rate.
  Wait(5 * base::kSecond);
  EXPECT_EQ(resolver_.asked(), 3);
}

TEST_F(DnsClusterTest, ShortTtlsAreAsLongAsTheMinimum) {
  DnsSettings settings;
  settings.respect_ttl = true;
  settings.min_refresh_rate = 10 * base::kSecond;
  Start(DiscoveryKind::kStrictDns, {Named("a", 80)}, settings);
  resolver_.Answer("a", {"10.0.0.1"}, base::kSecond);
  Wait(9 * base::kSecond);
  EXPECT_EQ(resolver_.asked(), 1);
  Wait(base::kSecond);
  EXPECT_EQ(resolver_.asked(), 2);
  resolver_.Answer("a", {"10.0.0.1"}, 30 * base::kSecond);
  Wait(29 * base::kSecond);
  EXPECT_EQ(resolver_.asked(), 2);
}

TEST_F(DnsClusterTest, TtlIsDisregardedOtherwise) {
  Start(DiscoveryKind::kStrictDns, {Named("a", 80)});
  resolver_.Answer("a", {"10.0.0.1"}, base::kSecond);
  Wait(4 * base::kSecond);
  EXPECT_EQ(resolver_.asked(), 1);
}

TEST_F(DnsClusterTest, FailuresBackOffWithJitterUpToTheMaximum) {
  DnsSettings settings;
  settings.failure_refresh_base = base::kSecond;
  settings.failure_refresh_max = 4 * base::kSecond;
  Start(DiscoveryKind::kStrictDns, {Named("a", 80)}, settings);
  for (const base::Nanos longest : {1, 2, 4, 4, 4}) {
    const int asked = resolver_.asked();
    resolver_.Fail("a");
    Wait(longest * base::kSecond / 2 - base::kMillisecond);
    EXPECT_EQ(resolver_.asked(), asked) << longest;
    Wait(longest * base::kSecond / 2 + 2 * base::kMillisecond);
    EXPECT_EQ(resolver_.asked(), asked + 1) << longest;
  }
  resolver_.Answer("a", {"10.0.0.1"});  // Success starts the back-off anew.
  Wait(5 * base::kSecond);
  resolver_.Fail("a");
  const int asked = resolver_.asked();
  Wait(base::kSecond + base::kMillisecond);
  EXPECT_EQ(resolver_.asked(), asked + 1);
}

TEST_F(DnsClusterTest, JitterDelaysTheRefresh) {
  DnsSettings settings;
  settings.jitter = 10 * base::kSecond;
  Endpoint names[] = {Named("a", 1), Named("b", 1), Named("c", 1), Named("d", 1),
                      Named("e", 1), Named("f", 1), Named("g", 1), Named("h", 1)};
  Start(DiscoveryKind::kStrictDns, std::vector<Endpoint>(std::begin(names), std::end(names)),
        settings);
  for (const std::string& name : resolver_.Open()) resolver_.Answer(name, {"10.0.0.1"});
  Wait(5 * base::kSecond - base::kMillisecond);
  EXPECT_EQ(resolver_.asked(), 8);
  Wait(10 * base::kSecond + 2 * base::kMillisecond);
  EXPECT_EQ(resolver_.asked(), 16);
}

TEST_F(DnsClusterTest, DestroyedItAsksNoMore) {
  Start(DiscoveryKind::kStrictDns, {Named("a", 80), Named("b", 80)});
  resolver_.Answer("a", {"10.0.0.1"});
  cluster_ = nullptr;
  EXPECT_TRUE(resolver_.Open().empty());
  Wait(60 * base::kSecond);
  EXPECT_EQ(resolver_.asked(), 2);
}

}  // namespace
}  // namespace proxenos::upstream
