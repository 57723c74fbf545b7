// Files of responses: their format, what is believed of them, restarts, bounds.
#include "source/cache/disk_store.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/cache/disk_format.h"
#include "source/cache/stores.h"
#include "source/cache/vary.h"
#include "test/cache/heads.h"

namespace proxenos::cache {
namespace {

StoredResponse Make(absl::string_view body, int64_t time = 1, std::string foo = "") {
  auto head = std::make_unique<StoredHead>();
  head->policy.response_time = time * 1000000;
  head->policy.lifetime = 60;
  head->policy.never_stale = true;
  head->tags = {"red", "blue"};
  if (!foo.empty()) {
    head->vary = {"foo"};
    head->selecting = SelectingValues(head->vary, Request({{"foo", foo}})->request.headers);
  }
  HeadBuilder builder;
  builder.Add("etag", "\"a\"");
  builder.Add("content-length", absl::StrCat(body.size()));
  builder.Finish(time, *head);
  BodyBuilder bytes(body.size());
  bytes.Append(body);
  return StoredResponse{std::move(head), std::make_shared<const Body>(bytes.body())};
}

std::string BodyOf(const StoredResponse& response) {
  buffer::Buffer out;
  response.body->AppendTo(out, 0, response.body->size());
  return out.ToString();
}

class DiskStoreTest : public ::testing::Test {
 protected:
  DiskStoreTest() {
    const char* base = std::getenv("TEST_TMPDIR");
    folder_ = absl::StrCat(base == nullptr ? "/tmp" : base, "/disk-XXXXXX");
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    Open();
  }
  void Open(uint64_t max_bytes = 1 << 20) {
    store_.reset();
    std::string error;
    store_ = DiskStore::Open({folder_, max_bytes}, &error);
    ASSERT_NE(store_, nullptr) << error;
    store_->Drain();
  }
  void Save(const Key& key, StoredResponse response) {
    store_->Save(key, std::move(response), store_->Now());
    store_->Drain();
  }
  // The body as a stream would get it; "-": nothing.
  std::string Load(const Key& key, const std::string& foo = "") {
    const auto request = Request({{"foo", foo}});
    const auto id = store_->Find(key, request->request.headers);
    if (!id) return "-";
    bool told = false;
    DiskLoad load(*store_, key, *id, loop_, [&told] { told = true; });
    while (!told) loop_.RunOnce(base::kSecond);
    EXPECT_TRUE(load.done());
    return load.result() ? BodyOf(*load.result()) : "broken";
  }
  std::vector<std::string> Files() {
    std::vector<std::string> names;
    DIR* folder = opendir(folder_.c_str());
    while (const dirent* one = readdir(folder)) {
      if (one->d_name[0] != '.') names.push_back(absl::StrCat(folder_, "/", one->d_name));
    }
    closedir(folder);
    return names;
  }
  static std::string Contents(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }
  static void Put(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  base::RealClock clock_;
  event::EventLoop loop_{clock_};
  std::string folder_;
  std::unique_ptr<DiskStore> store_;
  const Key key_{"http://h/a"};
};

TEST_F(DiskStoreTest, KeepsResponsesOverRestarts) {
  EXPECT_EQ(Load(key_), "-");
  Save(key_, Make("body"));
  Save(Key("http://h/large"), Make(std::string(700'000, 'x')));
  EXPECT_EQ(Load(key_), "body");
  Open();
  EXPECT_EQ(Load(key_), "body");
  EXPECT_EQ(Load(Key("http://h/large")), std::string(700'000, 'x'));
  EXPECT_EQ(Load(Key("http://h/b")), "-");
}

TEST_F(DiskStoreTest, HeadsComeBackAsTheyWere) {
  Save(key_, Make("body", 1795320701, "1"));
  Open();
  const auto request = Request({{"foo", "1"}});
  const auto id = store_->Find(key_, request->request.headers);
  ASSERT_TRUE(id.has_value());
  bool told = false;
  DiskLoad load(*store_, key_, *id, loop_, [&told] { told = true; });
  while (!told) loop_.RunOnce(base::kSecond);
  const StoredHead& head = *load.result()->head;
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.policy.response_time, int64_t{1795320701} * 1000000);
  EXPECT_EQ(head.policy.lifetime, 60);
  EXPECT_TRUE(head.policy.never_stale && !head.policy.always_validate);
  EXPECT_EQ(head.vary, (std::vector<std::string>{"foo"}));
  EXPECT_EQ(head.tags, (std::vector<std::string>{"red", "blue"}));
  EXPECT_EQ(head.validators.etag, "\"a\"");
  EXPECT_EQ(head.fields().size(), 3u);
}

TEST_F(DiskStoreTest, VariantsAndReplacements) {
  Save(key_, Make("one", 1, "1"));
  Save(key_, Make("two", 1, "2"));
  Save(key_, Make("uno", 2, "1"));
  EXPECT_EQ(Load(key_, "1"), "uno");
  EXPECT_EQ(Load(key_, "2"), "two");
  EXPECT_EQ(Load(key_, "3"), "-");
  EXPECT_EQ(Files().size(), 2u) << "what is replaced goes";
  Open();
  EXPECT_EQ(Load(key_, "1"), "uno");
}

// A crash may leave a file and the one that it was to replace.
TEST_F(DiskStoreTest, OfTwoTheNewerCounts) {
  Save(key_, Make("old", 1));
  const std::string old_bytes = Contents(Files()[0]);
  Save(key_, Make("new", 2));
  Put(absl::StrCat(folder_, "/00000000000000aa.response"), old_bytes);
  Open();
  EXPECT_EQ(Load(key_), "new");
  EXPECT_EQ(Files().size(), 1u);
}

TEST_F(DiskStoreTest, RubbishIsTakenAway) {
  Save(key_, Make("body"));
  const std::string good = Contents(Files()[0]);
  Put(absl::StrCat(folder_, "/00000000000000aa.response"), "");
  Put(absl::StrCat(folder_, "/00000000000000ab.response"), good.substr(0, good.size() - 1));
  Put(absl::StrCat(folder_, "/00000000000000ac.response"), good + "x");
  Put(absl::StrCat(folder_, "/00000000000000ad.response.writing"), good);
  Put(absl::StrCat(folder_, "/readme"), "not ours");
  Open();
  EXPECT_EQ(Files().size(), 2u);
  EXPECT_EQ(Load(key_), "body");
}

// Whatever bit a disk turns over: what is served is what was stored, or nothing.
TEST_F(DiskStoreTest, NoBrokenByteIsServed) {
  Save(key_, Make("the body of it"));
  const std::string path = Files()[0];
  const std::string good = Contents(path);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    Put(path, bad);
    Open();
    const std::string got = Load(key_);
    ASSERT_TRUE(got == "-" || got == "broken") << i << ": " << got;
    ASSERT_EQ(Load(key_), "-") << "it is found out once";
    Put(path, good);
  }
  Open();
  EXPECT_EQ(Load(key_), "the body of it");
}

TEST_F(DiskStoreTest, WhatIsErasedStaysErased) {
  Save(key_, Make("body"));
  EXPECT_EQ(store_->Erase(key_), 1u);
  EXPECT_EQ(Load(key_), "-");
  store_->Drain();
  Open();
  EXPECT_EQ(Load(key_), "-");
  // What was decided before and comes after.
  const uint64_t decided = store_->Now();
  store_->Erase(key_);
  store_->Save(key_, Make("late"), decided);
  store_->Save(Key("http://h/b"), Make("other"), decided);
  store_->Drain();
  EXPECT_EQ(Load(key_), "-");
  EXPECT_EQ(Load(Key("http://h/b")), "other");
  const uint64_t before_all = store_->Now();
  EXPECT_EQ(store_->EraseIf([](absl::string_view, const std::vector<std::string>& tags) {
    return tags.size() == 2;
  }),
            1u);
  store_->Save(Key("http://h/b"), Make("late"), before_all);
  store_->Drain();
  EXPECT_EQ(Load(Key("http://h/b")), "-");
  EXPECT_TRUE(Files().empty());
}

TEST_F(DiskStoreTest, NeverHoldsMoreThanItMay) {
  Open(200'000);
  const Key hot("http://h/hot");
  Save(hot, Make(std::string(5000, 'h')));
  for (int i = 0; i < 100; ++i) {
    Save(Key(absl::StrCat("http://h/", i)), Make(std::string(9000, 'x')));
    EXPECT_NE(Load(hot), "-") << "what is used stays";
    ASSERT_LE(store_->totals().bytes, 200'000u);
    ASSERT_EQ(Files().size(), store_->totals().files);
  }
  Open(50'000);
  EXPECT_LE(store_->totals().bytes, 50'000u);
  EXPECT_EQ(Files().size(), store_->totals().files);
}

TEST_F(DiskStoreTest, WhatIsLargerThanAllOfItChasesNobodyAway) {
  Save(Key("a"), Make("body"));
  Save(Key("b"), Make("old"));
  Save(Key("b"), Make(std::string((1 << 20) + 1, 'x'), 2));
  EXPECT_EQ(Load(Key("a")), "body");
  EXPECT_EQ(Load(Key("b")), "-");
  EXPECT_EQ(Files().size(), 1u);
}

TEST_F(DiskStoreTest, WhoGivesUpIsNotTold) {
  Save(key_, Make("body"));
  const auto request = Request({});
  const auto id = store_->Find(key_, request->request.headers);
  for (int i = 0; i < 50; ++i) {
    DiskLoad load(*store_, key_, *id, loop_, [] { ADD_FAILURE() << "nobody is there"; });
    if (i % 2 == 0) store_->Drain();
  }
  store_->Drain();
  loop_.RunOnce(0);
}

TEST_F(DiskStoreTest, AFolderIsOneStores) {
  std::string error;
  StoreOptions options;
  options.disk = {folder_, 1 << 20};
  store_.reset();
  const StoreHandle first = StoreHandle::Open("a", options, &error);
  EXPECT_TRUE(first);
  EXPECT_TRUE(StoreHandle::Open("a", options, &error));
  EXPECT_FALSE(StoreHandle::Open("b", options, &error));
  EXPECT_FALSE(error.empty());
  options.disk.path = "/proc/none/such";
  EXPECT_FALSE(StoreHandle::Open("c", options, &error));
}

}  // namespace
}  // namespace proxenos::cache
