// What clients try with a shared cache: to poison what others get, to have others' answers stored
// for themselves, to push out what others need.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/cache/stores.h"
#include "test/filters/http/cache_world.h"

namespace proxenos::filters {
namespace {

const Fields kFresh = {{"cache-control", "max-age=60"}};

CacheWorld World(const std::string& further = "") {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  return CacheWorld(CacheConfigOf(
      absl::StrCat("name: 'abuse ", test->name(), "' allow_any_vary: true ", further)));
}

// An origin that puts the field into its answer poisons nobody but who sends it too.
TEST(CachePoisoningTest, FieldsThatOriginsBuildLinksFrom) {
  CacheWorld world = World();
  for (const std::string name :
       {"x-forwarded-host", "x-host", "x-forwarded-server", "x-forwarded-scheme",
        "x-forwarded-prefix", "x-forwarded-port", "x-original-host", "x-http-host-override",
        "x-forwarded-ssl", "front-end-https", "x-original-uri", "x_forwarded_host", "x-scheme"}) {
    SCOPED_TRACE(name);
    const std::string path = absl::StrCat("/", name);
    world.Fill(path, kFresh, "<script src=//evil>", {{name, "evil"}});
    EXPECT_TRUE(world.Get(path)->forwarded());
    EXPECT_TRUE(world.Get(path, {{name, "other"}})->forwarded());
    EXPECT_FALSE(world.Get(path, {{name, "evil"}})->forwarded());
  }
  world.Fill("/f", kFresh, "evil", {{"forwarded", "for=1.2.3.4;host=evil"}});
  EXPECT_TRUE(world.Get("/f", {{"forwarded", "for=1.2.3.4"}})->forwarded());
}

TEST(CachePoisoningTest, FieldsThatHideAnotherRequest) {
  CacheWorld world = World();
  for (const std::string name : {"x-http-method-override", "x-http-method", "x-method-override",
                                 "x-original-url", "x-rewrite-url"}) {
    SCOPED_TRACE(name);
    auto disguised = world.Get("/a", {{name, "DELETE"}});
    ASSERT_TRUE(disguised->forwarded());
    disguised->Answer(200, kFresh, "gone");
    EXPECT_EQ(disguised->Status(), "proxenos; fwd=bypass; fwd-status=200");
    EXPECT_TRUE(world.Get("/a")->forwarded());
  }
}

TEST(CachePoisoningTest, ABodyOnAGet) {
  CacheWorld world = World();
  world.Fill("/a", kFresh, "good");
  auto fat = std::make_unique<FilterHarness>(
      filter::FilterFactories{MakeFactory(CacheConfigOf("name: 'abuse ABodyOnAGet'"))},
      [](filter::StreamContext& stream) {
        FillRequest({"GET", "/a", {}}, stream.request, stream.arena);
      });
  fat->SendRequest(/*end=*/false);
  EXPECT_TRUE(fat->request_out.head);
  fat->SendRequestBody("param=evil", true);
  fat->response.headers.Add("cache-control", "max-age=60");
  fat->SendResponse(200, "evil", true);
  EXPECT_EQ(world.Get("/a")->Text(), "200 good");
}

TEST(CachePoisoningTest, HostsAreKeptApart) {
  CacheWorld world = World();
  world.Fill("/a", kFresh, "good");
  for (const std::string path :
       {"//a", "/a/", "/%61", "/A", "/a?", "/a?x", "/a;x", "/a%00", "/a#"}) {
    EXPECT_TRUE(world.Get(path)->forwarded()) << path;
  }
}

// Errors that an odd request provokes are not kept for others (CPDoS), unless they say so.
TEST(CachePoisoningTest, ErrorsAreNotGuessedToBeFresh) {
  CacheWorld world = World();
  for (const uint16_t status : {400, 403, 413, 414, 431, 500, 502, 503}) {
    const std::string path = absl::StrCat("/", status);
    auto provoked = world.Get(path, {{"x-huge", "..."}});
    provoked->Answer(status, {{"date", world.DateAt(0)}}, "no");
    EXPECT_TRUE(world.Get(path)->forwarded()) << status;
  }
}

TEST(CachePoisoningTest, ALocalAnswerIsNotStored) {
  CacheWorld world = World();
  auto refused = world.Get("/a");
  refused->harness().Reply(404, "no route", "test", 0);
  refused->harness().response.headers.Add("cache-control", "max-age=60");
  refused->harness().Run();
  EXPECT_EQ(refused->Text(), "404 no route");
  EXPECT_TRUE(world.Get("/a")->forwarded());
}

// Deception: a path that looks static leads to a page of one user.
TEST(CacheDeceptionTest, NothingIsStoredForHowItsPathLooks) {
  CacheWorld world = World();
  for (const std::string path : {"/account/x.css", "/account;x.css", "/account%2fx.css",
                                 "/account%0ax.css", "/account?x.css", "/account/..%2fx.css"}) {
    auto victim = world.Get(path, {{"cookie", "session=1"}});
    victim->Answer(200, {{"content-type", "text/html"}, {"set-cookie", "session=1"}}, "secret");
    EXPECT_TRUE(world.Get(path)->forwarded()) << path;
    auto again = world.Get(path, {{"cookie", "session=1"}});
    again->Answer(200,
                  {{"content-type", "text/html"},
                   {"set-cookie", "session=1"},
                   {"last-modified", world.DateAt(-100000)}},
                  "secret");
    EXPECT_TRUE(world.Get(path)->forwarded()) << path;
  }
}

TEST(CacheDeceptionTest, NobodyGetsAnothersCookie) {
  CacheWorld world = World();
  world.Fill("/a", {{"cache-control", "public, max-age=60"}, {"set-cookie", "session=1"}}, "x");
  auto hit = world.Get("/a");
  EXPECT_FALSE(hit->forwarded());
  EXPECT_EQ(hit->Field("set-cookie"), "-");
  // Nor one who reads it while it comes.
  auto leader = world.Get("/b");
  auto reader = world.Get("/b");
  leader->Answer(200, {{"cache-control", "max-age=60"}, {"set-cookie", "session=1"}}, "x");
  reader->harness().Turn();
  EXPECT_EQ(reader->Text(), "200 x");
  EXPECT_EQ(reader->Field("set-cookie"), "-");
  EXPECT_EQ(leader->Field("set-cookie"), "session=1");
}

TEST(CacheDeceptionTest, CredentialsOfALeaderAreItsOwn) {
  CacheWorld world = World();
  auto leader = world.Get("/a", {{"authorization", "Basic me"}});
  auto waits = world.Get("/a");
  leader->Answer(200, kFresh, "mine");
  waits->harness().Turn();
  EXPECT_TRUE(waits->forwarded());
}

// Made-up queries and made-up variants cost what they cost and no more.
TEST(CacheFloodTest, UniqueUrlsPushNothingOutThatIsUsed) {
  CacheWorld world = World("max_bytes { value: 1048576 }");
  const std::string body(2000, 'x');
  for (int i = 0; i < 20; ++i) world.Fill(absl::StrCat("/hot/", i), kFresh, body);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 20; ++i) EXPECT_FALSE(world.Get(absl::StrCat("/hot/", i))->forwarded());
  }
  for (int i = 0; i < 1500; ++i) world.Fill(absl::StrCat("/hot/0?", i), kFresh, body);
  int kept = 0;
  for (int i = 0; i < 20; ++i) kept += !world.Get(absl::StrCat("/hot/", i))->forwarded();
  EXPECT_EQ(kept, 20);
  for (const auto& store : ::proxenos::cache::StoreHandle::All()) {
    EXPECT_LE(store->memory.totals().bytes, store->memory.max_bytes());
  }
}

TEST(CacheFloodTest, MadeUpVariantsGoBeforeRealOnes) {
  CacheWorld world = World("max_variants { value: 4 }");
  world.Fill("/a", kFresh, "good");
  for (int i = 0; i < 50; ++i) {
    world.Fill("/a", kFresh, "evil", {{"x-forwarded-host", absl::StrCat("evil", i)}});
  }
  EXPECT_EQ(world.Get("/a")->Text(), "200 good");
}

}  // namespace
}  // namespace proxenos::filters
