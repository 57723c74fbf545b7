// RouterPart: what the router keeps on a worker for all streams.
#pragma once

#include <string>
#include <utility>

#include "source/filter/http_filter.h"
#include "source/filter/upstream_filters.h"
#include "source/filters/http/router/internal_redirect.h"
#include "source/filters/http/router/mirrors.h"
#include "source/filters/http/router/route_counts.h"

namespace proxenos::filters::router {

class RouterPart final : public filter::WorkerPart {
 public:
  // `filters` may be null, and outlives it.
  RouterPart(stats::Registry& registry, std::string stat_prefix,
             const filter::UpstreamFilters* filters = nullptr)
      : redirects(registry, stat_prefix),
        route_counts(registry),
        registry_(registry),
        stat_prefix_(std::move(stat_prefix)),
        filters_(filters) {}

  void Start(const filter::Environment& environment) override {
    if (filters_ == nullptr) return;
    filter_parts = filter::MakeParts(*filters_, registry_, stat_prefix_, environment);
  }

  Mirrors mirrors;
  RedirectCounts redirects;
  RouteCounts route_counts;
  filter::WorkerParts filter_parts;  // Of Router.upstream_http_filters.

 private:
  stats::Registry& registry_;
  const std::string stat_prefix_;
  const filter::UpstreamFilters* const filters_;
};

}  // namespace proxenos::filters::router
