// The turn of the loop: posts, runnables, turn-end work, retired objects, descriptors.
#include "source/event/event_loop.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/loop_thread.h"
#include "test/support/sim_clock.h"

namespace proxenos::event {
namespace {

using testing::SimClock;

struct Recorder final : Runnable, TurnEnd {
  Recorder(EventLoop& event_loop, std::string* text) : loop(event_loop), log(text) {}
  void Run() override {
    *log += "r";
    if (again > 0 && --again > 0) loop.Schedule(this);
  }
  void OnTurnEnd() override { *log += "e"; }
  EventLoop& loop;
  std::string* log;
  int again = 0;
};

struct Mourned {
  explicit Mourned(std::string* text) : log(text) {}
  ~Mourned() { *log += "x"; }
  std::string* log;
};

TEST(EventLoop, TurnRunsRunnablesThenEndsThenDestroys) {
  SimClock clock;
  EventLoop loop(clock);
  std::string log;
  Recorder recorder(loop, &log);
  loop.Retire(std::make_unique<Mourned>(&log));
  loop.AtTurnEnd(&recorder);
  loop.AtTurnEnd(&recorder);
  loop.Schedule(&recorder);
  loop.Schedule(&recorder);
  loop.RunOnce(0);
  EXPECT_EQ(log, "rex");
  loop.RunOnce(0);
  EXPECT_EQ(log, "rex");
}

TEST(EventLoop, RunnableThatNeverRestsDoesNotStopTheLoop) {
  SimClock clock;
  EventLoop loop(clock);
  std::string log;
  Recorder recorder(loop, &log);
  recorder.again = 1000000;
  loop.Schedule(&recorder);
  loop.RunOnce(base::kNever);  // Does not wait either, for work is left.
  EXPECT_LT(log.size(), 100u);
  const size_t first = log.size();
  loop.RunOnce(base::kNever);
  EXPECT_GT(log.size(), first);
}

TEST(EventLoop, DestroyedRunnableIsNotRun) {
  SimClock clock;
  EventLoop loop(clock);
  std::string log;
  {
    Recorder recorder(loop, &log);
    loop.Schedule(&recorder);
    loop.AtTurnEnd(&recorder);
  }
  loop.RunOnce(0);
  EXPECT_EQ(log, "");
}

// Retires another when it is destroyed.
struct Chain {
  Chain(EventLoop& event_loop, std::string* text) : loop(event_loop), log(text) {}
  ~Chain() { loop.Retire(std::make_unique<Mourned>(log)); }
  EventLoop& loop;
  std::string* log;
};

TEST(EventLoop, WhatADestructorRetiresDiesInTheSameTurn) {
  SimClock clock;
  EventLoop loop(clock);
  std::string log;
  loop.Retire(std::make_unique<Chain>(loop, &log));
  loop.RunOnce(0);
  EXPECT_EQ(log, "x");
}

TEST(EventLoop, PostedWorkRunsInOrderAndWhatItPostsLater) {
  SimClock clock;
  EventLoop loop(clock);
  std::string log;
  loop.Post([&log] { log += "a"; });
  loop.Post([&log, &loop] {
    log += "b";
    loop.Post([&log] { log += "d"; });
  });
  loop.Post([&log] { log += "c"; });
  loop.RunOnce(0);
  EXPECT_EQ(log, "abc");
  loop.RunOnce(0);
  EXPECT_EQ(log, "abcd");
}

TEST(EventLoop, LongPostedWorkIsSpreadOverTurnsInItsOrder) {
  SimClock clock;
  EventLoop loop(clock);
  std::string log;
  loop.Post([&log, &clock] {
    log += "a";
    clock.Advance(base::kMillisecond);
  });
  loop.Post([&log] { log += "b"; });
  loop.Post([&log] { log += "c"; });
  loop.RunOnce(0);
  EXPECT_EQ(log, "a");
  loop.Post([&log] { log += "d"; });
  loop.RunOnce(0);
  EXPECT_EQ(log, "abcd");
}

TEST(EventLoop, TurnsAreTimedWithoutTheirWait) {
  SimClock clock;
  EventLoop loop(clock);
  std::vector<base::Nanos> turns;
  loop.OnTurn([&turns](base::Nanos time) { turns.push_back(time); });
  loop.Post([&clock] { clock.Advance(3 * base::kMillisecond); });
  loop.RunOnce(0);
  clock.Advance(base::kSecond);
  loop.RunOnce(0);
  EXPECT_EQ(turns, (std::vector<base::Nanos>{3 * base::kMillisecond, 0}));
}

TEST(EventLoop, PostsOfManyThreadsAllArriveInTheirOrder) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  std::vector<std::vector<int>> seen(kThreads);
  {
    testing::LoopThread thread;
    std::vector<std::thread> posters;
    for (int t = 0; t < kThreads; ++t) {
      posters.emplace_back([&thread, &seen, t] {
        for (int i = 0; i < kPosts; ++i) {
          thread.loop().Post([&seen, t, i] { seen[t].push_back(i); });
        }
      });
    }
    for (std::thread& poster : posters) poster.join();
    thread.Do([] {});
  }
  for (const std::vector<int>& posts : seen) {
    ASSERT_EQ(posts.size(), static_cast<size_t>(kPosts));
    for (int i = 0; i < kPosts; ++i) ASSERT_EQ(posts[i], i);
  }
}

TEST(EventLoop, StopFromAnotherThreadEndsRun) {
  base::RealClock clock;
  EventLoop loop(clock);
  std::thread stopper([&loop] { loop.Stop(); });
  loop.Run();
  stopper.join();
}

TEST(EventLoop, TimersFireByTheClockGiven) {
  SimClock clock;
  EventLoop loop(clock);
  int fired = 0;
  Timer timer(loop.timers(), [&fired] { ++fired; });
  timer.ArmIn(base::kSecond);
  loop.RunOnce(0);
  EXPECT_EQ(fired, 0);
  clock.Advance(base::kSecond + base::kMillisecond);
  loop.RunOnce(base::kNever);
  EXPECT_EQ(fired, 1);
}

// Closes and retires its neighbour when it is told of an event.
struct Rival final : IoHandler {
  void OnIo(uint32_t) override {
    ++events;
    if (other == nullptr) return;
    close(other->fd);
    loop->Retire(std::unique_ptr<Rival>(std::exchange(other, nullptr)));
  }
  EventLoop* loop = nullptr;
  Rival* other = nullptr;
  int fd = -1;
  int events = 0;
};

TEST(EventLoop, HandlerRetiredInATurnMayStillBeCalledInIt) {
  SimClock clock;
  EventLoop loop(clock);
  int pairs[2][2];
  Rival* rivals[2];
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pairs[i]), 0);
    rivals[i] = std::make_unique<Rival>().release();
    rivals[i]->loop = &loop;
    rivals[i]->fd = pairs[i][0];
    loop.WatchLevel(pairs[i][0], EPOLLIN, rivals[i]);
    ASSERT_EQ(write(pairs[i][1], "x", 1), 1);
  }
  rivals[0]->other = rivals[1];
  loop.RunOnce(0);  // Both are ready; one is retired before or after its turn.
  EXPECT_EQ(rivals[0]->events, 1);
  loop.RunOnce(0);
  EXPECT_EQ(rivals[0]->events, 2);
  loop.Unwatch(pairs[0][0]);
  loop.RunOnce(0);
  EXPECT_EQ(rivals[0]->events, 2);
  loop.Retire(std::unique_ptr<Rival>(rivals[0]));
  for (int fd : {pairs[0][0], pairs[0][1], pairs[1][1]}) close(fd);
}

TEST(EventLoopDeathTest, NoTurnWithinATurn) {
  SimClock clock;
  EventLoop loop(clock);
  EventLoop other(clock);
  Timer elsewhere(loop.timers(), [&other] { other.RunOnce(0); });
  elsewhere.ArmIn(0);
  clock.Advance(base::kMillisecond);
  loop.RunOnce(0);  // Another loop's is no harm.
  Timer nested(loop.timers(), [&loop] { loop.RunOnce(0); });
  nested.ArmIn(0);
  clock.Advance(base::kMillisecond);
  EXPECT_DEATH(loop.RunOnce(0), "turning != this");
}

// Reads a byte as if it were much: in its event, or at the turn's end.
struct BulkReader final : IoHandler, Runnable, TurnEnd {
  BulkReader(EventLoop& event_loop, const std::string& reader_name, std::string* text)
      : loop(event_loop), name(reader_name), log(text) {
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    loop.Watch(fds[0], this);
    CHECK(write(fds[1], "x", 1) == 1);
  }
  ~BulkReader() override {
    close(fds[0]);
    close(fds[1]);
  }
  void OnIo(uint32_t events) override {
    if (!at_end && (events & EPOLLIN) != 0) Read();
  }
  void Read() {
    char byte;
    if (read(fds[0], &byte, 1) != 1) return;
    *log += name + "-read ";
    loop.Schedule(this);
    loop.Hurry();
  }
  void Run() override {
    *log += name + "-run ";
    loop.AtTurnEnd(this);
  }
  void OnTurnEnd() override {
    if (!at_end) {
      *log += name + "-write ";
    } else if (loop.hurrying()) {
      loop.AtTurnEnd(this);
    } else {
      Read();
    }
  }
  EventLoop& loop;
  const std::string name;
  std::string* const log;
  bool at_end = false;
  int fds[2];
};

TEST(EventLoop, BulkIsWrittenBeforeTheNextDescriptorIsRead) {
  SimClock clock;
  EventLoop loop(clock);
  std::string log;
  BulkReader one(loop, "1", &log);
  BulkReader two(loop, "2", &log);
  loop.RunOnce(0);
  EXPECT_EQ(log, "1-read 1-run 1-write 2-read 2-run 2-write ");
  EXPECT_FALSE(loop.hurrying());
}

// Who may not read yet is not called again for each of the others that read.
TEST(EventLoop, WhoPutsOffReadingIsCalledOnceInARound) {
  struct Counted final : public TurnEnd {
    explicit Counted(EventLoop& owner) : loop(owner) {}
    void OnTurnEnd() override {
      ++calls;
      if (loop.hurrying()) loop.AtTurnEnd(this);
    }
    EventLoop& loop;
    int calls = 0;
  };
  SimClock clock;
  EventLoop loop(clock);
  std::string log;
  Counted waits(loop);
  std::vector<std::unique_ptr<BulkReader>> readers;
  for (int i = 0; i < 20; ++i) readers.push_back(std::make_unique<BulkReader>(loop, "r", &log));
  loop.AtTurnEnd(&waits);
  loop.RunOnce(0);
  EXPECT_EQ(waits.calls, 1);
}

TEST(EventLoop, BulkThatIsReadAtTheTurnsEndIsPassedOnBeforeMoreIsRead) {
  SimClock clock;
  EventLoop loop(clock);
  std::string log;
  BulkReader one(loop, "1", &log);
  BulkReader two(loop, "2", &log);
  one.at_end = two.at_end = true;
  loop.AtTurnEnd(&one);
  loop.AtTurnEnd(&two);
  loop.RunOnce(0);
  EXPECT_EQ(log, "1-read 1-run 2-read 2-run ");
}

}  // namespace
}  // namespace proxenos::event
