// Many requests for one URL: fills that are followed, validations in the background, and streams
// that end in every phase of either. Each stream has a loop of its own, as if on its own worker.
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/cache/stores.h"
#include "test/filters/http/cache_world.h"
#include "test/support/side_service.h"

namespace proxenos::filters {
namespace {

using testing::AsyncStream;
using testing::Http2OriginStream;
using testing::SideService;

const Fields kFresh = {{"cache-control", "max-age=60"}, {"etag", "\"a\""}};

std::string StoreName() { return ::testing::UnitTest::GetInstance()->current_test_info()->name(); }
CacheWorld World(const std::string& further = "") {
  return CacheWorld(
      CacheConfigOf(absl::StrCat("name: '", StoreName(), "' allow_any_vary: true ", further)));
}
uint64_t FillsUnderWay() {
  uint64_t fills = 0;
  for (const cache::StoreHandle& one : ::proxenos::cache::StoreHandle::All()) {
    if (one->name == StoreName()) fills += one->memory.totals().fills;
  }
  return fills;
}

TEST(CacheCollapseTest, FollowersReadWhatComes) {
  CacheWorld world = World();
  auto leader = world.Get("/a");
  auto waits = world.Get("/a");
  EXPECT_TRUE(leader->forwarded());
  EXPECT_FALSE(waits->forwarded());
  EXPECT_EQ(waits->Text(), "none");
  leader->Answer(200, kFresh, "first,", /*end=*/false);
  waits->harness().Turn();
  EXPECT_EQ(waits->Text(), "200 first, ...");
  EXPECT_EQ(waits->Status(), "proxenos; fwd=uri-miss; ttl=60; collapsed");
  auto late = world.Get("/a");
  late->harness().Turn();
  EXPECT_EQ(late->Text(), "200 first, ...");
  leader->More("last", true);
  EXPECT_EQ(leader->Text(), "200 first,last");
  for (CacheStream* one : {waits.get(), late.get()}) {
    one->harness().Turn();
    EXPECT_EQ(one->Text(), "200 first,last");
    EXPECT_EQ(one->Field("age"), "0");
    EXPECT_EQ(one->harness().Stat("http.test.cache.collapsed"), 1u);
  }
  EXPECT_EQ(FillsUnderWay(), 0u);
  EXPECT_EQ(world.Get("/a")->Status(), "proxenos; hit; ttl=60");
}

TEST(CacheCollapseTest, ConditionsOfFollowers) {
  CacheWorld world = World();
  auto leader = world.Get("/a");
  // Conditional requests and ranges go to the origin while nothing is known.
  EXPECT_TRUE(world.Get("/a", {{"if-none-match", "\"a\""}})->forwarded());
  EXPECT_TRUE(world.Get("/a", {{"range", "bytes=0-1"}})->forwarded());
  EXPECT_TRUE(world.Get("/a", {{"cache-control", "no-store"}})->forwarded());
  EXPECT_EQ(world.Get("/a", {{"cache-control", "only-if-cached"}})->Text(), "504 ");
  leader->Answer(200, kFresh, "x");
}

TEST(CacheCollapseTest, WhatIsForOthersIsNotRead) {
  CacheWorld world = World();
  auto leader = world.Get("/a", {{"foo", "1"}});
  auto same = world.Get("/a", {{"foo", "1"}});
  auto other = world.Get("/a", {{"foo", "2"}});
  leader->Answer(200, {{"cache-control", "max-age=60"}, {"vary", "foo"}}, "one");
  same->harness().Turn();
  other->harness().Turn();
  EXPECT_EQ(same->Text(), "200 one");
  EXPECT_TRUE(other->forwarded());
  other->Answer(200, {{"cache-control", "max-age=60"}, {"vary", "foo"}}, "two");
  EXPECT_EQ(world.Get("/a", {{"foo", "2"}})->Text(), "200 two");
}

TEST(CacheCollapseTest, WhatCannotBeSharedIsFetchedByEach) {
  CacheWorld world = World();
  auto leader = world.Get("/a");
  auto waits = world.Get("/a");
  leader->Answer(200, {{"cache-control", "private"}}, "mine");
  waits->harness().Turn();
  EXPECT_TRUE(waits->forwarded());
  waits->Answer(200, {{"cache-control", "private"}}, "yours");
  EXPECT_EQ(waits->Text(), "200 yours");
  // For a while nobody waits at all.
  auto first = world.Get("/a");
  auto second = world.Get("/a");
  EXPECT_TRUE(first->forwarded() && second->forwarded());
}

TEST(CacheCollapseTest, ALeaderThatGoesIsFollowedByOne) {
  CacheWorld world = World("collapse_timeout { seconds: 2 }");
  auto leader = world.Get("/a");
  auto next = world.Get("/a");
  auto last = world.Get("/a");
  leader.reset();
  next->harness().Turn();
  last->harness().Turn();
  EXPECT_TRUE(next->forwarded());
  EXPECT_FALSE(last->forwarded()) << "not all go to the origin at once";
  next->Answer(200, kFresh, "x");
  last->harness().Turn();
  EXPECT_EQ(last->Text(), "200 x");
  EXPECT_EQ(world.Get("/a")->Text(), "200 x");
  EXPECT_EQ(FillsUnderWay(), 0u);
}

TEST(CacheCollapseTest, PatienceIsNotRenewedByNewLeaders) {
  CacheWorld world = World("collapse_timeout { seconds: 2 }");
  auto leader = world.Get("/a");
  auto next = world.Get("/a");
  auto last = world.Get("/a");
  last->harness().Advance(base::kSecond * 3 / 2);
  last->harness().Turn();
  leader.reset();
  next->harness().Turn();
  last->harness().Turn();
  EXPECT_FALSE(last->forwarded());
  last->harness().Advance(base::kSecond);
  last->harness().Turn();
  last->harness().Turn();
  EXPECT_TRUE(last->forwarded());
}

TEST(CacheCollapseTest, ABrokenFillBreaksItsReaders) {
  CacheWorld world = World();
  auto leader = world.Get("/a");
  auto reads = world.Get("/a");
  auto begun = world.Get("/a");
  leader->Answer(200, kFresh, "half", /*end=*/false);
  reads->harness().Turn();
  begun->harness().Turn();
  begun->harness().MarkResponseSent();
  leader.reset();
  reads->harness().Turn();
  begun->harness().Turn();
  EXPECT_EQ(reads->Text(), "502 ") << "nothing of it had been sent";
  EXPECT_TRUE(begun->harness().broken_off());
  EXPECT_TRUE(world.Get("/a")->forwarded()) << "half is not stored";
}

TEST(CacheCollapseTest, AnothersAnswerStaysAsItIs) {
  CacheWorld world = World();
  auto leader = world.Get("/a");
  auto waits = world.Get("/a");
  auto reads = world.Get("/a");
  waits->harness().Reply(504, "too late", "test", 0);
  waits->harness().Turn();
  leader->Answer(200, kFresh, "one", /*end=*/false);
  waits->harness().Turn();
  reads->harness().Turn();
  EXPECT_EQ(reads->Text(), "200 one ...");
  reads->harness().Reply(504, "too late", "test", 0);
  reads->harness().Turn();
  leader->More("two", true);
  waits->harness().Turn();
  reads->harness().Turn();
  EXPECT_EQ(waits->Text(), "504 too late");
  EXPECT_EQ(reads->Text(), "504 too late");
  EXPECT_EQ(leader->Text(), "200 onetwo");
}

TEST(CacheCollapseTest, PatienceEnds) {
  CacheWorld world = World("collapse_timeout { seconds: 2 }");
  auto leader = world.Get("/a");
  auto waits = world.Get("/a");
  waits->harness().Advance(base::kSecond);
  waits->harness().Turn();
  EXPECT_FALSE(waits->forwarded());
  waits->harness().Advance(base::kSecond * 11 / 10);
  waits->harness().Turn();
  waits->harness().Turn();
  EXPECT_TRUE(waits->forwarded());
  EXPECT_EQ(waits->harness().Stat("http.test.cache.collapse_timeout"), 1u);
  leader->Answer(200, kFresh, "x");
  waits->Answer(200, kFresh, "y");
  EXPECT_EQ(waits->Text(), "200 y");
}

TEST(CacheCollapseTest, MayBeTurnedOff) {
  CacheWorld world = World("disable_collapsing: true");
  auto first = world.Get("/a");
  auto second = world.Get("/a");
  EXPECT_TRUE(first->forwarded() && second->forwarded());
}

TEST(CacheCollapseTest, OneValidatesForAll) {
  CacheWorld world = World();
  world.Fill("/a", {{"cache-control", "max-age=1"}, {"etag", "\"a\""}}, "body");
  world.Pass(2);
  auto leader = world.Get("/a");
  auto waits = world.Get("/a");
  EXPECT_TRUE(leader->forwarded());
  EXPECT_FALSE(waits->forwarded());
  leader->Answer(304, {{"cache-control", "max-age=60"}}, "");
  waits->harness().Turn();
  EXPECT_EQ(waits->Text(), "200 body");
  EXPECT_EQ(waits->Status(), "proxenos; hit; ttl=60; collapsed");
}

TEST(CacheCollapseTest, OneErrorForAllWhoTakeStale) {
  CacheWorld world = World();
  world.Fill("/a", {{"cache-control", "max-age=1, stale-if-error=60"}, {"etag", "\"a\""}}, "body");
  world.Pass(2);
  auto leader = world.Get("/a");
  auto waits = world.Get("/a");
  leader->Answer(503, {}, "sorry");
  waits->harness().Turn();
  EXPECT_EQ(leader->Text(), "200 body");
  EXPECT_EQ(waits->Text(), "200 body");
  EXPECT_EQ(waits->Status(), "proxenos; fwd=stale; ttl=-1; collapsed");
}

TEST(CacheCollapseTest, FollowersEndInEveryPhase) {
  enum class End { kDestroyed, kAnswered, kAborted };
  for (const End end : {End::kDestroyed, End::kAnswered, End::kAborted}) {
    for (int phase = 0; phase < 5; ++phase) {
      CacheWorld world = World();
      const std::string path = absl::StrCat("/", static_cast<int>(end), "/", phase);
      auto leader = world.Get(path);
      auto follower = world.Get(path);
      const auto end_it = [&] {
        if (end == End::kAnswered) follower->harness().Reply(503, "", "test", 0);
        if (end == End::kAborted) follower->harness().Abort("test", 0);
        follower->harness().Turn();
        follower.reset();
      };
      const auto at = [&](int step) {
        if (step == phase) end_it();
      };
      at(0);  // Nothing has come.
      leader->Answer(200, kFresh, "one", /*end=*/false);
      at(1);  // Told and not yet woken.
      if (follower) follower->harness().Turn();
      at(2);  // Reading.
      leader->More("two", false);
      at(3);
      leader->More("three", true);
      at(4);  // Complete and not yet woken.
      EXPECT_EQ(leader->Text(), "200 onetwothree");
      EXPECT_EQ(FillsUnderWay(), 0u);
      EXPECT_EQ(world.Get(path)->Text(), "200 onetwothree");
    }
  }
}

// Streams whose route leads to a cluster that calls of our own can ask.
class CalledTest : public ::testing::Test {
 protected:
  AsyncStream Make(const google::protobuf::Any& config, const std::string& path) {
    if (factory_ == nullptr) factory_ = MakeFactory(config);
    AsyncStream made{};
    made.stream = std::make_unique<FilterHarness>(
        filter::FilterFactories{factory_}, [&](filter::StreamContext& stream) {
          FillRequest({"GET", path, {{"x-own", "3"}}}, stream.request, stream.arena);
          stream.info.upstream_cluster = "origin";
          auto service = std::make_unique<SideService>(stream.environment.loop,
                                                       stream.environment.clusters, "origin");
          made.service = service.get();
          static_cast<FilterHarness&>(stream).Keep(std::move(service));
        });
    made.stream->Turn();
    made.stream->SendRequest(true);
    return made;
  }
  static void Answer(FilterHarness& stream, const Fields& fields, const std::string& body) {
    for (const auto& [name, value] : fields) {
      stream.response.headers.Add(name, value);
      if (name == "content-length") stream.response.framing = {http::Framing::kLength, 8};
    }
    stream.SendResponse(200, body, /*end=*/false);
  }

  std::shared_ptr<const filter::FilterFactory> factory_;
};

const Fields kTagged = {
    {"cache-control", "max-age=60"}, {"etag", "\"a\""}, {"content-length", "8"}};

// What the origin says when it is asked for the rest of "half" + "rest", and what readers get.
struct Rest {
  const char* name;
  uint16_t status;
  Fields fields;
  std::string body;
  bool whole;
};

void PrintTo(const Rest& rest, std::ostream* out) { *out << rest.name; }

class ResumptionTest : public CalledTest, public ::testing::WithParamInterface<Rest> {};

TEST_P(ResumptionTest, ReadersOutliveTheirLeader) {
  const google::protobuf::Any config = CacheConfigOf(absl::StrCat("name: '", StoreName(), "'"));
  AsyncStream leader = Make(config, "/a");
  AsyncStream reader = Make(config, "/a");
  Answer(*leader.stream, kTagged, "half");
  reader.stream->Turn();
  EXPECT_EQ(ResponseText(*reader.stream), "200 half ...");
  reader.stream->MarkResponseSent();
  leader.stream->EndStream();
  auto& origin = leader.service->origin;
  ASSERT_TRUE(leader.stream->Until(
      [&] { return origin.stream_count() > 0 && origin.stream(0).complete(); }));
  Http2OriginStream& asked = origin.stream(0);
  EXPECT_EQ(asked.head().path, "/a");
  EXPECT_EQ(asked.Header("range"), "bytes=4-");
  EXPECT_EQ(asked.Header("if-range"), "\"a\"");
  EXPECT_EQ(asked.Header("x-own"), "3");
  // Who comes meanwhile reads along too.
  AsyncStream late = Make(config, "/a");
  late.stream->Turn();
  EXPECT_EQ(ResponseText(*late.stream), "200 half ...");
  late.stream->MarkResponseSent();
  asked.Reply(GetParam().status, GetParam().fields, GetParam().body);
  ASSERT_TRUE(leader.stream->Until([] { return FillsUnderWay() == 0; }));
  for (AsyncStream* one : {&reader, &late}) {
    one->stream->Turn();
    EXPECT_EQ(ResponseText(*one->stream), GetParam().whole ? "200 halfrest" : "200 half ...");
    EXPECT_EQ(one->stream->broken_off(), !GetParam().whole);
  }
  AsyncStream after = Make(config, "/a");
  EXPECT_EQ(ResponseText(*after.stream), GetParam().whole ? "200 halfrest" : "none");
}

INSTANTIATE_TEST_SUITE_P(
    Answers, ResumptionTest,
    ::testing::Values(
        Rest{"the_rest", 206, {{"etag", "\"a\""}, {"content-range", "bytes 4-7/8"}}, "rest", true},
        Rest{"all", 200, {{"etag", "\"a\""}}, "halfrest", true},
        Rest{"another", 200, {{"etag", "\"b\""}}, "HALFREST", false},
        Rest{"weak", 200, {{"etag", "W/\"a\""}}, "halfrest", false},
        Rest{"other_range",
             206,
             {{"etag", "\"a\""}, {"content-range", "bytes 3-7/8"}},
             "frest",
             false},
        Rest{"other_length",
             206,
             {{"etag", "\"a\""}, {"content-range", "bytes 4-8/9"}},
             "rest!",
             false},
        Rest{
            "too_little", 206, {{"etag", "\"a\""}, {"content-range", "bytes 4-7/8"}}, "res", false},
        Rest{"longer", 200, {{"etag", "\"a\""}}, "halfrest!", false},
        Rest{"error", 503, {}, "", false}),
    [](const auto& rest) { return rest.param.name; });

TEST_F(CalledTest, NothingIsFetchedThatNobodyReads) {
  const google::protobuf::Any config = CacheConfigOf(absl::StrCat("name: '", StoreName(), "'"));
  AsyncStream leader = Make(config, "/a");
  Answer(*leader.stream, kTagged, "half");
  leader.stream->EndStream();
  EXPECT_EQ(FillsUnderWay(), 0u);
  // Nor what cannot be told to be the same.
  for (const Fields& fields :
       {Fields{{"cache-control", "max-age=60"}, {"content-length", "8"}},
        Fields{{"cache-control", "max-age=60"}, {"etag", "\"a\""}},
        Fields{{"cache-control", "max-age=60"}, {"etag", "W/\"a\""}, {"content-length", "8"}}}) {
    AsyncStream first = Make(config, "/b");
    AsyncStream reader = Make(config, "/b");
    Answer(*first.stream, fields, "half");
    reader.stream->Turn();
    reader.stream->MarkResponseSent();
    first.stream->EndStream();
    EXPECT_EQ(FillsUnderWay(), 0u);
    reader.stream->Turn();
    EXPECT_TRUE(reader.stream->broken_off());
  }
}

TEST_F(CalledTest, WorkersThatEndBreakWhatTheyResume) {
  const google::protobuf::Any config = CacheConfigOf(absl::StrCat("name: '", StoreName(), "'"));
  AsyncStream leader = Make(config, "/a");
  AsyncStream reader = Make(config, "/a");
  Answer(*leader.stream, kTagged, "half");
  reader.stream->Turn();
  reader.stream->MarkResponseSent();
  leader.stream.reset();
  EXPECT_EQ(FillsUnderWay(), 0u);
  reader.stream->Turn();
  EXPECT_TRUE(reader.stream->broken_off());
}

// A stale response with a window, and a cluster that its route leads to.
class BackgroundTest : public ::testing::Test {
 protected:
  BackgroundTest() : config_(CacheConfigOf(absl::StrCat("name: '", StoreName(), "'"))) {
    envoy::config::route::v3::RouteConfiguration config;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        R"(name: "r" virtual_hosts { name: "all" domains: "*" routes {
             match { prefix: "/" }
             route { cluster: "origin" prefix_rewrite: "/origin/" }
             request_headers_to_add { header { key: "x-route" value: "1" } }
             response_headers_to_add { header { key: "x-added" value: "2" } } } })",
        &config));
    routes_ = MakeRoutes(config);
  }

  AsyncStream Make(const std::string& path, base::Nanos elapsed,
                   const Fields& fields = {{"x-own", "3"}}) {
    AsyncStream made{};
    made.stream = std::make_unique<FilterHarness>(
        filter::FilterFactories{factory_}, [&](filter::StreamContext& stream) {
          FillRequest({"GET", path, fields}, stream.request, stream.arena);
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
          auto service = std::make_unique<SideService>(stream.environment.loop,
                                                       stream.environment.clusters, "origin");
          made.service = service.get();
          static_cast<FilterHarness&>(stream).Keep(std::move(service));
        });
    made.stream->Advance(elapsed);
    made.stream->Turn();
    made.stream->SendRequest(true);
    return made;
  }
  void Fill(const std::string& path) {
    AsyncStream made = Make(path, 0);
    EXPECT_TRUE(made.stream->request_out.head);
    made.stream->response.headers.Add("cache-control", "max-age=1, stale-while-revalidate=60");
    made.stream->response.headers.Add("etag", "\"a\"");
    made.stream->SendResponse(200, "old", true);
  }

  const google::protobuf::Any config_;
  std::shared_ptr<const route::RouteTable> routes_;
  const std::shared_ptr<const filter::FilterFactory> factory_ = MakeFactory(config_);
};

TEST_F(BackgroundTest, AnswersAtOnceAndValidatesBehind) {
  Fill("/a");
  AsyncStream stale = Make("/a", 2 * base::kSecond);
  FilterHarness& stream = *stale.stream;
  EXPECT_EQ(ResponseText(stream), "200 old");
  EXPECT_EQ(Value(stream.response.headers, "cache-status"), "proxenos; hit; ttl=-1");
  auto& origin = stale.service->origin;
  ASSERT_TRUE(
      stream.Until([&] { return origin.stream_count() > 0 && origin.stream(0).complete(); }));
  Http2OriginStream& asked = origin.stream(0);
  EXPECT_EQ(asked.head().path, "/origin/a");
  EXPECT_EQ(asked.head().authority, "host");
  EXPECT_EQ(asked.Header("x-route"), "1");
  EXPECT_EQ(asked.Header("x-own"), "3");
  EXPECT_EQ(asked.Header("if-none-match"), "\"a\"");
  // Whoever comes meanwhile is answered with what there is, and asks nobody.
  AsyncStream second = Make("/a", 2 * base::kSecond);
  EXPECT_EQ(ResponseText(*second.stream), "200 old");
  EXPECT_EQ(second.stream->Stat("http.test.cache.background"), 0u);
  asked.Reply(200, {{"cache-control", "max-age=60"}, {"etag", "\"b\""}}, "new");
  ASSERT_TRUE(stream.Until([&] { return stream.Stat("http.test.cache.replaced") == 1; }));
  AsyncStream after = Make("/a", 2 * base::kSecond);
  EXPECT_EQ(ResponseText(*after.stream), "200 new");
  EXPECT_EQ(Value(after.stream->response.headers, "x-added"), "2");
  EXPECT_EQ(FillsUnderWay(), 0u);
}

TEST_F(BackgroundTest, NotModifiedFreshensAndErrorsLeaveItAsItIs) {
  Fill("/a");
  for (const uint16_t status : {503, 304}) {
    AsyncStream stale = Make("/a", 2 * base::kSecond);
    EXPECT_EQ(ResponseText(*stale.stream), "200 old") << status;
    stale.service->origin.on_request = [status](Http2OriginStream& asked) {
      asked.Reply(status, {{"cache-control", "max-age=60"}});
    };
    ASSERT_TRUE(stale.stream->Until([&] { return FillsUnderWay() == 0; })) << status;
  }
  AsyncStream after = Make("/a", 2 * base::kSecond);
  EXPECT_EQ(ResponseText(*after.stream), "200 old");
  EXPECT_EQ(Value(after.stream->response.headers, "cache-status"), "proxenos; hit; ttl=60");
}

TEST_F(BackgroundTest, WhatMayNoLongerBeSharedIsForgotten) {
  for (const uint16_t status : {200, 304}) {
    const std::string path = absl::StrCat("/", status);
    Fill(path);
    AsyncStream stale = Make(path, 2 * base::kSecond);
    stale.service->origin.on_request = [status](Http2OriginStream& asked) {
      asked.Reply(status, {{"cache-control", "private"}}, status == 200 ? "mine" : "");
    };
    ASSERT_TRUE(stale.stream->Until([&] { return FillsUnderWay() == 0; }));
    AsyncStream after = Make(path, 2 * base::kSecond);
    EXPECT_TRUE(after.stream->request_out.head);
    EXPECT_EQ(Value(after.stream->request.headers, "if-none-match"), "-") << status;
  }
}

// Else whoever sends credentials could have it fetched by all others again.
TEST_F(BackgroundTest, AnAnswerToCredentialsLeavesItAsItIs) {
  Fill("/a");
  AsyncStream stale = Make("/a", 2 * base::kSecond, {{"authorization", "Basic me"}});
  EXPECT_EQ(ResponseText(*stale.stream), "200 old");
  stale.service->origin.on_request = [](Http2OriginStream& asked) {
    asked.Reply(200, {{"cache-control", "max-age=60"}}, "mine");
  };
  ASSERT_TRUE(stale.stream->Until([&] { return FillsUnderWay() == 0; }));
  AsyncStream after = Make("/a", 2 * base::kSecond);
  EXPECT_EQ(ResponseText(*after.stream), "200 old");
}

TEST_F(BackgroundTest, StreamsEndInEveryPhase) {
  Fill("/a");
  testing::EndInEveryPhase(
      [&] {
        AsyncStream made = Make("/a", 2 * base::kSecond);
        made.service->origin.on_request = [](Http2OriginStream& asked) { asked.Reply(503, {}); };
        return made;
      },
      [](FilterHarness&) { return FillsUnderWay() == 0; }, testing::CallsOutlive::kTheStream);
  EXPECT_EQ(FillsUnderWay(), 0u);
}

}  // namespace
}  // namespace proxenos::filters
