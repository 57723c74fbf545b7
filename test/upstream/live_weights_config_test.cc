// Slow start, weights by reports, reported metrics and dropped overload, from the protos.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/orca_rules.h"
#include "source/upstream/slow_start.h"

namespace proxenos::upstream {
namespace {

using base::kMillisecond;
using base::kSecond;

struct Compiled {
  std::shared_ptr<const ClusterConfig> config;
  std::string errors;
};

Compiled Compile(const std::string& text) {
  envoy::config::cluster::v3::Cluster proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString("name: 'c' " + text, &proto)) << text;
  config::Errors errors;
  Compiled compiled;
  compiled.config = CompileCluster(proto, errors, config::Path("cluster"));
  if (!errors.ok()) compiled.errors = std::string(errors.ToStatus().message());
  return compiled;
}

Compiled WithPolicy(const std::string& type, const std::string& fields) {
  return Compile(absl::StrCat(
      "load_balancing_policy { policies { typed_extension_config { name: 'p' typed_config {"
      "[type.googleapis.com/envoy.extensions.load_balancing_policies.",
      type, "] {", fields, "} } } } }"));
}
constexpr char kByReports[] = "client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin";

TEST(SlowStartConfigTest, OfEachPolicy) {
  const std::string slow =
      "slow_start_config { slow_start_window { seconds: 60 } aggression { default_value: 2 "
      "runtime_key: 'k' } min_weight_percent { value: 30 } }";
  for (const Compiled& each :
       {WithPolicy("round_robin.v3.RoundRobin", slow),
        WithPolicy("least_request.v3.LeastRequest", slow), WithPolicy(kByReports, slow),
        Compile("round_robin_lb_config {" + slow + "}"),
        Compile("lb_policy: LEAST_REQUEST least_request_lb_config {" + slow + "}")}) {
    ASSERT_NE(each.config, nullptr) << each.errors;
    ASSERT_NE(each.config->slow_start, nullptr);
    EXPECT_EQ(each.config->slow_start->window, 60 * kSecond);
    EXPECT_EQ(each.config->slow_start->aggression, 2);
    EXPECT_EQ(each.config->slow_start->least_share, 0.3);
  }
}

TEST(SlowStartConfigTest, DefaultsAndNone) {
  const auto defaults = WithPolicy("round_robin.v3.RoundRobin",
                                   "slow_start_config { slow_start_window { seconds: 5 } }");
  EXPECT_EQ(defaults.config->slow_start->aggression, 1);
  EXPECT_EQ(defaults.config->slow_start->least_share, 0.1);
  EXPECT_EQ(WithPolicy("round_robin.v3.RoundRobin", "slow_start_config {}").config->slow_start,
            nullptr)
      << "no window";
  EXPECT_EQ(WithPolicy("round_robin.v3.RoundRobin", "").config->slow_start, nullptr);
}

TEST(SlowStartConfigTest, NoAggression) {
  const Compiled bad = WithPolicy("round_robin.v3.RoundRobin",
                                  "slow_start_config { slow_start_window { seconds: 5 } "
                                  "aggression { default_value: 0 runtime_key: 'k' } }");
  EXPECT_EQ(bad.config, nullptr);
  EXPECT_NE(bad.errors.find("slow_start_config.aggression.default_value"), std::string::npos)
      << bad.errors;
}

TEST(ByReportsConfigTest, Defaults) {
  const Compiled compiled = WithPolicy(kByReports, "");
  ASSERT_NE(compiled.config, nullptr) << compiled.errors;
  EXPECT_EQ(compiled.config->lb_policy, LbPolicy::kRoundRobin);
  EXPECT_FALSE(compiled.config->locality_weighted);
  ASSERT_TRUE(compiled.config->orca != nullptr && compiled.config->orca->weighting.has_value());
  const OrcaWeighting& weighting = *compiled.config->orca->weighting;
  EXPECT_EQ(weighting.blackout_period, 10 * kSecond);
  EXPECT_EQ(weighting.expiration_period, 180 * kSecond);
  EXPECT_EQ(weighting.update_period, kSecond);
  EXPECT_EQ(weighting.error_penalty, 1);
  EXPECT_TRUE(weighting.utilization.empty());
}

TEST(ByReportsConfigTest, AllFields) {
  const Compiled compiled =
      WithPolicy(kByReports,
                 "blackout_period { nanos: 5000000 } weight_expiration_period { seconds: 9 } "
                 "weight_update_period { nanos: 1 } error_utilization_penalty { value: 2.5 } "
                 "metric_names_for_computing_utilization: 'named_metrics.a' "
                 "metric_names_for_computing_utilization: 'cpu_utilization'");
  ASSERT_NE(compiled.config, nullptr) << compiled.errors;
  const OrcaWeighting& weighting = *compiled.config->orca->weighting;
  EXPECT_EQ(weighting.blackout_period, 5 * kMillisecond);
  EXPECT_EQ(weighting.expiration_period, 9 * kSecond);
  EXPECT_EQ(weighting.update_period, 100 * kMillisecond) << "the least there is";
  EXPECT_EQ(weighting.error_penalty, 2.5);
  EXPECT_EQ(weighting.utilization.size(), 2u);
}

TEST(ByReportsConfigTest, OutOfBand) {
  const auto out_of_band = [](const Compiled& compiled) {
    EXPECT_NE(compiled.config, nullptr) << compiled.errors;
    return compiled.config->orca->weighting->out_of_band;
  };
  EXPECT_EQ(out_of_band(WithPolicy(kByReports, "enable_oob_load_report {}")), nullptr);
  EXPECT_EQ(out_of_band(WithPolicy(kByReports, "oob_reporting_period { seconds: 3 }")), nullptr);
  const auto defaults =
      out_of_band(WithPolicy(kByReports, "enable_oob_load_report { value: true }"));
  ASSERT_NE(defaults, nullptr);
  EXPECT_EQ(defaults->period, 10 * kSecond);
  EXPECT_EQ(defaults->port, 0);
  EXPECT_EQ(defaults->authority, "");
  EXPECT_FALSE(defaults->transport_match.has_value());
  EXPECT_NE(defaults->weights, nullptr);
  const auto all = out_of_band(WithPolicy(
      kByReports,
      "enable_oob_load_report { value: true } oob_reporting_period { nanos: 5000000 } "
      "oob_reporting_config { port_value: 9000 authority: 'sidecar' "
      "transport_socket_match_criteria { fields { key: 'k' value { string_value: 'v' } } } }"));
  ASSERT_NE(all, nullptr);
  EXPECT_EQ(all->period, 5 * kMillisecond);
  EXPECT_EQ(all->port, 9000);
  EXPECT_EQ(all->authority, "sidecar");
  ASSERT_TRUE(all->transport_match.has_value());
  EXPECT_EQ(all->transport_match->size(), 1u);
  EXPECT_EQ(WithPolicy(kByReports, "enable_oob_load_report { value: true } oob_reporting_period {}")
                .config,
            nullptr);
}

TEST(ByReportsConfigTest, WithinLocalities) {
  const Compiled compiled =
      WithPolicy("wrr_locality.v3.WrrLocality",
                 absl::StrCat("endpoint_picking_policy { policies { typed_extension_config { name: "
                              "'p' typed_config { [type.googleapis.com/envoy.extensions."
                              "load_balancing_policies.",
                              kByReports, "] {} } } } }"));
  ASSERT_NE(compiled.config, nullptr) << compiled.errors;
  EXPECT_TRUE(compiled.config->locality_weighted);
  EXPECT_TRUE(compiled.config->orca->weighting.has_value());
}

TEST(ReportedMetricsConfigTest, NamesOfMetrics) {
  const Compiled compiled = Compile(
      "lrs_report_endpoint_metrics: 'cpu_utilization' "
      "lrs_report_endpoint_metrics: 'named_metrics.*'");
  ASSERT_NE(compiled.config, nullptr) << compiled.errors;
  ASSERT_NE(compiled.config->orca, nullptr);
  EXPECT_EQ(compiled.config->orca->reported.size(), 2u);
  EXPECT_FALSE(compiled.config->orca->weighting.has_value());
  EXPECT_EQ(Compile("").config->orca, nullptr) << "nothing is looked for";
}

// Envoy takes them, and real configurations have them.
TEST(ReportedMetricsConfigTest, NamesThatNoReportHasCountForNothing) {
  const Compiled compiled =
      Compile("lrs_report_endpoint_metrics: 'named_metric.a' lrs_report_endpoint_metrics: 'eps'");
  ASSERT_NE(compiled.config, nullptr) << compiled.errors;
  EXPECT_EQ(compiled.config->orca->reported.size(), 1u);
}

TEST(ReportedMetricsConfigTest, HaveALimit) {
  std::string many;
  for (int i = 0; i < 101; ++i) many += "lrs_report_endpoint_metrics: 'eps' ";
  const Compiled bad = Compile(many);
  EXPECT_EQ(bad.config, nullptr);
  EXPECT_NE(bad.errors.find("cluster.lrs_report_endpoint_metrics"), std::string::npos)
      << bad.errors;
}

Compiled WithDrop(const std::string& percentage) {
  return Compile(
      absl::StrCat("load_assignment { cluster_name: 'c' policy { drop_overloads { category: 'lb' ",
                   "drop_percentage {", percentage, "} } } }"));
}

TEST(DropOverloadConfigTest, Shares) {
  const Compiled whole = WithDrop("numerator: 25");
  ASSERT_NE(whole.config, nullptr) << whole.errors;
  EXPECT_EQ(whole.config->assignment->drop_overload, (DropOverload{"lb", 250'000}));
  EXPECT_EQ(WithDrop("numerator: 7 denominator: TEN_THOUSAND")
                .config->assignment->drop_overload.millionths,
            700u);
  EXPECT_EQ(
      WithDrop("numerator: 7 denominator: MILLION").config->assignment->drop_overload.millionths,
      7u);
  EXPECT_EQ(Compile("load_assignment { cluster_name: 'c' }").config->assignment->drop_overload,
            DropOverload());
}

TEST(DropOverloadConfigTest, MoreThanAll) {
  const Compiled bad = WithDrop("numerator: 101");
  EXPECT_EQ(bad.config, nullptr);
  EXPECT_NE(bad.errors.find("policy.drop_overloads[0].drop_percentage.numerator"),
            std::string::npos)
      << bad.errors;
}

}  // namespace
}  // namespace proxenos::upstream
