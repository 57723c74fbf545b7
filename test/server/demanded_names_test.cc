// Names that requests asked for: how long they are wanted, and how many there may be.
#include "source/server/demanded_names.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace proxenos::server {
namespace {

using State = DemandedNames::State;

class DemandedNamesTest : public ::testing::Test {
 protected:
  void Ask(const std::string& name, base::MonoTime now = 0) {
    ASSERT_TRUE(names_.MakeRoom());
    names_.Ask(name, wanted_.Claim("type", "source", name), now);
  }
  // What was never answered.
  std::string ExpireAt(base::MonoTime now) {
    std::string given_up;
    names_.Expire(now, [&](const std::string& name) { absl::StrAppend(&given_up, name, " "); });
    return given_up;
  }
  size_t wanted() {
    for (const WantedNames::Change& change : wanted_.TakeChanged()) {
      count_ += change.names.added.size();
      count_ -= change.names.removed.size();
    }
    return count_;
  }

  WantedNames wanted_;
  size_t count_ = 0;
  DemandedNames names_;
};

TEST_F(DemandedNamesTest, MissingOnesAreForgottenAfterAMoment) {
  Ask("a");
  Ask("b");
  EXPECT_EQ(wanted(), 2u);
  EXPECT_TRUE(names_.Found("a"));
  EXPECT_FALSE(names_.Found("a")) << "nobody waits any more";
  EXPECT_TRUE(names_.Missing("b", 0));
  EXPECT_FALSE(names_.Found("never"));
  EXPECT_EQ(*names_.Find("b"), State::kMissing);
  EXPECT_EQ(names_.NextDeadline(), kMissingKept);
  EXPECT_EQ(ExpireAt(kMissingKept), "");
  EXPECT_EQ(names_.Find("b"), nullptr);
  EXPECT_EQ(*names_.Find("a"), State::kFound);
  EXPECT_EQ(wanted(), 1u);
  EXPECT_EQ(names_.NextDeadline(), base::kNever);
  names_.Drop("a");
  EXPECT_TRUE(names_.empty());
  EXPECT_EQ(wanted(), 0u);
}

TEST_F(DemandedNamesTest, OneThatComesAfterAllIsFound) {
  Ask("a");
  EXPECT_TRUE(names_.Missing("a", 0));
  EXPECT_FALSE(names_.Found("a"));
  EXPECT_EQ(*names_.Find("a"), State::kFound);
  ExpireAt(kMissingKept);
  EXPECT_EQ(wanted(), 1u);
}

TEST_F(DemandedNamesTest, WhatIsNeverAnsweredIsGivenUp) {
  Ask("a", 0);
  Ask("b", 1);
  EXPECT_EQ(ExpireAt(kAnswerWait), "a ");
  EXPECT_EQ(names_.Asked(), std::vector<std::string>{"b"});
  EXPECT_EQ(wanted(), 1u);
}

TEST_F(DemandedNamesTest, MissingOnesMakeRoom) {
  for (size_t i = 0; i < kMaxDemandedNames; ++i) {
    const std::string name = absl::StrCat("n", i);
    Ask(name);
    i == 7 ? names_.Missing(name, 0) : names_.Found(name);
  }
  Ask("more");
  EXPECT_EQ(names_.Find("n7"), nullptr);
  EXPECT_FALSE(names_.MakeRoom());
}

TEST_F(DemandedNamesTest, FewMayBeUnanswered) {
  for (size_t i = 0; i < kMaxAskedNames; ++i) Ask(absl::StrCat("n", i));
  EXPECT_FALSE(names_.MakeRoom());
  names_.Found("n0");
  EXPECT_TRUE(names_.MakeRoom());
}

TEST(MayBeDemandedTest, NamesThatFitEverywhere) {
  EXPECT_TRUE(MayBeDemanded("one.test:8080"));
  EXPECT_TRUE(MayBeDemanded("xdstp://authority/type/name?k=v"));
  for (const char* bad : {"", "*", "*.test", "a b", "a\nb", "\xc3\xa4"}) {
    EXPECT_FALSE(MayBeDemanded(bad)) << bad;
  }
  EXPECT_FALSE(MayBeDemanded(std::string(600, 'a')));
}

}  // namespace
}  // namespace proxenos::server
