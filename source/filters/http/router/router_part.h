// RouterPart: what the router keeps on a worker for all streams.
#pragma once

#include <string>
#include <utility>

#include "source/filter/http_filter.h"
#include "source/filters/http/router/internal_redirect.h"
#include "source/filters/http/router/mirrors.h"

namespace proxenos::filters::router {

class RouterPart final : public filter::WorkerPart {
 public:
  RouterPart(stats::Registry& registry, std::string stat_prefix)
      : redirects(registry, std::move(stat_prefix)) {}

  Mirrors mirrors;
  RedirectCounts redirects;
};

}  // namespace proxenos::filters::router
