// The cache: streams that wait for another's response, for a file, for Redis.
#include <stdlib.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "source/cache/stores.h"
#include "source/upstream/host_set_update.h"
#include "test/filters/http/cache_world.h"
#include "test/filters/http/waiting.h"
#include "test/support/scripted_redis.h"

namespace proxenos::filters {
namespace {

using testing::ScriptedRedis;

const Fields kFresh = {{"cache-control", "max-age=60"}, {"etag", "\"a\""}};

// Another one each time.
std::string NewName() {
  static int count = 0;
  return absl::StrCat("wait", ++count);
}

void ExpectNoFills() {
  for (const auto& store : ::proxenos::cache::StoreHandle::All()) {
    EXPECT_EQ(store->memory.totals().fills, 0u);
  }
}

std::unique_ptr<FilterHarness> GetA(const std::shared_ptr<const filter::FilterFactory>& factory) {
  return std::make_unique<FilterHarness>(filter::FilterFactories{factory},
                                         [](filter::StreamContext& stream) {
                                           FillRequest({"GET", "/a"}, stream.request, stream.arena);
                                         });
}

// `validates`: something is there already, and stale.
class FollowerWaiting final : public Waiting {
 public:
  explicit FollowerWaiting(bool validates)
      : Waiting(Phase::kRequestHead),
        validates_(validates),
        factory_(MakeFactory(CacheConfigOf(absl::StrCat("name: '", NewName(), "'")))) {
    if (validates) {
      CacheStream first(factory_, 0, RequestLine{"GET", "/a"});
      first.Answer(200, {{"cache-control", "max-age=0"}, {"etag", "\"a\""}}, "body");
    }
    leader_ = std::make_unique<CacheStream>(factory_, 0, RequestLine{"GET", "/a"});
    EXPECT_TRUE(leader_->forwarded());
    stream_ = GetA(factory_);
  }
  void Answer() override {
    if (leader_ == nullptr || std::exchange(answered_, true)) return;
    leader_->Answer(validates_ ? 304 : 200, kFresh, validates_ ? "" : "body");
  }
  void ExpectNothingLeft() override {
    leader_.reset();
    stream_.reset();
    ExpectNoFills();
  }

 private:
  const bool validates_;
  const std::shared_ptr<const filter::FilterFactory> factory_;
  std::unique_ptr<CacheStream> leader_;
  bool answered_ = false;
};

class FileWaiting final : public Waiting {
 public:
  FileWaiting() : Waiting(Phase::kRequestHead) {
    const char* base = std::getenv("TEST_TMPDIR");
    std::string folder = absl::StrCat(base == nullptr ? "/tmp" : base, "/waits-XXXXXX");
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    const auto config =
        CacheConfigOf(absl::StrCat("name: '", NewName(), "' disk { path: '", folder, "' }"));
    {
      CacheWorld world(config);
      world.Fill("/a", kFresh, "body");
      Drain();
    }
    // The store went with that world: nothing is in memory.
    factory_ = MakeFactory(config);
    Drain();
    stream_ = GetA(factory_);
  }
  // What is read is told in a turn of the stream's own.
  void Answer() override { Drain(); }
  void ExpectNothingLeft() override {
    stream_.reset();
    ExpectNoFills();
  }

 private:
  static void Drain() {
    for (const auto& store : ::proxenos::cache::StoreHandle::All()) {
      if (store->disk != nullptr) store->disk->Drain();
    }
  }
  std::shared_ptr<const filter::FilterFactory> factory_;
};

// A Redis as a cluster, kept by the stream.
struct RedisPart final : public FilterHarness::Attachment {
  explicit RedisPart(filter::StreamContext& stream) : redis(stream.environment.loop) {
    auto config = std::make_shared<upstream::ClusterConfig>();
    config->name = "redis";
    upstream::Assignment assignment;
    assignment.localities.emplace_back();
    assignment.localities[0].endpoints.emplace_back().address =
        *net::Address::FromIp("127.0.0.1", redis.port());
    auto hosts = upstream::BuildHostSet(*config, assignment, nullptr).hosts;
    stream.environment.clusters.Set(
        {std::move(config), std::make_shared<upstream::CircuitBreakers>(), std::move(hosts), {}});
  }
  ScriptedRedis redis;
};

class RedisWaiting final : public Waiting {
 public:
  explicit RedisWaiting(bool breaks) : Waiting(Phase::kRequestHead), breaks_(breaks) {
    const std::string name = NewName();
    const auto factory =
        MakeFactory(CacheConfigOf(absl::StrCat("name: '", name, "' redis { cluster: 'redis' }")));
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{factory}, [this](filter::StreamContext& stream) {
          FillRequest({"GET", "/a"}, stream.request, stream.arena);
          auto part = std::make_unique<RedisPart>(stream);
          redis_ = &part->redis;
          static_cast<FilterHarness&>(stream).Keep(std::move(part));
        });
    stream_->Advance(base::kMillisecond);
    // The connection of look-ups is there too, and a thread has taken the purges in.
    EXPECT_TRUE(stream_->Until([&] {
      return redis_->followed() && PurgesAreKnown(name) &&
             stream_->Stat(absl::StrCat("cache.", name, ".redis.cx_ready")) == 2;
    }));
  }
  bool Asked() override { return redis_->asked() == 2; }
  void Answer() override {
    if (redis_ == nullptr) return;
    if (breaks_) {
      redis_->BreakOff();
    } else {
      redis_->AnswerNothing();
    }
  }
  void ExpectNothingLeft() override {
    redis_ = nullptr;
    stream_.reset();
    ExpectNoFills();
  }

 private:
  static bool PurgesAreKnown(const std::string& name) {
    for (const auto& store : ::proxenos::cache::StoreHandle::All()) {
      if (store->name == name) return store->log->Position().has_value();
    }
    return false;
  }

  const bool breaks_;
  ScriptedRedis* redis_ = nullptr;
};

}  // namespace

std::vector<WaitCase> CacheCases() {
  constexpr base::Nanos kCollapse = 5 * base::kSecond;
  constexpr base::Nanos kRedis = 100 * base::kMillisecond;
  return {
      {"cache_follower", [] { return std::make_unique<FollowerWaiting>(false); }, "200 body",
       "passed", kCollapse},
      {"cache_follower_of_a_validation", [] { return std::make_unique<FollowerWaiting>(true); },
       "200 body", "passed", kCollapse},
      {"cache_file", [] { return std::make_unique<FileWaiting>(); }, "200 body", "", 0, false},
      {"cache_redis", [] { return std::make_unique<RedisWaiting>(false); }, "passed", "passed",
       kRedis},
      {"cache_redis_that_breaks_off", [] { return std::make_unique<RedisWaiting>(true); }, "passed",
       "passed", kRedis},
  };
}

}  // namespace proxenos::filters
