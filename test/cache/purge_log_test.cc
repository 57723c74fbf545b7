// The log of purges of a shared store, and what it makes of entries.
#include "source/cache/purge_log.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/cache/shared_format.h"

namespace proxenos::cache {
namespace {

using By = PurgeRecord::By;

class PurgeLogTest : public ::testing::Test {
 protected:
  PurgeLogTest()
      : log_([this](const PurgeLog::Batch& batch) {
          if (batch.empty()) applied_.push_back("all that there is");
          for (const auto& [id, record] : batch) applied_.push_back(record.text);
        }) {}
  bool IsGood(LogId stamp, absl::string_view url, const std::vector<std::string>& tags = {}) {
    return log_.IsGood(stamp, url, tags);
  }

  std::vector<std::string> applied_;  // Written on the log's thread; read after Drain.
  PurgeLog log_;
};

TEST_F(PurgeLogTest, NothingIsKnownAtFirst) {
  EXPECT_FALSE(log_.Position().has_value());
  EXPECT_FALSE(IsGood({9, 9}, "http://h/"));
  log_.SetFollowed(true);
  EXPECT_FALSE(log_.Position().has_value());
  EXPECT_FALSE(IsGood({9, 9}, "http://h/"));
}

TEST_F(PurgeLogTest, WhatIsYoungerThanAnEntrySpeaksAgainstIt) {
  log_.SetFollowed(true);
  log_.Append({{{5, 0}, {By::kNothing, ""}}, {{6, 0}, {By::kUrl, "http://h/a"}}});
  log_.Append({{{6, 1}, {By::kPrefix, "http://h/p/"}}, {{7, 0}, {By::kTag, "blue"}}});
  log_.Drain();
  EXPECT_EQ(log_.Position(), (LogId{7, 0}));
  EXPECT_EQ(applied_, (std::vector<std::string>{"", "http://h/a", "http://h/p/", "blue"}));

  EXPECT_FALSE(IsGood({4, 9}, "http://h/other")) << "older than what is known";
  EXPECT_TRUE(IsGood({5, 0}, "http://h/other", {"red"}));
  EXPECT_FALSE(IsGood({5, 9}, "http://h/a"));
  EXPECT_TRUE(IsGood({6, 0}, "http://h/a"));
  EXPECT_TRUE(IsGood({5, 9}, "http://h/a?b"));
  EXPECT_FALSE(IsGood({6, 0}, "http://h/p/1"));
  EXPECT_TRUE(IsGood({6, 1}, "http://h/p/1"));
  EXPECT_FALSE(IsGood({6, 1}, "http://h/p/1", {"red", "blue"}));
  EXPECT_TRUE(IsGood({7, 0}, "http://h/p/1", {"red", "blue"}));

  log_.Append({{{8, 0}, {By::kAll, ""}}});
  EXPECT_FALSE(IsGood({7, 0}, "http://h/other"));
  EXPECT_TRUE(IsGood({8, 0}, "http://h/other"));
  log_.SetFollowed(false);
  EXPECT_FALSE(IsGood({8, 0}, "http://h/other"));
  EXPECT_FALSE(log_.Position().has_value());
}

TEST_F(PurgeLogTest, ARestartForgets) {
  log_.SetFollowed(true);
  log_.Append({{{5, 0}, {By::kTag, "t"}}});
  log_.Drain();
  log_.Restart();
  EXPECT_FALSE(log_.taken().has_value());
  log_.Append({{{9, 0}, {By::kNothing, ""}}});
  log_.Drain();
  EXPECT_EQ(applied_.at(1), "all that there is");
  EXPECT_FALSE(IsGood({8, 0}, "http://h/"));
  EXPECT_TRUE(IsGood({9, 0}, "http://h/", {"t"}));
}

TEST_F(PurgeLogTest, ItIsBounded) {
  log_.SetFollowed(true);
  PurgeLog::Batch batch;
  for (uint64_t i = 0; i <= PurgeLog::kMaxPrefixes; ++i) {
    batch.push_back({{10, i}, {By::kPrefix, absl::StrCat("http://h/", i, "/")}});
  }
  const LogId last = batch.back().first;
  log_.Append(std::move(batch));
  EXPECT_FALSE(IsGood({10, 1}, "http://other/")) << "what is not known any more may have named it";
  EXPECT_TRUE(IsGood(last, "http://other/"));

  for (size_t i = 0; i < PurgeLog::kMaxPending; ++i) log_.Publish({By::kTag, "t"});
  EXPECT_EQ(log_.TakePending().size(), PurgeLog::kMaxPending);
  log_.GiveBack({{By::kUrl, "u"}});
  EXPECT_EQ(log_.TakePending().at(0).text, "u");
}

// What was purged does not stay because there is much of it, or because its name is long.
TEST_F(PurgeLogTest, WhatHasNoRoomIsPurgedWithMore) {
  for (size_t i = 0; i <= PurgeLog::kMaxPending; ++i) log_.Publish({By::kTag, "t"});
  log_.Publish({By::kUrl, "u"});
  std::vector<PurgeRecord> taken = log_.TakePending();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].by, By::kAll);
  // What could not be written after all, and came meanwhile.
  for (size_t i = 0; i < PurgeLog::kMaxPending; ++i) log_.Publish({By::kTag, "t"});
  log_.GiveBack({{By::kUrl, "u"}});
  taken = log_.TakePending();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].by, By::kAll);

  const std::string path(PurgeLog::kMaxText, 'p');
  log_.Publish({By::kUrl, path + "/and/more"});
  taken = log_.TakePending();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].by, By::kPrefix);
  EXPECT_EQ(taken[0].text, path);
  log_.Publish({By::kTag, std::string(PurgeLog::kMaxText + 1, 't')});
  EXPECT_EQ(log_.TakePending().at(0).by, By::kAll);
}

TEST_F(PurgeLogTest, OneFollowsAtATime) {
  int woken = 0;
  EXPECT_TRUE(log_.Claim([&woken] { ++woken; }));
  EXPECT_FALSE(log_.Claim([] {}));
  log_.Publish({By::kTag, "t"});
  EXPECT_EQ(woken, 1);
  log_.Release();
  log_.Publish({By::kTag, "t"});
  EXPECT_EQ(woken, 1);
  EXPECT_TRUE(log_.Claim([] {}));
}

TEST(SharedFormatTest, WhatIsWrittenIsRead) {
  auto head = std::make_unique<StoredHead>();
  HeadBuilder builder;
  builder.Add("x-a", "b");
  head->policy.lifetime = 60;
  head->policy.response_time = 2000000;
  head->tags = {"t"};
  builder.Finish(2, *head);
  BodyBuilder body(std::nullopt);
  body.Append("body");
  const StoredResponse response{std::move(head), std::make_shared<const Body>(body.body())};
  const std::string bytes = EncodeShared("http://h/a", response, {7, 8}).ToString();
  EXPECT_GE(bytes.size(), SharedSize(response));

  const auto entry = DecodeShared(bytes, 5000000);
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->stamp, (LogId{7, 8}));
  EXPECT_EQ(entry->url, "http://h/a");
  EXPECT_EQ(entry->response.head->tags, std::vector<std::string>{"t"});
  EXPECT_EQ(entry->response.body->size(), 4u);
  // A clock that was ahead makes nothing younger than it is.
  EXPECT_EQ(DecodeShared(bytes, 1000000)->response.head->policy.response_time, 1000000);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string broken = bytes;
    broken[i] = static_cast<char>(broken[i] ^ 1);
    EXPECT_FALSE(DecodeShared(broken, 5000000).has_value()) << i;
    EXPECT_FALSE(DecodeShared(bytes.substr(0, i), 5000000).has_value()) << i;
  }
}

TEST(SharedFormatTest, NamesAndLists) {
  const SharedNames one("p:", Key("http://h/a"));
  const SharedNames other("p:", Key("http://h/b"));
  EXPECT_NE(one.plain, other.plain);
  EXPECT_NE(one.plain, one.varies);
  EXPECT_NE(one.Variant("a,b", "1"), one.Variant("a", "1"));
  EXPECT_NE(one.Variant("a", "1"), one.Variant("a", "2"));
  EXPECT_EQ(one.plain, SharedNames("p:", Key("http://h/a")).plain);

  EXPECT_EQ(ReadVaryText("a,b-c"), (std::vector<std::string>{"a", "b-c"}));
  for (const absl::string_view none : {"", "a,", ",a", "A", "a b", "a,,b"}) {
    EXPECT_FALSE(ReadVaryText(none).has_value()) << none;
  }
  EXPECT_EQ(LogId::Parse("12-3"), (LogId{12, 3}));
  for (const absl::string_view none : {"", "12", "-", "1-x", "x-1", "1--1"}) {
    EXPECT_FALSE(LogId::Parse(none).has_value()) << none;
  }
  EXPECT_LT((LogId{1, 9}), (LogId{2, 0}));
}

}  // namespace
}  // namespace proxenos::cache
