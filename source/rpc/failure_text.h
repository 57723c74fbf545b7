// Words for why no connection could be had, in errors of calls of our own.
#pragma once

#include "absl/strings/string_view.h"
#include "source/upstream/exchange.h"

namespace proxenos::rpc {

inline absl::string_view FailureText(upstream::PoolFailure failure) {
  using upstream::PoolFailure;
  switch (failure) {
    case PoolFailure::kNone:
      break;
    case PoolFailure::kNoHealthyHost:
      return "no healthy upstream";
    case PoolFailure::kOverflow:
      return "too many requests to the cluster";
    case PoolFailure::kConnectFailure:
      return "connect failure";
    case PoolFailure::kTransportFailure:
      return "TLS failure";
    case PoolFailure::kConnectTimeout:
      return "connect timeout";
  }
  return "";
}

}  // namespace proxenos::rpc
