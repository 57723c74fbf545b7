// Who destroys what was replaced, and when.
#include "source/server/graveyard.h"

#include <memory>

#include "gtest/gtest.h"
#include "test/support/sim_clock.h"

namespace proxenos::server {
namespace {

class GraveyardTest : public ::testing::Test {
 protected:
  void After(base::Nanos time) {
    clock_.Advance(time);
    loop_.RunOnce(0);
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  Graveyard graveyard_{loop_};
};

// Says when it is gone.
struct Watched {
  explicit Watched(bool& flag) : gone(flag) {}
  ~Watched() { gone = true; }
  bool& gone;
};

TEST_F(GraveyardTest, KeepsWhatSomebodyHolds) {
  bool gone = false;
  auto object = std::make_shared<const Watched>(gone);
  graveyard_.Bury(object);
  After(3 * base::kSecond);
  EXPECT_EQ(graveyard_.size(), 1u);
  object.reset();
  EXPECT_FALSE(gone);
  After(3 * base::kSecond);
  EXPECT_TRUE(gone);
  EXPECT_EQ(graveyard_.size(), 0u);
}

TEST_F(GraveyardTest, DestroysOneInATurn) {
  for (int i = 0; i < 3; ++i) graveyard_.Bury(std::make_shared<const int>(i));
  graveyard_.Bury(nullptr);
  EXPECT_EQ(graveyard_.size(), 3u);
  After(2 * base::kSecond);
  EXPECT_EQ(graveyard_.size(), 2u);
  After(10 * base::kMillisecond);
  EXPECT_EQ(graveyard_.size(), 1u);
  After(10 * base::kMillisecond);
  EXPECT_EQ(graveyard_.size(), 0u);
}

}  // namespace
}  // namespace proxenos::server
