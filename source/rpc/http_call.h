// HttpCall: one HTTP request of the proxy's own over a cluster's connections, and its whole answer:
// what filters ask services that speak plain HTTP (authorization, key sets, tokens).
//
// As with Call, what happens to it only marks; Run, which the loop calls later in the turn, acts on
// it and tells the owner once.
//
// Owner: who makes the call, as a member: the destructor cancels. It may be destroyed in its own
// callback. Thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "source/base/rc.h"
#include "source/buffer/arena.h"
#include "source/buffer/buffer.h"
#include "source/event/event_loop.h"
#include "source/event/timer_wheel.h"
#include "source/http/message.h"
#include "source/upstream/exchange.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::rpc {

class HttpCall final : private event::Runnable {
 public:
  enum class End : uint8_t { kAnswer, kTimeout, kFailed, kTooLarge };
  struct Limits {
    base::Nanos timeout = 0;  // 0: none.
    uint64_t max_body_bytes = 0;
    bool keeps_body = true;  // Else body() stays empty: nobody is going to read it.
  };

  // `on_done` captures nothing but the owner.
  HttpCall(base::Rc<upstream::WorkerCluster> cluster, const Limits& limits,
           absl::AnyInvocable<void()> on_done);
  HttpCall(const HttpCall&) = delete;
  HttpCall& operator=(const HttpCall&) = delete;
  ~HttpCall() override;

  // To be filled before Start: method, path, authority and fields; text lives in arena() or longer.
  http::RequestHead& request() { return request_; }
  buffer::Arena& arena() { return arena_; }
  // Sends the request; nobody is told before this returns.
  void Start(buffer::Buffer body);

  bool done() const { return done_; }
  // REQUIRES: done().
  End end() const { return end_; }
  const std::string& error_message() const { return error_message_; }
  // Of kAnswer, as the fields' views live in the call: for as long as it does.
  const http::ResponseHead& response() const { return response_; }
  buffer::Buffer& body() { return body_; }

 private:
  struct Attempt final : public upstream::Exchange {
    explicit Attempt(HttpCall& owner);
    void OnProgress() override;
    HttpCall& call;
  };

  void Run() override;
  void Advance();
  void Acquire();
  void SendMore();
  void TakeBody();
  void Repeat();
  void Finish(End end, std::string message);

  event::EventLoop& loop_;
  base::Rc<upstream::WorkerCluster> cluster_;
  absl::AnyInvocable<void()> on_done_;
  const Limits limits_;

  buffer::Arena arena_;  // Of both heads: dies after what uses it.
  http::RequestHead request_;
  http::ResponseHead response_;
  buffer::Buffer unsent_;
  buffer::Buffer body_;
  uint64_t body_bytes_ = 0;   // So many came.
  buffer::Slice head_bytes_;  // What the response's views point into once the exchange is gone.
  std::optional<event::Timer> deadline_;
  std::string error_message_;
  base::MonoTime started_ = 0;
  End end_ = End::kFailed;
  bool counted_ = false;  // Holds one of the cluster's max_requests.
  bool head_sent_ = false;
  bool body_sent_ = false;
  bool head_seen_ = false;
  bool repeated_ = false;
  bool timed_out_ = false;
  bool done_ = false;

  std::unique_ptr<Attempt> attempt_;  // Null: not begun, or over.
};

}  // namespace proxenos::rpc
