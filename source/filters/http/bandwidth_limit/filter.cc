// Waiting one's turn.
#include "source/filters/http/bandwidth_limit/filter.h"

#include <algorithm>

namespace proxenos::filters::bandwidth_limit {
namespace {

using filter::Direction;
using filter::Verdict;

// What has not been used for so long is not saved up: a second's worth may go at once.
constexpr base::Nanos kSaved = base::kSecond;

}  // namespace

base::Nanos Pace::Enter(uint64_t bytes, base::MonoTime now) {
  const auto cost =
      static_cast<base::Nanos>(static_cast<double>(bytes) / static_cast<double>(bytes_per_second_) *
                               static_cast<double>(base::kSecond));
  base::MonoTime before = through_.load(std::memory_order_relaxed);
  base::MonoTime after;
  do {
    after = std::max(before, now - kSaved) + cost;
  } while (!through_.compare_exchange_weak(before, after, std::memory_order_relaxed));
  return std::max<base::Nanos>(after - now, 0);
}

BandwidthLimit::BandwidthLimit(const Settings& settings, const filter::FilterFactory& factory,
                               filter::StreamContext& stream)
    : settings_(settings),
      enabled_(settings.enabled.Get(stream.environment.runtime)),
      stream_(stream),
      part_(static_cast<BandwidthPart*>(stream.worker_part(factory))),
      timers_{{stream.environment.loop.timers(), [this] { Release(Direction::kRequest); }},
              {stream.environment.loop.timers(), [this] { Release(Direction::kResponse); }}} {}

filter::BodyNeed BandwidthLimit::RequestBodyNeed(const filter::BodyNeed& declared) const {
  return enabled_ && settings_.request_pace != nullptr ? declared : filter::BodyNeed();
}

filter::BodyNeed BandwidthLimit::ResponseBodyNeed(const filter::BodyNeed& declared) const {
  return enabled_ && settings_.response_pace != nullptr ? declared : filter::BodyNeed();
}

Verdict BandwidthLimit::OnRequestHeaders(http::RequestHead&, bool) {
  if (part_ != nullptr && enabled_ && settings_.request_pace != nullptr) {
    part_->stats->request_enabled.Inc();
  }
  return Verdict::kContinue;
}

Verdict BandwidthLimit::OnResponseHeaders(http::ResponseHead&, bool) {
  if (part_ != nullptr && enabled_ && settings_.response_pace != nullptr) {
    part_->stats->response_enabled.Inc();
  }
  return Verdict::kContinue;
}

Verdict BandwidthLimit::Hold(Direction direction, uint64_t bytes) {
  const bool request = direction == Direction::kRequest;
  Pace& pace = request ? *settings_.request_pace : *settings_.response_pace;
  const base::Nanos wait = pace.Enter(bytes, stream_.environment.loop.now());
  if (part_ != nullptr) {
    BandwidthStats& stats = *part_->stats;
    (request ? stats.request_incoming_total_size : stats.response_incoming_total_size).Add(bytes);
    if (wait > 0) (request ? stats.request_enforced : stats.response_enforced).Inc();
  }
  if (wait == 0) return Verdict::kContinue;
  held_[static_cast<int>(direction)] = true;
  CountPending(direction, true);
  timers_[static_cast<int>(direction)].ArmIn(wait);
  return Verdict::kPause;
}

void BandwidthLimit::CountPending(Direction direction, bool begins) {
  if (part_ == nullptr) return;
  stats::Gauge& gauge = direction == Direction::kRequest ? part_->stats->request_pending
                                                         : part_->stats->response_pending;
  if (begins) {
    gauge.Inc();
  } else {
    gauge.Dec();
  }
}

void BandwidthLimit::Forget(Direction direction) {
  const int d = static_cast<int>(direction);
  timers_[d].Disarm();
  if (!held_[d]) return;
  held_[d] = false;
  CountPending(direction, false);
}

void BandwidthLimit::Release(Direction direction) {
  Forget(direction);
  stream_.Resume(*this, direction);
}

Verdict BandwidthLimit::OnRequestBody(buffer::Buffer& body, bool) {
  return body.empty() ? Verdict::kContinue : Hold(Direction::kRequest, body.size());
}

Verdict BandwidthLimit::OnResponseBody(buffer::Buffer& body, bool) {
  return body.empty() ? Verdict::kContinue : Hold(Direction::kResponse, body.size());
}

void BandwidthLimit::OnLocalReply() { OnComplete(); }

void BandwidthLimit::OnComplete() {
  Forget(Direction::kRequest);
  Forget(Direction::kResponse);
}

}  // namespace proxenos::filters::bandwidth_limit
