// Client: one connection to a Redis server, a host of a cluster: discovery, TLS and health are the
// cluster's affair. Commands are pipelined; answers come in their order.
//
//   waiting --timer--> connecting --> greeting --> ready
//      ^                    |            |           |
//      +---------- lost ----+------------+-----------+
//
// While it is not ready, commands are refused at once, not kept: who asks goes on without. A
// command that is not answered in time ends the connection, since answers have no names and a late
// one would be taken for the next. Between attempts stands a pause that doubles, with jitter.
// Owner: whoever asks. Thread: the loop's.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "source/base/clock.h"
#include "source/buffer/arena.h"
#include "source/buffer/buffer.h"
#include "source/event/event_loop.h"
#include "source/event/timer_wheel.h"
#include "source/http/message.h"
#include "source/redis/reply.h"
#include "source/stats/schema.h"
#include "source/upstream/cluster_map.h"
#include "source/upstream/exchange.h"

namespace proxenos::redis {

#define PX_REDIS_STATS(X)    \
  X(Counter, cx_total)       \
  X(Counter, cx_failed)      \
  X(Counter, cx_lost)        \
  X(Counter, cx_refused)     \
  X(Gauge, cx_ready)         \
  X(Counter, protocol_error) \
  X(Counter, rq_total)       \
  X(Counter, rq_error)       \
  X(Counter, rq_overflow)    \
  X(Counter, rq_timeout)
PX_STATS(ClientStats, PX_REDIS_STATS);

class Client;

// The wait for one answer. Owner: who asks; its destructor gives the answer up.
class Call {
 public:
  // `on_answer` is called from the loop, once for each Send that took the call: with the answer,
  // or with null when there will be none. It may send, and does not destroy the call.
  explicit Call(absl::AnyInvocable<void(const Reply*)> on_answer)
      : on_answer_(std::move(on_answer)) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() { Cancel(); }
  void Cancel();
  bool waits() const { return slot_ != nullptr; }

 private:
  friend class Client;
  struct Slot {
    Call* call;  // Null: nobody wants the answer.
    base::MonoTime deadline;
  };
  absl::AnyInvocable<void(const Reply*)> on_answer_;
  Slot* slot_ = nullptr;  // In the client's queue, while it waits.
};

class Client final : private event::Runnable {
 public:
  struct Options {
    std::string cluster;
    std::string username;  // Empty: Redis's "default".
    std::string password;  // Empty: none is said.
    uint32_t database = 0;
    base::Nanos timeout = 100 * base::kMillisecond;  // Of one command.
    size_t max_waiting = 1024;                       // Commands without an answer.
    uint64_t max_unsent_bytes = uint64_t{16} << 20;
    ReplyReader::Limits replies;
  };
  // `stats` outlive it. `on_change`, which may be null, is called from the loop when it has become
  // ready, and when it is not any more.
  Client(event::EventLoop& loop, upstream::ClusterMap& clusters, const Options& options,
         ClientStats& stats, absl::AnyInvocable<void()> on_change);
  ~Client() override;

  bool ready() const { return state_ == State::kReady; }
  // Sends `count` commands; the answer to the last of them is `call`'s, which may be null: then
  // nobody's. False: it is not ready, or too much waits; nothing is sent.
  bool Send(buffer::Buffer commands, Call* call, size_t count = 1);
  // Connects anew later in the turn, without a pause, when the connection is old, so that one does
  // not stay for ever with a host that is no part of the cluster any more. What waits gets no
  // answer.
  void Renew();

 private:
  enum class State : uint8_t { kWaiting, kConnecting, kGreeting, kReady };
  struct Attempt final : public upstream::Exchange {
    explicit Attempt(Client& client);
    void OnProgress() override;
    Client& owner;
  };

  void Connect();
  void Run() override;
  void Greet();
  // False: the connection is over.
  bool Receive();
  bool OnReply(const Reply& reply);
  void OnGreeted();
  void Flush();
  void ArmDeadline();
  void Lose();

  event::EventLoop& loop_;
  upstream::ClusterMap& clusters_;
  const Options options_;
  ClientStats& stats_;
  absl::AnyInvocable<void()> on_change_;

  State state_ = State::kWaiting;
  base::Rc<upstream::WorkerCluster> cluster_;
  buffer::Arena arena_;  // Of the head, which there is none of.
  http::ResponseHead head_;
  std::unique_ptr<Attempt> attempt_;  // Null while kWaiting.
  std::optional<ReplyReader> reader_;
  buffer::Buffer unsent_;
  std::deque<Call::Slot> waiting_;
  size_t greetings_ = 0;  // Answers to come before it is ready.
  base::Nanos pause_;
  base::MonoTime ready_since_ = 0;
  bool due_ = false;  // To connect: the pause is over, or the connection old.
  event::Timer retry_;
  event::Timer deadline_;
};

}  // namespace proxenos::redis
