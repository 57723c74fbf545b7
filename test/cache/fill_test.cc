// Fills: what followers see of a leader on another thread, and who may leave when.
#include "source/cache/fill.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/cache/memory_store.h"
#include "source/event/event_loop.h"

namespace proxenos::cache {
namespace {

std::shared_ptr<const StoredHead> Head() {
  auto head = std::make_unique<StoredHead>();
  HeadBuilder().Finish(1, *head);
  return head;
}

std::string Expected() {
  std::string body;
  for (int i = 0; i < 500; ++i) body += std::string(100 + i, static_cast<char>('a' + i % 26));
  return body;
}

// Reads a fill to its end on a loop of its own; gives up after so many turns.
std::string ReadAll(MemoryStore& store, const Key& key, int patience) {
  base::RealClock clock;
  event::EventLoop loop(clock);
  const auto ticket = store.Begin(key, Fill::Sharing::kShared, loop.now());
  if (ticket.leader) {
    ticket.fill->Refuse();
    store.End(*ticket.fill);
    return "too late";
  }
  bool told = false;
  Follower follower(ticket.fill, loop, [&told] { told = true; });
  buffer::Buffer body;
  for (int turns = 0; turns < patience; ++turns) {
    loop.RunOnce(base::kSecond);
    if (!std::exchange(told, false)) continue;
    const Follower::Progress progress = follower.Look();
    if (progress.size > body.size()) {
      const uint64_t from = body.size();
      buffer::Buffer more;
      follower.Read(from, progress.size - from, more);
      body.Append(std::move(more));
    }
    if (progress.state == Fill::State::kComplete) return body.ToString();
  }
  return "gave up";
}

TEST(FillTest, FollowersOnOtherThreadsReadAllOfIt) {
  MemoryStore store({});
  const Key key("http://h/a");
  const std::string expected = Expected();
  const auto leader = store.Begin(key, Fill::Sharing::kShared, 1);
  std::vector<std::string> read(6);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < read.size(); ++i) {
    threads.emplace_back([&store, &key, out = &read[i], impatient = i % 3 == 0] {
      *out = ReadAll(store, key, impatient ? 3 : 100000);
    });
  }
  leader.fill->Open(Head());
  for (size_t at = 0; at < expected.size(); at += 1000) {
    leader.fill->Append(absl::string_view(expected).substr(at, 1000));
    std::this_thread::yield();
  }
  leader.fill->Complete();
  store.End(*leader.fill);
  for (std::thread& thread : threads) thread.join();
  for (const std::string& body : read) {
    EXPECT_TRUE(body == expected || body == "gave up" || body == "too late");
  }
  EXPECT_EQ(leader.fill->followers(), 0);
}

TEST(FillTest, WhoComesLateSeesTheEnd) {
  base::RealClock clock;
  event::EventLoop loop(clock);
  // tidy: allow shared-mutable: what a store makes.
  auto fill = std::make_shared<Fill>(Key("http://h/a"), Fill::Sharing::kShared);
  fill->Open(Head());
  fill->Append("all of it");
  fill->Complete();
  int told = 0;
  Follower follower(fill, loop, [&told] { ++told; });
  loop.RunOnce(0);
  EXPECT_EQ(told, 1);
  const Follower::Progress progress = follower.Look();
  EXPECT_EQ(progress.state, Fill::State::kComplete);
  buffer::Buffer body;
  follower.Read(4, 2, body);
  EXPECT_EQ(body.ToString(), "of");
}

TEST(FillTest, APostFindsNobodyWhoLeft) {
  base::RealClock clock;
  event::EventLoop loop(clock);
  auto fill = std::make_shared<Fill>(Key("http://h/a"), Fill::Sharing::kShared);
  int told = 0;
  {
    Follower follower(fill, loop, [&told] { ++told; });
    fill->Refuse();
  }
  loop.RunOnce(0);
  EXPECT_EQ(told, 0);
  EXPECT_EQ(fill->followers(), 0);
}

}  // namespace
}  // namespace proxenos::cache
