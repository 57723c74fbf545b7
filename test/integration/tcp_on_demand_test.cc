// The real binary: TCP connections that wait for a cluster which is discovered when they come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "test/integration/config_text.h"
#include "test/integration/xds_world.h"
#include "test/support/eventually.h"
#include "test/support/fake_control_plane.h"
#include "test/support/fake_origin.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

class TcpOnDemandTest : public ::testing::Test {
 protected:
  // `timeout`: of on_demand; `more`: further fields of the TCP proxy, in flow style.
  void Start(absl::string_view timeout = "30s", absl::string_view more = "") {
    proxy_.emplace(
        absl::StrReplaceAll(
            PageYaml("docs/network_filters.md", "stat_prefix: demanding"),
            {{"127.0.0.1:18000", plane_.address()},
             {"port_value: 9901", "port_value: 0"},
             {"timeout: 10s", absl::StrCat("timeout: ", timeout)},
             {"stat_prefix: demanding", absl::StrCat("stat_prefix: demanding\n", more)}}),
        ProxyProcess::Options{.concurrency = 2});
    port_ = proxy_->WaitForListener("demanding");
  }
  void Set(std::vector<google::protobuf::Any> clusters) {
    plane_.SetAny(kClusterType, absl::StrCat("v", ++version_), std::move(clusters));
  }
  bool WasAsked(const std::string& name) {
    return Eventually([&] { return plane_.TimesSubscribed(kClusterType, name) > 0; });
  }
  std::unique_ptr<TestClient> Send() {
    auto client = std::make_unique<TestClient>(port_);
    client->Send(TestClient::Text("GET", "/", {{"host", "h"}}));
    return client;
  }
  uint64_t Stat(absl::string_view name) {
    return proxy_->Stat(absl::StrCat("tcp.demanding.", name)).value_or(0);
  }

  FakeOrigin origin_{"origin"};
  FakeControlPlane plane_;
  uint16_t port_ = 0;
  int version_ = 0;
  std::optional<ProxyProcess> proxy_;
};

TEST_F(TcpOnDemandTest, ConnectionsWaitForTheirCluster) {
  Start();
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(Send());
  ASSERT_TRUE(WasAsked("late"));
  EXPECT_TRUE(proxy_->WaitForStat("tcp.demanding.on_demand_cluster_attempt", 6));
  Set({StaticClusterResource("late", origin_.port()),
       StaticClusterResource("unasked", origin_.port())});
  for (const auto& client : clients) EXPECT_EQ(client->ReadResponse().body, "origin");
  EXPECT_EQ(plane_.TimesSubscribed(kClusterType, "late"), 1u);
  EXPECT_EQ(Stat("on_demand_cluster_success"), 6u);
  EXPECT_EQ(Stat("downstream_cx_no_route"), 0u);
  // Now it is there, and nobody waits.
  EXPECT_EQ(Send()->ReadResponse().body, "origin");
  EXPECT_EQ(Stat("on_demand_cluster_attempt"), 6u);
}

TEST_F(TcpOnDemandTest, ClusterThatDoesNotExist) {
  Set({});
  Start();
  EXPECT_TRUE(TestClient(port_).SeesClose());
  EXPECT_EQ(Stat("on_demand_cluster_missing"), 1u);
  EXPECT_EQ(Stat("downstream_cx_no_route"), 1u);
}

TEST_F(TcpOnDemandTest, TimeIsOver) {
  plane_.Stop();
  Start("0.05s");
  EXPECT_TRUE(TestClient(port_).SeesClose());
  EXPECT_EQ(Stat("on_demand_cluster_timeout"), 1u);
  EXPECT_EQ(Stat("downstream_cx_no_route"), 1u);
}

TEST_F(TcpOnDemandTest, ClientsThatLeaveWhileTheyWait) {
  Start();
  const auto stays = Send();
  std::vector<std::unique_ptr<TestClient>> leave;
  for (int i = 0; i < 4; ++i) leave.push_back(std::make_unique<TestClient>(port_));
  ASSERT_TRUE(proxy_->WaitForStat("tcp.demanding.on_demand_cluster_attempt", 5));
  for (const auto& client : leave) client->socket().Reset();
  EXPECT_TRUE(Eventually(
      [this] { return proxy_->Stat("listener.127.0.0.1_0.downstream_cx_active") == 1u; }));
  Set({StaticClusterResource("late", origin_.port())});
  EXPECT_EQ(stays->ReadResponse().body, "origin");
  EXPECT_EQ(Stat("on_demand_cluster_success"), 1u);
}

TEST_F(TcpOnDemandTest, ClientThatSpeaksFirst) {
  Start("30s",
        "          upstream_connect_mode: ON_DOWNSTREAM_DATA\n          max_early_data_bytes: 100");
  const auto client = Send();
  ASSERT_TRUE(WasAsked("late"));
  Set({StaticClusterResource("late", origin_.port())});
  EXPECT_EQ(client->ReadResponse().body, "origin");
  EXPECT_EQ(Stat("early_data_received_count_total"), 1u);
}

}  // namespace
}  // namespace proxenos::testing
