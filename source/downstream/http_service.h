// HttpService: what the connections of one filter chain share on one worker: its configuration, its
// routes, its stats.
//
// Owner: the Listener. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "source/base/rc.h"
#include "source/downstream/http_config.h"
#include "source/stats/http2_stats.h"
#include "source/stats/http_stats.h"
#include "source/stats/registry.h"
#include "source/tls/server_context.h"

namespace proxenos::downstream {

class Listener;

class HttpService {
 public:
  // `chain` outlives it; `address` is the listener's, as stats name it.
  HttpService(Listener& listener, const ChainConfig& chain, ChainCells cells,
              stats::Registry& registry, const std::string& address);
  HttpService(const HttpService&) = delete;
  HttpService& operator=(const HttpService&) = delete;

  Listener& listener() { return listener_; }
  const ChainConfig& chain() const { return chain_; }
  const HttpConfig& config() const { return *chain_.http; }
  stats::HttpStats& stats() { return *stats_; }
  // REQUIRES: config().codec is not kHttp1.
  stats::Http2Stats& http2_stats() { return *http2_stats_; }
  base::Held<RouteSnapshot> routes() const {
    return inline_routes_ ? inline_routes_ : cells_.routes->current;
  }

  // What its filters keep here, in their order.
  absl::Span<const std::unique_ptr<filter::WorkerPart>> filter_parts() const {
    return filter_parts_;
  }
  // Null without TLS, and until the secrets are there.
  base::Held<tls::ServerContext> tls_context() const {
    return cells_.tls ? cells_.tls->current : base::Held<tls::ServerContext>();
  }

  uint32_t connection_buffer_bytes() const;

  // A response with `status` ended (0: none was sent).
  void CountResponse(uint32_t status);

 private:
  Listener& listener_;
  const ChainConfig& chain_;
  const ChainCells cells_;
  base::Held<RouteSnapshot> inline_routes_;
  stats::Group<stats::HttpStats> stats_;
  stats::Group<stats::Http2Stats> http2_stats_;
  stats::Group<stats::ListenerHttpStats> listener_stats_;
  std::vector<std::unique_ptr<filter::WorkerPart>> filter_parts_;
};

}  // namespace proxenos::downstream
