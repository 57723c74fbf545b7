// The overload manager: which rules there are, and which cannot be.
#include "source/server/overload_config.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/config/text.h"

namespace proxenos::server {
namespace {

using ::testing::HasSubstr;

constexpr char kHeap[] =
    "resource_monitors: [{name: heap, typed_config: {\"@type\": type.googleapis.com/"
    "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig, "
    "max_heap_size_bytes: 1000}}]\n";
constexpr char kTrigger[] = "triggers: [{name: heap, threshold: {value: 0.5}}]";

OverloadConfig Compile(const std::string& yaml, config::Errors& errors) {
  envoy::config::overload::v3::OverloadManager proto;
  config::ParseYaml(yaml, proto, errors);
  return CompileOverload(proto, errors, config::Path("overload_manager"));
}

std::string Problem(const std::string& yaml) {
  config::Errors errors;
  Compile(yaml, errors);
  return std::string(errors.ToStatus().message());
}

// One action, or several.
std::string Action(absl::string_view name, absl::string_view more = "") {
  return absl::StrCat("{name: ", name, ", ", kTrigger, more, "}");
}

std::string Actions(const std::string& actions) {
  return absl::StrCat(kHeap, "actions: [", actions, "]\n");
}

std::string Timers(absl::string_view timers) {
  return absl::StrCat(
      ", typed_config: {\"@type\": type.googleapis.com/envoy.config.overload.v3."
      "ScaleTimersOverloadActionConfig, timer_scale_factors: [",
      timers, "]}");
}

std::string Monitor(absl::string_view name, absl::string_view type, absl::string_view more) {
  return absl::StrCat("resource_monitors: [{name: ", name,
                      ", typed_config: {\"@type\": type.googleapis.com/envoy.extensions."
                      "resource_monitors.",
                      type, ", ", more, "}}]");
}

constexpr char kIdle[] = "{timer: HTTP_DOWNSTREAM_CONNECTION_IDLE, min_timeout: 1s}";
constexpr char kReduce[] = "envoy.overload_actions.reduce_timeouts";
constexpr char kShrink[] = "envoy.overload_actions.shrink_heap";

TEST(OverloadConfigTest, Monitors) {
  config::Errors errors;
  const OverloadConfig memory =
      Compile(Monitor("m", "cgroup_memory.v3.CgroupMemoryConfig", "max_memory_bytes: 5"), errors);
  const OverloadConfig file =
      Compile(Monitor("f", "injected_resource.v3.InjectedResourceConfig", "filename: x"), errors);
  ASSERT_TRUE(errors.ok()) << errors.ToStatus();
  EXPECT_EQ(memory.monitors.at(0).kind, OverloadMonitor::Kind::kContainerMemory);
  EXPECT_EQ(memory.monitors.at(0).most_bytes, 5u);
  EXPECT_EQ(file.monitors.at(0).file, "x");
}

TEST(OverloadConfigTest, EachActionAndPointHasItsRule) {
  config::Errors errors;
  const OverloadConfig config =
      Compile(Actions(Action(kShrink,
                             ", typed_config: {\"@type\": type.googleapis.com/envoy.config."
                             "overload.v3.ShrinkHeapConfig, timer_interval: 3s}") +
                      ", " + Action("my.own", Timers(kIdle))) +
                  "loadshed_points: [" +
                  Action("envoy.load_shed_points.http_downstream_filter_check") + "]",
              errors);
  ASSERT_TRUE(errors.ok()) << errors.ToStatus();
  ASSERT_EQ(config.rules.size(), 3u);
  EXPECT_EQ(config.rules[0].every, 3 * base::kSecond);
  EXPECT_EQ(config.rules[1].action, OverloadAction::kReduceTimeouts);
  EXPECT_EQ(config.rules[2].point, &base::Overload::router);
}

TEST(OverloadConfigTest, WhatCannotBe) {
  EXPECT_THAT(
      Problem("resource_monitors: [{name: envoy.resource_monitors.fixed_heap}]\n"),
      HasSubstr("overload_manager.resource_monitors[0].typed_config: value without a type"));
  EXPECT_EQ(Problem(Actions(Action("envoy.overload_actions.disable_http_keepalive"))), "");
  EXPECT_THAT(Problem(Actions(Action("envoy.overload_actions.nosuch"))),
              HasSubstr("overload_manager.actions[0].name: value "
                        "envoy.overload_actions.nosuch: expected"));
  EXPECT_THAT(Problem(Actions(Action("nosuch"))), HasSubstr("actions[0].name: value nosuch"));
  EXPECT_THAT(Problem(absl::StrCat(kHeap, "loadshed_points: [",
                                   Action("envoy.load_shed_points.nosuch"), "]")),
              HasSubstr("loadshed_points[0].name: value envoy.load_shed_points.nosuch"));
  EXPECT_THAT(Problem("actions: [" + Action(kShrink) + "]"),
              HasSubstr("overload_manager.actions[0].triggers[0].name: value heap"));
  EXPECT_THAT(Problem(absl::StrCat(kHeap, "actions: [{name: ", kShrink,
                                   ", triggers: [{name: heap, scaled: {scaling_threshold: 0.9, "
                                   "saturation_threshold: 0.9}}]}]")),
              HasSubstr("scaling_threshold must be less"));
}

TEST(OverloadConfigTest, NothingIsSaidTwice) {
  EXPECT_THAT(Problem(Actions(Action(kShrink) + ", " + Action(kShrink))),
              HasSubstr("actions[1].name: value envoy.overload_actions.shrink_heap"));
  EXPECT_THAT(Problem(absl::StrCat(kHeap, "actions: [{name: ", kShrink,
                                   ", triggers: [{name: heap, threshold: {value: 0.5}}, "
                                   "{name: heap, threshold: {value: 0.6}}]}]")),
              HasSubstr("triggers[1].name: value heap"));
  EXPECT_THAT(
      Problem(Actions(Action(kReduce, Timers(kIdle)) + ", " + Action("my.own", Timers(kIdle)))),
      HasSubstr("actions[1].typed_config.timer_scale_factors[0].timer: value "
                "HTTP_DOWNSTREAM_CONNECTION_IDLE"));
}

TEST(OverloadConfigTest, EachActionHasItsOwnConfiguration) {
  EXPECT_THAT(Problem(Actions(Action(kReduce))),
              HasSubstr("actions[0].typed_config: value without a type"));
  EXPECT_THAT(Problem(Actions(Action(kShrink, Timers(kIdle)))),
              HasSubstr("actions[0].typed_config: value "
                        "envoy.config.overload.v3.ScaleTimersOverloadActionConfig"));
  const std::string reset = Actions(Action("envoy.overload_actions.reset_high_memory_stream"));
  EXPECT_THAT(Problem(reset), HasSubstr("minimum_account_to_track_power_of_two must say"));
  EXPECT_EQ(Problem("buffer_factory_config: {minimum_account_to_track_power_of_two: 20}\n" + reset),
            "");
}

}  // namespace
}  // namespace proxenos::server
