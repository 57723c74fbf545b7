// The pages about the server, its clusters and listeners: words and shapes as Envoy's, checked
// against what Envoy 1.40 answers.
#include "source/admin/pages.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "envoy/admin/v3/certs.pb.h"
#include "envoy/admin/v3/clusters.pb.h"
#include "envoy/admin/v3/listeners.pb.h"
#include "envoy/admin/v3/memory.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/service/status/v3/csds.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "source/base/log.h"
#include "source/stats/cluster_stats.h"
#include "test/admin/fake_server.h"

namespace proxenos::admin {
namespace {

using envoy::admin::v3::ServerInfo;

class PagesTest : public ::testing::Test {
 protected:
  template <class Proto>
  Proto FromJson(const std::string& json) {
    Proto proto;
    const auto status = google::protobuf::util::JsonStringToMessage(json, &proto);
    EXPECT_TRUE(status.ok()) << status.ToString() << json;
    return proto;
  }

  testing::FakeServer server_;
};

TEST_F(PagesTest, ReadyOnlyWhenLive) {
  EXPECT_EQ(server_.Call("GET", "/ready").status, 200);
  EXPECT_EQ(server_.Get("/ready"), "LIVE\n");
  const std::pair<ServerInfo::State, const char*> kOthers[] = {
      {ServerInfo::DRAINING, "DRAINING\n"},
      {ServerInfo::INITIALIZING, "INITIALIZING\n"},
      {ServerInfo::PRE_INITIALIZING, "PRE_INITIALIZING\n"}};
  for (const auto& [state, text] : kOthers) {
    server_.state = state;
    const Response response = server_.Call("GET", "/ready");
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.body, text);
  }
}

TEST_F(PagesTest, ServerInfo) {
  server_.command_line.set_concurrency(2);
  server_.command_line.set_config_path("c.yaml");
  server_.bootstrap.mutable_node()->set_id("n1");
  server_.clock.Advance(3661 * base::kSecond + 5);
  const std::string json = server_.Get("/server_info");
  EXPECT_TRUE(absl::StrContains(json, "\n \"state\": \"LIVE\",\n")) << json;
  EXPECT_TRUE(absl::StrContains(json, "\n \"uptime_current_epoch\": \"3661s\"")) << json;
  const auto info = FromJson<ServerInfo>(json);
  EXPECT_EQ(info.version(), "abcdef0123/1.2.3/Clean/RELEASE/BoringSSL");
  EXPECT_EQ(info.command_line_options().config_path(), "c.yaml");
  EXPECT_EQ(info.node().id(), "n1");
  EXPECT_EQ(info.hot_restart_version(), "disabled");
  // Fields at their default are there too: tools read them without asking.
  EXPECT_TRUE(absl::StrContains(json, "\"restart_epoch\": 0"));
}

TEST_F(PagesTest, MemoryIsOfThisProcess) {
  const auto memory = FromJson<envoy::admin::v3::Memory>(server_.Get("/memory"));
  EXPECT_GT(memory.allocated(), 0u);
  EXPECT_GE(memory.heap_size(), memory.allocated());
  EXPECT_GT(memory.total_physical_bytes(), 1u << 20);
}

TEST_F(PagesTest, SmallPages) {
  EXPECT_EQ(server_.Get("/hot_restart_version"), "disabled");
  EXPECT_EQ(FromJson<google::protobuf::Struct>(server_.Get("/runtime")).DebugString(),
            FromJson<google::protobuf::Struct>("{\"entries\": {}, \"layers\": []}").DebugString());
  EXPECT_EQ(server_.Get("/certs"), "{\n \"certificates\": []\n}\n");
}

TEST_F(PagesTest, ClientStatus) {
  using envoy::service::status::v3::ClientStatusResponse;
  server_.bootstrap.mutable_node()->set_id("n1");
  envoy::config::cluster::v3::Cluster cluster;
  cluster.set_name("web");
  testing::OwnedConfig& served = server_.AddConfig(ConfigKind::kCluster, "web", false);
  served.active = testing::OwnedVersion{"v1", cluster.SerializeAsString(), 0};
  testing::OwnedConfig& bad = server_.AddConfig(ConfigKind::kListener, "l", false);
  bad.refused = testing::OwnedVersion{"v2", "", 0};
  bad.reason = "is bad";
  server_.AddConfig(ConfigKind::kSecret, "awaited", false);
  const Response response = server_.Call("POST", "/v3/discovery:client_status");
  ASSERT_EQ(response.status, 200);
  const auto status = FromJson<ClientStatusResponse>(response.body);
  ASSERT_EQ(status.config_size(), 1);
  EXPECT_EQ(status.config(0).node().id(), "n1");
  ASSERT_EQ(status.config(0).generic_xds_configs_size(), 3);
  const auto& first = status.config(0).generic_xds_configs(0);
  EXPECT_EQ(first.type_url(), "type.googleapis.com/envoy.config.cluster.v3.Cluster");
  EXPECT_EQ(first.name(), "web");
  EXPECT_EQ(first.version_info(), "v1");
  EXPECT_EQ(first.client_status(), envoy::admin::v3::ACKED);
  envoy::config::cluster::v3::Cluster shown;
  ASSERT_TRUE(first.xds_config().UnpackTo(&shown));
  EXPECT_EQ(shown.name(), "web");
  const auto& second = status.config(0).generic_xds_configs(1);
  EXPECT_EQ(second.client_status(), envoy::admin::v3::NACKED);
  EXPECT_EQ(second.error_state().details(), "is bad");
  EXPECT_EQ(status.config(0).generic_xds_configs(2).client_status(), envoy::admin::v3::REQUESTED);
  EXPECT_EQ(server_.Call("GET", "/v3/discovery:client_status").status, 405);
}

TEST_F(PagesTest, ClientStatusKeepsSecrets) {
  using envoy::extensions::transport_sockets::tls::v3::Secret;
  testing::OwnedConfig& secret = server_.AddConfig(ConfigKind::kSecret, "s", false);
  secret.active = testing::OwnedVersion{
      "v1",
      testing::Bytes<Secret>("{name: s, tls_certificate: {private_key: {inline_string: HUSH}, "
                             "certificate_chain: {inline_string: SHOWN}}}"),
      0};
  secret.refused = testing::OwnedVersion{"v2", secret.active->bytes + "\xff", 0};
  for (const char* method : {"FetchClientStatus", "StreamClientStatus"}) {
    GrpcMethod* const found = server_.table.FindGrpc(
        absl::StrCat("/envoy.service.status.v3.ClientStatusDiscoveryService/", method));
    ASSERT_NE(found, nullptr);
    const GrpcAnswer answer = found->handler("");
    EXPECT_EQ(answer.status, rpc::Status::kOk);
    EXPECT_TRUE(absl::StrContains(answer.message, "SHOWN"));
    EXPECT_FALSE(absl::StrContains(answer.message, "HUSH"));
    EXPECT_FALSE(absl::StrContains(answer.message, absl::Base64Escape(secret.refused->bytes)));
  }
}

TEST_F(PagesTest, RuntimeByLayers) {
  auto first = std::make_shared<runtime::Layer>();
  first->name = "one";
  first->values["a.b"].text = "1";
  first->values["c"].text = "x";
  auto second = std::make_shared<runtime::Layer>();
  second->name = "two";
  second->values["a.b"].text = "2";
  server_.runtime = std::make_shared<const runtime::Snapshot>(
      std::vector<std::shared_ptr<const runtime::Layer>>{first, second});
  const auto page = FromJson<google::protobuf::Struct>(server_.Get("/runtime"));
  EXPECT_EQ(page.DebugString(), FromJson<google::protobuf::Struct>(
                                    R"({"layers": ["one", "two"], "entries": {
                    "a.b": {"layer_values": ["1", "2"], "final_value": "2"},
                    "c": {"layer_values": ["x", ""], "final_value": "x"}}})")
                                    .DebugString());
}

TEST_F(PagesTest, RuntimeModify) {
  EXPECT_EQ(server_.Call("POST", "/runtime_modify?a=1&b=").body, "OK\n");
  EXPECT_EQ(server_.modified,
            (std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b", ""}}));
  EXPECT_EQ(server_.Call("GET", "/runtime_modify?a=1").status, 405);
  EXPECT_EQ(server_.Call("POST", "/runtime_modify").status, 400);
  server_.modify_status = absl::UnavailableError("none");
  EXPECT_EQ(server_.Call("POST", "/runtime_modify?a=1").status, 503);
  server_.modify_status = absl::InvalidArgumentError("bad");
  const Response refused = server_.Call("POST", "/runtime_modify?a=1");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.body, "bad");
}

TEST_F(PagesTest, CertificatesWithNamesAndTimes) {
  const int64_t now_s = server_.clock.Wall() / 1'000'000;
  auto& context = server_.contexts.emplace_back();
  tls::CertificateDetails& leaf = context.chain.emplace_back();
  leaf.path = "/etc/tls.crt";
  leaf.serial_number = "1f";
  leaf.dns_sans = {"a.test"};
  leaf.uri_sans = {"spiffe://a"};
  leaf.ip_sans = {"10.0.0.1"};
  leaf.valid_from_s = now_s - 60;
  leaf.expires_s = now_s + 3 * 24 * 3600 + 1;
  leaf.ocsp_expires_s = now_s + 5;
  context.roots.emplace_back().path = "/etc/ca.crt";
  const auto page = FromJson<envoy::admin::v3::Certificates>(server_.Get("/certs"));
  ASSERT_EQ(page.certificates_size(), 1);
  EXPECT_EQ(page.certificates(0).ca_cert(0).path(), "/etc/ca.crt");
  EXPECT_EQ(page.certificates(0).ca_cert(0).days_until_expiration(), 0u);
  const auto& shown = page.certificates(0).cert_chain(0);
  EXPECT_EQ(shown.path(), "/etc/tls.crt");
  EXPECT_EQ(shown.serial_number(), "1f");
  ASSERT_EQ(shown.subject_alt_names_size(), 3);
  EXPECT_EQ(shown.subject_alt_names(0).dns(), "a.test");
  EXPECT_EQ(shown.subject_alt_names(1).uri(), "spiffe://a");
  EXPECT_EQ(shown.subject_alt_names(2).ip_address(), "10.0.0.1");
  EXPECT_EQ(shown.days_until_expiration(), 3u);
  EXPECT_EQ(shown.valid_from().seconds(), now_s - 60);
  EXPECT_EQ(shown.expiration_time().seconds(), leaf.expires_s);
  EXPECT_EQ(shown.ocsp_details().expiration().seconds(), now_s + 5);
  EXPECT_FALSE(shown.ocsp_details().has_valid_from());
}

TEST_F(PagesTest, IgnoredFields) {
  EXPECT_EQ(server_.Get("/ignored_fields"), "{\n \"ignored_fields\": []\n}\n");
  server_.ignored.push_back({"admin.profile_path", "envoy.config.bootstrap.v3.Admin.profile_path",
                             "There is no profiler."});
  const std::string json = server_.Get("/ignored_fields");
  EXPECT_TRUE(absl::StrContains(json, "\"path\": \"admin.profile_path\"")) << json;
  EXPECT_TRUE(absl::StrContains(json, "\"reason\": \"There is no profiler.\"")) << json;
}

TEST_F(PagesTest, ActionsReachTheServerOnce) {
  for (const char* path : {"/quitquitquit", "/healthcheck/fail", "/healthcheck/ok",
                           "/drain_listeners", "/logging", "/reset_counters", "/reopen_logs"}) {
    EXPECT_EQ(server_.Call("GET", path).status, 405) << path;
  }
  EXPECT_EQ(server_.quits, 0);
  EXPECT_FALSE(server_.health_failed.has_value());
  EXPECT_TRUE(server_.drains.empty());

  EXPECT_EQ(server_.Call("POST", "/quitquitquit").body, "OK\n");
  EXPECT_EQ(server_.quits, 1);
  EXPECT_EQ(server_.Call("POST", "/reopen_logs").body, "OK\n");
  EXPECT_EQ(server_.reopenings, 1);
  EXPECT_EQ(server_.Call("POST", "/healthcheck/fail").body, "OK\n");
  EXPECT_EQ(server_.health_failed, true);
  EXPECT_EQ(server_.Call("POST", "/healthcheck/ok").body, "OK\n");
  EXPECT_EQ(server_.health_failed, false);
}

TEST_F(PagesTest, DrainListeners) {
  EXPECT_EQ(server_.Call("POST", "/drain_listeners").body, "OK\n");
  server_.Call("POST", "/drain_listeners?graceful&skip_exit");
  server_.Call("POST", "/drain_listeners?inboundonly&graceful");
  server_.Call("POST", "/drain_listeners?skip_exit");
  ASSERT_EQ(server_.drains.size(), 4u);
  EXPECT_TRUE(server_.drains[3].graceful && server_.drains[3].skip_exit);
  EXPECT_FALSE(server_.drains[0].graceful || server_.drains[0].inbound_only);
  EXPECT_TRUE(server_.drains[1].graceful && server_.drains[1].skip_exit);
  EXPECT_TRUE(server_.drains[2].graceful && server_.drains[2].inbound_only);
  EXPECT_FALSE(server_.drains[2].skip_exit);
}

TEST_F(PagesTest, Listeners) {
  server_.AddListener("l1", "127.0.0.1", 8080);
  server_.AddListener("l6", "::1", 8081);
  server_.listeners[1].addresses.push_back(*net::Address::FromPath("/run/l.sock"));
  EXPECT_EQ(server_.Get("/listeners"), "l1::127.0.0.1:8080\nl6::[::1]:8081\nl6::/run/l.sock\n");
  EXPECT_EQ(server_.Call("GET", "/listeners?format=json").content_type, "application/json");
  const auto listeners =
      FromJson<envoy::admin::v3::Listeners>(server_.Get("/listeners?format=json"));
  ASSERT_EQ(listeners.listener_statuses_size(), 2);
  EXPECT_EQ(listeners.listener_statuses(0).name(), "l1");
  EXPECT_EQ(listeners.listener_statuses(0).local_address().socket_address().port_value(), 8080u);
  EXPECT_EQ(listeners.listener_statuses(1).additional_local_addresses(0).pipe().path(),
            "/run/l.sock");
}

constexpr char kStaticCluster[] = R"(
name: svc
alt_stat_name: alt
type: STATIC
circuit_breakers: {thresholds: [{max_connections: 5}, {priority: HIGH, max_retries: 9}]}
load_assignment:
  cluster_name: svc
  endpoints:
  - locality: {region: eu, zone: b}
    lb_endpoints:
    - load_balancing_weight: 3
      health_status: DRAINING
      endpoint: {hostname: hh, address: {socket_address: {address: 127.0.0.1, port_value: 80}}}
)";

constexpr char kEdsCluster[] = R"(
name: dyn
type: EDS
eds_cluster_config: {service_name: es, eds_config: {ads: {}}}
)";

constexpr char kEdsAssignment[] = R"(
cluster_name: es
endpoints:
- lb_endpoints:
  - {endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 80}}}}
- priority: 1
  lb_endpoints:
  - health_status: UNHEALTHY
    endpoint: {address: {socket_address: {address: 10.0.0.2, port_value: 80}}}
)";

TEST_F(PagesTest, ClustersAsText) {
  server_.AddCluster(kStaticCluster);
  EXPECT_EQ(server_.Get("/clusters"),
            "svc::observability_name::alt\n"
            "svc::default_priority::max_connections::5\n"
            "svc::default_priority::max_pending_requests::1024\n"
            "svc::default_priority::max_requests::1024\n"
            "svc::default_priority::max_retries::3\n"
            "svc::high_priority::max_connections::1024\n"
            "svc::high_priority::max_pending_requests::1024\n"
            "svc::high_priority::max_requests::1024\n"
            "svc::high_priority::max_retries::9\n"
            "svc::added_via_api::false\n"
            "svc::127.0.0.1:80::hostname::hh\n"
            "svc::127.0.0.1:80::health_flags::/eds_status_draining\n"
            "svc::127.0.0.1:80::weight::3\n"
            "svc::127.0.0.1:80::region::eu\n"
            "svc::127.0.0.1:80::zone::b\n"
            "svc::127.0.0.1:80::sub_zone::\n"
            "svc::127.0.0.1:80::priority::0\n"
            "svc::127.0.0.1:80::success_rate::-1\n"
            "svc::127.0.0.1:80::local_origin_success_rate::-1\n");
}

TEST_F(PagesTest, ClustersWithCountersAndEds) {
  server_.AddCluster(kEdsCluster, kEdsAssignment).added_via_api = true;
  server_.source.host_counters = [](const upstream::ClusterConfig& cluster,
                                    const upstream::Host& host) {
    EXPECT_EQ(cluster.name, "dyn");
    HostCounters counters;
    counters.cx_active = host.address().IpString() == "10.0.0.2" ? 4 : 1;
    counters.rq_total = 99;
    return counters;
  };
  server_.clusters[0]->hosts->host(0).SetHealthBits(upstream::kFailedActiveCheck);
  const std::string text = server_.Get("/clusters");
  for (const char* line :
       {"dyn::added_via_api::true\ndyn::eds_service_name::es\ndyn::10.0.0.1:80::cx_active::1\n",
        "dyn::10.0.0.2:80::cx_active::4\n", "dyn::10.0.0.2:80::rq_total::99\n",
        "dyn::10.0.0.1:80::health_flags::/failed_active_hc\n",
        "dyn::10.0.0.2:80::health_flags::/failed_eds_health\n",
        "dyn::10.0.0.2:80::priority::1\n"}) {
    EXPECT_TRUE(absl::StrContains(text, line)) << line << text;
  }
  const auto clusters = FromJson<envoy::admin::v3::Clusters>(server_.Get("/clusters?format=json"));
  ASSERT_EQ(clusters.cluster_statuses_size(), 1);
  const auto& status = clusters.cluster_statuses(0);
  EXPECT_EQ(status.name(), "dyn");
  EXPECT_TRUE(status.added_via_api());
  EXPECT_EQ(status.eds_service_name(), "es");
  EXPECT_EQ(status.circuit_breakers().thresholds(1).priority(), envoy::config::core::v3::HIGH);
  ASSERT_EQ(status.host_statuses_size(), 2);
  const auto& second = status.host_statuses(1);
  EXPECT_EQ(second.address().socket_address().address(), "10.0.0.2");
  EXPECT_EQ(second.health_status().eds_health_status(), envoy::config::core::v3::UNHEALTHY);
  EXPECT_EQ(second.priority(), 1u);
  EXPECT_EQ(second.stats_size(), 9);
  EXPECT_EQ(second.stats(0).name(), "cx_active");
  EXPECT_EQ(second.stats(0).value(), 4u);
  EXPECT_EQ(second.stats(0).type(), envoy::admin::v3::SimpleMetric::GAUGE);
  EXPECT_TRUE(status.host_statuses(0).health_status().failed_active_health_check());
}

TEST_F(PagesTest, ClustersByName) {
  server_.AddCluster(kStaticCluster);
  server_.AddCluster(kEdsCluster, kEdsAssignment);
  EXPECT_TRUE(absl::StartsWith(server_.Get("/clusters?filter=%5Ed"), "dyn::"));
  EXPECT_EQ(server_.Get("/clusters?filter=nothing"), "");
  EXPECT_EQ(server_.Call("GET", "/clusters?filter=%5B").status, 400);
}

TEST_F(PagesTest, LoggingShowsAndChangesLevels) {
  using base::Log;
  using base::LogComponent;
  using base::LogLevel;
  Log::SetLevel(LogLevel::kInfo);
  EXPECT_TRUE(absl::StartsWith(server_.Call("POST", "/logging").body, "active loggers:\n"));
  EXPECT_TRUE(
      absl::StrContains(server_.Call("POST", "/logging?level=").body, "  upstream: info\n"));

  EXPECT_TRUE(absl::StrContains(server_.Call("POST", "/logging?upstream=debug").body,
                                "  upstream: debug\n"));
  EXPECT_EQ(Log::Level(LogComponent::kUpstream), LogLevel::kDebug);
  EXPECT_EQ(Log::Level(LogComponent::kHttp), LogLevel::kInfo);

  EXPECT_EQ(server_.Call("POST", "/logging?paths=upstream:error,http:warning").status, 200);
  EXPECT_EQ(Log::Level(LogComponent::kUpstream), LogLevel::kError);
  EXPECT_EQ(Log::Level(LogComponent::kHttp), LogLevel::kWarn);

  EXPECT_EQ(server_.Call("POST", "/logging?level=warning").status, 200);
  EXPECT_EQ(Log::Level(LogComponent::kUpstream), LogLevel::kWarn);

  // Loggers that only Envoy has change nothing, and take nothing with them.
  EXPECT_EQ(server_.Call("POST", "/logging?rbac=debug").status, 200);
  EXPECT_EQ(server_.Call("POST", "/logging?paths=rbac:debug,http:error,jwt:trace").status, 200);
  EXPECT_EQ(Log::Level(LogComponent::kHttp), LogLevel::kError);
  EXPECT_EQ(Log::Level(LogComponent::kUpstream), LogLevel::kWarn);

  for (const char* wrong :
       {"level=loud", "nobody=debug", "upstream=loud", "a=b&c=d", "rbac=loud",
        "paths=upstream:debug,nobody:debug", "paths=upstream", "paths=upstream:debug,rbac:loud",
        "paths=upstream:debug,%20:debug", "group=default:debug"}) {
    const Response response = server_.Call("POST", std::string("/logging?") + wrong);
    EXPECT_EQ(response.status, 400) << wrong;
    EXPECT_TRUE(absl::StartsWith(response.body, "error: ")) << response.body;
    EXPECT_TRUE(absl::StrContains(response.body, "usage: /logging?<name>=<level>"));
    EXPECT_EQ(Log::Level(LogComponent::kUpstream), LogLevel::kWarn) << wrong;
  }
  Log::SetLevel(LogLevel::kInfo);
}

TEST_F(PagesTest, StatsAreThere) {
  EXPECT_TRUE(
      absl::StrContains(server_.Call("GET", "/stats/prometheus").content_type, "text/plain"));
  EXPECT_EQ(server_.Call("GET", "/stats?format=json").content_type, "application/json");
}

TEST_F(PagesTest, StatsOfThousandsOfClusters) {
  std::vector<stats::Group<stats::ClusterStats>> groups;
  for (int i = 0; i < 2000; ++i) {
    groups.push_back(
        server_.registry.Open<stats::ClusterStats>(stats::ClusterScope(absl::StrCat("c", i))));
    groups.back()->upstream_rq_total.Add(static_cast<uint64_t>(i));
  }
  EXPECT_TRUE(
      absl::StrContains(server_.Get("/stats"), "\ncluster.c1999.upstream_rq_total: 1999\n"));
  EXPECT_TRUE(
      absl::StrContains(server_.Get("/stats/prometheus"),
                        "\nenvoy_cluster_upstream_rq_total{envoy_cluster_name=\"c1999\"} 1999\n"));
}

}  // namespace
}  // namespace proxenos::admin
