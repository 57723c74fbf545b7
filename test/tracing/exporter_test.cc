// Batches of spans: when they go, and what is done with those that do not.
#include "source/tracing/exporter.h"

#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "gtest/gtest.h"
#include "source/event/event_loop.h"
#include "source/upstream/cluster_map.h"
#include "test/support/side_service.h"
#include "test/support/sim_clock.h"

namespace proxenos::tracing {
namespace {

constexpr size_t kCalls = rpc::Courier::kMaxCalls;

class ExporterTest : public ::testing::Test {
 protected:
  ExporterTest() {
    provider_.route.http = rpc::HttpService{"peer", "authority", "/spans", 3600 * base::kSecond};
    provider_.route.content_type = "application/json";
    provider_.min_flush_spans.otherwise = 2;
    provider_.flush_interval_ms.otherwise = 50;
  }
  ~ExporterTest() override {
    exporter_.reset();
    clusters_.DrainAll();
    for (int i = 0; i < 5; ++i) loop_.RunOnce(0);
    clusters_.Clear();
  }

  void Begin() { exporter_.emplace(provider_, environment_, registry_); }
  void Report(size_t count) {
    for (size_t i = 0; i < count; ++i) exporter_->Report(Span{});
  }
  // Whether so many messages come whole.
  bool Comes(size_t messages) {
    for (int turns = 0; turns < 2000; ++turns) {
      if (service_.origin.stream_count() >= messages &&
          service_.origin.stream(messages - 1).complete()) {
        return true;
      }
      clock_.Advance(base::kMillisecond);
      loop_.RunOnce(base::kMillisecond);
    }
    return false;
  }
  size_t SpansIn(size_t message) {
    const std::string& body = service_.origin.stream(message).body();
    size_t spans = 0;
    for (size_t at = body.find("traceId"); at != std::string::npos;
         at = body.find("traceId", at + 1)) {
      ++spans;
    }
    return spans;
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  upstream::ClusterMap clusters_{loop_, registry_};
  testing::SideService service_{loop_, clusters_, "peer"};
  filter::Environment environment_{loop_, clusters_};
  Provider provider_;
  std::optional<Exporter> exporter_;
};

TEST_F(ExporterTest, FullBatchesGoAtOnce) {
  Begin();
  Report(1);
  for (int i = 0; i < 5; ++i) loop_.RunOnce(0);
  EXPECT_EQ(service_.origin.stream_count(), 0u);
  Report(1);
  ASSERT_TRUE(Comes(1));
  const std::string& body = service_.origin.stream(0).body();
  EXPECT_EQ(body.front(), '[');
  EXPECT_EQ(body.back(), ']');
  EXPECT_NE(body.find("},{"), std::string::npos);
  EXPECT_EQ(service_.origin.stream(0).head().path, "/spans");
}

TEST_F(ExporterTest, OthersGoWhenTheTimeIsOver) {
  Begin();
  Report(1);
  ASSERT_TRUE(Comes(1));
  EXPECT_EQ(SpansIn(0), 1u);
}

TEST_F(ExporterTest, WhatFindsNoRoomIsDropped) {
  provider_.max_spans = 3;
  Begin();
  // As many messages as may be under way, which nobody answers yet.
  Report(2 * kCalls);
  ASSERT_TRUE(Comes(kCalls));
  Report(10);
  for (int i = 0; i < 5; ++i) loop_.RunOnce(0);
  EXPECT_EQ(service_.origin.stream_count(), kCalls);
  service_.origin.stream(0).Reply(202);
  ASSERT_TRUE(Comes(kCalls + 1));
  EXPECT_EQ(SpansIn(kCalls), 3u);
}

TEST_F(ExporterTest, NowhereToGo) {
  provider_.route.http.reset();
  Begin();
  Report(5);
  provider_.route.http = rpc::HttpService{"nobody", "a", "/", base::kSecond};
  Report(5);
  for (int i = 0; i < 5; ++i) loop_.RunOnce(0);
  EXPECT_EQ(service_.origin.stream_count(), 0u);
}

}  // namespace
}  // namespace proxenos::tracing
