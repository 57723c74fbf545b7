// Opening the stats of a filter chain.
#include "source/downstream/http_service.h"

#include <utility>

#include "source/downstream/listener.h"
#include "source/stats/scope.h"

namespace proxenos::downstream {

HttpService::HttpService(Listener& listener, const ChainConfig& chain, ChainCells cells,
                         stats::Registry& registry, const std::string& address)
    : listener_(listener), chain_(chain), cells_(std::move(cells)) {
  const HttpConfig& http = *chain.http;
  if (http.routes != nullptr) inline_routes_ = base::Hold(http.routes);
  stats_ = registry.Open<stats::HttpStats>(stats::HttpScope(http.stat_prefix));
  if (http.codec != HttpConfig::Codec::kHttp1) {
    http2_stats_ = registry.Open<stats::Http2Stats>(stats::ScopeName(stats::kHttp2Scope, {}));
  }
  listener_stats_ =
      registry.Open<stats::ListenerHttpStats>(stats::ListenerHttpScope(address, http.stat_prefix));
  for (const auto& factory : http.filters) {
    filter_parts_.push_back(factory->MakeWorkerPart(registry, http.stat_prefix));
    if (filter_parts_.back() != nullptr) filter_parts_.back()->Start(listener.environment());
  }
}

uint32_t HttpService::connection_buffer_bytes() const {
  return listener_.config().connection_buffer_bytes;
}

void HttpService::CountResponse(uint32_t status) {
  stats::CountDownstreamResponse(*stats_, status);
  stats::CountDownstreamResponse(*listener_stats_, status);
}

}  // namespace proxenos::downstream
