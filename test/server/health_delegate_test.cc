// What of a HealthCheckSpecifier is taken.
#include "source/server/health_delegate.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace proxenos::server {
namespace {

using envoy::service::health::v3::HealthCheckSpecifier;
using ::testing::HasSubstr;

absl::StatusOr<std::vector<Delegation>> Compile(const std::string& text,
                                                const DelegationLimits& limits = {}) {
  HealthCheckSpecifier specifier;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &specifier)) << text;
  config::IgnoredFields ignored;
  return CompileDelegations(specifier, limits, ignored);
}

std::string ErrorOf(const std::string& text, const DelegationLimits& limits = {}) {
  return std::string(Compile(text, limits).status().message());
}

constexpr char kCheck[] =
    "health_checks { timeout { seconds: 1 } interval { nanos: 1 } unhealthy_threshold { value: 2 } "
    "healthy_threshold { value: 1 } http_health_check { path: '/' } } ";

std::string EndpointText(const std::string& address, const std::string& more = "") {
  return absl::StrCat("endpoints { address { socket_address { address: '", address,
                      "' port_value: 80 } } ", more, "} ");
}

std::string ClusterText(const std::string& name, const std::string& fields) {
  return absl::StrCat("cluster_health_checks { cluster_name: '", name, "' ", fields, "} ");
}

TEST(Delegations, OneClusterForEachCheck) {
  const auto delegations = Compile(ClusterText(
      "a", absl::StrCat(kCheck, kCheck, "locality_endpoints { ", EndpointText("10.0.0.1"),
                        EndpointText("10.0.0.2"),
                        EndpointText("10.0.0.3",
                                     "health_check_config { disable_active_health_check: true } "),
                        "}")));
  ASSERT_TRUE(delegations.ok()) << delegations.status();
  ASSERT_EQ(delegations->size(), 1u);
  const Delegation& delegation = delegations->front();
  EXPECT_EQ(delegation.endpoint_count, 2u);
  ASSERT_EQ(delegation.checks.size(), 2u);
  const Delegation::Check& check = delegation.checks[0];
  EXPECT_EQ(check.identity, delegation.checks[1].identity);
  EXPECT_FALSE(check.idle_times);
  EXPECT_EQ(check.config->assignment->localities[0].endpoints.size(), 3u);
  EXPECT_EQ(check.config->health_check->interval, DelegationLimits().least_interval)
      << "however short it is asked for";
  EXPECT_EQ(check.config->health_check->unhealthy_threshold, 2u);
}

TEST(Delegations, IdentityIsThatOfTheCheckAlone) {
  const auto one = Compile(ClusterText(
      "a", absl::StrCat(kCheck, "locality_endpoints { ", EndpointText("10.0.0.1"), "}")));
  const auto other = Compile(ClusterText(
      "a", absl::StrCat(kCheck, "locality_endpoints { ", EndpointText("10.0.0.2"), "}")));
  const auto slower = Compile(ClusterText(
      "a", absl::StrCat("health_checks { timeout { seconds: 1 } interval { seconds: 9 } "
                        "no_traffic_interval { seconds: 5 } unhealthy_threshold { value: 2 } "
                        "healthy_threshold { value: 1 } http_health_check { path: '/' } } ")));
  ASSERT_TRUE(one.ok() && other.ok() && slower.ok());
  EXPECT_EQ((*one)[0].checks[0].identity, (*other)[0].checks[0].identity);
  EXPECT_NE((*one)[0].checks[0].identity, (*slower)[0].checks[0].identity);
  EXPECT_TRUE((*slower)[0].checks[0].idle_times);
  EXPECT_EQ((*slower)[0].checks[0].config->health_check->interval, 9 * base::kSecond);
}

TEST(Delegations, ManyChecksAreSlower) {
  DelegationLimits limits;
  limits.interval_per_probe = base::kSecond;
  const auto delegations = Compile(
      ClusterText("a", absl::StrCat(kCheck, "locality_endpoints { ", EndpointText("10.0.0.1"),
                                    EndpointText("10.0.0.2"), "}")),
      limits);
  ASSERT_TRUE(delegations.ok());
  EXPECT_EQ((*delegations)[0].checks[0].config->health_check->interval, 2 * base::kSecond);
}

TEST(Delegations, RefusedWithAllThatIsWrong) {
  EXPECT_THAT(ErrorOf(ClusterText("", kCheck)),
              HasSubstr("cluster_health_checks[0].cluster_name: must not be empty"));
  EXPECT_THAT(ErrorOf(ClusterText("a", kCheck) + ClusterText("a", kCheck)),
              HasSubstr("cluster_health_checks[1].cluster_name"));
  EXPECT_THAT(ErrorOf(ClusterText("a", "health_checks { timeout { seconds: 1 } } ")),
              HasSubstr("cluster_health_checks[0].health_checks[0]"));
  EXPECT_THAT(ErrorOf(ClusterText("a", absl::StrCat(kCheck, "locality_endpoints { ",
                                                    EndpointText("not.an.address"), "}"))),
              HasSubstr("not.an.address"));
  EXPECT_THAT(ErrorOf("interval { seconds: -1 }"), HasSubstr("interval: "));
  EXPECT_THAT(ErrorOf(ClusterText("a",
                                  "health_checks { timeout { seconds: 1 } interval { seconds: "
                                  "1 } unhealthy_threshold { value: 1 } healthy_threshold { "
                                  "value: 1 } custom_health_check { name: 'x' } } ")),
              HasSubstr("custom_health_check"));
}

TEST(Delegations, HaveLimits) {
  DelegationLimits limits;
  limits.probes = 3;
  limits.clusters = 2;
  const std::string endpoints = absl::StrCat("locality_endpoints { ", EndpointText("10.0.0.1"),
                                             EndpointText("10.0.0.2"), "}");
  EXPECT_TRUE(Compile(ClusterText("a", kCheck + endpoints), limits).ok());
  EXPECT_EQ(ErrorOf(ClusterText("a", absl::StrCat(kCheck, kCheck, endpoints)), limits),
            "cluster_health_checks: ask for 4 checks in 1 clusters: at most 3 in 2 are made");
  EXPECT_THAT(ErrorOf(ClusterText("a", "") + ClusterText("b", "") + ClusterText("c", ""), limits),
              HasSubstr("in 3 clusters"));
}

}  // namespace
}  // namespace proxenos::server
