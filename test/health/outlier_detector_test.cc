// Ejections and returns, by Envoy's rules, in simulated time.
#include "source/health/outlier_detector.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/upstream/host_set_update.h"
#include "test/support/sim_clock.h"
#include "test/upstream/assignments.h"

namespace proxenos::health {
namespace {

using base::kSecond;
using upstream::HostReport;
using upstream::OutlierCounts;

class OutlierDetectorTest : public ::testing::Test {
 protected:
  void Start(int hosts) {
    config_->name = "c";
    config_->outliers = std::make_shared<const upstream::OutlierDetection>(rules_);
    hosts_ = nullptr;
    Build(hosts, "");
    detector_.emplace(Surroundings{loop_, registry_}, config_, "", [this] { ++changes_; });
    detector_->SetHosts(*hosts_);
  }

  void Build(int hosts, const std::string& metadata) {
    std::vector<upstream::Endpoint> endpoints;
    for (int i = 0; i < hosts; ++i) {
      endpoints.push_back(upstream::testing::At("10.0.0." + std::to_string(i + 1)));
      endpoints.back().all_metadata = metadata;
    }
    hosts_ =
        upstream::BuildHostSet(*config_, upstream::testing::Of(std::move(endpoints)), hosts_).hosts;
  }
  // The same hosts, said to be of another kind.
  void Describe(const std::string& metadata) {
    const auto before = hosts_;
    Build(static_cast<int>(before->size()), metadata);
    ASSERT_NE(hosts_->shared_host(0), before->shared_host(0));
    ASSERT_EQ(hosts_->host(0).id(), before->host(0).id());
    detector_->SetHosts(*hosts_);
  }

  const upstream::Host& host(uint32_t index) { return hosts_->host(index); }
  bool Ejected(uint32_t index) {
    return (host(index).health_bits() & upstream::kFailedOutlierCheck) != 0;
  }
  void Report(uint32_t index, HostReport report = HostReport::k5xxInARow) {
    detector_->OnReport(host(index).id(), report);
  }
  void Pass(base::Nanos time) {
    clock_.Advance(time);
    loop_.RunOnce(0);
  }
  // The host answers `total` requests, `good` of them well.
  void Answer(uint32_t index, int good, int total) {
    for (int i = 0; i < total; ++i) {
      OutlierCounts::CountRequest(host(index).outlier().external, i < good);
    }
  }
  uint64_t Count(absl::string_view name) {
    for (const stats::ScopeReading& scope : registry_.Read()) {
      for (size_t i = 0; i < scope.schema->stats.size(); ++i) {
        if (scope.schema->stats[i].name == name) return scope.total.values[i];
      }
    }
    return 0;
  }
  proxenos::testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  upstream::OutlierDetection rules_;
  std::shared_ptr<upstream::ClusterConfig> config_ = std::make_shared<upstream::ClusterConfig>();
  std::shared_ptr<const upstream::HostSet> hosts_;
  std::optional<OutlierDetector> detector_;
  int changes_ = 0;
};

TEST_F(OutlierDetectorTest, AThresholdThatIsMetEjects) {
  Start(10);
  host(3).outlier().consecutive_5xx = 5;
  Report(3);
  EXPECT_TRUE(Ejected(3));
  EXPECT_EQ(changes_, 1);
  EXPECT_EQ(host(3).outlier().consecutive_5xx, 0u);
  Report(3);  // Another worker's, a moment too late.
  EXPECT_EQ(changes_, 1);
}

TEST_F(OutlierDetectorTest, NoMoreThanThePercentage) {
  Start(10);  // 10 %: one of ten.
  Report(0);
  Report(1);
  EXPECT_TRUE(Ejected(0));
  EXPECT_FALSE(Ejected(1));
}

TEST_F(OutlierDetectorTest, AFewHostsAreNotEjectedUnlessOneAlwaysMayBe) {
  Start(2);
  Report(0);
  EXPECT_FALSE(Ejected(0));
  rules_.always_eject_one_host = true;
  Start(2);
  Report(0);
  Report(1);
  EXPECT_TRUE(Ejected(0));
  EXPECT_FALSE(Ejected(1));
}

TEST_F(OutlierDetectorTest, WhatIsNotEnforcedIsOnlyCounted) {
  Start(10);
  Report(0, HostReport::kGatewayFailuresInARow);  // 0 % by default.
  EXPECT_FALSE(Ejected(0));
  rules_.enforcing[static_cast<size_t>(upstream::Ejection::kConsecutiveGatewayFailure)] = 100;
  Start(10);
  Report(0, HostReport::kGatewayFailuresInARow);
  EXPECT_TRUE(Ejected(0));
}

TEST_F(OutlierDetectorTest, EjectionsGrowLongerAndShorterAgain) {
  Start(10);
  Report(0);
  Pass(20 * kSecond);
  EXPECT_TRUE(Ejected(0));
  Pass(10 * kSecond);  // 30 s: the first one is over at this interval's end.
  EXPECT_FALSE(Ejected(0));
  Report(0);
  Pass(30 * kSecond);
  EXPECT_TRUE(Ejected(0));  // The second lasts 60 s.
  Pass(30 * kSecond);
  EXPECT_FALSE(Ejected(0));
  // Three good intervals take the back-off to nothing.
  for (int i = 0; i < 3; ++i) Pass(10 * kSecond);
  Report(0);
  Pass(30 * kSecond);
  EXPECT_FALSE(Ejected(0));
}

TEST_F(OutlierDetectorTest, NoLongerThanTheLongestTime) {
  rules_.max_ejection_time = 40 * kSecond;
  Start(10);
  for (int i = 0; i < 5; ++i) {
    Report(0);
    Pass(40 * kSecond);
    EXPECT_FALSE(Ejected(0)) << i;
  }
}

TEST_F(OutlierDetectorTest, AGoodCheckBringsItBack) {
  Start(10);
  Report(0);
  detector_->OnCheckPassed(host(0));
  EXPECT_FALSE(Ejected(0));
  rules_.successful_active_check_unejects = false;
  Start(10);
  Report(0);
  detector_->OnCheckPassed(host(0));
  EXPECT_TRUE(Ejected(0));
}

TEST_F(OutlierDetectorTest, SuccessRateFarBelowTheOthers) {
  Start(10);
  for (uint32_t i = 0; i < 10; ++i) Answer(i, i == 4 ? 50 : 100, 100);
  Pass(10 * kSecond);
  for (uint32_t i = 0; i < 10; ++i) EXPECT_EQ(Ejected(i), i == 4) << i;
  EXPECT_EQ(detector_->RatesOf(host(4).id()).external, 50);
  EXPECT_EQ(detector_->RatesOf(host(4).id()).local, -1);
}

TEST_F(OutlierDetectorTest, SuccessRateNeedsHostsAndRequests) {
  Start(10);
  // Four with enough requests: fewer than success_rate_minimum_hosts.
  for (uint32_t i = 0; i < 10; ++i) Answer(i, i == 4 ? 10 : 99, i >= 4 && i < 8 ? 100 : 99);
  Pass(10 * kSecond);
  EXPECT_FALSE(Ejected(4));
}

TEST_F(OutlierDetectorTest, FailurePercentage) {
  rules_.enforcing[static_cast<size_t>(upstream::Ejection::kSuccessRate)] = 0;
  rules_.enforcing[static_cast<size_t>(upstream::Ejection::kFailurePercentage)] = 100;
  rules_.max_ejection_percent = 50;
  Start(6);
  for (uint32_t i = 0; i < 6; ++i) Answer(i, i == 2 ? 7 : 8, 50);  // 86 % and 84 % fail.
  Pass(10 * kSecond);
  for (uint32_t i = 0; i < 6; ++i) EXPECT_EQ(Ejected(i), i == 2) << i;
}

TEST_F(OutlierDetectorTest, CountsOfAnIntervalAreForgottenWithIt) {
  Start(10);
  for (uint32_t i = 0; i < 10; ++i) Answer(i, i == 4 ? 30 : 60, 60);
  Pass(10 * kSecond);
  for (uint32_t i = 0; i < 10; ++i) Answer(i, i == 4 ? 30 : 60, 60);
  Pass(10 * kSecond);
  EXPECT_FALSE(Ejected(4));  // 60 requests each time, not 120.
}

TEST_F(OutlierDetectorTest, WhatTwoRulesSayInOneIntervalEjectsOnce) {
  rules_.enforcing[static_cast<size_t>(upstream::Ejection::kFailurePercentage)] = 100;
  rules_.max_ejection_percent = 50;
  Start(6);
  for (uint32_t i = 0; i < 6; ++i) Answer(i, i == 2 ? 0 : 100, 100);
  Pass(10 * kSecond);
  EXPECT_TRUE(Ejected(2));
  EXPECT_EQ(changes_, 1);
  EXPECT_EQ(Count("ejections_detected_success_rate"), 1u);
  EXPECT_EQ(Count("ejections_detected_failure_percentage"), 1u);
  EXPECT_EQ(Count("ejections_enforced_total"), 1u);
  EXPECT_EQ(Count("ejections_active"), 1u);
}

TEST_F(OutlierDetectorTest, OtherMetadataChangesNothing) {
  Start(10);
  Report(0);
  host(1).outlier().consecutive_5xx = 4;
  for (uint32_t i = 0; i < 10; ++i) Answer(i, i == 4 ? 25 : 50, 50);
  Describe("two");
  EXPECT_TRUE(Ejected(0));
  EXPECT_EQ(Count("ejections_active"), 1u);
  EXPECT_EQ(host(1).outlier().consecutive_5xx, 4u);
  for (uint32_t i = 0; i < 10; ++i) Answer(i, i == 4 ? 25 : 50, 50);
  Pass(10 * kSecond);
  EXPECT_EQ(detector_->RatesOf(host(4).id()).external, 50);
  Pass(20 * kSecond);
  EXPECT_FALSE(Ejected(0));
  EXPECT_EQ(Count("ejections_active"), 0u);
  // Nor is it forgotten that it was ejected before: this one takes longer.
  Report(0);
  Describe("three");
  Pass(30 * kSecond);
  EXPECT_TRUE(Ejected(0));
  detector_.reset();
  EXPECT_FALSE(Ejected(0));
}

TEST_F(OutlierDetectorTest, ItsEndBringsEverybodyBack) {
  Start(10);
  Report(0);
  detector_.reset();
  EXPECT_FALSE(Ejected(0));
}

TEST(OutlierCountsTest, AThresholdIsMetOnce) {
  OutlierCounts counts;
  int met = 0;
  for (int i = 0; i < 12; ++i) met += OutlierCounts::CountFailure(counts.consecutive_5xx, 5);
  EXPECT_EQ(met, 1);
  OutlierCounts::CountRequest(counts.external, true);
  OutlierCounts::CountRequest(counts.external, false);
  const OutlierCounts::Rate rate = OutlierCounts::TakeRate(counts.external);
  EXPECT_EQ(rate.successes, 1u);
  EXPECT_EQ(rate.total, 2u);
  EXPECT_EQ(OutlierCounts::TakeRate(counts.external).total, 0u);
}

TEST_F(OutlierDetectorTest, DegradedHostsRecoverLaterEachTime) {
  rules_.detect_degraded = true;
  rules_.base_ejection_time = 30 * kSecond;
  Start(2);
  const auto degraded = [this] {
    return (host(0).health_bits() & upstream::kDegradedOutlierCheck) != 0;
  };
  const auto report = [this] {
    host(0).SetHealthBits(upstream::kDegradedOutlierCheck);  // As its worker does.
    Report(0, HostReport::kDegraded);
  };
  report();
  EXPECT_EQ(changes_, 1);
  EXPECT_TRUE(hosts_->entries()[0].degraded());
  EXPECT_EQ(Count("ejections_detected_degradation"), 1u);
  EXPECT_FALSE(Ejected(0));
  report();
  EXPECT_EQ(changes_, 1);
  EXPECT_EQ(Count("ejections_detected_degradation"), 1u);
  for (int i = 0; i < 2; ++i) Pass(10 * kSecond);
  EXPECT_TRUE(degraded());
  Pass(10 * kSecond);
  EXPECT_FALSE(degraded());
  EXPECT_EQ(changes_, 2);
  report();
  for (int i = 0; i < 5; ++i) Pass(10 * kSecond);
  EXPECT_TRUE(degraded());
  Pass(10 * kSecond);
  EXPECT_FALSE(degraded());
  report();
  detector_.reset();
  EXPECT_FALSE(degraded());
}

// A worker that has not heard of the new object marks the one before.
TEST_F(OutlierDetectorTest, ADegradedHostIsOneWithOtherMetadata) {
  rules_.detect_degraded = true;
  Start(2);
  const auto before = hosts_;
  Describe("two");
  before->host(0).SetHealthBits(upstream::kDegradedOutlierCheck);
  Report(0, HostReport::kDegraded);
  EXPECT_TRUE(hosts_->entries()[0].degraded());
}

TEST_F(OutlierDetectorTest, NobodyIsDegradedUnlessAskedFor) {
  Start(1);
  Report(0, HostReport::kDegraded);
  EXPECT_EQ(changes_, 0);
}

}  // namespace
}  // namespace proxenos::health
