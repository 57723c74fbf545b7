// Connections given to whoever has the fewest, between loops that come and go.
#include "source/downstream/connection_balance.h"

#include <fcntl.h>

#include <memory>
#include <optional>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/sim_clock.h"

namespace proxenos::downstream {
namespace {

net::UniqueFd AnyFd() { return net::UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }
bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

// A worker with a listener, as far as connections matter.
struct Worker {
  Worker(base::Clock& clock, const std::shared_ptr<ConnectionBalance>& balance) : loop(clock) {
    seat.emplace(balance, loop, [this](net::UniqueFd fd, const net::Address& remote) {
      held.push_back(std::move(fd));
      last = remote;
    });
  }
  // The connection that came first ends.
  void End() {
    held.erase(held.begin());
    seat->Release();
  }

  event::EventLoop loop;
  std::vector<net::UniqueFd> held;
  net::Address last;
  std::optional<BalanceSeat> seat;
};

class ConnectionBalanceTest : public ::testing::Test {
 protected:
  void Run() {
    for (Worker* each : {&one_, &two_, &three_}) each->loop.RunOnce(0);
  }
  std::vector<size_t> Held() const {
    return {one_.held.size(), two_.held.size(), three_.held.size()};
  }

  proxenos::testing::SimClock clock_;
  const std::shared_ptr<ConnectionBalance> balance_ = std::make_shared<ConnectionBalance>();
  Worker one_{clock_, balance_};
  Worker two_{clock_, balance_};
  Worker three_{clock_, balance_};
  const net::Address remote_ = *net::Address::FromIp("192.0.2.1", 7);
};

TEST_F(ConnectionBalanceTest, WhoHasTheFewestTakesTheNext) {
  for (int i = 0; i < 7; ++i) two_.seat->Give(AnyFd(), remote_);
  EXPECT_EQ(Held(), (std::vector<size_t>{0, 2, 0}));  // Those of the others are on their way.
  Run();
  EXPECT_EQ(Held(), (std::vector<size_t>{3, 2, 2}));
  EXPECT_EQ(three_.last, remote_);
  three_.End();
  three_.End();
  for (int i = 0; i < 2; ++i) one_.seat->Give(AnyFd(), remote_);
  Run();
  EXPECT_EQ(Held(), (std::vector<size_t>{3, 2, 2}));
}

TEST_F(ConnectionBalanceTest, WhatComesAnotherWayCountsToo) {
  for (int i = 0; i < 5; ++i) one_.seat->Count();
  for (int i = 0; i < 6; ++i) one_.seat->Give(AnyFd(), remote_);
  Run();
  EXPECT_EQ(Held(), (std::vector<size_t>{0, 3, 3}));
}

TEST_F(ConnectionBalanceTest, OneThatIsOnItsWayToNobodyGoesElsewhere) {
  one_.seat->Give(AnyFd(), remote_);
  one_.seat->Give(AnyFd(), remote_);  // To the second.
  two_.seat.reset();
  Run();
  Run();
  EXPECT_EQ(Held(), (std::vector<size_t>{1, 0, 1}));
}

TEST_F(ConnectionBalanceTest, WhereNobodyIsLeftItIsClosed) {
  one_.seat->Count();
  net::UniqueFd fd = AnyFd();
  const int number = fd.get();
  one_.seat->Give(std::move(fd), remote_);
  for (Worker* each : {&one_, &two_, &three_}) each->seat.reset();
  EXPECT_TRUE(IsOpen(number));
  Run();
  EXPECT_EQ(Held(), (std::vector<size_t>{0, 0, 0}));
  EXPECT_FALSE(IsOpen(number));
}

}  // namespace
}  // namespace proxenos::downstream
