// Opening the stats of a filter chain.
#include "source/downstream/http_service.h"

#include <optional>
#include <string>
#include <utility>

#include "source/downstream/listener.h"
#include "source/stats/scope.h"

namespace proxenos::downstream {

HttpService::HttpService(Listener& listener, const ChainConfig& chain, ChainCells cells,
                         stats::Registry& registry, const std::string& address)
    : listener_(listener), chain_(chain), cells_(std::move(cells)), registry_(registry) {
  const HttpConfig& http = *chain.http;
  if (http.routes != nullptr) inline_routes_ = base::Hold(http.routes);
  stats_ = registry.Open<stats::HttpStats>(stats::HttpScope(http.stat_prefix));
  if (http.codec != HttpConfig::Codec::kHttp1) {
    http2_stats_ = registry.Open<stats::Http2Stats>(stats::ScopeName(stats::kHttp2Scope, {}));
  }
  listener_stats_ =
      registry.Open<stats::ListenerHttpStats>(stats::ListenerHttpScope(address, http.stat_prefix));
  // Those that do not come by discovery live in the configuration itself.
  filters_ = MakeFilters({chain.http, &http.filters});
}

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
      if (made->parts.back()) made->parts.back()->Start(listener_.environment());
    }
  }
  made->factories = std::move(factories);
  return base::Rc<FilterSet>(std::move(made));
}

base::Held<RouteSnapshot> HttpService::RoutesOfScope(const http::RequestHead& head) const {
  const ScopeCell& scopes = *cells_.scopes;
  std::string room;
  const auto key = config().scopes->key.Build(head, room);
  if (scopes.table == nullptr || !key) return base::Held<RouteSnapshot>();
  const std::optional<uint32_t> found = scopes.table->Find(*key);
  return found ? scopes.routes[*found]->current : base::Held<RouteSnapshot>();
}

const base::Rc<FilterSet>& HttpService::filters() {
  if (cells_.filters && cells_.filters->current != nullptr &&
      cells_.filters->current != filters_->factories) {
    filters_ = MakeFilters(cells_.filters->current);
  }
  return filters_;
}

uint32_t HttpService::connection_buffer_bytes() const {
  return listener_.config().connection_buffer_bytes;
}

void HttpService::CountResponse(uint32_t status) {
  stats::CountDownstreamResponse(*stats_, status);
  stats::CountDownstreamResponse(*listener_stats_, status);
}

}  // namespace proxenos::downstream
