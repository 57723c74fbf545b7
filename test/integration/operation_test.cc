// Running the real binary: flags, configuration errors, the admin interface, access logs, signals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <optional>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "test/integration/config_text.h"
#include "test/support/eventually.h"
#include "test/support/fake_origin.h"
#include "test/support/gate.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class OperationTest : public ::testing::Test {
 protected:
  void Start(ConfigText text = {}, const ProxyProcess::Options& options = {}) {
    text.clusters = ClusterText("origin", {origin_.port()});
    proxy_.emplace(Bootstrap(text), options);
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }

  FakeOrigin origin_;
  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

TEST_F(OperationTest, ValidateAcceptsAndOpensNothing) {
  ConfigText text;
  text.clusters = ClusterText("origin", {1});
  const std::string path = ProxyProcess::WriteFile("valid.yaml", Bootstrap(text));
  std::string output;
  EXPECT_EQ(ProxyProcess::Run({"--mode", "validate", "-c", path}, &output), 0) << output;
}

TEST_F(OperationTest, ValidateNamesEveryMistake) {
  ConfigText text;
  text.clusters =
      "{name: '', connect_timeout: 5s}, {name: two, connect_timeout: 0s, lb_policy: NOPE}, "
      "{name: three, not_a_field: 1}";
  const std::string path = ProxyProcess::WriteFile("invalid.yaml", Bootstrap(text));
  std::string output;
  EXPECT_EQ(ProxyProcess::Run({"--mode", "validate", "-c", path}, &output), 1);
  EXPECT_THAT(output, HasSubstr("not_a_field"));
  EXPECT_THAT(output, HasSubstr("NOPE"));
}

TEST_F(OperationTest, ConstraintsAreCheckedWithTheirPath) {
  ConfigText text;
  text.clusters = "{name: '', connect_timeout: 5s}, {name: two, connect_timeout: 0s}";
  const std::string path = ProxyProcess::WriteFile("constraints.yaml", Bootstrap(text));
  std::string output;
  EXPECT_EQ(ProxyProcess::Run({"--mode", "validate", "-c", path}, &output), 1);
  EXPECT_THAT(output, HasSubstr("static_resources.clusters[0].name"));
  EXPECT_THAT(output, HasSubstr("static_resources.clusters[1].connect_timeout"));
}

TEST_F(OperationTest, BadBootstrapEndsWithAnError) {
  std::string output;
  EXPECT_EQ(ProxyProcess::Run({"-c", ProxyProcess::WriteFile("broken.yaml", "a: [")}, &output), 1);
  EXPECT_EQ(ProxyProcess::Run({"-c", "/no/such/file.yaml"}, &output), 1);
  EXPECT_THAT(output, HasSubstr("/no/such/file.yaml"));
}

TEST_F(OperationTest, Version) {
  std::string output;
  EXPECT_EQ(ProxyProcess::Run({"--version"}, &output), 0);
  EXPECT_THAT(output, HasSubstr("version"));
}

TEST_F(OperationTest, ConfigYamlIsMergedOverTheFile) {
  ProxyProcess::Options options;
  options.arguments = {"--config-yaml", "node: {id: merged, cluster: c}"};
  Start({}, options);
  EXPECT_THAT(proxy_->AdminGet("/server_info"), HasSubstr("\"merged\""));
  EXPECT_EQ(TestClient(port_).Get("/").status(), 200);
}

TEST_F(OperationTest, JsonBootstrap) {
  const std::string path = ProxyProcess::WriteFile(
      "bootstrap.json",
      R"({"admin": {"address": {"socketAddress": {"address": "127.0.0.1", "portValue": 0}}}})");
  std::string output;
  EXPECT_EQ(ProxyProcess::Run({"--mode", "validate", "-c", path}, &output), 0) << output;
}

TEST_F(OperationTest, AdminPages) {
  Start();
  EXPECT_EQ(TestClient(port_).Get("/").status(), 200);
  EXPECT_EQ(proxy_->AdminGet("/ready"), "LIVE\n");
  const std::string info = proxy_->AdminGet("/server_info");
  EXPECT_THAT(info, HasSubstr("\"state\": \"LIVE\""));
  EXPECT_THAT(proxy_->AdminGet("/stats"), HasSubstr("http.main.downstream_rq_2xx: 1\n"));
  EXPECT_THAT(proxy_->AdminGet("/stats?filter=downstream_rq_2xx"),
              Not(HasSubstr("downstream_rq_total")));
  EXPECT_THAT(proxy_->AdminGet("/stats?format=json"), HasSubstr("{\"stats\":["));
  EXPECT_THAT(proxy_->AdminGet("/stats/prometheus"),
              HasSubstr("envoy_http_downstream_rq_xx{envoy_response_code_class=\"2\","
                        "envoy_http_conn_manager_prefix=\"main\"} 1"));
  EXPECT_THAT(
      proxy_->AdminGet("/clusters"),
      HasSubstr(absl::StrCat("origin::127.0.0.1:", origin_.port(), "::health_flags::healthy")));
  EXPECT_THAT(proxy_->AdminGet("/clusters?format=json"), HasSubstr("\"cluster_statuses\""));
  EXPECT_THAT(proxy_->AdminGet("/listeners"), HasSubstr(absl::StrCat("main::127.0.0.1:", port_)));
  EXPECT_THAT(proxy_->AdminGet("/listeners?format=json"), HasSubstr("\"listener_statuses\""));
  EXPECT_THAT(proxy_->AdminGet("/config_dump"),
              HasSubstr("type.googleapis.com/envoy.admin.v3.ClustersConfigDump"));
  EXPECT_THAT(proxy_->AdminGet("/memory"), HasSubstr("\"allocated\""));
  EXPECT_THAT(proxy_->AdminGet("/help"), HasSubstr("/config_dump"));
  EXPECT_EQ(proxy_->Admin("GET", "/nonsense").status(), 404);
}

TEST_F(OperationTest, TurnsOfTheLoopsAreTimedWhereAskedFor) {
  ConfigText text;
  text.bootstrap = "enable_dispatcher_stats: true\nstats_flush_interval: 0.1s\n";
  Start(text);
  EXPECT_EQ(TestClient(port_).Get("/").status(), 200);
  for (const char* name : {"server.dispatcher.loop_duration_us",
                           "listener_manager.worker_0.dispatcher.loop_duration_us"}) {
    EXPECT_TRUE(Eventually([this, name] {
      return absl::StrContains(proxy_->AdminGet(absl::StrCat("/stats?usedonly&filter=", name)),
                               absl::StrCat(name, ": P0("));
    })) << name;
  }
}

TEST_F(OperationTest, AdminMutationsNeedPost) {
  Start();
  EXPECT_EQ(proxy_->Admin("GET", "/healthcheck/fail").status(), 405);
  EXPECT_EQ(proxy_->Admin("GET", "/quitquitquit").status(), 405);
  EXPECT_EQ(proxy_->Admin("POST", "/healthcheck/fail").status(), 200);
  EXPECT_EQ(proxy_->Admin("GET", "/ready").status(), 503);
  EXPECT_EQ(proxy_->Admin("POST", "/healthcheck/ok").status(), 200);
  EXPECT_EQ(proxy_->Admin("GET", "/ready").status(), 200);
  EXPECT_EQ(proxy_->Admin("POST", "/logging?level=debug").status(), 200);
  EXPECT_EQ(proxy_->Admin("POST", "/quitquitquit").status(), 200);
  EXPECT_EQ(proxy_->WaitForExit(), 0);
}

TEST_F(OperationTest, AccessLogLine) {
  const std::string path = ProxyProcess::WriteFile("access.log", "");
  Start({.manager = absl::StrCat(
             "access_log: [",
             FileLogText(
                 path,
                 "%REQ(:METHOD)% %REQ(:PATH)% %PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% "
                 "%BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_HOST% %UPSTREAM_CLUSTER% "
                 "%RESPONSE_CODE_DETAILS% %ROUTE_NAME% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% "
                 "%UPSTREAM_REQUEST_ATTEMPT_COUNT% %DURATION%\\n"),
             "]"),
         .routes = "{match: {prefix: /known}, name: one, route: {cluster: origin}}"});
  TestClient client(port_);
  client.Request("POST", "/known?q", {}, "12345");
  client.Get("/unknown");
  const std::string host = absl::StrCat("127.0.0.1:", origin_.port());
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(ReadFile(path), "unknown"); }));
  EXPECT_THAT(ReadFile(path),
              MatchesRegex(absl::StrCat("POST /known\\?q HTTP/1.1 200 - 5 6 ", host,
                                        " origin via_upstream one 127.0.0.1 1 [0-9]+\n"
                                        "GET /unknown HTTP/1.1 404 NR 0 0 - - route_not_found - "
                                        "127.0.0.1 0 [0-9]+\n")));
}

TEST_F(OperationTest, AdminAccessLog) {
  const std::string path = ProxyProcess::WriteFile("admin.log", "");
  ProxyProcess::Options options;
  options.arguments = {"--config-yaml", absl::StrCat("admin: {access_log: [",
                                                     FileLogText(path, "%REQ(:PATH)%\\n"), "]}")};
  Start({}, options);
  proxy_->AdminGet("/memory");
  EXPECT_TRUE(Eventually([&] { return absl::StrContains(ReadFile(path), "/memory\n"); }));
}

TEST_F(OperationTest, DefaultAccessLogOnStandardOutput) {
  Start({.manager =
             "access_log: [{name: out, typed_config: {\"@type\": "
             "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog}}]"});
  TestClient(port_).Get("/x", {{"User-Agent", "kit"}});
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(proxy_->standard_output(), "/x"); }));
  EXPECT_THAT(proxy_->standard_output(),
              MatchesRegex("\\[....-..-..T..:..:..\\....Z\\] \"GET /x HTTP/1.1\" 200 - 0 6 [0-9]+ "
                           "[0-9]+ \"-\" \"kit\" \"[0-9a-f-]{36}\" \"test.example\" "
                           "\"127.0.0.1:[0-9]+\"\n"));
}

TEST_F(OperationTest, TellsHowLongTheStartTook) {
  Start();
  EXPECT_TRUE(Eventually([&] {
    return absl::StrContains(proxy_->AdminGet("/stats?filter=initialization_time_ms"),
                             "server.initialization_time_ms: P0(");
  }));
}

// By the signal and by the page.
TEST_F(OperationTest, LogsAreReopened) {
  const std::string path = ProxyProcess::WriteFile("rotated.log", "");
  Start({.manager = absl::StrCat("access_log: [", FileLogText(path, "%REQ(:PATH)%\\n"), "]")});
  TestClient client(port_);
  client.Get("/before");
  ASSERT_TRUE(Eventually([&] { return ReadFile(path) == "/before\n"; }));
  ASSERT_EQ(std::rename(path.c_str(), (path + ".1").c_str()), 0);
  proxy_->Signal(SIGUSR1);
  // The new file appears once the log is reopened.
  ASSERT_TRUE(Eventually([&] { return access(path.c_str(), F_OK) == 0; }));
  client.Get("/after");
  ASSERT_TRUE(Eventually([&] { return ReadFile(path) == "/after\n"; }));
  EXPECT_EQ(ReadFile(path + ".1"), "/before\n");
  ASSERT_EQ(std::rename(path.c_str(), (path + ".2").c_str()), 0);
  EXPECT_EQ(proxy_->Admin("POST", "/reopen_logs").body, "OK\n");
  ASSERT_TRUE(Eventually([&] { return access(path.c_str(), F_OK) == 0; }));
  client.Get("/last");
  ASSERT_TRUE(Eventually([&] { return ReadFile(path) == "/last\n"; }));
}

TEST_F(OperationTest, SigintEndsAtOnce) {
  Gate gate;
  origin_.On("/wait", [&gate](OriginExchange& exchange) {
    gate.Wait();
    exchange.Close();
  });
  Start();
  TestClient client(port_);
  client.Send(TestClient::Text("GET", "/wait"));
  ASSERT_TRUE(proxy_->WaitForStat("cluster.origin.upstream_rq_active", 1));
  proxy_->Signal(SIGINT);
  EXPECT_EQ(proxy_->WaitForExit(), 0);
  gate.Open();
}

}  // namespace
}  // namespace proxenos::testing
