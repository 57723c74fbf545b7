// The cache filter: what it answers, stores, freshens and forgets.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "test/filters/http/cache_world.h"

namespace proxenos::filters {
namespace {

const Fields kFresh = {{"cache-control", "max-age=60"}, {"etag", "\"a\""}};

// Every test has a store of its own, by its name.
CacheWorld World(const std::string& further_store = "allow_any_vary: true",
                 const std::string& further = "") {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  return CacheWorld(
      CacheConfigOf(absl::StrCat("name: '", test->name(), "' ", further_store), further));
}

TEST(CacheTest, AnswersFromWhatItStored) {
  CacheWorld world = World();
  auto miss = world.Get("/a");
  ASSERT_TRUE(miss->forwarded());
  miss->Answer(200, {{"cache-control", "max-age=60"}, {"content-type", "text/x"}}, "body");
  EXPECT_EQ(miss->Text(), "200 body");
  EXPECT_EQ(miss->Status(), "proxenos; fwd=uri-miss; fwd-status=200; stored");
  world.Pass(5);
  auto hit = world.Get("/a");
  EXPECT_FALSE(hit->forwarded());
  EXPECT_EQ(hit->Text(), "200 body");
  EXPECT_EQ(hit->Field("content-type"), "text/x");
  EXPECT_EQ(hit->Field("content-length"), "4");
  EXPECT_EQ(hit->Field("age"), "5");
  EXPECT_EQ(hit->Field("date"), world.DateAt(-5)) << "made where the origin sent none";
  EXPECT_EQ(hit->Status(), "proxenos; hit; ttl=55");
  EXPECT_EQ(hit->harness().info.details, "cache.response_from_cache_filter");
  EXPECT_EQ(hit->harness().info.flags, filter::kResponseFromCacheFilter);
  EXPECT_EQ(hit->harness().Stat("http.test.cache.hit"), 1u);
  world.Pass(55);
  EXPECT_TRUE(world.Get("/a")->forwarded());
  EXPECT_TRUE(world.Get("/a?b")->forwarded());
}

TEST(CacheTest, AgeGoesOnFromTheOriginsOwn) {
  CacheWorld world = World();
  world.Fill("/a", {{"cache-control", "max-age=60"}, {"age", "30"}}, "x");
  world.Pass(10);
  EXPECT_EQ(world.Get("/a")->Field("age"), "40");
  world.Pass(20);
  EXPECT_TRUE(world.Get("/a")->forwarded());
}

TEST(CacheTest, HeadIsAnsweredFromAGet) {
  CacheWorld world = World();
  world.Fill("/a", kFresh, "body");
  auto head = world.Send("HEAD", "/a");
  EXPECT_FALSE(head->forwarded());
  EXPECT_EQ(head->Text(), "200 ");
  EXPECT_EQ(head->Field("content-length"), "4");
}

TEST(CacheTest, RangesOfWhatIsWhole) {
  CacheWorld world = World();
  world.Fill("/a", kFresh, "0123456789");
  auto part = world.Get("/a", {{"range", "bytes=2-4"}});
  EXPECT_EQ(part->Text(), "206 234");
  EXPECT_EQ(part->Field("content-range"), "bytes 2-4/10");
  EXPECT_EQ(part->Field("content-length"), "3");
  EXPECT_EQ(world.Get("/a", {{"range", "bytes=-1"}})->Text(), "206 9");
  auto beyond = world.Get("/a", {{"range", "bytes=10-"}});
  EXPECT_EQ(beyond->Text(), "416 ");
  EXPECT_EQ(beyond->Field("content-range"), "bytes */10");
  EXPECT_EQ(world.Get("/a", {{"range", "bytes=0-1,3-4"}})->Text(), "200 0123456789");
  EXPECT_EQ(world.Get("/a", {{"range", "bytes=2-4"}, {"if-range", "\"a\""}})->Text(), "206 234");
  EXPECT_EQ(world.Get("/a", {{"range", "bytes=2-4"}, {"if-range", "\"b\""}})->Text(),
            "200 0123456789");
  EXPECT_EQ(world.Send("HEAD", "/a", {{"range", "bytes=2-4"}})->Text(), "200 ");
}

TEST(CacheTest, PartsAreNotStored) {
  CacheWorld world = World();
  auto part = world.Get("/a", {{"range", "bytes=0-1"}});
  ASSERT_TRUE(part->forwarded());
  EXPECT_EQ(part->OriginSees("range"), "bytes=0-1");
  part->Answer(206, {{"cache-control", "max-age=60"}, {"content-range", "bytes 0-1/9"}}, "ab");
  EXPECT_EQ(part->Text(), "206 ab");
  EXPECT_TRUE(world.Get("/a")->forwarded());
}

TEST(CacheTest, ConditionsAgainstWhatIsStored) {
  CacheWorld world = World();
  const std::string then = world.DateAt(-5000);
  world.Fill("/a",
             {{"cache-control", "max-age=60"},
              {"etag", "\"a\""},
              {"last-modified", then},
              {"content-type", "text/x"},
              {"vary", "foo"}},
             "body");
  auto same = world.Get("/a", {{"if-none-match", "\"b\", W/\"a\""}});
  EXPECT_EQ(same->Text(), "304 ");
  EXPECT_EQ(same->Field("etag"), "\"a\"");
  EXPECT_EQ(same->Field("vary"), "foo");
  EXPECT_EQ(same->Field("cache-control"), "max-age=60");
  EXPECT_EQ(same->Field("content-type"), "-");
  EXPECT_EQ(same->Field("content-length"), "-");
  EXPECT_EQ(world.Get("/a", {{"if-none-match", "\"b\""}})->Text(), "200 body");
  EXPECT_EQ(world.Get("/a", {{"if-modified-since", then}})->Text(), "304 ");
  EXPECT_EQ(world.Get("/a", {{"if-modified-since", world.DateAt(-5001)}})->Text(), "200 body");
  EXPECT_EQ(world.Get("/a", {{"if-none-match", "\"a\""}, {"range", "bytes=0-0"}})->Text(), "304 ");
  // What only the origin can judge goes there.
  EXPECT_TRUE(world.Get("/a", {{"if-match", "\"a\""}})->forwarded());
}

TEST(CacheTest, AMissForwardsConditionsAsTheyAre) {
  CacheWorld world = World();
  auto miss = world.Get("/a", {{"if-none-match", "\"x\""}});
  EXPECT_EQ(miss->OriginSees("if-none-match"), "\"x\"");
  miss->Answer(304, {{"etag", "\"x\""}}, "");
  EXPECT_EQ(miss->Text(), "304 ");
  EXPECT_TRUE(world.Get("/a")->forwarded());
}

TEST(CacheTest, ValidatesWhatIsStale) {
  CacheWorld world = World();
  const std::string then = world.DateAt(-5000);
  world.Fill("/a",
             {{"cache-control", "max-age=1"},
              {"etag", "\"a\""},
              {"last-modified", then},
              {"x", "old"},
              {"kept", "1"},
              {"content-length", "4"}},
             "body");
  world.Pass(2);
  auto stale = world.Get("/a", {{"if-none-match", "\"mine\""}, {"range", "bytes=1-2"}});
  ASSERT_TRUE(stale->forwarded());
  EXPECT_EQ(stale->OriginSees("if-none-match"), "\"a\"");
  EXPECT_EQ(stale->OriginSees("if-modified-since"), then);
  EXPECT_EQ(stale->OriginSees("range"), "-");
  stale->Answer(304,
                {{"cache-control", "max-age=60"},
                 {"x", "new"},
                 {"content-length", "0"},
                 {"set-cookie", "a=b"}},
                "");
  EXPECT_EQ(stale->Text(), "206 od");
  EXPECT_EQ(stale->Field("x"), "new");
  EXPECT_EQ(stale->Field("kept"), "1");
  EXPECT_EQ(stale->Field("set-cookie"), "a=b") << "for this client";
  EXPECT_EQ(stale->Status(), "proxenos; fwd=stale; fwd-status=304; ttl=60; stored");
  world.Pass(30);
  auto hit = world.Get("/a");
  EXPECT_EQ(hit->Text(), "200 body");
  EXPECT_EQ(hit->Field("x"), "new");
  EXPECT_EQ(hit->Field("age"), "30");
  EXPECT_EQ(hit->Field("set-cookie"), "-");
  EXPECT_EQ(hit->Field("content-length"), "4");
}

TEST(CacheTest, AValidationChangesNothingThatDescribesTheBody) {
  CacheWorld world = World();
  world.Fill("/a",
             {{"cache-control", "max-age=1"},
              {"etag", "\"a\""},
              {"content-encoding", "gzip"},
              {"content-md5", "old"}},
             "body");
  world.Pass(2);
  auto stale = world.Get("/a");
  stale->Answer(304,
                {{"cache-control", "max-age=60"},
                 {"etag", "W/\"a\""},
                 {"content-encoding", "br"},
                 {"content-range", "bytes 0-1/4"},
                 {"content-md5", "new"}},
                "");
  const auto check = [](auto& answer) {
    EXPECT_EQ(answer.Text(), "200 body");
    EXPECT_EQ(answer.Field("etag"), "\"a\"");
    EXPECT_EQ(answer.Field("content-encoding"), "gzip");
    EXPECT_EQ(answer.Field("content-range"), "-");
    EXPECT_EQ(answer.Field("content-md5"), "old");
  };
  check(*stale);
  check(*world.Get("/a"));
}

// RFC 9111, section 4.3.4.
TEST(CacheTest, AValidationOfAnotherResponseChangesNothing) {
  CacheWorld world = World();
  world.Fill("/a", {{"cache-control", "max-age=1"}, {"etag", "\"a\""}}, "body");
  world.Pass(2);
  auto stale = world.Get("/a");
  stale->Answer(304, {{"cache-control", "max-age=60"}, {"etag", "\"b\""}, {"x", "new"}}, "");
  EXPECT_EQ(stale->Text(), "200 body");
  EXPECT_EQ(stale->Field("x"), "-");
  EXPECT_EQ(stale->Field("etag"), "\"a\"");
  EXPECT_EQ(world.Get("/a")->OriginSees("if-none-match"), "\"a\"");
}

// Where there is no tag the date says which one: an origin that went back to an older file answers
// 304 too.
TEST(CacheTest, AValidationWithAnotherDateChangesNothing) {
  CacheWorld world = World();
  const std::string then = world.DateAt(-5000), before = world.DateAt(-9000);
  world.Fill("/a", {{"cache-control", "max-age=1"}, {"last-modified", then}}, "body");
  world.Pass(2);
  auto stale = world.Get("/a");
  stale->Answer(304, {{"cache-control", "max-age=60"}, {"last-modified", before}, {"x", "new"}},
                "");
  EXPECT_EQ(stale->Text(), "200 body");
  EXPECT_EQ(stale->Field("x"), "-");
  auto again = world.Get("/a");
  EXPECT_EQ(again->OriginSees("if-modified-since"), then);
  again->Answer(304, {{"cache-control", "max-age=60"}, {"last-modified", then}, {"x", "new"}}, "");
  EXPECT_EQ(world.Get("/a")->Field("x"), "new");
  // Tags that are the same decide.
  world.Fill("/b", {{"cache-control", "max-age=1"}, {"etag", "\"a\""}, {"last-modified", then}},
             "body");
  world.Pass(2);
  world.Get("/b")->Answer(
      304, {{"cache-control", "max-age=60"}, {"etag", "\"a\""}, {"last-modified", before}}, "");
  EXPECT_FALSE(world.Get("/b")->forwarded());
}

// Its fields are its client's, and would be there for whoever takes what is stale.
TEST(CacheTest, AValidationThatMayNotBeSharedIsItsClients) {
  CacheWorld world = World();
  const Fields takes_stale = {{"cache-control", "max-stale"}};
  for (const Fields& own : {Fields{{"cache-control", "private"}, {"x-user", "alice"}},
                            Fields{{"cache-control", "no-store"}, {"x-user", "alice"}},
                            Fields{{"vary", "*"}, {"x-user", "alice"}}}) {
    SCOPED_TRACE(own[0].second);
    const std::string path = absl::StrCat("/", own[0].second);
    world.Fill(path, {{"cache-control", "max-age=1"}, {"etag", "\"a\""}}, "body");
    world.Pass(2);
    auto stale = world.Get(path);
    stale->Answer(304, own, "");
    EXPECT_EQ(stale->Text(), "200 body");
    EXPECT_EQ(stale->Field("x-user"), "alice");
    EXPECT_TRUE(world.Get(path, takes_stale)->forwarded());
  }
  // What answers credentials says nothing of what was stored without.
  world.Fill("/a", {{"cache-control", "max-age=1"}, {"etag", "\"a\""}}, "body");
  world.Pass(2);
  auto stale = world.Get("/a", {{"authorization", "Basic alice"}});
  stale->Answer(304, {{"x-user", "alice"}}, "");
  EXPECT_EQ(stale->Text(), "200 body");
  EXPECT_EQ(stale->Status(), "proxenos; fwd=stale; fwd-status=304; ttl=1; detail=authorization");
  auto other = world.Get("/a", takes_stale);
  EXPECT_EQ(other->Text(), "200 body");
  EXPECT_EQ(other->Field("x-user"), "-");
}

TEST(CacheTest, ATagThatComesLaterIsKept) {
  CacheWorld world = World();
  world.Fill("/a", {{"cache-control", "max-age=1"}, {"last-modified", world.DateAt(-5000)}},
             "body");
  world.Pass(2);
  auto stale = world.Get("/a");
  stale->Answer(304, {{"cache-control", "max-age=60"}, {"etag", "\"a\""}}, "");
  EXPECT_EQ(stale->Field("etag"), "\"a\"");
  EXPECT_EQ(world.Get("/a")->Field("etag"), "\"a\"");
}

TEST(CacheTest, AValidationMayBringAnotherResponse) {
  CacheWorld world = World();
  world.Fill("/a", {{"cache-control", "max-age=1"}, {"etag", "\"a\""}}, "old");
  world.Pass(2);
  auto stale = world.Get("/a");
  stale->Answer(200, {{"cache-control", "max-age=60"}, {"etag", "\"b\""}}, "new");
  EXPECT_EQ(stale->Text(), "200 new");
  EXPECT_EQ(stale->Status(), "proxenos; fwd=stale; fwd-status=200; stored");
  EXPECT_EQ(world.Get("/a")->Text(), "200 new");
}

TEST(CacheTest, AClientsConditionHoldsAfterAValidation) {
  CacheWorld world = World();
  world.Fill("/a", {{"cache-control", "max-age=1"}, {"etag", "\"a\""}}, "old");
  world.Pass(2);
  auto stale = world.Get("/a", {{"if-none-match", "\"a\""}});
  stale->Answer(304, {{"cache-control", "max-age=60"}}, "");
  EXPECT_EQ(stale->Text(), "304 ");
}

TEST(CacheTest, NoCacheIsValidatedEachTime) {
  CacheWorld world = World();
  world.Fill("/a", {{"cache-control", "no-cache, max-age=60"}, {"etag", "\"a\""}}, "body");
  auto again = world.Get("/a");
  EXPECT_EQ(again->OriginSees("if-none-match"), "\"a\"");
  again->Answer(304, {}, "");
  EXPECT_EQ(again->Text(), "200 body");
  EXPECT_TRUE(world.Get("/a")->forwarded());
}

TEST(CacheTest, RequestDirectives) {
  CacheWorld world = World();
  world.Fill("/a", kFresh, "body");
  world.Pass(10);
  const auto asks = [&](const std::string& control) {
    return world.Get("/a", {{"cache-control", control}})->forwarded();
  };
  EXPECT_FALSE(asks("max-age=10"));
  EXPECT_TRUE(asks("max-age=9"));
  EXPECT_FALSE(asks("min-fresh=50"));
  EXPECT_TRUE(asks("min-fresh=51"));
  EXPECT_TRUE(asks("no-cache"));
  EXPECT_TRUE(asks("no-store"));
  EXPECT_TRUE(world.Get("/a", {{"pragma", "no-cache"}})->forwarded());
  EXPECT_FALSE(asks("only-if-cached"));
  auto other = world.Get("/b", {{"cache-control", "only-if-cached"}});
  EXPECT_EQ(other->Text(), "504 ");
  auto no_store = world.Get("/c", {{"cache-control", "no-store"}});
  no_store->Answer(200, kFresh, "x");
  EXPECT_EQ(no_store->Status(), "proxenos; fwd=request; fwd-status=200");
  EXPECT_TRUE(world.Get("/c")->forwarded());
}

TEST(CacheTest, RequestDirectivesMayBeIgnored) {
  CacheWorld world = World("allow_any_vary: true", "ignore_request_cache_control_header: true");
  world.Fill("/a", kFresh, "body");
  EXPECT_FALSE(world.Get("/a", {{"cache-control", "no-cache, max-age=0"}})->forwarded());
  EXPECT_FALSE(world.Get("/a", {{"pragma", "no-cache"}})->forwarded());
}

TEST(CacheTest, VariantsOfOneUrl) {
  CacheWorld world = World();
  const Fields varies = {{"cache-control", "max-age=60"}, {"vary", "Foo"}};
  world.Fill("/a", varies, "one", {{"foo", "1"}});
  auto other = world.Get("/a", {{"foo", "2"}});
  ASSERT_TRUE(other->forwarded());
  other->Answer(200, varies, "two");
  EXPECT_EQ(other->Status(), "proxenos; fwd=vary-miss; fwd-status=200; stored");
  EXPECT_EQ(world.Get("/a", {{"foo", "1"}, {"bar", "x"}})->Text(), "200 one");
  EXPECT_EQ(world.Get("/a", {{"foo", "2"}})->Text(), "200 two");
  EXPECT_TRUE(world.Get("/a")->forwarded());
  world.Fill("/b", {{"cache-control", "max-age=60"}, {"vary", "*"}}, "x");
  EXPECT_TRUE(world.Get("/b")->forwarded());
}

TEST(CacheTest, OnlyAllowedFieldsMayChoose) {
  CacheWorld world = World("", "allowed_vary_headers { prefix: 'accept' }");
  world.Fill("/a", {{"cache-control", "max-age=60"}, {"vary", "Accept-Encoding"}}, "x");
  EXPECT_FALSE(world.Get("/a")->forwarded());
  world.Fill("/b", {{"cache-control", "max-age=60"}, {"vary", "Accept-Encoding, Foo"}}, "x");
  EXPECT_TRUE(world.Get("/b")->forwarded());
}

// A key without hosts has answers for all of them, but for those that say that they are for one.
TEST(CacheTest, AHostThatIsNotInTheKeyMayNotChoose) {
  CacheWorld world = World("allow_any_vary: true", "key_creator_params { exclude_host: true }");
  world.Fill("/a", kFresh, "x");
  EXPECT_FALSE(world.Get("/a")->forwarded());
  auto miss = world.Get("/b");
  miss->Answer(200, {{"cache-control", "max-age=60"}, {"vary", "Accept, Host"}}, "x");
  EXPECT_EQ(miss->Status(), "proxenos; fwd=uri-miss; fwd-status=200; detail=vary");
  EXPECT_TRUE(world.Get("/b")->forwarded());
}

TEST(CacheTest, UnsafeMethodsInvalidate) {
  CacheWorld world = World();
  for (const std::string method : {"POST", "PUT", "DELETE", "PATCH", "M-SEARCH"}) {
    SCOPED_TRACE(method);
    for (const std::string path : {"/d/a", "/d/b", "/c"}) world.Fill(path, kFresh, "x");
    world.Send(method, "/d/a")->Answer(500, {{"location", "b"}}, "");
    EXPECT_FALSE(world.Get("/d/a")->forwarded());
    world.Send(method, "/d/a")
        ->Answer(201, {{"location", "b"}, {"content-location", "http://host/c"}}, "");
    for (const std::string path : {"/d/a", "/d/b", "/c"}) {
      EXPECT_TRUE(world.Get(path)->forwarded()) << path;
    }
  }
  world.Fill("/c", kFresh, "x");
  world.Send("POST", "/d/a")->Answer(200, {{"location", "http://elsewhere/c"}}, "");
  EXPECT_FALSE(world.Get("/c")->forwarded());
  for (const std::string method : {"OPTIONS", "TRACE", "PROPFIND"}) {
    world.Send(method, "/c")->Answer(200, {}, "");
    EXPECT_FALSE(world.Get("/c")->forwarded()) << method;
  }
}

TEST(CacheTest, UnsafeMethodsSayWhyTheyAreForwarded) {
  CacheWorld world = World();
  auto post = world.Send("POST", "/a");
  post->Answer(201, {{"cache-status", "Origin; fwd=bypass"}}, "");
  EXPECT_EQ(post->Status(), "Origin; fwd=bypass, proxenos; fwd=method; fwd-status=201");
  EXPECT_TRUE(world.Get("/a")->forwarded());
}

TEST(CacheTest, InvalidationReachesAFillUnderWay) {
  CacheWorld world = World();
  auto slow = world.Get("/a");
  slow->Answer(200, kFresh, "old", /*end=*/false);
  world.Send("POST", "/a")->Answer(200, {}, "");
  slow->More(" state", true);
  EXPECT_EQ(slow->Text(), "200 old state");
  EXPECT_TRUE(world.Get("/a")->forwarded());
}

TEST(CacheTest, HeadFreshensOrEndsWhatIsStored) {
  CacheWorld world = World();
  world.Fill("/a", {{"cache-control", "max-age=1"}, {"etag", "\"a\""}, {"x", "1"}}, "body");
  world.Pass(2);
  auto head = world.Send("HEAD", "/a");
  ASSERT_TRUE(head->forwarded());
  head->Answer(
      200,
      {{"cache-control", "max-age=60"}, {"etag", "\"a\""}, {"x", "2"}, {"content-length", "4"}},
      "");
  auto hit = world.Get("/a");
  EXPECT_EQ(hit->Text(), "200 body");
  EXPECT_EQ(hit->Field("x"), "2");
  world.Pass(60);
  world.Send("HEAD", "/a")
      ->Answer(200, {{"cache-control", "max-age=60"}, {"etag", "\"a\""}, {"content-length", "5"}},
               "");
  EXPECT_TRUE(world.Get("/a")->forwarded()) << "another length: another response";
}

TEST(CacheTest, StaleInThePlaceOfErrors) {
  CacheWorld world = World();
  world.Fill("/a", {{"cache-control", "max-age=1, stale-if-error=60"}, {"etag", "\"a\""}}, "body");
  world.Pass(2);
  auto error = world.Get("/a");
  error->Answer(503, {}, "sorry");
  EXPECT_EQ(error->Text(), "200 body");
  EXPECT_EQ(error->Status(), "proxenos; fwd=stale; fwd-status=503; ttl=-1");
  EXPECT_EQ(error->Field("age"), "2");
  // Of the proxy itself too: the origin cannot be reached.
  auto unreachable = world.Get("/a");
  unreachable->harness().Reply(503, "no healthy upstream", "x", 0);
  unreachable->harness().Run();
  EXPECT_EQ(unreachable->Text(), "200 body");
  auto missing = world.Get("/a");
  missing->Answer(404, {}, "gone");
  EXPECT_EQ(missing->Text(), "404 gone") << "no error of the origin";
  world.Pass(60);
  auto late = world.Get("/a");
  late->Answer(503, {}, "sorry");
  EXPECT_EQ(late->Text(), "503 sorry");
}

TEST(CacheTest, WhatMustBeValidatedIsNotServedStale) {
  CacheWorld world = World("default_stale_if_error { seconds: 600 }");
  world.Fill("/plain", {{"cache-control", "max-age=1"}}, "body");
  world.Fill("/must", {{"cache-control", "max-age=1, must-revalidate"}, {"etag", "\"a\""}}, "body");
  world.Fill("/shared", {{"cache-control", "s-maxage=1"}, {"etag", "\"a\""}}, "body");
  world.Pass(5);
  const auto on_error = [&](const std::string& path) {
    auto stream = world.Get(path);
    stream->Answer(500, {}, "sorry");
    return stream->Text();
  };
  EXPECT_EQ(on_error("/plain"), "200 body");
  EXPECT_EQ(on_error("/must"), "500 sorry");
  EXPECT_EQ(on_error("/shared"), "500 sorry");
}

TEST(CacheTest, FieldsThatAreNotStored) {
  CacheWorld world = World();
  world.Fill("/a",
             {{"cache-control", "max-age=60, no-cache=\"x-a\", private=\"x-b, X-C\""},
              {"x-a", "1"},
              {"x-b", "1"},
              {"x-c", "1"},
              {"x-d", "1"},
              {"set-cookie", "a=b"},
              {"proxy-authenticate", "x"},
              {"proxy-authentication-info", "x"},
              {"www-authenticate", "y"}},
             "body");
  auto hit = world.Get("/a");
  for (const char* name :
       {"x-a", "x-b", "x-c", "set-cookie", "proxy-authenticate", "proxy-authentication-info"}) {
    EXPECT_EQ(hit->Field(name), "-") << name;
  }
  EXPECT_EQ(hit->Field("x-d"), "1");
  EXPECT_EQ(hit->Field("www-authenticate"), "y");
}

TEST(CacheTest, CredentialsNeedLeave) {
  CacheWorld world = World();
  const Fields credentials = {{"authorization", "Basic x"}};
  world.Fill("/a", kFresh, "mine", credentials);
  EXPECT_TRUE(world.Get("/a")->forwarded());
  world.Fill("/b", {{"cache-control", "max-age=60, public"}}, "ours", credentials);
  EXPECT_EQ(world.Get("/b")->Text(), "200 ours");
}

TEST(CacheTest, TargetedFields) {
  CacheWorld world = World();
  world.Fill("/a", {{"cache-control", "no-store"}, {"cdn-cache-control", "max-age=60"}}, "x");
  auto hit = world.Get("/a");
  EXPECT_FALSE(hit->forwarded());
  EXPECT_EQ(hit->Field("cdn-cache-control"), "max-age=60");
  world.Fill("/b", {{"cache-control", "max-age=60"}, {"cdn-cache-control", "no-store"}}, "x");
  EXPECT_TRUE(world.Get("/b")->forwarded());
}

TEST(CacheTest, WhatBreaksOffIsNotStored) {
  CacheWorld world = World();
  {
    auto broken = world.Get("/a");
    broken->Answer(200, kFresh, "half", /*end=*/false);
  }
  EXPECT_TRUE(world.Get("/a")->forwarded());
  // Shorter than its own length.
  auto shorter = world.Get("/b");
  shorter->Answer(200, {{"cache-control", "max-age=60"}, {"content-length", "9"}}, "half");
  EXPECT_TRUE(world.Get("/b")->forwarded());
}

TEST(CacheTest, WhatIsTooLargePassesUnstored) {
  CacheWorld world = World("", "max_body_bytes: 8");
  auto known = world.Get("/a");
  known->Answer(200, {{"cache-control", "max-age=60"}, {"content-length", "9"}}, "123456789");
  EXPECT_EQ(known->Status(), "proxenos; fwd=uri-miss; fwd-status=200; detail=too-large");
  auto unknown = world.Get("/b");
  unknown->Answer(200, kFresh, "12345", /*end=*/false);
  unknown->More("6789", true);
  EXPECT_EQ(unknown->Text(), "200 123456789");
  world.Fill("/c", kFresh, "12345678");
  EXPECT_TRUE(world.Get("/a")->forwarded());
  EXPECT_TRUE(world.Get("/b")->forwarded());
  EXPECT_FALSE(world.Get("/c")->forwarded());
}

TEST(CacheTest, StatusesAreStoredAsTheyAre) {
  CacheWorld world = World();
  for (const uint16_t status : {204, 299, 301, 404, 410, 500, 599}) {
    const std::string path = absl::StrCat("/", status);
    const std::string body = status == 204 ? "" : "x";
    auto miss = world.Get(path);
    miss->Answer(status, {{"cache-control", "max-age=60"}, {"location", "/y"}}, body);
    auto hit = world.Get(path, {{"if-none-match", "*"}, {"range", "bytes=0-0"}});
    EXPECT_EQ(hit->Text(), absl::StrCat(status, " ", body));
    EXPECT_EQ(hit->Field("location"), "/y");
  }
}

TEST(CacheTest, ADisabledCacheHasNoPartInAnything) {
  CacheWorld world(
      Pack<envoy::extensions::filters::http::cache::v3::CacheConfig>("disabled { value: true }"));
  world.Fill("/a", kFresh, "x");
  auto again = world.Get("/a");
  EXPECT_TRUE(again->forwarded());
  again->Answer(200, kFresh, "x");
  EXPECT_EQ(again->Status(), "-");
}

TEST(CacheTest, EnvoysSimpleStore) {
  CacheWorld world(Pack<envoy::extensions::filters::http::cache::v3::CacheConfig>(
      "typed_config { [type.googleapis.com/"
      "envoy.extensions.http.cache.simple_http_cache.v3.SimpleHttpCacheConfig] {} }"));
  world.Fill("/envoys-simple-store", kFresh, "x");
  EXPECT_FALSE(world.Get("/envoys-simple-store")->forwarded());
}

TEST(CacheTest, EnvoysSecondCache) {
  CacheWorld world(Pack<envoy::extensions::filters::http::cache_v2::v3::CacheV2Config>(
      "typed_config { [type.googleapis.com/"
      "envoy.extensions.http.cache_v2.simple_http_cache.v3.SimpleHttpCacheV2Config] {} } "
      "ignore_request_cache_control_header: true max_body_bytes: 4"));
  world.Fill("/envoys-second-cache", kFresh, "four");
  EXPECT_EQ(world.Get("/envoys-second-cache", {{"cache-control", "no-store"}})->Text(), "200 four");
  world.Fill("/envoys-second-cache-large", kFresh, "fives");
  EXPECT_TRUE(world.Get("/envoys-second-cache-large")->forwarded());
}

}  // namespace
}  // namespace proxenos::filters
