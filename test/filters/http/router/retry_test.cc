// What is retried: the words of retry_on and of the request's own fields, one response at a time.
#include "source/filters/http/router/retry.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "test/route/request.h"

namespace proxenos::filters::router {
namespace {

using route::Request;

struct Answer {
  uint16_t status = 200;
  Request::Fields fields = {};
};

class RetryTest : public ::testing::Test {
 protected:
  // A request to a route with that retry_policy, as text proto; empty: none.
  void Begin(const std::string& policy, const Request::Fields& fields = {}) {
    table_ = route::Compile(R"(name: "r" virtual_hosts { name: "v" domains: "*" routes {
        match { prefix: "/" } route { cluster: "c" )" +
                            (policy.empty() ? policy : "retry_policy { " + policy + " }") + "}}}");
    request_ = std::make_unique<Request>("/", "host", fields);
    const route::Route* route = table_->Match(request_->Input());
    ASSERT_NE(route, nullptr);
    retry_ = Retry();
    retry_.Begin(*route->forward(), request_->head);
  }
  bool Wants(const Answer& answer) {
    buffer::Arena arena;
    http::ResponseHead head(arena);
    head.status = answer.status;
    for (const auto& [name, value] : answer.fields) head.headers.Add(name, value);
    return retry_.Wants(retry_.ReasonsOf(head));
  }
  bool WantsGrpc(const std::string& status) {
    return Wants({200, {{"content-type", "application/grpc"}, {"grpc-status", status}}});
  }

  std::shared_ptr<const route::RouteTable> table_;
  std::unique_ptr<Request> request_;
  Retry retry_;
};

struct Word {
  const char* name;
  const char* status;
};
constexpr Word kGrpcWords[] = {
    {"cancelled", "1"}, {"deadline-exceeded", "4"}, {"resource-exhausted", "8"},
    {"internal", "13"}, {"unavailable", "14"},
};

// Days do not overflow when they are doubled sixteen times.
TEST_F(RetryTest, BackOffStaysWithinItsBounds) {
  Begin(R"(retry_on: "5xx"
           retry_back_off { base_interval { seconds: 200000 } max_interval { seconds: 300000 } })");
  base::Random random(1);
  for (uint32_t attempts = 1; attempts <= 20; ++attempts) {
    const base::Nanos wait = retry_.BackOff(attempts, random);
    EXPECT_GE(wait, 0) << attempts;
    EXPECT_LT(wait, 300'000 * base::kSecond) << attempts;
  }
}

TEST_F(RetryTest, EachGrpcWordStandsForItsStatusAlone) {
  for (const Word& word : kGrpcWords) {
    Begin(std::string("retry_on: \"") + word.name + "\"");
    EXPECT_TRUE(retry_.any()) << word.name;
    for (const char* status :
         {"0", "1", "2", "3", "4", "5", "7", "8", "10", "12", "13", "14", "16", "014", "", "x"}) {
      EXPECT_EQ(WantsGrpc(status), std::string(status) == word.status) << word.name << status;
    }
    EXPECT_FALSE(Wants({503})) << word.name;
  }
}

TEST_F(RetryTest, GrpcWordsInTheRequestsOwnFields) {
  for (const Word& word : kGrpcWords) {
    Begin("", {{"x-envoy-retry-grpc-on", word.name}});
    EXPECT_TRUE(WantsGrpc(word.status)) << word.name;
    EXPECT_EQ(retry_.left(), 1u);
    EXPECT_EQ(request_->head.headers.Find("x-envoy-retry-grpc-on"), nullptr);
  }
  Begin("", {{"x-envoy-retry-grpc-on", "cancelled, unavailable"}, {"x-envoy-max-retries", "4"}});
  EXPECT_TRUE(WantsGrpc("1"));
  EXPECT_TRUE(WantsGrpc("14"));
  EXPECT_FALSE(WantsGrpc("13"));
  EXPECT_EQ(retry_.left(), 4u);
}

TEST_F(RetryTest, StatusWords) {
  struct Case {
    const char* word;
    bool at_409, at_500, at_502, at_503, at_505;
  };
  for (const Case& each : {Case{"5xx", false, true, true, true, true},
                           Case{"gateway-error", false, false, true, true, false},
                           Case{"retriable-4xx", true, false, false, false, false},
                           Case{"reset", false, false, false, false, false}}) {
    Begin(std::string("retry_on: \"") + each.word + "\"");
    EXPECT_EQ(Wants({409}), each.at_409) << each.word;
    EXPECT_EQ(Wants({500}), each.at_500) << each.word;
    EXPECT_EQ(Wants({502}), each.at_502) << each.word;
    EXPECT_EQ(Wants({503}), each.at_503) << each.word;
    EXPECT_EQ(Wants({505}), each.at_505) << each.word;
    EXPECT_FALSE(Wants({200})) << each.word;
  }
}

TEST_F(RetryTest, RetriableStatusCodesNeedTheirWord) {
  Begin("retry_on: \"retriable-status-codes\" retriable_status_codes: [ 429, 401 ]");
  EXPECT_TRUE(Wants({401}));
  EXPECT_TRUE(Wants({429}));
  EXPECT_FALSE(Wants({500}));
  Begin("retry_on: \"reset\" retriable_status_codes: [ 429 ]");
  EXPECT_FALSE(Wants({429}));
}

TEST_F(RetryTest, RetriableHeadersOfTheResponse) {
  constexpr char kMatchers[] = R"(
      retriable_headers { name: "x-again" string_match { exact: "yes" } }
      retriable_headers { name: "x-busy" present_match: true })";
  Begin(std::string("retry_on: \"retriable-headers\"") + kMatchers);
  EXPECT_TRUE(Wants({200, {{"x-again", "yes"}}}));
  EXPECT_TRUE(Wants({404, {{"x-busy", ""}}}));
  EXPECT_FALSE(Wants({200, {{"x-again", "no"}}}));
  EXPECT_FALSE(Wants({503}));
  Begin(std::string("retry_on: \"reset\"") + kMatchers);
  EXPECT_FALSE(Wants({200, {{"x-again", "yes"}}})) << "without the word they count for nothing";
}

TEST_F(RetryTest, RequestsAddStatusesAndHeadersOfTheirOwn) {
  const Request::Fields wishes = {{"x-envoy-retriable-status-codes", "418, 451,x,"},
                                  {"x-envoy-retriable-header-names", "X-Again, ,x-more"}};
  Begin("retry_on: \"retriable-status-codes,retriable-headers\" retriable_status_codes: 404",
        wishes);
  for (const uint16_t status : {418, 451, 404}) EXPECT_TRUE(Wants({status})) << status;
  EXPECT_FALSE(Wants({403}));
  EXPECT_TRUE(Wants({200, {{"x-again", "1"}}}));
  EXPECT_TRUE(Wants({200, {{"x-more", ""}}}));
  EXPECT_FALSE(Wants({200, {{"x-other", "1"}}}));
  EXPECT_FALSE(request_->head.headers.Has(http::HeaderId::kXEnvoyRetriableStatusCodes));
  EXPECT_FALSE(request_->head.headers.Has(http::HeaderId::kXEnvoyRetriableHeaderNames));
  // Without a policy, by fields alone.
  Request::Fields alone = wishes;
  alone.emplace_back("x-envoy-retry-on", "retriable-status-codes");
  Begin("", alone);
  EXPECT_TRUE(Wants({418}));
  EXPECT_FALSE(Wants({404}));
  EXPECT_FALSE(Wants({200, {{"x-again", "1"}}})) << "the word for it is missing";
  // They are reasons, and say nothing of whether anything is retried.
  Begin("", wishes);
  EXPECT_FALSE(retry_.any());
  EXPECT_FALSE(Wants({418}));
}

TEST_F(RetryTest, RateLimitedIsRetriedOnlyByItsWord) {
  const Answer limited{503, {{"x-envoy-ratelimited", "true"}}};
  Begin("retry_on: \"5xx,gateway-error\"");
  EXPECT_FALSE(Wants(limited));
  Begin("retry_on: \"envoy-ratelimited\"");
  EXPECT_TRUE(Wants(limited));
}

TEST_F(RetryTest, PolicyThatNamesRequestsHoldsForThoseAlone) {
  constexpr char kPolicy[] = R"(retry_on: "5xx" retriable_request_headers {
      name: "x-may" string_match { exact: "retry" } })";
  Begin(kPolicy, {{"x-may", "retry"}});
  EXPECT_TRUE(Wants({503}));
  Begin(kPolicy);
  EXPECT_FALSE(Wants({503}));
  Begin(kPolicy, {{"x-envoy-retry-on", "5xx"}, {"x-envoy-max-retries", "2"}});
  EXPECT_FALSE(retry_.any()) << "what a request asks for does not get around it";
  EXPECT_FALSE(request_->head.headers.Has(http::HeaderId::kXEnvoyRetryOn));
  EXPECT_FALSE(request_->head.headers.Has(http::HeaderId::kXEnvoyMaxRetries));
}

// As much as the host says, and what several proxies would not all say at once.
TEST_F(RetryTest, HostsSayWhenToTryAgain) {
  Begin(
      "retry_on: '5xx' rate_limited_retry_back_off { reset_headers { name: 'Retry-After' } "
      "reset_headers { name: 'X-Reset' format: UNIX_TIMESTAMP } max_interval { seconds: 60 } }");
  const base::WallTime now = int64_t{1000} * 1000000;
  const auto told = [&](const Request::Fields& fields) {
    buffer::Arena arena;
    http::ResponseHead head(arena);
    for (const auto& [name, value] : fields) head.headers.Add(name, value);
    return retry_.ToldWait(head, now) / base::kSecond;
  };
  EXPECT_EQ(told({{"retry-after", "7"}}), 7);
  EXPECT_EQ(told({{"retry-after", "60"}, {"x-reset", "1005"}}), 60);
  EXPECT_EQ(told({{"retry-after", "61"}, {"x-reset", "1005"}}), 5) << "more than the most";
  EXPECT_EQ(told({{"retry-after", "Fri, 31 Dec 1999 23:59:59 GMT"}, {"x-reset", "1005"}}), 5);
  EXPECT_EQ(told({{"x-reset", "1000"}}), 0) << "it is over";
  EXPECT_EQ(told({{"x-reset", "18446744073709551615"}}), 0);
  EXPECT_EQ(told({}), 0);
  base::Random random(1);
  for (int i = 0; i < 100; ++i) {
    const base::Nanos wait = Retry::Spread(10 * base::kSecond, random);
    EXPECT_TRUE(wait >= 10 * base::kSecond && wait <= 15 * base::kSecond) << wait;
  }
}

TEST_F(RetryTest, RequestsSayWhetherTheyAreHedged) {
  constexpr char kName[] = "x-envoy-hedge-on-per-try-timeout";
  Begin("retry_on: '5xx'");
  EXPECT_FALSE(retry_.hedges());
  Begin("retry_on: '5xx'", {{kName, "true"}});
  EXPECT_TRUE(retry_.hedges());
  EXPECT_EQ(request_->head.headers.Find(kName), nullptr);
  Begin("retry_on: '5xx'", {{kName, "yes"}});
  EXPECT_FALSE(retry_.hedges());
}

}  // namespace
}  // namespace proxenos::filters::router
