// Feeding and following.
#include "source/cache/fill.h"

#include <utility>

#include "source/base/check.h"

namespace proxenos::cache {

void Fill::Open(std::shared_ptr<const StoredHead> head) {
  const std::lock_guard<std::mutex> lock(mutex_);
  DCHECK(state_ == State::kWaiting);
  builder_.emplace(head->content_length);
  state_ = State::kStreaming;
  head_ = std::move(head);
  Tell();
}

void Fill::Append(absl::string_view bytes) {
  if (bytes.empty()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  builder_->Append(bytes);
  Tell();
}

void Fill::End(State state) {
  const std::lock_guard<std::mutex> lock(mutex_);
  state_ = state;
  Tell();
}

std::shared_ptr<const StoredHead> Fill::head() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return head_;
}

int Fill::followers() {
  const std::lock_guard<std::mutex> lock(mutex_);
  int count = 0;
  for (Follower* one = followers_.front(); one != nullptr; one = followers_.Next(one)) ++count;
  return count;
}

void Fill::Tell() {
  for (Follower* one = followers_.front(); one != nullptr; one = followers_.Next(one)) {
    one->Notify();
  }
}

// tidy: allow shared-mutable: leader and followers live on different workers; Fill locks.
Follower::Follower(std::shared_ptr<Fill> fill, event::EventLoop& loop,
                   absl::AnyInvocable<void()> on_progress)
    : fill_(std::move(fill)),
      loop_(loop),
      on_progress_(std::move(on_progress)),
      // tidy: allow shared-mutable: held by posts under way, which outlive the follower.
      address_(std::make_shared<Address>(Address{this})) {
  const std::lock_guard<std::mutex> lock(fill_->mutex_);
  fill_->followers_.PushBack(this);
  Notify();  // Something may be there already.
}

Follower::~Follower() {
  address_->follower = nullptr;
  const std::lock_guard<std::mutex> lock(fill_->mutex_);
  Unlink();
}

// A loop outlives the followers on it, and one that is in the list is alive: posting is safe.
void Follower::Notify() {
  if (posted_) return;
  posted_ = true;
  loop_.Post([address = address_] {
    if (address->follower != nullptr) address->follower->on_progress_();
  });
}

Follower::Progress Follower::Look() {
  const std::lock_guard<std::mutex> lock(fill_->mutex_);
  posted_ = false;
  return Progress{fill_->state_, fill_->head_,
                  fill_->builder_.has_value() ? fill_->builder_->body().size() : 0};
}

void Follower::Read(uint64_t first, uint64_t count, buffer::Buffer& out) const {
  const std::lock_guard<std::mutex> lock(fill_->mutex_);
  fill_->builder_->body().AppendTo(out, first, count);
}

}  // namespace proxenos::cache
