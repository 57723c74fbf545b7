// Timeouts: how long the router waits for an answer, and what it tells the origin of that.
//
// Owner: the Router. Thread: the worker's.
#pragma once

#include "source/base/clock.h"
#include "source/http/header_map.h"
#include "source/route/action.h"

namespace proxenos::filters::router {

class Timeouts {
 public:
  // As the route says, with what the request's own fields say on top, which are taken out of
  // `headers`. `grpc`: the request is a gRPC call. `per_try`: the retry policy's; 0: none.
  // `respect_expected`: what a proxy before this one wrote counts (respect_expected_rq_timeout).
  void Read(const route::Forward& forward, bool grpc, base::Nanos per_try, bool respect_expected,
            http::HeaderMap& headers);

  // From the end of the request to the end of the response. 0: none.
  base::Nanos whole() const { return whole_; }
  // From the beginning of a try to its response. 0: none.
  base::Nanos per_try() const { return per_try_; }

  // Tries go on beside those that follow them: the host of each has all that is left of whole().
  void Hedge() { hedges_ = true; }

  // Writes into `headers` how long the next try has, `elapsed` after the end of the request: into
  // x-envoy-expected-rq-timeout-ms when `tell`, and into grpc-timeout where that sets the timeout.
  void Announce(base::Nanos elapsed, bool tell, http::HeaderMap& headers) const;

 private:
  base::Nanos whole_ = 0;
  base::Nanos per_try_ = 0;
  bool rewrites_grpc_timeout_ = false;
  bool hedges_ = false;
};

}  // namespace proxenos::filters::router
