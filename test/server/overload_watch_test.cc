// The overload manager: how pressure becomes action.
#include "source/server/overload_watch.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/config/text.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {
namespace {

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

class OverloadWatchTest : public ::testing::Test {
 protected:
  void Start(const std::string& yaml) {
    config::Errors errors;
    OverloadConfig config = Compile(yaml, errors);
    ASSERT_TRUE(errors.ok()) << errors.ToStatus();
    OverloadWatch::Hooks hooks;
    hooks.pressure = [this](const OverloadMonitor& monitor) { return Pressure(monitor); };
    hooks.hold_accepting = [this](bool on) { held_.push_back(on); };
    hooks.shrink_heap = [this] { ++shrunk_; };
    hooks.rearm_timers = [this] { ++rearmed_; };
    hooks.reset_heavy_streams = [this](uint64_t least) { reset_.push_back(least); };
    manager_.emplace(loop_, registry_, std::move(config), std::move(hooks));
    manager_->Start();
  }
  std::optional<double> Pressure(const OverloadMonitor& monitor) {
    switch (monitor.kind) {
      case OverloadMonitor::Kind::kHeap:
        if (heap_ == kUnknown) return std::nullopt;
        return static_cast<double>(heap_) / static_cast<double>(monitor.most_bytes);
      case OverloadMonitor::Kind::kContainerCpu:
        return cpu_ / 2;
      default:
        return cpu_;
    }
  }
  // What the monitor sees the next time.
  void SetHeap(uint64_t bytes) {
    heap_ = bytes;
    clock_.Advance(base::kSecond);
    loop_.RunOnce(0);
  }
  std::string Stat(const std::string& scope, size_t place = 0) {
    for (const stats::ScopeReading& reading : registry_.Read()) {
      if (reading.name.prefix() == scope) return std::to_string(reading.total.values[place]);
    }
    return "";
  }

  static constexpr uint64_t kUnknown = UINT64_MAX;

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  uint64_t heap_ = 0;
  double cpu_ = 0;
  std::vector<bool> held_;
  int shrunk_ = 0;
  int rearmed_ = 0;
  std::vector<uint64_t> reset_;
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
  EXPECT_EQ(Stat("overload.heap."), "90");
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
  EXPECT_EQ(Stat("overload.host."), "85");
  EXPECT_EQ(Stat("overload.container."), "42");
  cpu_ = 0.95;
  SetHeap(5000);
  EXPECT_EQ(manager_->state().end_connections.get(), 10'000u);
}

TEST_F(OverloadWatchTest, WhatCannotBeReadStaysAsItWas) {
  Start(Action("stop_accepting_requests", "threshold: {value: 0.9}"));
  SetHeap(950);
  SetHeap(kUnknown);
  EXPECT_EQ(manager_->state().refuse_requests.get(), 10'000u);
  EXPECT_EQ(Stat("overload.heap.", 1), "1");
}

TEST_F(OverloadWatchTest, APointShedsItsShareAndCounts) {
  Start(std::string(kHeap) +
        "\nloadshed_points: [{name: envoy.load_shed_points.tcp_listener_accept, triggers: [{name: "
        "heap, scaled: {scaling_threshold: 0.5, saturation_threshold: 1.0}}]}]");
  base::Random random(1);
  const base::LoadShedPoint& accept = manager_->state().accept;
  EXPECT_FALSE(accept.Sheds(random));
  SetHeap(1000);
  EXPECT_TRUE(accept.Sheds(random));
  EXPECT_TRUE(accept.Sheds(random));
  EXPECT_FALSE(manager_->state().connect.Sheds(random));
  SetHeap(750);
  const std::string scope = "overload.envoy.load_shed_points.tcp_listener_accept.";
  EXPECT_EQ(Stat(scope), "50");
  EXPECT_EQ(Stat(scope, 1), "2");
  int shed = 0;
  for (int i = 0; i < 1000; ++i) shed += accept.Sheds(random);
  EXPECT_NEAR(shed, 500, 100);
}

TEST_F(OverloadWatchTest, TimeoutsShrinkByDegrees) {
  const auto reduce = [](const std::string& name, const std::string& timers) {
    return "{name: " + name +
           ", triggers: [{name: heap, scaled: {scaling_threshold: 0.5, saturation_threshold: 0.9}}]"
           ", typed_config: {\"@type\": type.googleapis.com/envoy.config.overload.v3."
           "ScaleTimersOverloadActionConfig, timer_scale_factors: [" +
           timers + "]}}";
  };
  Start(std::string(kHeap) + "\nactions: [" +
        reduce("envoy.overload_actions.reduce_timeouts",
               "{timer: HTTP_DOWNSTREAM_CONNECTION_IDLE, min_timeout: 2s}") +
        ", " + reduce("mine", "{timer: HTTP_DOWNSTREAM_STREAM_IDLE, min_scale: {value: 10}}") +
        "]");
  const base::Overload& state = manager_->state();
  const base::Nanos full = 602 * base::kSecond;
  EXPECT_EQ(base::Scaled(&state, base::Overload::kConnectionIdle, full), full);
  SetHeap(800);
  EXPECT_EQ(base::Scaled(&state, base::Overload::kConnectionIdle, full), 152 * base::kSecond);
  EXPECT_EQ(rearmed_, 2);
  SetHeap(800);
  EXPECT_EQ(rearmed_, 2);
  SetHeap(900);
  EXPECT_EQ(base::Scaled(&state, base::Overload::kConnectionIdle, full), 2 * base::kSecond);
  EXPECT_EQ(base::Scaled(&state, base::Overload::kStreamIdle, 100 * base::kSecond),
            10 * base::kSecond);
  EXPECT_EQ(base::Scaled(&state, base::Overload::kStreamFlush, full), full);
  EXPECT_EQ(Stat("overload.mine."), "1");
}

TEST_F(OverloadWatchTest, HeavierStreamsGoFirst) {
  Start("buffer_factory_config: {minimum_account_to_track_power_of_two: 20}\n" +
        Action("reset_high_memory_stream",
               "scaled: {scaling_threshold: 0.1, saturation_threshold: 0.9}"));
  SetHeap(100);
  EXPECT_TRUE(reset_.empty());
  SetHeap(110);
  SetHeap(310);
  SetHeap(1000);
  EXPECT_EQ(reset_, (std::vector<uint64_t>{128u << 20, 32u << 20, 1u << 20}));
}

}  // namespace
}  // namespace proxenos::server
