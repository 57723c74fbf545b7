// The newest gaps and resets, each in a ring that grows to its bound.
#include "source/http2/stream_history.h"

#include <algorithm>

namespace proxenos::http2 {
namespace {

constexpr uint32_t kMaxSkipped = 16;
// As many streams as a client may usually have under way, all of which may be reset at once. Where
// it may have more, what is forgotten is not held against it.
constexpr uint32_t kMaxGivenUp = 128;

template <typename T>
void Remember(std::vector<T>& ring, uint32_t& next, uint32_t bound, T entry) {
  if (ring.size() < bound) {
    ring.push_back(entry);
    return;
  }
  ring[next] = entry;
  next = (next + 1) % bound;
}

}  // namespace

void StreamHistory::Open(int32_t id) {
  if (id > last_ + 2) {
    Remember(skipped_, next_skipped_, kMaxSkipped, std::make_pair(last_ + 2, id - 2));
  }
  last_ = std::max(last_, id);
}

void StreamHistory::GiveUp(int32_t id) {
  if (Of(id) == Past::kGivenUp) return;
  if (given_up_.size() == kMaxGivenUp) {
    forgotten_ = std::max(forgotten_, given_up_[next_given_up_]);
  }
  Remember(given_up_, next_given_up_, kMaxGivenUp, id);
}

StreamHistory::Past StreamHistory::Of(int32_t id) const {
  // First: a refused stream was never opened, so it lies in a gap too.
  if (std::find(given_up_.begin(), given_up_.end(), id) != given_up_.end()) return Past::kGivenUp;
  if (id <= forgotten_) return Past::kGivenUp;
  if (id > last_) return Past::kNone;
  for (const auto& [first, last] : skipped_) {
    if (first <= id && id <= last) return Past::kSkipped;
  }
  return Past::kEnded;
}

}  // namespace proxenos::http2
