// Letting through, and waiting one's turn.
#include "source/filters/http/bandwidth_limit/filter.h"

namespace proxenos::filters::bandwidth_limit {

using filter::Direction;
using filter::Verdict;

BandwidthLimit::BandwidthLimit(const Settings& settings, const filter::FilterFactory& factory,
                               filter::StreamContext& stream)
    : settings_(settings),
      enabled_(settings.enabled.Get(stream.environment.runtime)),
      stream_(stream),
      part_(static_cast<BandwidthPart*>(stream.worker_part(factory))),
      bodies_{{stream, *this, Direction::kRequest}, {stream, *this, Direction::kResponse}} {}

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

Verdict BandwidthLimit::Pass(Direction direction, buffer::Buffer& body) {
  const bool request = direction == Direction::kRequest;
  const uint64_t bytes = body.size();
  const Verdict verdict = bodies_[static_cast<int>(direction)].OnBody(
      request ? *settings_.request_pace : *settings_.response_pace, body);
  if (part_ != nullptr) {
    BandwidthStats& stats = *part_->stats;
    (request ? stats.request_incoming_total_size : stats.response_incoming_total_size).Add(bytes);
    if (verdict == Verdict::kPause) {
      (request ? stats.request_enforced : stats.response_enforced).Inc();
    }
  }
  CountPending();
  return verdict;
}

void BandwidthLimit::CountPending() {
  if (part_ == nullptr) return;
  stats::Gauge* const gauges[2] = {&part_->stats->request_pending, &part_->stats->response_pending};
  for (int d = 0; d < 2; ++d) {
    if (bodies_[d].waits() == counted_[d]) continue;
    counted_[d] = !counted_[d];
    if (counted_[d]) {
      gauges[d]->Inc();
    } else {
      gauges[d]->Dec();
    }
  }
}

Verdict BandwidthLimit::OnRequestBody(buffer::Buffer& body, bool) {
  return Pass(Direction::kRequest, body);
}

Verdict BandwidthLimit::OnResponseBody(buffer::Buffer& body, bool) {
  return Pass(Direction::kResponse, body);
}

void BandwidthLimit::OnWake() {
  for (filter::PacedBody& body : bodies_) body.OnWake();
  CountPending();
}

void BandwidthLimit::OnComplete() {
  for (filter::PacedBody& body : bodies_) body.Drop();
  CountPending();
}

}  // namespace proxenos::filters::bandwidth_limit
