// HttpService: what the connections of one filter chain share on one worker: its configuration, its
// routes, its stats.
//
// Owner: the Listener. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/base/rc.h"
#include "source/downstream/http_config.h"
#include "source/stats/http2_stats.h"
#include "source/stats/http_stats.h"
#include "source/stats/registry.h"
#include "source/tls/server_context.h"

namespace proxenos::downstream {

class Listener;

// The filters of a chain as one worker has them for a time. Streams pin those that they began
// with. Owner: the HttpService and its streams. Thread: the worker's.
struct FilterSet final : public base::RefCounted {
  std::shared_ptr<const filter::FilterFactories> factories;
  filter::WorkerParts parts;  // By FilterFactory::index.
};

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
  // The routes for such a request; null when there are none (yet).
  base::Held<RouteSnapshot> RoutesFor(const http::RequestHead& head) const {
    if (inline_routes_) return inline_routes_;
    return cells_.scopes ? RoutesOfScope(head) : cells_.routes->current;
  }

  // As they are now; never null.
  const base::Rc<FilterSet>& filters();
  // Null without TLS, and until the secrets are there.
  base::Held<tls::ServerContext> tls_context() const {
    return cells_.tls ? cells_.tls->current : base::Held<tls::ServerContext>();
  }

  uint32_t connection_buffer_bytes() const;

  // A response with `status` ended (0: none was sent).
  void CountResponse(uint32_t status);

 private:
  base::Held<RouteSnapshot> RoutesOfScope(const http::RequestHead& head) const;
  base::Rc<FilterSet> MakeFilters(std::shared_ptr<const filter::FilterFactories> factories) const;

  Listener& listener_;
  const ChainConfig& chain_;
  const ChainCells cells_;
  stats::Registry& registry_;
  base::Held<RouteSnapshot> inline_routes_;
  stats::Group<stats::HttpStats> stats_;
  stats::Group<stats::Http2Stats> http2_stats_;
  stats::Group<stats::ListenerHttpStats> listener_stats_;
  base::Rc<FilterSet> filters_;
};

}  // namespace proxenos::downstream
