// Turns of several servers.
#include "source/xds/server_choice.h"

#include <vector>

#include "gtest/gtest.h"

namespace proxenos::xds {
namespace {

// The servers of the next attempts when none of them is answered.
std::vector<size_t> Silent(ServerChoice& choice, int attempts) {
  std::vector<size_t> servers;
  for (int i = 0; i < attempts; ++i) {
    servers.push_back(choice.current());
    choice.OnLost(/*answered=*/false);
  }
  return servers;
}

TEST(ServerChoice, OneServerIsAlwaysChosen) {
  ServerChoice choice(1);
  EXPECT_EQ(Silent(choice, 4), (std::vector<size_t>{0, 0, 0, 0}));
}

TEST(ServerChoice, OthersHaveTheirTurnAfterTwoAttempts) {
  ServerChoice two(2);
  EXPECT_EQ(Silent(two, 6), (std::vector<size_t>{0, 0, 1, 0, 1, 0}));
  ServerChoice three(3);
  EXPECT_EQ(Silent(three, 7), (std::vector<size_t>{0, 0, 1, 2, 0, 1, 2}));
}

TEST(ServerChoice, AfterAServerThatAnsweredThePrimaryIsTried) {
  ServerChoice choice(2);
  Silent(choice, 2);
  EXPECT_EQ(choice.current(), 1u);
  choice.OnLost(/*answered=*/true);
  EXPECT_EQ(Silent(choice, 3), (std::vector<size_t>{0, 0, 1}));
}

}  // namespace
}  // namespace proxenos::xds
