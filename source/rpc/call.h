// Call: one gRPC call of the proxy's own, over a cluster's HTTP/2 connections: messages as
// serialized bytes, both ways. For what filters ask and for xDS.
//
// What happens to it (its Exchange, the deadline) only marks; Run, which the loop calls later in
// the turn, acts on it and then tells the owner, who looks: Receive, done, status. Nothing it is
// called with calls back.
//
// Owner: who makes the call, as a member: the destructor cancels. It may be destroyed in its own
// callback. Thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "source/base/rc.h"
#include "source/buffer/arena.h"
#include "source/buffer/buffer.h"
#include "source/event/event_loop.h"
#include "source/event/timer_wheel.h"
#include "source/http/message.h"
#include "source/rpc/call_retries.h"
#include "source/rpc/frame.h"
#include "source/rpc/status.h"
#include "source/upstream/exchange.h"
#include "source/upstream/worker_cluster.h"

namespace proxenos::rpc {

struct CallOptions {
  std::string path;  // "/package.Service/Method"
  std::string authority;
  // Names in lower case. What is binary ("-bin") has been encoded by the caller.
  std::vector<std::pair<std::string, std::string>> metadata = {};
  base::Nanos timeout = 0;                       // 0: none.
  uint32_t max_message_bytes = 4 * 1024 * 1024;  // Of those received, as in other gRPC clients.
  // Null: whichever host balancing picks.
  std::shared_ptr<const upstream::Host> host = nullptr;
  // All tries together have the timeout.
  CallRetries retries = {};
};

class Call final : private event::Runnable {
 public:
  // Asks for a connection at once. `on_progress` captures nothing but the owner.
  Call(base::Rc<upstream::WorkerCluster> cluster, const CallOptions& options,
       absl::AnyInvocable<void()> on_progress);
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() override;

  // Queues a message. Who sends many looks at unsent_bytes() first; it shrinks with progress.
  // REQUIRES: CloseSend was not called. No-op once done.
  void Send(absl::string_view message);
  // No message follows.
  void CloseSend();
  uint64_t unsent_bytes() const { return unsent_.size(); }

  // The next message, in order; nullopt when none is there yet. At most one is held, however many
  // the peer sends: the others wait behind the window.
  std::optional<buffer::Buffer> Receive();

  // The call is over: its status is known and no message is left.
  bool done() const { return done_; }
  // REQUIRES: done().
  Status status() const { return status_; }
  const std::string& error_message() const { return error_message_; }
  // Whether it ended because the server could not be reached, or broke off.
  bool unreachable() const { return unreachable_; }
  // The head of the response, once it is there.
  const http::ResponseHead* head() const { return head_seen_ ? &response_ : nullptr; }
  // Null when the response was its head alone, or ended early.
  const http::HeaderMap* trailers() const { return trailers_; }

 private:
  // What of the request is kept for other tries; beyond it there are none.
  static constexpr size_t kMaxKeptBytes = 64 * 1024;
  // Of a call that may be made again, until its answer begins.
  struct Retrying;

  struct Attempt final : public upstream::Exchange {
    explicit Attempt(Call& call);
    void OnProgress() override;
    Call& call;
  };

  void Run() override;
  void Advance();
  // `host`: the only one that may be asked; null: any.
  void Connect(const std::shared_ptr<const upstream::Host>* host);
  void FillHead(const CallOptions& options);
  void SendMore();
  void ReadHead();
  // Decodes until a message waits to be received or there is nothing more to decode.
  void ReadBody();
  void ReadEnd();
  void Finish(Status status, std::string message);
  void FinishFailed();
  void EndAttempt();
  // Why a policy could want another try: route::RetryOn bits.
  uint32_t RetryReasons() const;
  // Whether there is another try after a pause. REQUIRES: the attempt has ended with `reasons`.
  bool TriesAgain(uint32_t reasons);
  void TryAgain();
  // There is no other try.
  void KeepAnswer();

  event::EventLoop& loop_;
  base::Rc<upstream::WorkerCluster> cluster_;
  absl::AnyInvocable<void()> on_progress_;
  const uint32_t max_message_bytes_;

  buffer::Arena arena_;  // Of both heads: dies after what uses it.
  http::RequestHead request_;
  http::ResponseHead response_;
  FrameDecoder decoder_;
  std::optional<event::Timer> deadline_;

  buffer::Buffer unsent_;  // Framed.
  std::optional<buffer::Buffer> received_;
  // What the heads' views point into once the exchange is gone.
  buffer::Slice head_bytes_;
  buffer::Slice trailer_bytes_;
  const http::HeaderMap* trailers_ = nullptr;

  Status status_ = Status::kOk;
  std::string error_message_;
  bool counted_ = false;  // Holds one of the cluster's max_requests.
  bool head_sent_ = false;
  bool closing_ = false;  // CloseSend was called.
  bool closed_ = false;   // The end went to the codec.
  bool head_seen_ = false;
  bool timed_out_ = false;
  bool unreachable_ = false;
  bool done_ = false;
  bool* destroyed_ = nullptr;  // Set while the owner's callback runs.

  std::unique_ptr<Attempt> attempt_;    // Null: between two tries, or over.
  std::unique_ptr<Retrying> retrying_;  // Null: this try is the last.
};

// A call with one message each way.
// Owner, thread: as of Call.
class UnaryCall {
 public:
  // The status and, when it is kOk, the answer. Called once, unless the call is destroyed before.
  struct Result {
    Status status;
    std::string error_message;
    buffer::Buffer answer;
  };
  using OnDone = absl::AnyInvocable<void(Result)>;

  UnaryCall(base::Rc<upstream::WorkerCluster> cluster, const CallOptions& options,
            absl::string_view question, OnDone on_done);

 private:
  void OnProgress();

  OnDone on_done_;
  std::optional<buffer::Buffer> answer_;
  Call call_;
};

}  // namespace proxenos::rpc
