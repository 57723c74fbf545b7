// Retry: when a request may be tried again, how often, and after what time: the route's policy with
// what the request's own x-envoy-* fields say on top.
//
// Owner: the Router. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/base/random.h"
#include "source/http/message.h"
#include "source/route/action.h"

namespace proxenos::filters::router {

class Retry {
 public:
  // Takes the policy and the request's fields, which it removes from `head`.
  void Begin(const route::Forward& forward, http::RequestHead& head);

  // 0: none.
  base::Nanos per_try_timeout() const { return per_try_timeout_; }
  base::Nanos per_try_idle_timeout() const {
    return policy_ == nullptr ? 0 : policy_->per_try_idle_timeout.value_or(0);
  }
  // Whether a try that takes longer than that goes on beside the one that follows it.
  bool hedges() const { return hedges_; }
  // Whether anything at all is retried.
  bool any() const { return on_ != 0; }
  // Whether one of `reasons` (route::RetryOn bits) is among those to be retried.
  bool Wants(uint32_t reasons) const { return (on_ & reasons) != 0; }
  // Why a response might be retried: RetryOn bits.
  uint32_t ReasonsOf(const http::ResponseHead& head) const;

  // Retries that are left.
  uint32_t left() const { return left_; }
  void CountOne() { --left_; }
  // How long `head` asks to wait before the next try; 0: it does not say.
  base::Nanos ToldWait(const http::ResponseHead& head, base::WallTime now) const;
  // How long to wait so that not all who were told so come at once.
  static base::Nanos Spread(base::Nanos told, base::Random& random);
  // How long to wait before the try that follows `attempts`.
  base::Nanos BackOff(uint32_t attempts, base::Random& random) const;

 private:
  // What of responses the request itself wants to be retried, besides what its policy says.
  struct Wishes {
    std::vector<uint32_t> statuses;
    std::vector<std::string> headers;  // In lower case.
  };

  // x-envoy-retriable-status-codes and x-envoy-retriable-header-names.
  void TakeWishes(http::HeaderMap& headers);
  uint32_t ReasonsByWishes(const http::ResponseHead& head) const;

  const route::RetryPolicy* policy_ = nullptr;
  std::unique_ptr<const Wishes> wishes_;  // Null: none, as of nearly all requests.
  base::Nanos per_try_timeout_ = 0;
  uint32_t on_ = 0;
  uint32_t left_ = 0;
  bool hedges_ = false;
};

}  // namespace proxenos::filters::router
