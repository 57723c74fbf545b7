// Letting through, and waiting one's turn.
#include "source/filters/http/bandwidth_limit/filter.h"

#include <utility>

#include "absl/strings/str_cat.h"

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
  if (settings_.trailers != nullptr) {
    Times& times = times_[static_cast<int>(direction)];
    if (times.begin == 0) times.begin = stream_.environment.loop.now();
    Measure();
  }
  return verdict;
}

void BandwidthLimit::Measure() {
  const base::MonoTime now = stream_.environment.loop.now();
  for (int d = 0; d < 2; ++d) {
    Times& times = times_[d];
    // The request is over once the response has begun, or as good as that.
    if (times.begin == 0 || (d == 0 && times_[1].begin != 0 && times.pause == 0)) continue;
    if (times.pause != 0) times.waited += now - times.pause;
    times.pause = bodies_[d].waits() ? now : 0;
    times.took = now - times.begin;
  }
}

void BandwidthLimit::FillTrailers(http::HeaderMap& trailers) const {
  const auto set = [&trailers](const std::string& name, base::Nanos time) {
    const int64_t ms = time / base::kMillisecond;
    if (ms > 0) trailers.Set(absl::string_view(name), absl::StrCat(ms));
  };
  for (int d = 0; d < 2; ++d) {
    set(settings_.trailers->took[d], times_[d].took);
    set(settings_.trailers->waited[d], times_[d].waited);
  }
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

Verdict BandwidthLimit::OnResponseBody(buffer::Buffer& body, bool end) {
  const Verdict verdict = Pass(Direction::kResponse, body);
  if (settings_.trailers == nullptr || !end) return verdict;
  // There is something to tell: a piece that waits does so for milliseconds.
  if (verdict == Verdict::kPause || times_[1].took >= base::kMillisecond) {
    own_trailers_ = &stream_.AddTrailers(Direction::kResponse);
    FillTrailers(*own_trailers_);
  }
  return verdict;
}

Verdict BandwidthLimit::OnResponseTrailers(http::HeaderMap& trailers) {
  if (settings_.trailers != nullptr && times_[1].begin != 0) {
    Measure();
    FillTrailers(trailers);
  }
  return Verdict::kContinue;
}

void BandwidthLimit::OnWake() {
  for (filter::PacedBody& body : bodies_) body.OnWake();
  CountPending();
  if (settings_.trailers == nullptr) return;
  Measure();
  if (own_trailers_ != nullptr && !bodies_[1].waits()) {
    FillTrailers(*std::exchange(own_trailers_, nullptr));
  }
}

void BandwidthLimit::OnComplete() {
  own_trailers_ = nullptr;
  for (filter::PacedBody& body : bodies_) body.Drop();
  CountPending();
}

}  // namespace proxenos::filters::bandwidth_limit
