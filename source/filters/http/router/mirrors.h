// Mirrors: copies of requests that go to other clusters, whose answers nobody reads:
// RouteAction.request_mirror_policies.
//
// A copy goes out once the request is complete, with as much of the body as may be kept. Limits:
// the other cluster's max_requests, a time for each call, a size of answers.
// Owner: the worker, for all streams of one router; calls end after the streams they copy. Thread:
// the worker's.
#pragma once

#include <list>
#include <memory>

#include "source/buffer/buffer.h"
#include "source/filter/stream_context.h"
#include "source/route/action.h"
#include "source/rpc/http_call.h"

namespace proxenos::filters::router {

class Mirrors {
 public:
  // Of answers; one that is larger ends its connection.
  static constexpr uint64_t kMaxAnswerBytes = 1024 * 1024;
  static constexpr base::Nanos kMostTime = 5 * 60 * base::kSecond;

  // Sends the copies that the route's policies want of this request. `timeout`: 0 is kMostTime.
  void Send(const route::Forward& forward, filter::StreamContext& stream,
            const buffer::Buffer& body, base::Nanos timeout);

 private:
  void SendOne(const route::Mirror& mirror, filter::StreamContext& stream,
               const buffer::Buffer& body, base::Nanos timeout);

  std::list<std::unique_ptr<rpc::HttpCall>> calls_;
};

}  // namespace proxenos::filters::router
