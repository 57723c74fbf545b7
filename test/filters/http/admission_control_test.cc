// Refusing a share of requests while too many fail: how likely, after what, and for how long.
#include <memory>
#include <string>

#include "envoy/extensions/filters/http/admission_control/v3/admission_control.pb.h"
#include "gtest/gtest.h"
#include "source/filters/http/admission_control/filter.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

namespace v3 = envoy::extensions::filters::http::admission_control::v3;
using admission_control::AdmissionPart;
using admission_control::Settings;
using admission_control::SuccessHistory;

constexpr base::MonoTime kBegin = 1000 * base::kSecond;

TEST(SuccessHistoryTest, ForgetsWhatIsOlderThanTheWindow) {
  SuccessHistory history(3 * base::kSecond);
  EXPECT_EQ(history.RateAt(kBegin), 0u);
  for (int i = 0; i < 4; ++i) history.Record(i % 2 == 0, kBegin);
  history.Record(true, kBegin + 2 * base::kSecond);
  SuccessHistory::Counts counts = history.CountsAt(kBegin + 3 * base::kSecond - 1);
  EXPECT_EQ(counts.requests, 5u);
  EXPECT_EQ(counts.successes, 3u);
  counts = history.CountsAt(kBegin + 3 * base::kSecond);
  EXPECT_EQ(counts.requests, 1u);
  EXPECT_EQ(counts.successes, 1u);
  EXPECT_EQ(history.CountsAt(kBegin + 5 * base::kSecond).requests, 0u);
}

TEST(SuccessHistoryTest, RatesAreSinceTheOldest) {
  SuccessHistory history(30 * base::kSecond);
  for (int i = 0; i < 40; ++i) history.Record(true, kBegin);
  EXPECT_EQ(history.RateAt(kBegin), 40u);
  EXPECT_EQ(history.RateAt(kBegin + 4 * base::kSecond), 10u);
}

TEST(AdmissionSettingsTest, ProbabilitiesFollowTheFormula) {
  Settings settings;
  EXPECT_EQ(settings.RejectionOf({0, 0}, nullptr), 0);
  EXPECT_EQ(settings.RejectionOf({100, 95}, nullptr), 0);
  EXPECT_NEAR(settings.RejectionOf({99, 38}, nullptr), (99 - 38 / 0.95) / 100, 1e-9);
  EXPECT_NEAR(settings.RejectionOf({999, 0}, nullptr), 0.8, 1e-9);  // No more than the most.
  settings.aggression.otherwise = 2;
  EXPECT_NEAR(settings.RejectionOf({99, 85}, nullptr), std::sqrt((99 - 85 / 0.95) / 100), 1e-9);
  settings.aggression.otherwise = 0.1;  // Less than one is one.
  EXPECT_NEAR(settings.RejectionOf({99, 38}, nullptr), (99 - 38 / 0.95) / 100, 1e-9);
  settings.threshold.otherwise = 50;
  EXPECT_EQ(settings.RejectionOf({100, 50}, nullptr), 0);
  settings.threshold.otherwise = 0;  // At least one percent.
  EXPECT_EQ(settings.RejectionOf({100, 1}, nullptr), 0);
}

class AdmissionControlTest : public ::testing::Test {
 protected:
  // A stream whose worker has seen so many requests of which so many succeeded.
  FilterHarness& Make(const std::string& text, uint64_t requests, uint64_t successes,
                      bool health_check = false) {
    const bool has_criteria = text.find("success_criteria") != std::string::npos;
    const auto factory = MakeFactory(
        Pack<v3::AdmissionControl>((has_criteria ? "" : "success_criteria {} ") + text));
    stream_ = std::make_unique<FilterHarness>(filter::FilterFactories{factory},
                                              [health_check](filter::StreamContext& stream) {
                                                FillRequest({}, stream.request, stream.arena);
                                                stream.info.health_check = health_check;
                                              });
    auto& part = static_cast<AdmissionPart&>(*stream_->worker_part(*factory));
    const filter::StreamContext& context = *stream_;
    const base::MonoTime now = context.environment.loop.now();
    for (uint64_t i = 0; i < requests; ++i) {
      part.history.Record(i < successes, now);
    }
    return *stream_;
  }
  std::string Outcome(const std::string& text, uint64_t requests, uint64_t successes) {
    FilterHarness& stream = Make(text, requests, successes);
    stream.SendRequest(true);
    return stream.request_out.head ? "passed" : ResponseText(stream);
  }
  // "success" or "failure": what is learnt from a response.
  std::string Learnt(uint16_t status, const Fields& fields, const Fields& trailers = {},
                     const std::string& text = "") {
    FilterHarness& stream = Make(text, 0, 0);
    stream.SendRequest(true);
    for (const auto& [name, value] : fields) stream.response.headers.Add(name, value);
    stream.SendResponse(status, "", trailers.empty());
    if (!trailers.empty()) stream.SendResponseTrailers(trailers);
    stream.EndStream();
    const uint64_t good = stream.Stat("http.test.admission_control.rq_success");
    EXPECT_EQ(good + stream.Stat("http.test.admission_control.rq_failure"), 1u);
    return good == 1 ? "success" : "failure";
  }
  std::unique_ptr<FilterHarness> stream_;
};

constexpr char kAlways[] =
    "max_rejection_probability { default_value { value: 100 } } "
    "aggression { default_value: 1000 } ";

TEST_F(AdmissionControlTest, RefusesWhatWouldFail) {
  EXPECT_EQ(Outcome(kAlways, 1000, 1000), "passed");
  // (1000 / 1001) ^ (1 / 1000): within the accuracy, always.
  EXPECT_EQ(Outcome(kAlways, 1000000, 0), "503 ");
  EXPECT_EQ(stream_->info.details, "denied_by_admission_control");
  EXPECT_EQ(stream_->Stat("http.test.admission_control.rq_rejected"), 1u);
  stream_->EndStream();  // What was refused says nothing about the origin.
  EXPECT_EQ(stream_->Stat("http.test.admission_control.rq_failure"), 0u);
}

TEST_F(AdmissionControlTest, NeverMoreThanTheMost) {
  EXPECT_EQ(Outcome("max_rejection_probability { default_value { value: 0 } }", 1000, 0), "passed");
}

TEST_F(AdmissionControlTest, FewRequestsAreLetThrough) {
  const std::string few = std::string(kAlways) + "rps_threshold { default_value: 1000001 }";
  EXPECT_EQ(Outcome(few, 1000000, 0), "passed");
  EXPECT_EQ(Outcome(std::string(kAlways) + "rps_threshold { default_value: 1000000 }", 1000000, 0),
            "503 ");
}

TEST_F(AdmissionControlTest, OldFailuresAreForgotten) {
  FilterHarness& stream = Make(std::string(kAlways) + "sampling_window { seconds: 5 }", 1000000, 0);
  stream.Advance(5 * base::kSecond);
  stream.Turn();
  stream.SendRequest(true);
  EXPECT_TRUE(stream.request_out.head);
}

TEST_F(AdmissionControlTest, SwitchedOffIsAsIfNotThere) {
  EXPECT_EQ(
      Outcome(std::string(kAlways) + "enabled { default_value { value: false } }", 1000000, 0),
      "passed");
  stream_->EndStream();
  EXPECT_EQ(stream_->Stat("http.test.admission_control.rq_failure"), 0u);
  FilterHarness& checked = Make(kAlways, 1000000, 0, /*health_check=*/true);
  checked.SendRequest(true);
  EXPECT_TRUE(checked.request_out.head);
}

TEST_F(AdmissionControlTest, WhatIsLearntFromResponses) {
  EXPECT_EQ(Learnt(200, {}), "success");
  EXPECT_EQ(Learnt(499, {}), "success");
  EXPECT_EQ(Learnt(500, {}), "failure");
  const std::string own =
      "success_criteria { http_criteria { http_success_status { start: 200 end: 201 } } "
      "grpc_criteria { grpc_success_status: 14 } }";
  EXPECT_EQ(Learnt(200, {}, {}, own), "success");
  EXPECT_EQ(Learnt(201, {}, {}, own), "failure");
  const Fields grpc = {{"content-type", "application/grpc"}};
  EXPECT_EQ(Learnt(200, grpc, {{"grpc-status", "0"}}), "success");
  EXPECT_EQ(Learnt(200, grpc, {{"grpc-status", "14"}}), "failure");
  EXPECT_EQ(Learnt(200, grpc, {{"grpc-status", "14"}}, own), "success");
  EXPECT_EQ(Learnt(200, grpc, {{"x", "y"}}), "failure");
  EXPECT_EQ(Learnt(200, {{"content-type", "application/grpc"}, {"grpc-status", "5"}}), "success");
  EXPECT_EQ(Learnt(200, {{"content-type", "application/grpc"}, {"grpc-status", "99"}}), "failure");
}

TEST_F(AdmissionControlTest, NoResponseIsAFailure) {
  FilterHarness& stream = Make("", 0, 0);
  stream.SendRequest(true);
  stream.EndStream();
  EXPECT_EQ(stream.Stat("http.test.admission_control.rq_failure"), 1u);
}

TEST_F(AdmissionControlTest, ConfigurationsThatAreWrong) {
  for (const char* text :
       {"success_criteria { http_criteria { http_success_status { start: 99 end: 200 } } }",
        "success_criteria { http_criteria { http_success_status { start: 300 end: 200 } } }",
        "success_criteria { grpc_criteria { grpc_success_status: 17 } }",
        "success_criteria {} sampling_window { nanos: 1 }",
        "success_criteria {} sampling_window { seconds: 3601 }"}) {
    for (const filter::FilterKind& kind : server::BuiltinFilters()) {
      if (kind.type != "envoy.extensions.filters.http.admission_control.v3.AdmissionControl") {
        continue;
      }
      config::Errors errors;
      EXPECT_EQ(kind.create(Pack<v3::AdmissionControl>(text), config::Path("f"), errors), nullptr);
      EXPECT_EQ(errors.count(), 1u) << text;
    }
  }
}

}  // namespace
}  // namespace proxenos::filters
