// Seconds come and go.
#include "source/filters/http/admission_control/success_history.h"

#include <algorithm>

namespace proxenos::filters::admission_control {

void SuccessHistory::Forget(base::MonoTime now) {
  while (!seconds_.empty() && now - seconds_.front().begin >= window_) {
    sum_.requests -= seconds_.front().counts.requests;
    sum_.successes -= seconds_.front().counts.successes;
    seconds_.pop_front();
  }
}

void SuccessHistory::Record(bool success, base::MonoTime now) {
  Forget(now);
  if (seconds_.empty() || now - seconds_.back().begin >= base::kSecond) {
    seconds_.push_back({now, {}});
  }
  for (Counts* counts : {&seconds_.back().counts, &sum_}) {
    ++counts->requests;
    if (success) ++counts->successes;
  }
}

SuccessHistory::Counts SuccessHistory::CountsAt(base::MonoTime now) {
  Forget(now);
  return sum_;
}

uint64_t SuccessHistory::RateAt(base::MonoTime now) {
  Forget(now);
  if (seconds_.empty()) return 0;
  const base::Nanos age = now - seconds_.front().begin;
  return sum_.requests / static_cast<uint64_t>(std::max<base::Nanos>(age / base::kSecond, 1));
}

}  // namespace proxenos::filters::admission_control
