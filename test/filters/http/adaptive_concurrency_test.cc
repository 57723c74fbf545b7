// Limits that follow from latencies: percentiles, windows, minRTT, and what streams make of them.
#include <memory>
#include <string>
#include <vector>

#include "envoy/extensions/filters/http/adaptive_concurrency/v3/adaptive_concurrency.pb.h"
#include "gtest/gtest.h"
#include "source/filters/http/adaptive_concurrency/gradient.h"
#include "source/stats/registry.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

namespace v3 = envoy::extensions::filters::http::adaptive_concurrency::v3;
using adaptive_concurrency::Gradient;
using adaptive_concurrency::GradientGauges;
using adaptive_concurrency::GradientSettings;
using adaptive_concurrency::Samples;

TEST(SamplesTest, PercentilesAreCloseEnough) {
  Samples samples;
  for (int i = 1; i <= 1000; ++i) samples.Record(i * base::kMillisecond);
  for (const auto& [share, expected] :
       {std::pair{0.0, 1.0}, {0.5, 500.0}, {0.9, 900.0}, {0.99, 990.0}, {1.0, 1000.0}}) {
    const double found = static_cast<double>(samples.Percentile(share)) / base::kMillisecond;
    EXPECT_NEAR(found / expected, 1, 0.04) << share;
  }
  EXPECT_EQ(samples.count(), 1000u);
  samples.Clear();
  EXPECT_EQ(samples.count(), 0u);
  samples.Record(-5);
  EXPECT_EQ(samples.Percentile(0.5), 0);
  samples.Clear();
  samples.Record(INT64_MAX);
  EXPECT_GT(samples.Percentile(0.5), INT64_MAX / 2);
}

class GradientTest : public ::testing::Test {
 protected:
  static GradientSettings Defaults() {
    GradientSettings settings;
    settings.sample_window = base::kSecond;
    settings.min_rtt_interval = 60 * base::kSecond;
    settings.min_rtt_requests = 5;
    settings.jitter = 0;
    return settings;
  }
  void Make(const GradientSettings& settings) {
    gradient_ = std::make_unique<Gradient>(settings);
    gradient_->Attach(*gauges_);
  }
  // So many requests, one after another, each of which takes so long.
  int Requests(int count, base::Nanos each) {
    int passed = 0;
    for (int i = 0; i < count; ++i) {
      const base::MonoTime began = now_;
      if (!gradient_->Begin(began)) continue;
      ++passed;
      now_ += each;
      gradient_->End(true, began, now_, 0);
    }
    return passed;
  }
  uint64_t limit() { return gauges_->concurrency_limit.value(); }

  base::MonoTime now_ = 1000 * base::kSecond;
  stats::Registry registry_;
  stats::Group<GradientGauges> gauges_ = registry_.Open<GradientGauges>(stats::HttpScope("test"));
  std::unique_ptr<Gradient> gradient_;
};

TEST_F(GradientTest, BeginsWithMinRtt) {
  Make(Defaults());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(gradient_->Begin(now_));
  EXPECT_FALSE(gradient_->Begin(now_));  // min_concurrency.
  EXPECT_EQ(gauges_->min_rtt_calculation_active.value(), 1u);
  for (int i = 0; i < 3; ++i) gradient_->End(true, now_, now_ + 10 * base::kMillisecond, 0);
  EXPECT_EQ(gauges_->min_rtt_calculation_active.value(), 1u);
  EXPECT_EQ(Requests(2, 10 * base::kMillisecond), 2);
  EXPECT_EQ(gauges_->min_rtt_calculation_active.value(), 0u);
  EXPECT_NEAR(static_cast<double>(gauges_->min_rtt_msecs.value()), 10, 1);
  EXPECT_EQ(limit(), 3u);
}

TEST_F(GradientTest, GrowsWhileLatencyIsTheLeast) {
  Make(Defaults());
  Requests(5, 10 * base::kMillisecond);
  uint64_t before = limit();
  for (int window = 0; window < 5; ++window) {
    Requests(101, 10 * base::kMillisecond);
    EXPECT_GT(limit(), before);
    before = limit();
  }
  EXPECT_GE(gauges_->gradient.value(), 1000u);
  EXPECT_GT(gauges_->burst_queue_size.value(), 0u);
}

TEST_F(GradientTest, ShrinksWhenRequestsTakeLonger) {
  GradientSettings settings = Defaults();
  settings.max_limit = 50;
  Make(settings);
  Requests(5, 10 * base::kMillisecond);
  for (int window = 0; window < 20; ++window) Requests(101, 10 * base::kMillisecond);
  EXPECT_EQ(limit(), 50u);
  Requests(45, 50 * base::kMillisecond);  // The first window has quick ones too.
  EXPECT_LT(limit(), 40u);
  EXPECT_EQ(gauges_->gradient.value(), 500u);  // A window halves at most.
  EXPECT_NEAR(static_cast<double>(gauges_->sample_rtt_msecs.value()), 50, 3);
}

TEST_F(GradientTest, MeasuresMinRttAgainInTime) {
  Make(Defaults());
  Requests(5, 10 * base::kMillisecond);
  Requests(300, 10 * base::kMillisecond);
  const uint64_t before = limit();
  ASSERT_GT(before, 3u);
  now_ += 60 * base::kSecond;
  const base::MonoTime early = now_ - base::kSecond;
  EXPECT_TRUE(gradient_->Begin(now_));
  EXPECT_EQ(limit(), 3u);
  // What began before the window is not of it.
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(gradient_->Begin(now_));
    gradient_->End(true, early, now_, 0);
  }
  EXPECT_EQ(gauges_->min_rtt_calculation_active.value(), 1u);
  gradient_->End(true, now_, now_ + base::kMillisecond, 0);
  Requests(4, 20 * base::kMillisecond);
  EXPECT_EQ(gauges_->min_rtt_calculation_active.value(), 0u);
  EXPECT_NEAR(static_cast<double>(gauges_->min_rtt_msecs.value()), 20, 1);
  EXPECT_GE(limit(), before);  // It goes on where it was.
}

TEST_F(GradientTest, MeasuresAgainWhereTheLimitStaysTheLowest) {
  Make(Defaults());
  Requests(5, 1 * base::kMillisecond);
  // Ten times as slow as it ever was: either way down, or minRTT is wrong.
  for (int i = 0; i < 100 && gauges_->min_rtt_calculation_active.value() == 0; ++i) {
    Requests(1, 100 * base::kMillisecond);
  }
  EXPECT_EQ(gauges_->min_rtt_calculation_active.value(), 1u);
  Requests(6, 100 * base::kMillisecond);
  EXPECT_NEAR(static_cast<double>(gauges_->min_rtt_msecs.value()), 100, 6);
}

TEST_F(GradientTest, FixedMinRttIsNeverMeasured) {
  GradientSettings settings = Defaults();
  settings.min_rtt_interval = 0;
  settings.fixed_min_rtt = 10 * base::kMillisecond;
  settings.min_limit = 7;
  Make(settings);
  EXPECT_TRUE(gradient_->Begin(now_));
  EXPECT_EQ(limit(), 7u);
  EXPECT_EQ(gauges_->min_rtt_calculation_active.value(), 0u);
  gradient_->End(true, now_, now_, 0);
  for (int window = 0; window < 20; ++window) Requests(11, 100 * base::kMillisecond);
  EXPECT_EQ(gauges_->min_rtt_calculation_active.value(), 0u);
  EXPECT_EQ(limit(), 7u);
}

TEST_F(GradientTest, WhatWasNotAnsweredTeachesNothing) {
  Make(Defaults());
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(gradient_->Begin(now_));
    gradient_->End(false, now_, now_ + base::kSecond, 0);
  }
  EXPECT_EQ(gauges_->min_rtt_calculation_active.value(), 1u);
  EXPECT_EQ(gradient_->under_way(), 0u);
}

TEST_F(GradientTest, JitterDelaysTheNextMeasurement) {
  GradientSettings settings = Defaults();
  settings.jitter = 0.5;
  Make(settings);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(gradient_->Begin(now_));
    gradient_->End(true, now_, now_, static_cast<uint64_t>(20 * base::kSecond));
  }
  now_ += 79 * base::kSecond;
  Requests(1, 0);
  EXPECT_EQ(gauges_->min_rtt_calculation_active.value(), 0u);
  now_ += base::kSecond;
  Requests(1, 0);
  EXPECT_EQ(gauges_->min_rtt_calculation_active.value(), 1u);
}

TEST_F(GradientTest, OneSetOfGaugesShows) {
  Make(Defaults());
  stats::Group<GradientGauges> others = registry_.Open<GradientGauges>(stats::HttpScope("test"));
  gradient_->Attach(*others);
  Requests(1, base::kMillisecond);
  EXPECT_EQ(others->concurrency_limit.value(), 0u);
  EXPECT_EQ(limit(), 3u);
  gradient_->Detach(*gauges_);
  gradient_->Attach(*others);
  Requests(5, base::kMillisecond);
  EXPECT_EQ(others->concurrency_limit.value(), 3u);
  gradient_->Detach(*others);
}

constexpr char kConfig[] =
    "gradient_controller_config { concurrency_limit_params { "
    "concurrency_update_interval { nanos: 100000000 } } "
    "min_rtt_calc_params { interval { seconds: 60 } min_concurrency { value: 1 } } } ";

TEST(AdaptiveConcurrencyTest, StreamsBeyondTheLimitAreRefused) {
  const auto factory = MakeFactory(Pack<v3::AdaptiveConcurrency>(kConfig));
  const auto make = [&factory] {
    return std::make_unique<FilterHarness>(
        filter::FilterFactories{factory},
        [](filter::StreamContext& stream) { FillRequest({}, stream.request, stream.arena); });
  };
  const std::string scope = "http.test.adaptive_concurrency.gradient_controller.";
  auto first = make();
  first->SendRequest(true);
  EXPECT_TRUE(first->request_out.head);
  auto second = make();
  second->SendRequest(true);
  EXPECT_EQ(ResponseText(*second), "503 ");
  EXPECT_EQ(second->info.details, "reached_concurrency_limit");
  EXPECT_EQ(second->Stat(scope + "rq_blocked"), 1u);
  EXPECT_EQ(first->Stat(scope + "concurrency_limit"), 1u);
  first->SendResponse(200, "body", true);
  auto third = make();
  third->SendRequest(true);
  EXPECT_TRUE(third->request_out.head);
  third->EndStream();  // Cut short: its place is free again.
  auto fourth = make();
  fourth->SendRequest(true);
  EXPECT_TRUE(fourth->request_out.head);
}

TEST(AdaptiveConcurrencyTest, AsConfigured) {
  const auto outcome = [](const std::string& text) {
    auto stream = MakeStream(Pack<v3::AdaptiveConcurrency>(kConfig + text), {});
    stream->SendRequest(true);
    stream->SendResponse(200, "", false);
    auto held = std::move(stream);
    return held->request_out.head ? "passed" : ResponseText(*held);
  };
  EXPECT_EQ(outcome(""), "passed");
  EXPECT_EQ(outcome("enabled { default_value { value: false } }"), "passed");
  const auto refused = [](const std::string& text) {
    const auto factory = MakeFactory(Pack<v3::AdaptiveConcurrency>(kConfig + text));
    std::vector<std::unique_ptr<FilterHarness>> streams;
    for (int i = 0; i < 2; ++i) {
      streams.push_back(std::make_unique<FilterHarness>(
          filter::FilterFactories{factory},
          [](filter::StreamContext& stream) { FillRequest({}, stream.request, stream.arena); }));
      streams.back()->SendRequest(true);
    }
    return streams.back()->request_out.head ? std::string("passed") : ResponseText(*streams.back());
  };
  EXPECT_EQ(refused("concurrency_limit_exceeded_status { code: TooManyRequests }"), "429 ");
  EXPECT_EQ(refused("concurrency_limit_exceeded_status { code: OK }"), "503 ");
  EXPECT_EQ(refused("enabled { default_value { value: false } }"), "passed");
}

}  // namespace
}  // namespace proxenos::filters
