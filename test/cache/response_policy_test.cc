// What may be stored, for how long it is fresh, and when it may be used.
#include "source/cache/response_policy.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/http/date.h"
#include "test/cache/heads.h"

namespace proxenos::cache {
namespace {

constexpr int64_t kNow = 1795320701;  // 2026-11-22T04:11:41Z
constexpr base::WallTime kSecond = 1000000;
constexpr absl::string_view kTargets[] = {"cdn-cache-control"};

std::string DateAt(int64_t seconds) {
  char text[http::kDateSize];
  http::FormatDate(kNow + seconds, text);
  return std::string(text, sizeof(text));
}

Judgement Judge(uint16_t status, FieldList fields,
                const RequestFacts& request = {false, false, kNow* kSecond}) {
  const auto heads = Response(status, fields);
  PolicyOptions options;
  options.targets = kTargets;
  Judgement judged = JudgeResponse(heads->response, request, options, kNow * kSecond);
  judged.withheld.clear();  // Views into the head.
  return judged;
}

// "verdict lifetime-age".
std::string Text(uint16_t status, FieldList fields) {
  const Judgement judged = Judge(status, fields);
  return absl::StrCat(Name(judged.verdict), " ", judged.policy.lifetime, "-",
                      judged.policy.initial_age);
}

TEST(ResponsePolicyTest, LifetimesByPrecedence) {
  const std::string now = DateAt(0), later = DateAt(100), past = DateAt(-100);
  EXPECT_EQ(Text(200, {{"cache-control", "max-age=60, s-maxage=10"}}), "store 10-0");
  EXPECT_EQ(Text(200, {{"cache-control", "max-age=60"}, {"expires", past}}), "store 60-0");
  EXPECT_EQ(Text(200, {{"cache-control", "max-age=60"}, {"expires", "0"}}), "store 60-0");
  EXPECT_EQ(Text(200, {{"cache-control", "max-age=0"}, {"expires", later}}), "not-reusable 0-0");
  EXPECT_EQ(Text(200, {{"expires", later}, {"date", now}}), "store 100-0");
  EXPECT_EQ(Text(200, {{"expires", later}}), "store 100-0");
  EXPECT_EQ(Text(200, {{"expires", later}, {"date", "foo"}}), "store 100-0");
  EXPECT_EQ(Text(200, {{"expires", now}, {"date", now}}), "not-reusable 0-0");
  EXPECT_EQ(Text(200, {{"expires", "0"}, {"etag", "\"a\""}}), "store 0-0");
  // Both clocks ahead: what counts is how far they are apart.
  EXPECT_EQ(Text(200, {{"expires", DateAt(300)}, {"date", DateAt(400)}}), "not-reusable 0-0");
  // A targeted field makes Expires void.
  EXPECT_EQ(Text(200, {{"cdn-cache-control", "foo"}, {"expires", later}}), "not-reusable 0-0");
  EXPECT_EQ(Text(200, {{"cdn-cache-control", "max-age=9"}, {"cache-control", "no-store"}}),
            "store 9-0");
  EXPECT_EQ(Text(200, {{"cdn-cache-control", "private"}, {"cache-control", "max-age=9"}}),
            "private 0-0");
}

TEST(ResponsePolicyTest, GuessesOnlyWhereItMay) {
  const std::string now = DateAt(0), day = DateAt(-86400);
  EXPECT_EQ(Text(200, {}), "not-reusable 0-0");
  for (const uint16_t status : {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 451, 501}) {
    EXPECT_EQ(Text(status, {{"last-modified", day}, {"date", now}}), "store 8640-0") << status;
  }
  for (const uint16_t status : {201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599}) {
    EXPECT_EQ(Text(status, {{"last-modified", day}, {"date", now}}), "not-cacheable 0-0") << status;
  }
  EXPECT_EQ(Text(599, {{"last-modified", day}, {"cache-control", "public"}}), "store 8640-0");
  EXPECT_EQ(Text(200, {{"last-modified", DateAt(-86400 * 1000)}}), "store 86400-0");
  EXPECT_EQ(Text(200, {{"last-modified", DateAt(5)}}), "store 0-0");
}

TEST(ResponsePolicyTest, AgesOnTheWay) {
  const std::string now = DateAt(0);
  EXPECT_EQ(Text(200, {{"cache-control", "max-age=60"}, {"age", "15"}}), "store 60-15");
  EXPECT_EQ(Text(200, {{"cache-control", "max-age=60"}, {"date", DateAt(-20)}, {"age", "15"}}),
            "store 60-20");
  EXPECT_EQ(Text(200, {{"cache-control", "max-age=60"}, {"date", DateAt(10)}}), "store 60-0");
  for (const char* bad : {"abc", "-7200", "7200.0", ""}) {
    EXPECT_EQ(Text(200, {{"cache-control", "max-age=60"}, {"age", bad}}), "store 60-0") << bad;
  }
  EXPECT_EQ(Text(200, {{"cache-control", "max-age=60"}, {"age", "7200, 0"}}), "store 60-7200");
  EXPECT_EQ(Text(200, {{"cache-control", "max-age=60"}, {"age", "0,7200"}}), "store 60-0");
  EXPECT_EQ(Text(200, {{"cache-control", "max-age=60"}, {"age", "7"}, {"age", "0"}}), "store 60-7");
  // The time that the origin took counts as age.
  const Judgement slow = Judge(200, {{"cache-control", "max-age=60"}, {"age", "1"}},
                               RequestFacts{false, false, (kNow - 3) * kSecond});
  EXPECT_EQ(slow.policy.initial_age, 4);
  EXPECT_EQ(slow.policy.AgeAt((kNow + 10) * kSecond), 14);
  EXPECT_EQ(slow.policy.AgeAt((kNow - 10) * kSecond), 4) << "a clock set back makes nothing young";
}

TEST(ResponsePolicyTest, WhatIsNotStored) {
  const auto of = [](uint16_t status, FieldList fields) {
    return std::string(Name(Judge(status, fields).verdict));
  };
  EXPECT_EQ(of(206, {{"cache-control", "max-age=60"}}), "status");
  EXPECT_EQ(of(304, {{"cache-control", "max-age=60"}}), "status");
  EXPECT_EQ(of(101, {{"cache-control", "max-age=60"}}), "status");
  EXPECT_EQ(of(600, {{"cache-control", "max-age=60"}}), "status");
  for (const uint16_t status : {428, 429, 431, 511}) {
    EXPECT_EQ(of(status, {{"cache-control", "public, max-age=60"}}), "status") << status;
  }
  for (const uint16_t status : {200, 201, 299, 302, 400, 499, 500, 503, 599}) {
    EXPECT_EQ(of(status, {{"cache-control", "max-age=60"}}), "store") << status;
  }
  EXPECT_EQ(of(200, {{"cache-control", "max-age=60, No-Store"}}), "no-store");
  EXPECT_EQ(of(200, {{"cache-control", "max-age=60, private"}}), "private");
  EXPECT_EQ(of(200, {{"cache-control", "max-age=60, private=\"x\""}}), "store");
  EXPECT_EQ(of(200, {{"cache-control", "max-age=60, no-cache"}}), "not-reusable");
  EXPECT_EQ(of(200, {{"cache-control", "no-cache"}, {"etag", "\"a\""}}), "store");
  EXPECT_EQ(of(200, {{"cache-control", "max-age=60, no-store, must-understand"}}), "store");
  EXPECT_EQ(of(299, {{"cache-control", "max-age=60, no-store, must-understand"}}), "status");
  EXPECT_EQ(of(299, {{"cache-control", "max-age=60, must-understand"}}), "status");
  // A cookie for one client is nothing to guess about.
  EXPECT_EQ(of(200, {{"last-modified", DateAt(-1000)}, {"set-cookie", "a=b"}}), "set-cookie");
  EXPECT_EQ(of(200, {{"cache-control", "max-age=60"}, {"set-cookie", "a=b"}}), "store");
  const RequestFacts no_store{false, true, kNow * kSecond};
  EXPECT_EQ(Judge(200, {{"cache-control", "max-age=60"}}, no_store).verdict,
            StoreVerdict::kNoStore);
}

TEST(ResponsePolicyTest, CredentialsNeedLeave) {
  const RequestFacts credentials{true, false, kNow * kSecond};
  const auto stored = [&](absl::string_view control) {
    return Judge(200, {{"cache-control", control}}, credentials).verdict == StoreVerdict::kStore;
  };
  EXPECT_FALSE(stored("max-age=60"));
  EXPECT_FALSE(stored("max-age=60, proxy-revalidate"));
  EXPECT_FALSE(stored("s-maxage=x, max-age=60"));
  EXPECT_FALSE(stored("max-age=60, must-revalidate; x"));
  EXPECT_FALSE(stored("max-age=60, must-revalidate=0"));
  EXPECT_TRUE(stored("max-age=60, public"));
  EXPECT_TRUE(stored("max-age=60, must-revalidate"));
  EXPECT_TRUE(stored("s-maxage=60"));
}

// After `age` seconds, asked with `control`.
Reuse After(absl::string_view response, int64_t age, absl::string_view control = "") {
  const Judgement judged = Judge(200, {{"cache-control", response}, {"etag", "\"a\""}});
  const auto request = Request({{"cache-control", control}});
  return JudgeReuse(judged.policy, ReadRequestDirectives(request->request.headers),
                    (kNow + age) * kSecond);
}

TEST(ResponsePolicyTest, ReuseByAge) {
  EXPECT_EQ(After("max-age=60", 59), Reuse::kFresh);
  EXPECT_EQ(After("max-age=60", 60), Reuse::kValidate);
  EXPECT_EQ(After("max-age=60, no-cache", 0), Reuse::kValidate);
  EXPECT_EQ(After("max-age=60, must-revalidate", 59), Reuse::kFresh);
  EXPECT_EQ(After("max-age=60, stale-while-revalidate=10", 60), Reuse::kWhileRevalidate);
  EXPECT_EQ(After("max-age=60, stale-while-revalidate=10", 69), Reuse::kWhileRevalidate);
  EXPECT_EQ(After("max-age=60, stale-while-revalidate=10", 70), Reuse::kValidate);
  EXPECT_EQ(After("s-maxage=60, stale-while-revalidate=10", 61), Reuse::kWhileRevalidate);
  EXPECT_EQ(After("max-age=60, stale-while-revalidate=10, must-revalidate", 61), Reuse::kValidate);
  EXPECT_EQ(After("max-age=60, stale-while-revalidate=10, proxy-revalidate", 61), Reuse::kValidate);
}

TEST(ResponsePolicyTest, ReuseByRequest) {
  EXPECT_EQ(After("max-age=60", 10, "no-cache"), Reuse::kRequestValidate);
  EXPECT_EQ(After("max-age=60", 0, "max-age=0"), Reuse::kRequestValidate);
  EXPECT_EQ(After("max-age=60", 10, "max-age=10"), Reuse::kFresh);
  EXPECT_EQ(After("max-age=60", 11, "max-age=10"), Reuse::kRequestValidate);
  EXPECT_EQ(After("max-age=60", 11, "max-age=10, max-stale"), Reuse::kFresh);
  EXPECT_EQ(After("max-age=60", 40, "min-fresh=20"), Reuse::kFresh);
  EXPECT_EQ(After("max-age=60", 41, "min-fresh=20"), Reuse::kRequestValidate);
  EXPECT_EQ(After("max-age=60", 100, "max-stale"), Reuse::kStale);
  EXPECT_EQ(After("max-age=60", 100, "max-stale=40"), Reuse::kStale);
  EXPECT_EQ(After("max-age=60", 101, "max-stale=40"), Reuse::kValidate);
  EXPECT_EQ(After("max-age=60, must-revalidate", 61, "max-stale"), Reuse::kValidate);
  EXPECT_EQ(After("s-maxage=60", 61, "max-stale"), Reuse::kValidate);
}

bool OnError(absl::string_view response, int64_t age, absl::string_view control = "") {
  const Judgement judged = Judge(200, {{"cache-control", response}, {"etag", "\"a\""}});
  const auto request = Request({{"cache-control", control}});
  return MayReplaceError(judged.policy, ReadRequestDirectives(request->request.headers),
                         (kNow + age) * kSecond);
}

TEST(ResponsePolicyTest, InThePlaceOfErrors) {
  EXPECT_FALSE(OnError("max-age=60", 61));
  EXPECT_TRUE(OnError("max-age=60, stale-if-error=10", 69));
  EXPECT_FALSE(OnError("max-age=60, stale-if-error=10", 70));
  EXPECT_TRUE(OnError("s-maxage=60, stale-if-error=10", 69));
  EXPECT_FALSE(OnError("max-age=60, stale-if-error=10, must-revalidate", 61));
  EXPECT_FALSE(OnError("max-age=60, stale-if-error=10, no-cache", 61));
  EXPECT_TRUE(OnError("max-age=60", 61, "stale-if-error=5"));
  EXPECT_FALSE(OnError("s-maxage=60", 61, "stale-if-error=5"));
}

}  // namespace
}  // namespace proxenos::cache
