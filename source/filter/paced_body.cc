// Asking the pace, injecting, waiting.
#include "source/filter/paced_body.h"

#include <utility>

namespace proxenos::filter {

PacedBody::PacedBody(StreamContext& stream, HttpFilter& filter, Direction direction)
    : stream_(stream),
      filter_(filter),
      direction_(direction),
      timer_(stream.environment.loop.timers(), [this] {
        due_ = true;
        stream_.Wake(filter_);
      }) {}

Verdict PacedBody::OnBody(base::BytePace& pace, buffer::Buffer& body) {
  if (body.empty()) return Verdict::kContinue;
  const base::BytePace::Grant grant = pace.Take(body.size(), stream_.environment.loop.now());
  if (grant.wait == 0) return Verdict::kContinue;
  pace_ = &pace;
  paid_ = grant.bytes == body.size();
  timer_.ArmIn(grant.wait);
  if (!paid_) {
    rest_.AppendFrom(body, body.size() - 1);
    Inject(grant.bytes);
  }
  return Verdict::kPause;
}

void PacedBody::Inject(uint64_t bytes) {
  buffer::Buffer part;
  part.AppendFrom(rest_, bytes);
  stream_.Inject(filter_, direction_, std::move(part));
}

// A wait is over, or what was injected last has gone on, if only to another filter.
void PacedBody::OnWake() {
  if (pace_ == nullptr || !due_ || stream_.injecting(filter_, direction_)) return;
  if (!paid_) {
    const base::BytePace::Grant grant =
        pace_->Take(rest_.size() + 1, stream_.environment.loop.now());
    paid_ = grant.bytes == rest_.size() + 1;
    due_ = grant.wait == 0;
    if (!due_) timer_.ArmIn(grant.wait);
    if (const uint64_t bytes = paid_ ? rest_.size() : grant.bytes; bytes > 0) return Inject(bytes);
    if (!due_) return;
  }
  Drop();
  stream_.Resume(filter_, direction_);
}

void PacedBody::Drop() {
  timer_.Disarm();
  rest_.Clear();
  pace_ = nullptr;
  paid_ = due_ = false;
}

}  // namespace proxenos::filter
