// HttpService: the ChainService of an HTTP connection manager: its configuration, its routes, its
// stats.
//
// Owner: the Listener. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/base/rc.h"
#include "source/downstream/chain_service.h"
#include "source/downstream/http_config.h"
#include "source/stats/http2_stats.h"
#include "source/stats/http_stats.h"
#include "source/stats/registry.h"

namespace proxenos::tracing {
class WorkerTracer;
}

namespace proxenos::downstream {

// The filters of a chain as one worker has them for a time. Streams pin those that they began
// with. Owner: the HttpService and its streams. Thread: the worker's.
struct FilterSet final : public base::RefCounted {
  std::shared_ptr<const filter::FilterFactories> factories;
  filter::WorkerParts parts;  // By FilterFactory::index.
};

class HttpService final : public ChainService {
 public:
  // REQUIRES: the chain has an HttpConfig.
  explicit HttpService(Parts parts);
  ~HttpService() override;

  // Chooses the codec by ALPN, else as configured.
  std::unique_ptr<Connection> Begin(Arrival arrival) override;
  std::unique_ptr<Connection> Begin(Arrival arrival, HttpConfig::Codec codec);
  base::Nanos first_bytes_timeout() const override { return config().idle_timeout; }

  const HttpConfig& config() const { return *chain().http; }
  stats::HttpStats& stats() { return *stats_; }
  stats::HttpOverloadStats& overload_stats();
  // REQUIRES: config().codec is not kHttp1.
  stats::Http2Stats& http2_stats() { return *http2_stats_; }
  // The routes for such a request; null when there are none (yet).
  base::Held<RouteSnapshot> RoutesFor(const http::RequestHead& head) const {
    if (inline_routes_) return inline_routes_;
    return cells().scopes ? RoutesOfScope(head) : cells().routes->current;
  }

  // Null where no request is traced.
  tracing::WorkerTracer* tracer() { return tracer_.get(); }

  // As they are now; never null.
  const base::Rc<FilterSet>& filters();

  // A response with `status` ended (0: none was sent).
  void CountResponse(uint32_t status);

 private:
  base::Held<RouteSnapshot> RoutesOfScope(const http::RequestHead& head) const;
  base::Rc<FilterSet> MakeFilters(std::shared_ptr<const filter::FilterFactories> factories) const;

  stats::Registry& registry_;
  base::Held<RouteSnapshot> inline_routes_;
  stats::Group<stats::HttpStats> stats_;
  stats::Group<stats::Http2Stats> http2_stats_;
  stats::Group<stats::ListenerHttpStats> listener_stats_;
  base::Rc<FilterSet> filters_;
  std::unique_ptr<tracing::WorkerTracer> tracer_;
  stats::Group<stats::HttpOverloadStats> overload_stats_;  // Opened when first needed.
};

}  // namespace proxenos::downstream
