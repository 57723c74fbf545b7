// Fill: a response on its way from the origin into a store, and those who wait for it or read it
// while it comes (request collapsing, RFC 9111, section 4).
//
// One stream, the leader, forwards the request and feeds the fill; followers, on any worker, first
// wait for the head and then read what has come of the body, as views. A fill ends in one of the
// ways of State. What is shared is changed under one lock for a moment, and followers are told by
// a post to their own loop: nobody is ever called under it.
// Owner: the leader, the followers and the store's list of fills. Thread: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "source/base/intrusive_list.h"
#include "source/cache/key.h"
#include "source/cache/stored_response.h"
#include "source/event/event_loop.h"

namespace proxenos::cache {

class Follower;

class Fill {
 public:
  //  kWaiting --Open--> kStreaming --Complete--> kComplete
  //     |  |                 \------Break------> kBroken
  //     |  +--Settle--> kSettled
  //     +-----Refuse--> kRefused      (and so kAbandoned, kFailed)
  enum class State : uint8_t {
    kWaiting,    // Nothing has come yet.
    kStreaming,  // Head and some of the body.
    kComplete,   // All of it.
    kBroken,     // No more will come.
    kSettled,    // What is stored is valid again: look it up.
    kRefused,    // Nobody but the leader may have it.
    kFailed,     // The origin answered with an error, or not at all.
    kAbandoned,  // The leader left before anything came: another may lead.
  };

  // Whether others with the same URL may follow it.
  enum class Sharing : uint8_t { kShared, kAlone };

  Fill(Key key, Sharing sharing) : key_(std::move(key)), sharing_(sharing) {}
  Fill(const Fill&) = delete;
  Fill& operator=(const Fill&) = delete;

  const Key& key() const { return key_; }
  Sharing sharing() const { return sharing_; }

  // For the leader.
  void Open(std::shared_ptr<const StoredHead> head);
  void Append(absl::string_view bytes);
  void Complete() { End(State::kComplete); }
  void Break() { End(State::kBroken); }
  void Settle() { End(State::kSettled); }
  void Refuse() { End(State::kRefused); }
  void Fail() { End(State::kFailed); }
  // REQUIRES: the store's list does not have it any more, or who looks again finds it again.
  void Abandon() { End(State::kAbandoned); }
  // What has come so far. REQUIRES: Open was called.
  const Body& body() const { return builder_->body(); }

  // It must not be stored any more: its URL was purged or changed meanwhile.
  void Doom() { doomed_.store(true, std::memory_order_relaxed); }
  bool doomed() const { return doomed_.load(std::memory_order_relaxed); }

  // Null before Open.
  std::shared_ptr<const StoredHead> head();
  // How many follow now; for tests.
  int followers();

 private:
  friend class Follower;
  void End(State state);
  void Tell();  // REQUIRES: mutex_ is held.

  const Key key_;
  const Sharing sharing_;
  std::atomic<bool> doomed_{false};

  std::mutex mutex_;
  // Guarded by mutex_; the leader, who alone changes them, reads them without.
  State state_ = State::kWaiting;
  std::shared_ptr<const StoredHead> head_;
  std::optional<BodyBuilder> builder_;
  base::IntrusiveList<Follower> followers_;
};

// One stream's view of a fill. Owner: the stream's filter; its destructor leaves. Thread: the
// stream's worker.
class Follower final : public base::ListNode<> {
 public:
  // `on_progress` is called on `loop`'s thread in a later turn, at least once after anything
  // changed; it captures nothing but the owner.
  // tidy: allow shared-mutable: leader and followers live on different workers; Fill locks.
  Follower(std::shared_ptr<Fill> fill, event::EventLoop& loop,
           absl::AnyInvocable<void()> on_progress);
  ~Follower();

  struct Progress {
    Fill::State state = Fill::State::kWaiting;
    std::shared_ptr<const StoredHead> head;  // Null while waiting.
    uint64_t size = 0;                       // Of the body so far.
  };
  Progress Look();
  // Appends [first, first + count) of the body. REQUIRES: within the size that Look found.
  void Read(uint64_t first, uint64_t count, buffer::Buffer& out) const;

 private:
  friend class Fill;
  // Where posts find the follower, for as long as it lives. Touched on the loop's thread alone.
  struct Address {
    Follower* follower;
  };
  void Notify();  // REQUIRES: the fill's mutex is held.

  // tidy: allow shared-mutable: as above.
  const std::shared_ptr<Fill> fill_;
  event::EventLoop& loop_;
  absl::AnyInvocable<void()> on_progress_;
  // tidy: allow shared-mutable: held by posts under way, which outlive the follower.
  const std::shared_ptr<Address> address_;
  bool posted_ = false;  // Guarded by the fill's mutex.
};

}  // namespace proxenos::cache
