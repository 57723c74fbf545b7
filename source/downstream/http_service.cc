// Opening the stats of a filter chain.
#include "source/downstream/http_service.h"

#include <optional>
#include <string>
#include <utility>

#include "source/downstream/http1_connection.h"
#include "source/downstream/http2_connection.h"
#include "source/downstream/listener.h"
#include "source/stats/scope.h"
#include "source/tracing/worker_tracer.h"

namespace proxenos::downstream {

HttpService::HttpService(Parts parts) : ChainService(std::move(parts)), registry_(parts.registry) {
  const HttpConfig& http = config();
  stats::Registry& registry = registry_;
  if (http.routes != nullptr) inline_routes_ = base::Hold(http.routes);
  stats_ = registry.Open<stats::HttpStats>(stats::HttpScope(http.stat_prefix));
  if (http.codec != HttpConfig::Codec::kHttp1) {
    http2_stats_ = registry.Open<stats::Http2Stats>(stats::ScopeName(stats::kHttp2Scope, {}));
  }
  listener_stats_ = registry.Open<stats::ListenerHttpStats>(
      stats::ListenerHttpScope(parts.address, http.stat_prefix));
  // Those that do not come by discovery live in the configuration itself.
  filters_ = MakeFilters({chain().http, &http.filters});
  if (http.tracing != nullptr) {
    tracer_ = std::make_unique<tracing::WorkerTracer>(
        http.tracing, tracing::WorkerTracer::Lent{listener().environment(), registry,
                                                  http.stat_prefix, listener().config().outbound});
  }
}

HttpService::~HttpService() = default;

base::Rc<FilterSet> HttpService::MakeFilters(
    std::shared_ptr<const filter::FilterFactories> factories) const {
  auto made = std::make_unique<FilterSet>();
  for (size_t i = 0; i < factories->size(); ++i) {
    // A filter that stays keeps what it has here.
    const bool stays =
        filters_ && i < filters_->factories->size() && (*filters_->factories)[i] == (*factories)[i];
    if (stays) {
      made->parts.push_back(filters_->parts[i]);
    } else {
      made->parts.emplace_back((*factories)[i]->MakeWorkerPart(registry_, config().stat_prefix));
      if (made->parts.back()) made->parts.back()->Start(listener().environment());
    }
  }
  made->factories = std::move(factories);
  return base::Rc<FilterSet>(std::move(made));
}

stats::HttpOverloadStats& HttpService::overload_stats() {
  if (!overload_stats_) {
    overload_stats_ =
        registry_.Open<stats::HttpOverloadStats>(stats::HttpScope(config().stat_prefix));
  }
  return *overload_stats_;
}

base::Held<RouteSnapshot> HttpService::RoutesOfScope(const http::RequestHead& head) const {
  const ScopeCell& scopes = *cells().scopes;
  std::string room;
  const auto key = config().scopes->key.Build(head, room);
  if (scopes.table == nullptr || !key) return base::Held<RouteSnapshot>();
  const std::optional<uint32_t> found = scopes.table->Find(*key);
  return found ? scopes.routes[*found]->current : base::Held<RouteSnapshot>();
}

const base::Rc<FilterSet>& HttpService::filters() {
  if (cells().filters && cells().filters->current != nullptr &&
      cells().filters->current != filters_->factories) {
    filters_ = MakeFilters(cells().filters->current);
  }
  return filters_;
}

std::unique_ptr<Connection> HttpService::Begin(Arrival arrival) {
  HttpConfig::Codec codec = config().codec;
  const net::Transport* transport = arrival.socket.transport();
  if (codec == HttpConfig::Codec::kAuto && transport != nullptr) {
    const absl::string_view protocol = transport->protocol();
    if (protocol == "h2") {
      codec = HttpConfig::Codec::kHttp2;
    } else if (!protocol.empty()) {
      codec = HttpConfig::Codec::kHttp1;
    }
  }
  return Begin(std::move(arrival), codec);
}

std::unique_ptr<Connection> HttpService::Begin(Arrival arrival, HttpConfig::Codec codec) {
  if (codec == HttpConfig::Codec::kHttp2) {
    return std::make_unique<Http2Connection>(*this, std::move(arrival));
  }
  return std::make_unique<Http1Connection>(*this, std::move(arrival),
                                           codec == HttpConfig::Codec::kAuto);
}

void HttpService::CountResponse(uint32_t status) {
  stats::CountDownstreamResponse(*stats_, status);
  stats::CountDownstreamResponse(*listener_stats_, status);
}

}  // namespace proxenos::downstream
