// Parts in the cache: what is stored of a 206, what a request for a range may not do to others, and
// the whole that is fetched behind it.
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

std::string StoreText(const std::string& further = "") {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  return absl::StrCat("name: 'range ", test->name(), "' allow_any_vary: true ", further);
}

CacheWorld World() { return CacheWorld(CacheConfigOf(StoreText())); }

Fields PartFields(const std::string& range, const std::string& etag = "\"a\"") {
  return {{"cache-control", "max-age=60"},
          {"etag", etag},
          {"content-type", "text/x"},
          {"content-range", range}};
}

TEST(CacheRangeTest, APartThatIsTheWholeIsStored) {
  CacheWorld world = World();
  auto part = world.Get("/a", {{"range", "bytes=0-"}});
  part->Answer(206, PartFields("bytes 0-8/9"), "123456789");
  EXPECT_EQ(part->Text(), "206 123456789");
  EXPECT_EQ(part->Status(), "proxenos; fwd=uri-miss; fwd-status=206; stored");
  auto whole = world.Get("/a");
  EXPECT_EQ(whole->Text(), "200 123456789");
  EXPECT_EQ(whole->Field("content-length"), "9");
  EXPECT_EQ(whole->Field("content-range"), "-");
  EXPECT_EQ(whole->Field("content-type"), "text/x");
  EXPECT_EQ(world.Get("/a", {{"range", "bytes=3-4"}})->Text(), "206 45");
}

TEST(CacheRangeTest, OtherPartsAreNot) {
  CacheWorld world = World();
  const auto stored = [&](const Fields& request, const Fields& response, const std::string& body) {
    auto part = world.Get("/a", request);
    EXPECT_TRUE(part->forwarded());
    part->Answer(206, response, body);
    EXPECT_EQ(part->Text(), "206 " + body);
    return !world.Get("/a")->forwarded();
  };
  const Fields range = {{"range", "bytes=0-"}};
  EXPECT_FALSE(stored(range, PartFields("bytes 0-7/9"), "12345678"));
  EXPECT_FALSE(stored(range, PartFields("bytes 1-8/9"), "23456789"));
  EXPECT_FALSE(stored(range, PartFields("bytes 0-8/*"), "123456789"));
  EXPECT_FALSE(stored(range, PartFields("bytes 0-8/9"), "1234567")) << "less than it says";
  EXPECT_FALSE(stored(range, {{"cache-control", "max-age=60"}}, "123456789"));
  EXPECT_FALSE(stored({{"range", "bytes=0-"}, {"if-range", "\"a\""}}, PartFields("bytes 0-8/9"),
                      "123456789"))
      << "it may lack what describes the whole";
  Fields others = PartFields("bytes 0-8/9");
  others[0].second = "private, max-age=60";
  EXPECT_FALSE(stored(range, others, "123456789"));
}

// What one client gets for a range of its own must not become everybody's.
TEST(CacheRangeTest, WrongRangesPoisonNobody) {
  CacheWorld world = World();
  for (const auto& [status, stored] :
       {std::pair{uint16_t{416}, false}, {uint16_t{400}, false}, {uint16_t{404}, true}}) {
    const std::string path = absl::StrCat("/", status);
    auto part = world.Get(path, {{"range", "bytes=99999999-"}});
    ASSERT_TRUE(part->forwarded());
    part->Answer(status, {{"cache-control", "max-age=60"}, {"etag", "\"a\""}}, "sorry");
    EXPECT_EQ(world.Get(path)->forwarded(), !stored) << status;
  }
}

TEST(CacheRangeTest, PartsDoNotKeepOthersFromSharing) {
  CacheWorld world = World();
  world.Get("/a", {{"range", "bytes=0-1"}})->Answer(206, PartFields("bytes 0-1/9"), "12");
  world.Get("/a", {{"if-none-match", "\"a\""}})->Answer(304, {{"etag", "\"a\""}}, "");
  world.Get("/a", {{"range", "bytes=99-"}})->Answer(416, {}, "");
  world.Get("/a", {{"range", "bytes=9-1"}})->Answer(400, {}, "");
  auto leader = world.Get("/a");
  auto waits = world.Get("/a");
  EXPECT_TRUE(leader->forwarded());
  EXPECT_FALSE(waits->forwarded());
}

class WholeFetchTest : public ::testing::Test {
 protected:
  explicit WholeFetchTest(const std::string& further = "")
      : factory_(MakeFactory(CacheConfigOf(StoreText("fetch_whole_for_ranges: true"), further))) {}
  // A request for a range, at the origin.
  AsyncStream Make() {
    AsyncStream made{};
    made.stream = std::make_unique<FilterHarness>(
        filter::FilterFactories{factory_}, [&](filter::StreamContext& stream) {
          FillRequest({"GET", "/a", {{"range", "bytes=1-2"}, {"x-own", "3"}}}, stream.request,
                      stream.arena);
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
  static void AnswerPart(FilterHarness& stream, const Fields& fields) {
    for (const auto& [name, value] : fields) stream.response.headers.Add(name, value);
    stream.SendResponse(206, "23", true);
    EXPECT_EQ(ResponseText(stream), "206 23");
  }
  // Whether the origin is asked for the whole behind a part with these fields.
  bool Asks(const Fields& fields) {
    AsyncStream made = Make();
    AnswerPart(*made.stream, fields);
    for (int i = 0; i < 30; ++i) made.stream->TurnIn(base::kMillisecond);
    return made.service->origin.stream_count() > 0;
  }
  CacheStream Whole() { return CacheStream(factory_, 0, RequestLine{"GET", "/a"}); }

  const std::shared_ptr<const filter::FilterFactory> factory_;
};

TEST_F(WholeFetchTest, TheWholeIsThereForTheNext) {
  AsyncStream made = Make();
  FilterHarness& stream = *made.stream;
  AnswerPart(stream, PartFields("bytes 1-2/9"));
  stream.EndStream();  // It does not belong to that one.
  auto& origin = made.service->origin;
  ASSERT_TRUE(
      stream.Until([&] { return origin.stream_count() > 0 && origin.stream(0).complete(); }));
  EXPECT_EQ(origin.stream(0).Header("range"), "");
  EXPECT_EQ(origin.stream(0).Header("x-own"), "3");
  CacheStream waits = Whole();
  EXPECT_FALSE(waits.forwarded());
  origin.stream(0).Reply(200, {{"etag", "\"a\""}}, "123456789");
  EXPECT_TRUE(stream.Until([&] { return stream.Stat("http.test.cache.stored") == 1; }));
  waits.harness().Turn();
  EXPECT_EQ(waits.Text(), "200 123456789");
  EXPECT_EQ(Whole().Text(), "200 123456789");
  EXPECT_EQ(Whole().Field("content-type"), "text/x");
  made.service->ExpectNothingLeft();
}

TEST_F(WholeFetchTest, AnotherOrHalfOfItIsNotStored) {
  struct Answer {
    uint16_t status;
    std::string etag, body;
  };
  for (const Answer& answer :
       {Answer{200, "\"b\"", "123456789"}, Answer{200, "W/\"a\"", "123456789"},
        Answer{200, "\"a\"", "1234567"}, Answer{200, "\"a\"", "1234567890"},
        Answer{206, "\"a\"", "123456789"}, Answer{503, "\"a\"", "123456789"}}) {
    AsyncStream made = Make();
    made.service->origin.on_request = [&](Http2OriginStream& asked) {
      asked.Reply(answer.status, {{"etag", answer.etag}}, answer.body);
    };
    AnswerPart(*made.stream, PartFields("bytes 1-2/9"));
    CacheStream waits = Whole();
    EXPECT_FALSE(waits.forwarded());
    EXPECT_TRUE(made.stream->Until([&] {
      waits.harness().Turn();
      return waits.forwarded();
    })) << answer.status
        << answer.etag << answer.body;
    made.service->ExpectNothingLeft();
  }
}

TEST_F(WholeFetchTest, WhatIsNotWorthAsking) {
  EXPECT_TRUE(Asks(PartFields("bytes 1-2/9")));
  EXPECT_FALSE(Asks(PartFields("bytes 1-2/9", "W/\"a\"")));
  EXPECT_FALSE(Asks(PartFields("bytes 1-2/*")));
  EXPECT_FALSE(Asks(PartFields("bytes 1-2/99999999999")));
  Fields others = PartFields("bytes 1-2/9");
  others[0].second = "no-store";
  EXPECT_FALSE(Asks(others));
}

TEST_F(WholeFetchTest, EndsWithItsWorkerInEachPhase) {
  for (int turns = 0; turns < 12; ++turns) {
    AsyncStream made = Make();
    made.service->origin.on_request = [](Http2OriginStream& asked) {
      asked.Reply(200, {{"etag", "\"b\""}}, "123456789");
    };
    AnswerPart(*made.stream, PartFields("bytes 1-2/9"));
    for (int i = 0; i < turns; ++i) made.stream->TurnIn(base::kMillisecond);
    made.stream.reset();
    for (const auto& store : ::proxenos::cache::StoreHandle::All()) {
      EXPECT_EQ(store->memory.totals().fills, 0u);
    }
  }
}

}  // namespace
}  // namespace proxenos::filters
