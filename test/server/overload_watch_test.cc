// The overload manager: how pressure becomes action, and which rules cannot be.
#include "source/server/overload_watch.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/config/text.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {
namespace {

using ::testing::HasSubstr;

constexpr char kHeap[] =
    "resource_monitors: [{name: heap, typed_config: {\"@type\": type.googleapis.com/"
    "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig, "
    "max_heap_size_bytes: 1000}}]";

OverloadConfig Compile(const std::string& yaml, config::Errors& errors) {
  envoy::config::overload::v3::OverloadManager proto;
  config::ParseYaml(yaml, proto, errors);
  return CompileOverload(proto, errors, config::Path("overload_manager"));
}

std::string Action(const std::string& name, const std::string& trigger) {
  return std::string(kHeap) + "\nactions: [{name: envoy.overload_actions." + name +
         ", triggers: [{name: heap, " + trigger + "}]}]";
}

std::string Problem(const std::string& yaml) {
  config::Errors errors;
  Compile(yaml, errors);
  return std::string(errors.ToStatus().message());
}

class OverloadWatchTest : public ::testing::Test {
 protected:
  void Start(const std::string& yaml) {
    config::Errors errors;
    OverloadConfig config = Compile(yaml, errors);
    ASSERT_TRUE(errors.ok()) << errors.ToStatus();
    OverloadWatch::Hooks hooks;
    hooks.heap_bytes = [this] { return heap_; };
    hooks.host_cpu = [this] { return cpu_; };
    hooks.container_cpu = [this] { return cpu_ / 2; };
    hooks.hold_accepting = [this](bool on) { held_.push_back(on); };
    hooks.shrink_heap = [this] { ++shrunk_; };
    manager_.emplace(loop_, registry_, std::move(config), std::move(hooks));
    manager_->Start();
  }
  // What the monitor sees the next time.
  void SetHeap(uint64_t bytes) {
    heap_ = bytes;
    clock_.Advance(base::kSecond);
    loop_.RunOnce(0);
  }
  std::string Stat(const std::string& scope) {
    for (const stats::ScopeReading& reading : registry_.Read()) {
      if (reading.name.prefix() == scope) return std::to_string(reading.total.values[0]);
    }
    return "";
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  uint64_t heap_ = 0;
  double cpu_ = 0;
  std::vector<bool> held_;
  int shrunk_ = 0;
  std::optional<OverloadWatch> manager_;
};

TEST_F(OverloadWatchTest, AThresholdIsAllOrNothing) {
  Start(Action("stop_accepting_requests", "threshold: {value: 0.9}"));
  EXPECT_EQ(manager_->state().refuse_requests.get(), 0u);
  SetHeap(899);
  EXPECT_EQ(manager_->state().refuse_requests.get(), 0u);
  SetHeap(900);
  EXPECT_EQ(manager_->state().refuse_requests.get(), 10'000u);
  EXPECT_EQ(Stat("overload.envoy.overload_actions.stop_accepting_requests."), "1");
  EXPECT_EQ(Stat("overload.envoy.resource_monitors.fixed_heap."), "90");
  SetHeap(10);
  EXPECT_EQ(manager_->state().refuse_requests.get(), 0u);
}

TEST_F(OverloadWatchTest, AScaledTriggerGrows) {
  Start(Action("reject_incoming_connections",
               "scaled: {scaling_threshold: 0.5, saturation_threshold: 0.9}"));
  SetHeap(500);
  EXPECT_EQ(manager_->state().refuse_connections.get(), 0u);
  SetHeap(700);
  EXPECT_NEAR(manager_->state().refuse_connections.get(), 5'000, 1);
  SetHeap(2000);
  EXPECT_EQ(manager_->state().refuse_connections.get(), 10'000u);
}

TEST_F(OverloadWatchTest, AcceptingIsHeldOncePerChange) {
  Start(Action("stop_accepting_connections", "threshold: {value: 0.5}"));
  SetHeap(600);
  SetHeap(700);
  SetHeap(100);
  EXPECT_EQ(held_, (std::vector<bool>{true, false}));
}

TEST_F(OverloadWatchTest, TheHeapIsShrunkNowAndThen) {
  Start(Action("shrink_heap", "threshold: {value: 0.5}"));
  for (int second = 0; second < 21; ++second) SetHeap(600);
  EXPECT_EQ(shrunk_, 3);
}

TEST_F(OverloadWatchTest, EachKindOfMonitorHasItsPressure) {
  const auto cpu = [](const std::string& name, const std::string& mode) {
    return "{name: " + name + ", typed_config: {\"@type\": type.googleapis.com/envoy.extensions." +
           "resource_monitors.cpu_utilization.v3.CpuUtilizationConfig, mode: " + mode + "}}";
  };
  Start("resource_monitors: [" + cpu("host", "HOST") + ", " + cpu("container", "CONTAINER") +
        "]\nactions: [{name: envoy.overload_actions.stop_accepting_requests, triggers: [{name: "
        "host, threshold: {value: 0.8}}]}, {name: envoy.overload_actions.disable_http_keepalive, "
        "triggers: [{name: container, threshold: {value: 0.45}}]}]");
  cpu_ = 0.85;
  SetHeap(5000);
  EXPECT_EQ(manager_->state().refuse_requests.get(), 10'000u);
  EXPECT_EQ(manager_->state().end_connections.get(), 0u);
  EXPECT_EQ(Stat("overload.envoy.resource_monitors.cpu_utilization."), "85");
  EXPECT_EQ(Stat("overload.envoy.resource_monitors.fixed_heap."), "");
  cpu_ = 0.95;
  SetHeap(5000);
  EXPECT_EQ(manager_->state().end_connections.get(), 10'000u);
}

TEST(OverloadConfigTest, WhatCannotBe) {
  EXPECT_THAT(
      Problem("resource_monitors: [{name: envoy.resource_monitors.fixed_heap}]\n"),
      HasSubstr("overload_manager.resource_monitors[0].typed_config: value without a type"));
  EXPECT_EQ(Problem(Action("disable_http_keepalive", "threshold: {value: 0.5}")), "");
  EXPECT_THAT(Problem(Action("reduce_timeouts", "threshold: {value: 0.5}")),
              HasSubstr("overload_manager.actions[0].name: value "
                        "envoy.overload_actions.reduce_timeouts: expected"));
  EXPECT_THAT(Problem("actions: [{name: envoy.overload_actions.shrink_heap, triggers: [{name: "
                      "nobody, threshold: {value: 1}}]}]"),
              HasSubstr("overload_manager.actions[0].triggers[0].name: value nobody"));
  EXPECT_THAT(
      Problem(Action("shrink_heap", "scaled: {scaling_threshold: 0.9, saturation_threshold: 0.9}")),
      HasSubstr("scaling_threshold must be less"));
}

}  // namespace
}  // namespace proxenos::server
