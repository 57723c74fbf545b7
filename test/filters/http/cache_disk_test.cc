// The cache filter over a store with a disk: what a restart leaves, streams that wait for files.
#include <stdlib.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "source/cache/stores.h"
#include "test/filters/http/cache_world.h"

namespace proxenos::filters {
namespace {

const Fields kFresh = {{"cache-control", "max-age=60"}, {"etag", "\"a\""}};

class CacheDiskTest : public ::testing::Test {
 protected:
  CacheDiskTest() {
    const char* base = std::getenv("TEST_TMPDIR");
    folder_ = absl::StrCat(base == nullptr ? "/tmp" : base, "/cache-XXXXXX");
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
  }
  // The store goes with the last world and comes back with the next: a restart, with nothing left
  // in memory.
  CacheWorld World() {
    CacheWorld world(CacheConfigOf(
        absl::StrCat("name: 'disk' allow_any_vary: true disk { path: '", folder_, "' }")));
    Drain();
    return world;
  }
  void Drain() {
    for (const auto& store : ::proxenos::cache::StoreHandle::All()) {
      if (store->disk != nullptr) store->disk->Drain();
    }
  }
  static bool Waits(CacheStream& stream) { return !stream.forwarded() && stream.Text() == "none"; }
  static std::string Awaited(CacheStream& stream) {
    stream.harness().Until([&] { return !Waits(stream); });
    return stream.forwarded() ? "forwarded" : stream.Text();
  }

  std::string folder_;
};

TEST_F(CacheDiskTest, ARestartFindsItsCacheAgain) {
  {
    CacheWorld world = World();
    world.Fill("/a", kFresh, "body");
    world.Fill("/b", {{"cache-control", "max-age=60"}, {"vary", "foo"}}, "one", {{"foo", "1"}});
    Drain();
  }
  CacheWorld world = World();
  world.Pass(10);
  auto hit = world.Get("/a");
  EXPECT_TRUE(Waits(*hit)) << "no worker reads";
  EXPECT_EQ(Awaited(*hit), "200 body");
  EXPECT_EQ(hit->Field("age"), "10");
  EXPECT_EQ(hit->Status(), "proxenos; hit; ttl=50");
  EXPECT_EQ(world.Get("/a")->Text(), "200 body") << "in memory again";
  auto head = world.Send("HEAD", "/b", {{"foo", "1"}});
  EXPECT_EQ(Awaited(*head), "200 ");
  EXPECT_TRUE(world.Get("/b", {{"foo", "2"}})->forwarded());
}

TEST_F(CacheDiskTest, WhatIsStaleIsValidated) {
  {
    CacheWorld world = World();
    world.Fill("/a", kFresh, "body");
    Drain();
  }
  CacheWorld world = World();
  world.Pass(100);
  auto stale = world.Get("/a");
  ASSERT_EQ(Awaited(*stale), "forwarded");
  EXPECT_EQ(stale->OriginSees("if-none-match"), "\"a\"");
  stale->Answer(304, {{"cache-control", "max-age=600"}}, "");
  EXPECT_EQ(stale->Text(), "200 body");
}

TEST_F(CacheDiskTest, OneReadsForAll) {
  {
    CacheWorld world = World();
    world.Fill("/a", kFresh, "body");
    Drain();
  }
  CacheWorld world = World();
  auto first = world.Get("/a");
  auto second = world.Get("/a");
  EXPECT_TRUE(Waits(*first) && Waits(*second));
  EXPECT_EQ(Awaited(*first), "200 body");
  EXPECT_EQ(Awaited(*second), "200 body");
  EXPECT_TRUE(absl::StrContains(second->Status(), "collapsed"));
}

TEST_F(CacheDiskTest, WhatIsInvalidatedWhileItIsReadIsNotServed) {
  {
    CacheWorld world = World();
    world.Fill("/a", kFresh, "old");
    Drain();
  }
  CacheWorld world = World();
  auto waits = world.Get("/a");
  EXPECT_TRUE(Waits(*waits));
  world.Send("POST", "/a")->Answer(200, {}, "");
  ASSERT_EQ(Awaited(*waits), "forwarded");
  waits->Answer(200, kFresh, "new");
  EXPECT_EQ(world.Get("/a")->Text(), "200 new");
}

TEST_F(CacheDiskTest, StreamsEndInEveryPhaseOfALoad) {
  {
    CacheWorld world = World();
    for (int i = 0; i < 9; ++i) world.Fill(absl::StrCat("/", i), kFresh, "body");
    Drain();
  }
  CacheWorld world = World();
  enum class End { kDestroyed, kAnswered, kAborted };
  int i = 0;
  for (const End end : {End::kDestroyed, End::kAnswered, End::kAborted}) {
    for (int phase = 0; phase < 3; ++phase, ++i) {
      auto stream = world.Get(absl::StrCat("/", i));
      EXPECT_TRUE(Waits(*stream));
      if (phase > 0) Drain();                   // Read, and not yet told.
      if (phase > 1) stream->harness().Turn();  // Served.
      if (end == End::kAnswered) stream->harness().Reply(503, "", "test", 0);
      if (end == End::kAborted) stream->harness().Abort("test", 0);
      for (int turns = 0; turns < 3; ++turns) stream->harness().Turn();
      if (end == End::kAnswered && phase < 2) {
        EXPECT_EQ(stream->Text(), "503 ");
      }
      stream.reset();
      Drain();
    }
  }
  for (const auto& store : ::proxenos::cache::StoreHandle::All()) {
    EXPECT_EQ(store->memory.totals().fills, 0u);
  }
}

// FileSystemHttpCacheConfig is a store of ours under the name of its path.
template <typename Cache>
google::protobuf::Any FilesOf(const std::string& type, const std::string& fields) {
  return Pack<Cache>(absl::StrCat("typed_config { [type.googleapis.com/envoy.extensions.http.",
                                  type, "] { manager_config { thread_pool {} } ", fields, " } }"));
}

TEST_F(CacheDiskTest, EnvoysStoresOfFiles) {
  const std::string fields = absl::StrCat(
      "cache_path: '", folder_, "/made/here' create_cache_path: true ",
      "max_cache_size_bytes { value: 1048576 } max_individual_cache_entry_size_bytes { value: 4 }");
  {
    CacheWorld first(FilesOf<envoy::extensions::filters::http::cache::v3::CacheConfig>(
        "cache.file_system_http_cache.v3.FileSystemHttpCacheConfig", fields));
    first.Fill("/a", kFresh, "four");
    first.Fill("/b", kFresh, "fives");
    Drain();
  }
  CacheWorld second(FilesOf<envoy::extensions::filters::http::cache_v2::v3::CacheV2Config>(
      "cache_v2.file_system_http_cache.v3.FileSystemHttpCacheV2Config", fields));
  Drain();
  auto hit = second.Get("/a");
  EXPECT_EQ(Awaited(*hit), "200 four");
  EXPECT_TRUE(second.Get("/b")->forwarded());
}

TEST_F(CacheDiskTest, EnvoysStoresOfFilesThatCannotBe) {
  const auto error = [](const std::string& fields) {
    const google::protobuf::Any any =
        FilesOf<envoy::extensions::filters::http::cache::v3::CacheConfig>(
            "cache.file_system_http_cache.v3.FileSystemHttpCacheConfig", fields);
    config::Errors errors;
    for (const filter::FilterKind& kind : server::BuiltinFilters()) {
      if (any.type_url() != absl::StrCat("type.googleapis.com/", kind.type)) continue;
      EXPECT_EQ(kind.create(any, config::Path("f"), errors), nullptr);
    }
    return std::string(errors.ToStatus().message());
  };
  const std::string path = absl::StrCat("cache_path: '", folder_, "/none' ");
  EXPECT_TRUE(absl::StrContains(error(path), "create_cache_path makes it")) << error(path);
  EXPECT_TRUE(absl::StrContains(error("cache_path: 'here'"), "an absolute path"));
  EXPECT_TRUE(absl::StrContains(error(path + "max_cache_size_bytes { value: 9 }"),
                                "expected 1048576 or more"));
  EXPECT_TRUE(absl::StrContains(error("cache_path: '/dev/null/a' create_cache_path: true"),
                                "cannot make the folder"));
}

}  // namespace
}  // namespace proxenos::filters
