// Which requests are traced, and what x-request-id then says.
#include "source/tracing/sampling.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/buffer/arena.h"

namespace proxenos::tracing {
namespace {

// Its first eight digits are 5,000 of 10,000.
constexpr char kId[] = "00001388-0000-4000-8000-000000000000";

class SamplingTest : public ::testing::Test {
 protected:
  Reason DecideFor(const std::string& id) {
    head_.headers.Set(http::HeaderId::kXRequestId, id);
    return Decide(sampling_, use_, runtime_.get(), 0, head_);
  }
  char Mark() { return head_.headers.Get(http::HeaderId::kXRequestId)[14]; }
  static void Share(runtime::FractionSetting& setting, uint32_t parts) {
    setting.otherwise = {parts, 10'000};
  }

  buffer::Arena arena_;
  http::RequestHead head_{arena_};
  route::Sampling sampling_;
  RequestIdUse use_;
  std::unique_ptr<const runtime::Snapshot> runtime_;
};

TEST_F(SamplingTest, AllByDefault) {
  EXPECT_EQ(DecideFor(kId), Reason::kSampled);
  EXPECT_EQ(Mark(), '9');
}

TEST_F(SamplingTest, AShareByTheId) {
  Share(sampling_.random, 5001);
  EXPECT_EQ(DecideFor(kId), Reason::kSampled);
  Share(sampling_.random, 5000);
  EXPECT_EQ(DecideFor(kId), Reason::kNotTraceable);
  EXPECT_EQ(Mark(), '4');
}

TEST_F(SamplingTest, TheClientAsks) {
  Share(sampling_.random, 0);
  head_.headers.Add("x-client-trace-id", "1");
  EXPECT_EQ(DecideFor(kId), Reason::kClientForced);
  EXPECT_EQ(Mark(), 'b');
  Share(sampling_.client, 0);
  EXPECT_EQ(DecideFor(kId), Reason::kNotTraceable);
}

TEST_F(SamplingTest, AServiceForces) {
  Share(sampling_.random, 0);
  head_.headers.Add(http::HeaderId::kXEnvoyForceTrace, "true");
  EXPECT_EQ(DecideFor(kId), Reason::kServiceForced);
  EXPECT_EQ(Mark(), 'a');
}

TEST_F(SamplingTest, TheOverallShareHasTheLastWord) {
  Share(sampling_.overall, 5000);
  EXPECT_EQ(DecideFor("00001388-0000-9000-8000-000000000000"), Reason::kNotTraceable);
  EXPECT_EQ(Mark(), '4');
}

TEST_F(SamplingTest, TheMarkOfAProxyBefore) {
  Share(sampling_.random, 0);
  EXPECT_EQ(DecideFor("00001388-0000-9000-8000-000000000000"), Reason::kSampled);
  EXPECT_EQ(DecideFor("00001388-0000-a000-8000-000000000000"), Reason::kServiceForced);
  EXPECT_EQ(DecideFor("00001388-0000-b000-8000-000000000000"), Reason::kClientForced);
  ForgetReason(use_, head_.headers);
  EXPECT_EQ(Mark(), '4');
}

TEST_F(SamplingTest, OtherIds) {
  for (const char* id :
       {"", "1", "0000138g-0000-4000-8000-000000000000", "00001388-0000-4000-8000-0000000000000"}) {
    EXPECT_EQ(DecideFor(id), Reason::kNotTraceable) << id;
    ForgetReason(use_, head_.headers);
    EXPECT_EQ(head_.headers.Get(http::HeaderId::kXRequestId), id);
  }
  use_.decides_sampling = false;
  EXPECT_EQ(DecideFor("1"), Reason::kSampled);
}

TEST_F(SamplingTest, NoMarkWhereItIsNotWanted) {
  use_.pack_reason = false;
  EXPECT_EQ(DecideFor(kId), Reason::kSampled);
  EXPECT_EQ(Mark(), '4');
}

TEST_F(SamplingTest, TheRuntime) {
  auto layer = std::make_shared<runtime::Layer>();
  layer->values["tracing.random_sampling"].fraction = runtime::Fraction{0, 100};
  runtime_ = std::make_unique<runtime::Snapshot>(
      std::vector<std::shared_ptr<const runtime::Layer>>{std::move(layer)});
  EXPECT_EQ(DecideFor(kId), Reason::kNotTraceable);
}

}  // namespace
}  // namespace proxenos::tracing
