// The store in memory: exact bytes, bounds, what stays, and threads.
#include "source/cache/memory_store.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/cache/stores.h"
#include "test/cache/heads.h"

namespace proxenos::cache {
namespace {

Key UrlKey(absl::string_view path) { return Key(absl::StrCat("http://host", path)); }

StoredResponse Make(absl::string_view body, std::string selecting = "", std::string tag = "") {
  auto head = std::make_unique<StoredHead>();
  if (!selecting.empty()) head->vary = {"foo"};
  head->selecting = std::move(selecting);
  if (!tag.empty()) head->tags.push_back(std::move(tag));
  HeadBuilder builder;
  builder.Add("etag", "\"a\"");
  builder.Finish(1, *head);
  BodyBuilder bytes(body.size());
  bytes.Append(body);
  return StoredResponse{std::move(head), std::make_shared<const Body>(bytes.body())};
}

std::string BodyOf(const StoredResponse& response) {
  buffer::Buffer out;
  response.body->AppendTo(out, 0, response.body->size());
  return out.ToString();
}

TEST(MemoryStoreTest, KeepsVariantsOfOneUrl) {
  MemoryStore store({});
  const Key key = UrlKey("/a");
  EXPECT_EQ(store.Find(key), nullptr);
  EXPECT_TRUE(store.Put(key, Make("one", "1")));
  EXPECT_TRUE(store.Put(key, Make("two", "2")));
  EXPECT_TRUE(store.Put(key, Make("uno", "1")));
  const auto variants = store.Find(key);
  ASSERT_NE(variants, nullptr);
  ASSERT_EQ(variants->size(), 2u);
  EXPECT_EQ(BodyOf((*variants)[0]), "uno");
  EXPECT_EQ(BodyOf((*variants)[1]), "two");
  EXPECT_EQ(store.Find(UrlKey("/b")), nullptr);
  EXPECT_EQ(store.Erase(key), 2u);
  EXPECT_EQ(store.Find(key), nullptr);
  EXPECT_EQ(BodyOf((*variants)[0]), "uno") << "who reads it keeps it";
  EXPECT_EQ(store.totals().bytes, 0u);
}

TEST(MemoryStoreTest, VariantsAreBoundedAndTheOldestGo) {
  MemoryStore::Options options;
  options.max_variants = 4;
  MemoryStore store(options);
  const Key key = UrlKey("/a");
  for (int i = 0; i < 100; ++i) store.Put(key, Make("x", absl::StrCat(i)));
  const auto variants = store.Find(key);
  ASSERT_EQ(variants->size(), 4u);
  EXPECT_EQ(variants->front().head->selecting, "99");
  EXPECT_EQ(variants->back().head->selecting, "96");
}

TEST(MemoryStoreTest, ReplacesOnlyWhatIsStillThere) {
  MemoryStore store({});
  const Key key = UrlKey("/a");
  store.Put(key, Make("one"));
  const StoredResponse old = store.Find(key)->front();
  EXPECT_TRUE(store.Replace(key, old.head.get(), Make("two")));
  EXPECT_FALSE(store.Replace(key, old.head.get(), Make("three")));
  EXPECT_EQ(BodyOf(store.Find(key)->front()), "two");
  store.Erase(key);
  EXPECT_FALSE(store.Replace(key, old.head.get(), Make("four")));
}

TEST(MemoryStoreTest, NeverHoldsMoreThanItMay) {
  MemoryStore::Options options;
  options.max_bytes = 1 << 20;
  MemoryStore store(options);
  base::Random random(7);
  for (int i = 0; i < 5000; ++i) {
    const Key key = UrlKey(absl::StrCat("/", random.Below(300)));
    store.Put(key, Make(std::string(random.Below(20000), 'x'), absl::StrCat(random.Below(3))));
    ASSERT_LE(store.totals().bytes, options.max_bytes);
  }
  EXPECT_GT(store.totals().bytes, options.max_bytes / 2);
  EXPECT_GT(store.totals().evictions, 0u);
  store.EraseIf([](absl::string_view, const StoredHead&) { return true; });
  EXPECT_EQ(store.totals().bytes, 0u) << "what goes in comes out";
  EXPECT_EQ(store.totals().urls, 0u);
}

TEST(MemoryStoreTest, WhatIsTooLargeIsNotStored) {
  MemoryStore::Options options;
  options.max_bytes = 1 << 20;
  MemoryStore store(options);
  const Key key = UrlKey("/a");
  EXPECT_TRUE(store.Put(key, Make("small")));
  EXPECT_FALSE(store.Put(key, Make(std::string(2 << 20, 'x'))));
  EXPECT_EQ(store.Find(key), nullptr) << "what it replaces is out of date";
  EXPECT_EQ(store.totals().bytes, 0u);
}

// What is asked for again and again stays, whatever is asked for once.
TEST(MemoryStoreTest, AScanPushesNothingOut) {
  MemoryStore::Options options;
  options.max_bytes = 1 << 20;
  MemoryStore store(options);
  const std::string body(4000, 'x');
  const auto hot = [](int i) { return UrlKey(absl::StrCat("/hot/", i)); };
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 50; ++i) {
      if (store.Find(hot(i)) == nullptr) store.Put(hot(i), Make(body));
    }
  }
  for (int i = 0; i < 5000; ++i) {
    store.Put(UrlKey(absl::StrCat("/scan/", i)), Make(body));
    store.Find(hot(i % 50));
  }
  int left = 0;
  for (int i = 0; i < 50; ++i) left += store.Find(hot(i)) != nullptr;
  EXPECT_EQ(left, 50);
}

TEST(MemoryStoreTest, ErasesByUrlPrefixAndTag) {
  MemoryStore store({});
  store.Put(UrlKey("/a/1"), Make("x", "", "red"));
  store.Put(UrlKey("/a/2"), Make("x", "", "blue"));
  store.Put(UrlKey("/b/1"), Make("x", "", "red"));
  EXPECT_EQ(store.EraseIf([](absl::string_view url, const StoredHead&) {
    return absl::StartsWith(url, "http://host/a/");
  }),
            2u);
  EXPECT_EQ(store.EraseIf([](absl::string_view, const StoredHead& head) {
    return !head.tags.empty() && head.tags[0] == "red";
  }),
            1u);
  EXPECT_EQ(store.totals().responses, 0u);
}

TEST(MemoryStoreTest, APurgeReachesFillsUnderWay) {
  MemoryStore store({});
  const Key key = UrlKey("/a");
  auto ticket = store.Begin(key, Fill::Sharing::kShared, 1);
  ASSERT_TRUE(ticket.leader);
  store.Erase(key);
  EXPECT_TRUE(ticket.fill->doomed());
  EXPECT_FALSE(store.Store(*ticket.fill, Make("old")));
  EXPECT_EQ(store.Find(key), nullptr);
  EXPECT_TRUE(store.Begin(key, Fill::Sharing::kShared, 1).leader) << "nobody follows it any more";
  store.End(*ticket.fill);
}

TEST(MemoryStoreTest, OneLeadsAndOthersFollow) {
  MemoryStore store({});
  const Key key = UrlKey("/a");
  const auto first = store.Begin(key, Fill::Sharing::kShared, 1);
  const auto second = store.Begin(key, Fill::Sharing::kShared, 1);
  const auto alone = store.Begin(key, Fill::Sharing::kAlone, 1);
  EXPECT_TRUE(first.leader);
  EXPECT_FALSE(second.leader);
  EXPECT_EQ(first.fill, second.fill);
  EXPECT_TRUE(alone.leader);
  EXPECT_EQ(store.totals().fills, 1u);
  store.End(*first.fill);
  EXPECT_TRUE(store.Begin(key, Fill::Sharing::kShared, 1).leader);
}

TEST(MemoryStoreTest, NobodyWaitsForWhatCannotBeShared) {
  MemoryStore store({});
  const Key key = UrlKey("/a");
  store.MarkUnshareable(key, 5);
  const auto first = store.Begin(key, Fill::Sharing::kShared, 6);
  const auto second = store.Begin(key, Fill::Sharing::kShared, 6);
  EXPECT_TRUE(first.leader && second.leader);
  const auto later = store.Begin(key, Fill::Sharing::kShared, 3600 * base::kSecond);
  EXPECT_TRUE(later.leader);
  EXPECT_FALSE(store.Begin(key, Fill::Sharing::kShared, 3600 * base::kSecond).leader);
}

TEST(MemoryStoreTest, ThreadsShareBodies) {
  MemoryStore::Options options;
  options.max_bytes = 1 << 20;
  MemoryStore store(options);
  std::vector<std::thread> threads;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    threads.emplace_back([&store, seed] {
      base::Random random(seed);
      for (int i = 0; i < 3000; ++i) {
        const Key key = UrlKey(absl::StrCat("/", random.Below(40)));
        switch (random.Below(8)) {
          case 0:
            store.Erase(key);
            break;
          case 1:
          case 2:
            store.Put(key, Make(std::string(random.Below(30000), 'x'), absl::StrCat(seed)));
            break;
          default:
            if (const auto found = store.Find(key)) {
              EXPECT_EQ(BodyOf(found->front()).find_first_not_of('x'), std::string::npos);
            }
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(store.totals().bytes, options.max_bytes);
}

TEST(StoresTest, ANameIsOneStoreForAsLongAsSomebodyHoldsIt) {
  StoreOptions options;
  StoreHandle first = StoreHandle::Open("a", options);
  first->memory.Put(UrlKey("/a"), Make("x"));
  const StoreHandle second = StoreHandle::Open("a", options);
  EXPECT_NE(second->memory.Find(UrlKey("/a")), nullptr);
  options.memory.max_variants = 3;
  const StoreHandle other = StoreHandle::Open("a", options);
  EXPECT_EQ(other->memory.Find(UrlKey("/a")), nullptr);
  EXPECT_EQ(StoreHandle::All().size(), 2u);
  first = StoreHandle();
  EXPECT_EQ(StoreHandle::All().size(), 2u);
}

}  // namespace
}  // namespace proxenos::cache
