// Letting in, and telling how long it took.
#include "source/filters/http/adaptive_concurrency/filter.h"

#include "source/event/event_loop.h"

namespace proxenos::filters::adaptive_concurrency {

using filter::Verdict;

Verdict AdaptiveConcurrency::OnRequestHeaders(http::RequestHead&, bool) {
  if (!settings_.enabled.Get(stream_.environment.runtime) || stream_.info.health_check) {
    return Verdict::kContinue;
  }
  began_ = stream_.environment.loop.now();
  if (!settings_.gradient->Begin(began_)) {
    part_.counters->rq_blocked.Inc();
    stream_.Reply(settings_.status, "", "reached_concurrency_limit", 0);
    return Verdict::kReplied;
  }
  under_way_ = true;
  return Verdict::kContinue;
}

Verdict AdaptiveConcurrency::OnResponseHeaders(http::ResponseHead&, bool end) {
  if (end) End(/*answered=*/true);
  return Verdict::kContinue;
}

Verdict AdaptiveConcurrency::OnResponseBody(buffer::Buffer&, bool end) {
  if (end) End(/*answered=*/true);
  return Verdict::kContinue;
}

Verdict AdaptiveConcurrency::OnResponseTrailers(http::HeaderMap&) {
  End(/*answered=*/true);
  return Verdict::kContinue;
}

void AdaptiveConcurrency::End(bool answered) {
  if (!under_way_) return;
  under_way_ = false;
  event::EventLoop& loop = stream_.environment.loop;
  settings_.gradient->End(answered, began_, loop.now(), loop.random().Next());
}

}  // namespace proxenos::filters::adaptive_concurrency
