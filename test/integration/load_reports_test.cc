// Load reports (LRS) through the real binary.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "envoy/service/health/v3/hds.pb.h"
#include "envoy/service/load_stats/v3/lrs.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/empty.pb.h"
#include "test/integration/config_text.h"
#include "test/integration/report_server.h"
#include "test/support/fake_origin.h"
#include "test/support/gate.h"
#include "test/support/proxy_process.h"
#include "test/support/test_client.h"

namespace proxenos::testing {
namespace {

using envoy::config::endpoint::v3::ClusterStats;
using envoy::service::health::v3::HealthCheckRequestOrEndpointHealthResponse;
using envoy::service::load_stats::v3::LoadStatsRequest;
using envoy::service::load_stats::v3::LoadStatsResponse;

class LoadReportsTest : public ::testing::Test {
 protected:
  void Start(const std::string& service, ConfigText text = {}) {
    if (text.clusters.empty()) text.clusters = ClusterText("origin", {origin_.port()});
    absl::StrAppend(&text.clusters, ", ", ClusterText("lrs", {server_.port()}, kHttp2));
    text.bootstrap = absl::StrCat(
        "node: {id: node-1, cluster: c}\ncluster_manager: {load_stats_config: {api_type: GRPC, "
        "transport_api_version: V3, grpc_services: [",
        service, "]}}");
    proxy_.emplace(Bootstrap(text));
    port_ = proxy_->ListenerPort("main");
    ASSERT_NE(port_, 0);
  }
  void Start() { Start(absl::StrCat("{envoy_grpc: {cluster_name: lrs, ", kFastRetry, "}}")); }

  // What all reports from now on say of a cluster until `enough` of it came.
  ClusterStats SumUntil(const std::string& cluster,
                        const std::function<bool(const ClusterStats&)>& enough) {
    ClusterStats sum;
    while (!enough(sum)) {
      const std::optional<LoadStatsRequest> report = server_.Next();
      if (!report.has_value()) {
        ADD_FAILURE() << "no report; so far " << sum.DebugString();
        break;
      }
      for (const ClusterStats& each : report->cluster_stats()) {
        if (each.cluster_name() == cluster) Add(each, sum);
      }
    }
    return sum;
  }
  static void Add(const ClusterStats& more, ClusterStats& sum) {
    sum.set_total_dropped_requests(sum.total_dropped_requests() + more.total_dropped_requests());
    sum.mutable_dropped_requests()->MergeFrom(more.dropped_requests());
    for (const auto& each : more.upstream_locality_stats()) {
      if (sum.upstream_locality_stats_size() == 0) {
        *sum.add_upstream_locality_stats()->mutable_locality() = each.locality();
      }
      auto& all = *sum.mutable_upstream_locality_stats(0);
      all.set_total_issued_requests(all.total_issued_requests() + each.total_issued_requests());
      all.set_total_successful_requests(all.total_successful_requests() +
                                        each.total_successful_requests());
      all.set_total_error_requests(all.total_error_requests() + each.total_error_requests());
      all.set_total_requests_in_progress(each.total_requests_in_progress());
      all.mutable_load_metric_stats()->MergeFrom(each.load_metric_stats());
      for (const auto& endpoint : each.upstream_endpoint_stats()) {
        *all.add_upstream_endpoint_stats() = endpoint;
      }
    }
  }
  static uint64_t Answered(const ClusterStats& stats) {
    if (stats.upstream_locality_stats_size() == 0) return 0;
    const auto& locality = stats.upstream_locality_stats(0);
    return locality.total_successful_requests() + locality.total_error_requests();
  }

  FakeOrigin origin_;
  ReportServer<LoadStatsRequest> server_;
  std::optional<ProxyProcess> proxy_;
  uint16_t port_ = 0;
};

TEST_F(LoadReportsTest, OverAClusterOfItsOwn) {
  Start();
  const auto hello = server_.Next();
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(server_.method(), "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats");
  EXPECT_EQ(hello->node().id(), "node-1");
  ASSERT_EQ(hello->node().client_features_size(), 1);
  EXPECT_EQ(hello->node().client_features(0), "envoy.lrs.supports_send_all_clusters");
  EXPECT_EQ(hello->cluster_stats_size(), 0);

  server_.Send(FromText<LoadStatsResponse>(
      "clusters: 'origin' clusters: 'nowhere' load_reporting_interval { nanos: 100000000 }"));
  ASSERT_TRUE(server_.NextWith([](const auto& report) { return report.cluster_stats_size() > 0; })
                  .has_value());
  origin_.On("/bad", [](OriginExchange& exchange) { exchange.Reply(500); });
  TestClient client(port_);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Get("/").status(), 200);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.Get("/bad").status(), 500);
  const ClusterStats stats =
      SumUntil("origin", [](const ClusterStats& sum) { return Answered(sum) >= 5; });
  const auto& locality = stats.upstream_locality_stats(0);
  EXPECT_EQ(locality.total_issued_requests(), 5u);
  EXPECT_EQ(locality.total_successful_requests(), 3u);
  EXPECT_EQ(locality.total_error_requests(), 2u);
  EXPECT_EQ(locality.upstream_endpoint_stats_size(), 0);
  EXPECT_EQ(stats.total_dropped_requests(), 0u);
  EXPECT_EQ(proxy_->Stat("load_reporter.requests"), 1u);
  EXPECT_GE(proxy_->Stat("load_reporter.responses"), 2u);
  EXPECT_EQ(proxy_->Stat("load_reporter.errors"), 0u);
}

TEST_F(LoadReportsTest, EndpointsAndRequestsUnderWay) {
  Gate gate;
  origin_.On("/wait", [&gate](OriginExchange& exchange) {
    gate.Wait();
    exchange.Reply(200);
  });
  Start(absl::StrCat("{google_grpc: {target_uri: '", server_.address(), "', stat_prefix: x}}"));
  ASSERT_TRUE(server_.Next().has_value());
  server_.Send(
      FromText<LoadStatsResponse>("send_all_clusters: true report_endpoint_granularity: true "
                                  "load_reporting_interval { nanos: 100000000 }"));
  const auto first =
      server_.NextWith([](const auto& report) { return report.cluster_stats_size() > 0; });
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->cluster_stats_size(), 2) << "origin and lrs";
  TestClient client(port_);
  ASSERT_TRUE(client.Send(TestClient::Text("GET", "/wait")));
  const ClusterStats stats = SumUntil("origin", [](const ClusterStats& sum) {
    return sum.upstream_locality_stats_size() > 0 &&
           sum.upstream_locality_stats(0).total_requests_in_progress() == 1;
  });
  gate.Open();
  EXPECT_EQ(client.ReadResponse().status(), 200);
  ASSERT_EQ(stats.upstream_locality_stats_size(), 1);
  ASSERT_GE(stats.upstream_locality_stats(0).upstream_endpoint_stats_size(), 1);
  const auto& endpoint = stats.upstream_locality_stats(0).upstream_endpoint_stats(0);
  EXPECT_EQ(endpoint.address().socket_address().port_value(), origin_.port());
  EXPECT_EQ(endpoint.total_requests_in_progress(), 1u);
  EXPECT_EQ(endpoint.total_issued_requests(), 1u);
}

TEST_F(LoadReportsTest, CallsOfOurOwnCount) {
  Start();
  ASSERT_TRUE(server_.Next().has_value());
  server_.Send(
      FromText<LoadStatsResponse>("clusters: 'lrs' load_reporting_interval { nanos: 100000000 }"));
  const ClusterStats stats = SumUntil("lrs", [](const ClusterStats& sum) {
    return sum.upstream_locality_stats_size() > 0 &&
           sum.upstream_locality_stats(0).total_requests_in_progress() == 1;
  });
  EXPECT_EQ(stats.upstream_locality_stats(0).total_issued_requests(), 0u)
      << "the stream began before anybody asked";
}

TEST_F(LoadReportsTest, DroppedByCircuitBreakers) {
  ConfigText text;
  text.clusters = ClusterText("origin", {origin_.port()},
                              "circuit_breakers: {thresholds: [{max_requests: 0}]}");
  Start(absl::StrCat("{envoy_grpc: {cluster_name: lrs, ", kFastRetry, "}}"), text);
  ASSERT_TRUE(server_.Next().has_value());
  server_.Send(FromText<LoadStatsResponse>(
      "clusters: 'origin' load_reporting_interval { nanos: 100000000 }"));
  ASSERT_TRUE(server_.NextWith([](const auto& report) { return report.cluster_stats_size() > 0; })
                  .has_value());
  EXPECT_EQ(TestClient(port_).Get("/").status(), 503);
  const ClusterStats stats =
      SumUntil("origin", [](const ClusterStats& sum) { return sum.total_dropped_requests() > 0; });
  EXPECT_EQ(stats.total_dropped_requests(), 1u);
  EXPECT_EQ(stats.upstream_locality_stats_size(), 0);
}

TEST_F(LoadReportsTest, DroppedByCategory) {
  ConfigText text;
  text.clusters = absl::StrReplaceAll(
      ClusterText("origin", {origin_.port()}),
      {{"load_assignment: {",
        "load_assignment: {policy: {drop_overloads: [{category: throttle, drop_percentage: "
        "{numerator: 10000, denominator: TEN_THOUSAND}}]}, "}});
  Start(absl::StrCat("{envoy_grpc: {cluster_name: lrs, ", kFastRetry, "}}"), text);
  ASSERT_TRUE(server_.Next().has_value());
  server_.Send(FromText<LoadStatsResponse>(
      "clusters: 'origin' load_reporting_interval { nanos: 100000000 }"));
  ASSERT_TRUE(server_.NextWith([](const auto& report) { return report.cluster_stats_size() > 0; })
                  .has_value());
  EXPECT_EQ(TestClient(port_).Get("/").status(), 503);
  const ClusterStats stats =
      SumUntil("origin", [](const ClusterStats& sum) { return sum.dropped_requests_size() > 0; });
  ASSERT_EQ(stats.dropped_requests_size(), 1);
  EXPECT_EQ(stats.dropped_requests(0).category(), "throttle");
  EXPECT_EQ(stats.dropped_requests(0).dropped_count(), 1u);
  EXPECT_EQ(stats.total_dropped_requests(), 0u) << "those are of circuit breakers";
}

TEST_F(LoadReportsTest, MetricsThatHostsTell) {
  ConfigText text;
  text.clusters =
      ClusterText("origin", {origin_.port()},
                  "lrs_report_endpoint_metrics: [cpu_utilization, \"named_metrics.*\"], "
                  "http_protocol_options: {enable_trailers: true}");
  origin_.On("/head", [](OriginExchange& exchange) {
    exchange.Reply(200, {{"endpoint-load-metrics",
                          "TEXT cpu_utilization=0.25,mem_utilization=0.5,named_metrics.queue=7"}});
  });
  origin_.On("/trailers", [](OriginExchange& exchange) {
    exchange.ReplyChunked(200, {}, {"body"},
                          {{"endpoint-load-metrics", "JSON {\"cpu_utilization\": 0.5}"}});
  });
  origin_.On("/bad", [](OriginExchange& exchange) {
    exchange.Reply(200, {{"endpoint-load-metrics", "TEXT cpu_utilization=-1"}});
  });
  Start(absl::StrCat("{envoy_grpc: {cluster_name: lrs, ", kFastRetry, "}}"), text);
  ASSERT_TRUE(server_.Next().has_value());
  server_.Send(
      FromText<LoadStatsResponse>("clusters: 'origin' report_endpoint_granularity: true "
                                  "load_reporting_interval { nanos: 100000000 }"));
  ASSERT_TRUE(server_.NextWith([](const auto& report) { return report.cluster_stats_size() > 0; })
                  .has_value());
  TestClient client(port_);
  for (const char* path : {"/head", "/trailers", "/bad"}) EXPECT_EQ(client.Get(path).status(), 200);
  const ClusterStats stats =
      SumUntil("origin", [](const ClusterStats& sum) { return Answered(sum) >= 3; });
  double cpu = 0, queue = 0;
  uint64_t told = 0;
  const auto& locality = stats.upstream_locality_stats(0);
  for (const auto& metric : locality.load_metric_stats()) {
    EXPECT_TRUE(metric.metric_name() == "cpu_utilization" ||
                metric.metric_name() == "named_metrics.queue");
    (metric.metric_name() == "cpu_utilization" ? cpu : queue) += metric.total_metric_value();
    told += metric.num_requests_finished_with_metric();
  }
  EXPECT_EQ(cpu, 0.75);
  EXPECT_EQ(queue, 7);
  EXPECT_EQ(told, 3u);
  double by_endpoint = 0;
  for (const auto& endpoint : locality.upstream_endpoint_stats()) {
    for (const auto& metric : endpoint.load_metric_stats()) {
      by_endpoint += metric.total_metric_value();
    }
  }
  EXPECT_EQ(by_endpoint, 7.75);
}

constexpr char kOutOfBand[] =
    "load_balancing_policy: {policies: [{typed_extension_config: {name: p, typed_config: "
    "{\"@type\": type.googleapis.com/envoy.extensions.load_balancing_policies."
    "client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin, "
    "enable_oob_load_report: true, oob_reporting_period: 0.25s, "
    "oob_reporting_config: {port_value: PORT, authority: sidecar}}}}]}, "
    "lrs_report_endpoint_metrics: [cpu_utilization]";

// A host's own reports, from another port than the one that it serves at: no request is needed.
TEST_F(LoadReportsTest, MetricsOutOfBand) {
  ReportServer<google::protobuf::Empty> sidecar(true);  // It keeps what it does not know.
  ConfigText text;
  text.clusters =
      ClusterText("origin", {origin_.port()},
                  absl::StrReplaceAll(kOutOfBand, {{"PORT", absl::StrCat(sidecar.port())}}));
  Start(absl::StrCat("{envoy_grpc: {cluster_name: lrs, ", kFastRetry, "}}"), text);
  ASSERT_TRUE(server_.Next().has_value());
  server_.Send(FromText<LoadStatsResponse>(
      "clusters: 'origin' load_reporting_interval { nanos: 100000000 }"));
  ASSERT_TRUE(server_.NextWith([](const auto& report) { return report.cluster_stats_size() > 0; })
                  .has_value());
  const auto question = sidecar.Next();
  ASSERT_TRUE(question.has_value());
  google::protobuf::Duration period;
  EXPECT_TRUE(period.ParseFromString(question->SerializeAsString().substr(2)));
  EXPECT_EQ(period.seconds() * 1000 + period.nanos() / 1'000'000, 250);
  EXPECT_EQ(sidecar.method(), "/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics");
  sidecar.SendBytes(std::string("\x09\x00\x00\x00\x00\x00\x00\xe0\x3f", 9));  // 0.5
  const ClusterStats stats = SumUntil("origin", [](const ClusterStats& sum) {
    return sum.upstream_locality_stats_size() > 0 &&
           sum.upstream_locality_stats(0).load_metric_stats_size() > 0;
  });
  const auto& metric = stats.upstream_locality_stats(0).load_metric_stats(0);
  EXPECT_EQ(metric.metric_name(), "cpu_utilization");
  EXPECT_EQ(metric.total_metric_value(), 0.5);
  EXPECT_EQ(metric.num_requests_finished_with_metric(), 1u);
  EXPECT_EQ(stats.upstream_locality_stats(0).total_issued_requests(), 0u);
  EXPECT_EQ(proxy_->Stat("cluster.origin.lb_orca_oob.reports_received"), 1u);
  EXPECT_EQ(proxy_->Stat("cluster.origin.lb_orca_oob.active_sessions"), 1u);
  // What is no report ends the stream; another one is tried.
  sidecar.SendBytes("\xff\xff");
  ASSERT_TRUE(proxy_->WaitForStat("cluster.origin.lb_orca_oob.report_errors", 1));
  EXPECT_TRUE(sidecar.Next().has_value());
  // One that does not know the service is left alone.
  sidecar.Finish(absl::UnimplementedError("no such service"));
  ASSERT_TRUE(proxy_->WaitForStat("cluster.origin.lb_orca_oob.stream_terminated", 1));
  EXPECT_EQ(proxy_->Stat("cluster.origin.lb_orca_oob.active_sessions"), 0u);
  EXPECT_EQ(TestClient(port_).Get("/").status(), 200);
}

TEST_F(LoadReportsTest, ComesBackAndLosesNothing) {
  Start();
  ASSERT_TRUE(server_.Next().has_value());
  const auto wanted =
      FromText<LoadStatsResponse>("clusters: 'origin' load_reporting_interval { seconds: 3600 }");
  server_.Send(wanted);
  ASSERT_TRUE(proxy_->WaitForStat("load_reporter.requests", 1));
  EXPECT_EQ(TestClient(port_).Get("/").status(), 200);
  server_.Finish(absl::UnavailableError("restart"));
  const auto hello = server_.Next();
  ASSERT_TRUE(hello.has_value());
  EXPECT_EQ(hello->node().id(), "node-1");
  EXPECT_EQ(hello->cluster_stats_size(), 0);
  EXPECT_EQ(proxy_->Stat("load_reporter.errors"), 1u);
  EXPECT_EQ(proxy_->Stat("load_reporter.retries"), 1u);
  server_.Send(
      FromText<LoadStatsResponse>("clusters: 'origin' load_reporting_interval { nanos: 1 }"));
  const ClusterStats stats =
      SumUntil("origin", [](const ClusterStats& sum) { return Answered(sum) > 0; });
  EXPECT_EQ(stats.upstream_locality_stats(0).total_issued_requests(), 1u);
}

TEST_F(LoadReportsTest, HostileService) {
  Start();
  ASSERT_TRUE(server_.Next().has_value());
  server_.SendBytes("\xff\xff\xff this is no proto");
  ASSERT_TRUE(server_.Next().has_value()) << "the stream was left, and opened anew";
  server_.Send(FromText<LoadStatsResponse>("load_reporting_interval { seconds: -5 }"));
  ASSERT_TRUE(server_.Next().has_value());
  // Many clusters that are not there, all the time, without a pause between reports.
  LoadStatsResponse many;
  for (int i = 0; i < 20000; ++i) many.add_clusters(absl::StrCat("cluster-", i));
  for (int i = 0; i < 20; ++i) server_.Send(many);
  ASSERT_TRUE(proxy_->WaitForStat("load_reporter.requests", 22));
  EXPECT_EQ(TestClient(port_).Get("/").status(), 200);
  EXPECT_GE(proxy_->Stat("load_reporter.errors"), 2u);
}

// The configuration of the page, as it stands but for its ports.
TEST(ReportsPage, BothServicesAreSpokenTo) {
  ReportServer<LoadStatsRequest> load;
  ReportServer<HealthCheckRequestOrEndpointHealthResponse> health;
  const std::string yaml =
      absl::StrReplaceAll(PageYaml("docs/reports.md"),
                          {{"port_value: 9901", "port_value: 0"},
                           {"port_value: 18001", absl::StrCat("port_value: ", load.port())},
                           {"port_value: 18002", absl::StrCat("port_value: ", health.port())}});
  ProxyProcess proxy(yaml);
  ASSERT_TRUE(proxy.started());
  const auto told = load.Next();
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->node().id(), "proxenos-1");
  const auto asked = health.Next();
  ASSERT_TRUE(asked.has_value());
  EXPECT_EQ(asked->health_check_request().node().id(), "proxenos-1");
}

}  // namespace
}  // namespace proxenos::testing
