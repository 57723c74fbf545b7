// Which clusters reports tell of, and what.
#include "source/server/load_report.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "source/upstream/load_metrics.h"

namespace proxenos::server {
namespace {

using base::kMillisecond;
using base::kSecond;
using envoy::config::endpoint::v3::ClusterStats;
using envoy::service::load_stats::v3::LoadStatsRequest;
using envoy::service::load_stats::v3::LoadStatsResponse;
using upstream::Host;

// Clusters of two localities with two hosts each.
class LoadReportTest : public ::testing::Test {
 protected:
  struct Cluster {
    upstream::ClusterConfig config;
    std::shared_ptr<const upstream::HostSet> hosts;
    upstream::ClusterLoad load{std::make_shared<const upstream::LoadMetrics>()};
  };

  LoadReportTest() : report_(Clusters()) {}

  void Add(const std::string& name) {
    auto cluster = std::make_unique<Cluster>();
    cluster->config.name = name;
    upstream::Assignment assignment;
    assignment.drop_overload = {"lb", 1000};
    for (uint32_t i = 0; i < 2; ++i) {
      auto& locality = assignment.localities.emplace_back();
      locality.locality = {"r", "z" + std::to_string(i), "s"};
      locality.priority = i;
      for (int j = 1; j <= 2; ++j) {
        locality.endpoints.emplace_back().address =
            *net::Address::FromIp("10.0.0." + std::to_string(10 * i + j), 80);
      }
    }
    cluster->hosts = upstream::BuildHostSet(cluster->config, assignment, nullptr).hosts;
    for (const upstream::HostEntry& entry : cluster->hosts->entries()) {
      entry.host->SetLoad(std::make_shared<const upstream::LoadCounts>());
    }
    clusters_[name] = std::move(cluster);
  }

  const upstream::LoadCounts& LoadOf(const std::string& cluster, uint32_t host) {
    return *clusters_[cluster]->hosts->host(host).load();
  }

  void Ask(const std::vector<std::string>& names, bool all = false, bool endpoints = false) {
    LoadStatsResponse wanted;
    for (const std::string& name : names) wanted.add_clusters(name);
    wanted.set_send_all_clusters(all);
    wanted.set_report_endpoint_granularity(endpoints);
    wanted.mutable_load_reporting_interval()->set_seconds(5);
    EXPECT_TRUE(report_.Ask(wanted, now_).ok());
  }

  // Of the next report, by name.
  std::map<std::string, ClusterStats> Take(base::Nanos later) {
    now_ += later;
    LoadStatsRequest request;
    report_.Fill(now_, request);
    std::map<std::string, ClusterStats> stats;
    for (const ClusterStats& each : request.cluster_stats()) stats[each.cluster_name()] = each;
    return stats;
  }

  LoadedClusters Clusters() {
    LoadedClusters clusters;
    clusters.all = [this](VisitLoaded visit) {
      for (const auto& [name, each] : clusters_) visit({each->config, *each->hosts, each->load});
    };
    clusters.named = [this](absl::string_view name, VisitLoaded visit) {
      const auto found = clusters_.find(std::string(name));
      if (found == clusters_.end()) return;
      const Cluster& each = *found->second;
      visit({each.config, *each.hosts, each.load});
    };
    return clusters;
  }

  std::map<std::string, std::unique_ptr<Cluster>> clusters_;
  LoadReport report_;
  base::MonoTime now_ = 1000 * kSecond;
};

TEST_F(LoadReportTest, NothingUntilAsked) {
  Add("a");
  EXPECT_TRUE(Take(kSecond).empty());
}

TEST_F(LoadReportTest, MetricsAndDropsByCategory) {
  Add("a");
  Cluster& cluster = *clusters_["a"];
  const auto part = cluster.load.metrics()->AddPart();
  const auto id = [&cluster](uint32_t host) { return cluster.hosts->host(host).id(); };
  part->Add(id(0), "eps", 100);  // Before anybody asked.
  cluster.load.CountOverloadDrop();
  Ask({"a"}, /*all=*/false, /*endpoints=*/true);
  ClusterStats stats = Take(kSecond)["a"];
  EXPECT_EQ(stats.upstream_locality_stats_size(), 0);
  EXPECT_EQ(stats.dropped_requests_size(), 0);
  part->Add(id(0), "eps", 1);
  part->Add(id(1), "eps", 2);
  part->Add(id(1), "named_metrics.queue", 5);
  part->Add(id(3), "eps", 4);
  part->Add(12345678, "eps", 8);  // Of a host that left.
  for (int i = 0; i < 3; ++i) cluster.load.CountOverloadDrop();
  stats = Take(kSecond)["a"];
  ASSERT_EQ(stats.upstream_locality_stats_size(), 2);
  const auto& first = stats.upstream_locality_stats(0);
  ASSERT_EQ(first.load_metric_stats_size(), 2);
  EXPECT_EQ(first.load_metric_stats(0).metric_name(), "eps");
  EXPECT_EQ(first.load_metric_stats(0).num_requests_finished_with_metric(), 2u);
  EXPECT_EQ(first.load_metric_stats(0).total_metric_value(), 3);
  EXPECT_EQ(first.load_metric_stats(1).metric_name(), "named_metrics.queue");
  ASSERT_EQ(first.upstream_endpoint_stats_size(), 2);
  EXPECT_EQ(first.upstream_endpoint_stats(1).load_metric_stats_size(), 2);
  EXPECT_EQ(stats.upstream_locality_stats(1).load_metric_stats(0).total_metric_value(), 4);
  ASSERT_EQ(stats.dropped_requests_size(), 1);
  EXPECT_EQ(stats.dropped_requests(0).category(), "lb");
  EXPECT_EQ(stats.dropped_requests(0).dropped_count(), 3u);
  EXPECT_EQ(stats.total_dropped_requests(), 0u);
  stats = Take(kSecond)["a"];
  EXPECT_EQ(stats.upstream_locality_stats_size(), 0);
  EXPECT_EQ(stats.dropped_requests_size(), 0);
}

TEST_F(LoadReportTest, SumsByLocality) {
  Add("a");
  LoadOf("a", 0).Begin();  // Before anybody asked.
  LoadOf("a", 0).End();
  LoadOf("a", 0).CountAnswer(true);
  Ask({"a"});
  for (int i = 0; i < 3; ++i) LoadOf("a", 0).Begin();
  LoadOf("a", 1).Begin();
  LoadOf("a", 0).CountAnswer(true);
  LoadOf("a", 0).CountAnswer(false);
  LoadOf("a", 0).End();
  LoadOf("a", 0).End();
  LoadOf("a", 1).CountAnswer(true);
  LoadOf("a", 1).End();
  const ClusterStats stats = Take(2500 * kMillisecond)["a"];
  ASSERT_EQ(stats.upstream_locality_stats_size(), 1) << "the other has nothing to tell";
  const auto& locality = stats.upstream_locality_stats(0);
  EXPECT_EQ(locality.locality().region(), "r");
  EXPECT_EQ(locality.locality().zone(), "z0");
  EXPECT_EQ(locality.locality().sub_zone(), "s");
  EXPECT_EQ(locality.priority(), 0u);
  EXPECT_EQ(locality.total_issued_requests(), 4u);
  EXPECT_EQ(locality.total_successful_requests(), 2u);
  EXPECT_EQ(locality.total_error_requests(), 1u);
  EXPECT_EQ(locality.total_requests_in_progress(), 1u);
  EXPECT_EQ(locality.upstream_endpoint_stats_size(), 0);
  EXPECT_EQ(stats.load_report_interval().seconds(), 2);
  EXPECT_EQ(stats.load_report_interval().nanos(), 500'000'000);
  EXPECT_EQ(stats.total_dropped_requests(), 0u);
  EXPECT_EQ(stats.cluster_service_name(), "");
}

TEST_F(LoadReportTest, EachReportTellsOfTheTimeSinceTheLast) {
  Add("a");
  Ask({"a"});
  LoadOf("a", 2).Begin();
  clusters_["a"]->load.CountDrop();
  ClusterStats stats = Take(kSecond)["a"];
  EXPECT_EQ(stats.upstream_locality_stats(0).priority(), 1u);
  EXPECT_EQ(stats.upstream_locality_stats(0).total_issued_requests(), 1u);
  EXPECT_EQ(stats.total_dropped_requests(), 1u);
  // A request that takes long is told of each time; its answer counts although it was not issued
  // in that time.
  stats = Take(3 * kSecond)["a"];
  EXPECT_EQ(stats.upstream_locality_stats(0).total_issued_requests(), 0u);
  EXPECT_EQ(stats.upstream_locality_stats(0).total_requests_in_progress(), 1u);
  EXPECT_EQ(stats.total_dropped_requests(), 0u);
  EXPECT_EQ(stats.load_report_interval().seconds(), 3);
  LoadOf("a", 2).CountAnswer(true);
  LoadOf("a", 2).End();
  stats = Take(kSecond)["a"];
  EXPECT_EQ(stats.upstream_locality_stats(0).total_successful_requests(), 1u);
  EXPECT_EQ(Take(kSecond)["a"].upstream_locality_stats_size(), 0) << "but the cluster is there";
}

TEST_F(LoadReportTest, EndpointsWhereAskedFor) {
  Add("a");
  Ask({"a"}, /*all=*/false, /*endpoints=*/true);
  LoadOf("a", 0).Begin();
  LoadOf("a", 1).Begin();
  LoadOf("a", 1).CountAnswer(false);
  const ClusterStats stats = Take(kSecond)["a"];
  const auto& endpoints = stats.upstream_locality_stats(0).upstream_endpoint_stats();
  ASSERT_EQ(endpoints.size(), 2);
  EXPECT_EQ(endpoints[1].address().socket_address().address(), "10.0.0.2");
  EXPECT_EQ(endpoints[1].address().socket_address().port_value(), 80u);
  EXPECT_EQ(endpoints[0].total_issued_requests(), 1u);
  EXPECT_EQ(endpoints[1].total_error_requests(), 1u);
  EXPECT_EQ(endpoints[1].total_requests_in_progress(), 1u);
  EXPECT_EQ(stats.upstream_locality_stats(0).total_issued_requests(), 2u);
}

TEST_F(LoadReportTest, AllClustersAndThoseThatComeLater) {
  Add("a");
  Ask({"ignored"}, /*all=*/true);
  Add("b");
  LoadOf("b", 0).Begin();
  EXPECT_EQ(Take(kSecond).size(), 1u) << "b is tracked from now on";
  LoadOf("b", 0).Begin();
  ClusterStats stats = Take(kSecond)["b"];
  EXPECT_EQ(stats.upstream_locality_stats(0).total_issued_requests(), 1u);
  EXPECT_EQ(stats.load_report_interval().seconds(), 1);
  clusters_.erase("a");
  EXPECT_EQ(Take(kSecond).size(), 1u);
  EXPECT_EQ(report_.tracked_count(), 1u);
}

TEST_F(LoadReportTest, AskedAgainNothingIsLost) {
  Add("a");
  Add("b");
  Ask({"a", "a", "unknown"});
  LoadOf("a", 0).Begin();
  LoadOf("b", 0).Begin();
  now_ += kSecond;
  Ask({"a", "b"});
  const auto stats = Take(kSecond);
  ASSERT_EQ(stats.size(), 2u);
  EXPECT_EQ(stats.at("a").upstream_locality_stats(0).total_issued_requests(), 1u);
  EXPECT_EQ(stats.at("a").load_report_interval().seconds(), 2);
  EXPECT_EQ(stats.at("b").load_report_interval().seconds(), 1);
  EXPECT_EQ(stats.at("b").upstream_locality_stats(0).total_issued_requests(), 0u)
      << "from before it was asked for";
  Ask({"b"});
  EXPECT_EQ(Take(kSecond).size(), 1u);
}

TEST_F(LoadReportTest, ServiceNameOfEds) {
  Add("a");
  auto eds = std::make_shared<upstream::EdsSettings>();
  eds->service_name = "service-a";
  clusters_["a"]->config.eds = eds;
  Ask({"a"});
  EXPECT_EQ(Take(kSecond)["a"].cluster_service_name(), "service-a");
}

TEST_F(LoadReportTest, IntervalHasBounds) {
  Add("a");
  LoadStatsResponse wanted;
  wanted.set_send_all_clusters(true);
  EXPECT_TRUE(report_.Ask(wanted, now_).ok());
  EXPECT_EQ(report_.interval(), LoadReport::kMinInterval);
  wanted.mutable_load_reporting_interval()->set_seconds(INT64_MAX);
  EXPECT_TRUE(report_.Ask(wanted, now_).ok());
  EXPECT_EQ(report_.interval(), LoadReport::kMaxInterval);
  wanted.mutable_load_reporting_interval()->set_seconds(-1);
  EXPECT_EQ(report_.Ask(wanted, now_).message(),
            "load_reporting_interval: expected a duration that is not negative");
  wanted.mutable_load_reporting_interval()->set_seconds(0);
  wanted.set_send_all_clusters(false);
  for (int i = 0; i < 20000; ++i) wanted.add_clusters("c" + std::to_string(i));
  EXPECT_TRUE(report_.Ask(wanted, now_).ok());
  EXPECT_EQ(report_.interval(), 20000 * LoadReport::kIntervalPerHost);
}

}  // namespace
}  // namespace proxenos::server
