// Connecting, sending, receiving.
#include "source/redis/client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/redis/command.h"
#include "source/upstream/client_stream.h"
#include "source/upstream/connection_kind.h"

namespace proxenos::redis {
namespace {

using upstream::Exchange;

constexpr base::Nanos kMinPause = 100 * base::kMillisecond;
constexpr base::Nanos kMaxPause = 10 * base::kSecond;
// A connection that lasted as long shows that there is no reason to wait.
constexpr base::Nanos kStable = 10 * base::kSecond;
constexpr base::Nanos kOld = 300 * base::kSecond;
constexpr uint64_t kReadBytes = 256 * 1024;  // Held before the server is not read any more.

// What says that this server, as it is now, is not the one to talk to.
bool IsNoServer(absl::string_view error) {
  return absl::StartsWith(error, "READONLY") || absl::StartsWith(error, "LOADING") ||
         absl::StartsWith(error, "MASTERDOWN") || absl::StartsWith(error, "NOAUTH");
}

}  // namespace

void Call::Cancel() {
  if (slot_ != nullptr) slot_->call = nullptr;
  slot_ = nullptr;
}

Client::Attempt::Attempt(Client& client) : Exchange(client.head_), owner(client) {
  body_limit = kReadBytes;
}

void Client::Attempt::OnProgress() { owner.loop_.Schedule(&owner); }

Client::Client(event::EventLoop& loop, upstream::ClusterMap& clusters, const Options& options,
               ClientStats& stats, absl::AnyInvocable<void()> on_change)
    : loop_(loop),
      clusters_(clusters),
      options_(options),
      stats_(stats),
      on_change_(std::move(on_change)),
      head_(arena_),
      pause_(kMinPause),
      retry_(loop.timers(),
             [this] {
               due_ = true;
               loop_.Schedule(this);
             }),
      deadline_(loop.timers(), [this] { loop_.Schedule(this); }) {
  retry_.ArmIn(1);  // In a turn of its own.
}

Client::~Client() {
  if (ready()) stats_.cx_ready.Dec();
  for (Call::Slot& slot : waiting_) {
    if (slot.call != nullptr) slot.call->slot_ = nullptr;
  }
}

void Client::Connect() {
  stats_.cx_total.Inc();
  cluster_ = clusters_.Find(options_.cluster);
  state_ = State::kConnecting;
  reader_.emplace(options_.replies);
  if (!cluster_) {
    Lose();
    return;
  }
  attempt_ = std::make_unique<Attempt>(*this);
  upstream::ConnectionNeeds needs;
  needs.raw = true;
  attempt_->needs = &needs;
  cluster_->Acquire(*attempt_);
  attempt_->needs = nullptr;
}

void Client::Run() {
  if (due_) {
    due_ = false;
    if (attempt_ != nullptr) {
      pause_ = 0;
      return Lose();
    }
    Connect();
  }
  if (attempt_ == nullptr || attempt_->state == Exchange::State::kIdle ||
      attempt_->state == Exchange::State::kPending) {
    return;
  }
  if (attempt_->state == Exchange::State::kFailed) return Lose();
  if (state_ == State::kConnecting) Greet();
  if (!Receive()) return Lose();
  // A server that ends its direction will not answer any more.
  if (attempt_->end || attempt_->state != Exchange::State::kActive) return Lose();
  if (!waiting_.empty() && loop_.now() >= waiting_.front().deadline) {
    stats_.rq_timeout.Inc();
    return Lose();
  }
  Flush();
  ArmDeadline();
}

// Who we are, and that somebody is there; all in one go.
void Client::Greet() {
  state_ = State::kGreeting;
  if (!options_.password.empty()) {
    ++greetings_;
    if (options_.username.empty()) {
      AppendCommand({"AUTH", options_.password}, unsent_);
    } else {
      AppendCommand({"AUTH", options_.username, options_.password}, unsent_);
    }
  }
  if (options_.database != 0) {
    ++greetings_;
    AppendCommand({"SELECT", absl::StrCat(options_.database)}, unsent_);
  }
  ++greetings_;
  AppendCommand({"PING"}, unsent_);
  for (size_t i = 0; i < greetings_; ++i) {
    waiting_.push_back({nullptr, loop_.now() + options_.timeout});
  }
}

bool Client::Receive() {
  uint64_t taken = 0;
  while (!attempt_->body.empty()) {
    const buffer::Slice slice = attempt_->body.PopFront();
    taken += slice.size();
    absl::string_view bytes = slice.view();
    Reply reply;
    ReplyReader::Status status;
    while ((status = reader_->Next(&bytes, &reply)) == ReplyReader::Status::kReply) {
      if (!OnReply(reply)) return false;
    }
    if (status == ReplyReader::Status::kBroken) {
      stats_.protocol_error.Inc();
      return false;
    }
  }
  if (taken > 0) attempt_->BodyTaken(taken);
  return true;
}

bool Client::OnReply(const Reply& reply) {
  if (reply.push) return true;  // We asked for none.
  if (waiting_.empty()) {
    stats_.protocol_error.Inc();
    return false;
  }
  Call* const call = waiting_.front().call;
  waiting_.pop_front();
  const bool error = reply.kind == Reply::Kind::kError;
  if (error) stats_.rq_error.Inc();
  if (state_ == State::kGreeting) {
    if (error) {
      stats_.cx_refused.Inc();
      return false;
    }
    if (--greetings_ == 0) OnGreeted();
    return true;
  }
  if (call != nullptr) {
    call->slot_ = nullptr;
    call->on_answer_(&reply);
  }
  return !error || !IsNoServer(reply.text);
}

void Client::OnGreeted() {
  state_ = State::kReady;
  stats_.cx_ready.Inc();
  ready_since_ = loop_.now();
  if (on_change_ != nullptr) on_change_();
}

bool Client::Send(buffer::Buffer commands, Call* call, size_t count) {
  if (!ready()) return false;
  if (waiting_.size() + count > options_.max_waiting ||
      unsent_.size() + commands.size() > options_.max_unsent_bytes) {
    stats_.rq_overflow.Inc();
    return false;
  }
  stats_.rq_total.Add(count);
  unsent_.Append(std::move(commands));
  for (size_t i = 0; i < count; ++i) {
    waiting_.push_back({nullptr, loop_.now() + options_.timeout});
  }
  if (call != nullptr) {
    DCHECK(call->slot_ == nullptr);
    waiting_.back().call = call;
    call->slot_ = &waiting_.back();  // Stays where it is: a deque's ends alone change.
  }
  loop_.Schedule(this);
  return true;
}

void Client::Flush() {
  upstream::ClientStream* stream = attempt_->stream.get();
  if (stream != nullptr && !unsent_.empty()) stream->SendBody(unsent_, /*end=*/false, nullptr);
}

void Client::ArmDeadline() {
  if (waiting_.empty()) {
    deadline_.Disarm();
  } else {
    deadline_.ArmAt(waiting_.front().deadline);
  }
}

void Client::Renew() {
  if (!ready() || loop_.now() - ready_since_ < kOld) return;
  due_ = true;
  loop_.Schedule(this);
}

void Client::Lose() {
  const bool was_ready = ready();
  (was_ready ? stats_.cx_lost : stats_.cx_failed).Inc();
  if (was_ready) {
    stats_.cx_ready.Dec();
    if (pause_ != 0 && loop_.now() - ready_since_ >= kStable) pause_ = kMinPause;
  }
  state_ = State::kWaiting;
  attempt_.reset();
  cluster_.reset();
  unsent_.Clear();
  deadline_.Disarm();
  greetings_ = 0;
  const base::Nanos half = pause_ / 2;
  retry_.ArmIn(1 + half +
               static_cast<base::Nanos>(loop_.random().Below(static_cast<uint64_t>(half) + 1)));
  pause_ = std::clamp(2 * pause_, kMinPause, kMaxPause);
  // What is told may ask again, and is refused.
  std::deque<Call::Slot> lost = std::exchange(waiting_, {});
  for (Call::Slot& slot : lost) {
    Call* const call = slot.call;
    if (call == nullptr) continue;
    call->slot_ = nullptr;
    call->on_answer_(nullptr);
  }
  if (was_ready && on_change_ != nullptr) on_change_();
}

}  // namespace proxenos::redis
