// Router::Hedges: the attempts that took too long and go on while those that follow them are under
// way (HedgePolicy.hedge_on_per_try_timeout): the first good answer of any of them is the answer.
//
// Each attempt is followed by at most one other, so that these are never tried again: the latest
// one is the router's attempt_, and what comes of these only ends them or makes one of them that.
// Owner: the Router. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "source/filters/http/router/router.h"

namespace proxenos::filters::router {

// What the access log shows of the host that answered.
struct HostFacts {
  net::Address remote;
  const net::Address* peer = nullptr;  // In the stream's arena; may be null.
  net::Address local;
  absl::string_view name;
  const std::string* metadata = nullptr;
  uint64_t connection_id = 0;
  std::optional<http::Version> protocol;
  base::Rc<tls::SessionInfo> tls;

  static HostFacts Of(const filter::StreamInfo& info);
  void Tell(filter::StreamInfo& info) const;
};

// One that was set aside, when its request was complete.
struct Router::Earlier {
  std::unique_ptr<Attempt> attempt;
  HostFacts facts;
  buffer::Buffer rest;  // Of the request's body, still to be sent to it.
};

struct Router::Hedges {
  std::vector<Earlier> earlier;  // As many as there may be retries, at most.
};

}  // namespace proxenos::filters::router
