// HealthCheck: answers health checks of load balancers in front of the proxy, or marks those that
// pass, by whether the proxy was told to fail them and by the health of clusters.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/route/header_matcher.h"

namespace proxenos::filters::health_check {

// envoy.extensions.filters.http.health_check.v3.HealthCheck
struct HealthCheckConfig {
  struct ClusterShare {
    std::string cluster;
    double percent;  // Of its hosts that must be healthy or degraded.
  };
  bool pass_through = false;
  std::vector<route::HeaderMatcher> headers;  // All must match.
  std::vector<ClusterShare> clusters;
};

class HealthCheck final : public filter::HttpFilter {
 public:
  HealthCheck(const HealthCheckConfig& config, filter::StreamContext& stream)
      : config_(config), stream_(stream) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;

 private:
  void Answer();

  const HealthCheckConfig& config_;
  filter::StreamContext& stream_;
  bool checked_ = false;  // The request was one.
};

}  // namespace proxenos::filters::health_check
