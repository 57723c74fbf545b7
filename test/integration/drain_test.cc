// The end of the real binary: SIGTERM under load loses nothing.
#include <gtest/gtest.h>
#include <signal.h>

#include <optional>

#include "absl/strings/match.h"
#include "test/integration/config_text.h"
#include "test/integration/load.h"
#include "test/support/eventually.h"
#include "test/support/fake_origin.h"
#include "test/support/gate.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

class DrainTest : public ::testing::Test {
 protected:
  void Start(int concurrency, std::vector<std::string> arguments = {}) {
    ConfigText text;
    text.clusters = ClusterText("origin", {origin_.port()});
    proxy_.emplace(Bootstrap(text), ProxyProcess::Options{.concurrency = concurrency,
                                                          .arguments = std::move(arguments)});
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }

  FakeOrigin origin_;
  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

// Every client is told to close its connection by the response to a request it had made, and gets
// that response whole.
TEST_F(DrainTest, SigtermUnderLoadLosesNothing) {
  Start(2, {"--drain-time-s", "5"});
  Load load(port_, {.clients = 16, .until_told_to_close = true});
  ASSERT_TRUE(load.WaitForRequests(500)) << load.first_failure();
  proxy_->Signal(SIGTERM);
  load.Join();
  EXPECT_EQ(load.failed(), 0u) << load.first_failure();
  EXPECT_EQ(proxy_->WaitForExit(), 0);
  EXPECT_EQ(origin_.request_count(), load.answered());
}

TEST_F(DrainTest, RequestUnderWayIsFinished) {
  Gate gate;
  origin_.On("/slow", [&gate](OriginExchange& exchange) {
    EXPECT_TRUE(gate.Wait());
    exchange.Reply(200, {}, "finished");
  });
  Start(1, {"--drain-time-s", "25"});
  TestClient client(port_);
  client.Send(TestClient::Text("GET", "/slow"));
  ASSERT_TRUE(proxy_->WaitForStat("cluster.origin.upstream_rq_active", 1));
  proxy_->Signal(SIGTERM);
  // New connections are refused from some moment on; then the origin answers.
  EXPECT_TRUE(Eventually([this] { return !TestClient(port_).connected(); }));
  gate.Open();
  const Message response = client.ReadResponse();
  EXPECT_EQ(response.body, "finished");
  EXPECT_TRUE(absl::EqualsIgnoreCase(response.Header("connection"), "close"));
  EXPECT_EQ(proxy_->WaitForExit(), 0);
}

TEST_F(DrainTest, IdleProxyEndsAtOnce) {
  Start(1, {"--drain-time-s", "600"});
  EXPECT_EQ(TestClient(port_).Get("/").status(), 200);
  EXPECT_EQ(proxy_->Terminate(), 0);
}

// What does not end within the drain time is cut.
TEST_F(DrainTest, DrainTimeIsALimit) {
  Gate gate;
  origin_.On("/stuck", [&gate](OriginExchange& exchange) {
    gate.Wait();
    exchange.Close();
  });
  Start(1, {"--drain-time-s", "1"});
  TestClient client(port_);
  client.Send(TestClient::Text("GET", "/stuck"));
  ASSERT_TRUE(proxy_->WaitForStat("cluster.origin.upstream_rq_active", 1));
  EXPECT_EQ(proxy_->Terminate(), 0);
  gate.Open();
}

TEST_F(DrainTest, AccessLogHasEveryRequest) {
  const std::string path = ProxyProcess::WriteFile("drain.log", "");
  ConfigText text;
  text.clusters = ClusterText("origin", {origin_.port()});
  text.manager = "access_log: [" + FileLogText(path, "%RESPONSE_CODE%\\n") + "]";
  ProxyProcess proxy(Bootstrap(text));
  Load load(proxy.ListenerPort("main"), {.clients = 4, .until_told_to_close = true});
  ASSERT_TRUE(load.WaitForRequests(200)) << load.first_failure();
  proxy.Signal(SIGTERM);
  load.Join();
  EXPECT_EQ(load.failed(), 0u) << load.first_failure();
  EXPECT_EQ(proxy.WaitForExit(), 0);
  std::string want;
  for (uint64_t i = 0; i < load.answered(); ++i) want += "200\n";
  EXPECT_EQ(ReadFile(path), want);
}

}  // namespace
}  // namespace proxenos::testing
