// Csrf: refuses requests that change something and come from the pages of another origin.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <vector>

#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/match/string_matcher.h"
#include "source/runtime/setting.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::csrf {

// envoy.extensions.filters.http.csrf.v3.CsrfPolicy, of the filter or a route.
struct Policy {
  runtime::FractionSetting enabled;
  runtime::FractionSetting shadow;  // Only counted, where it is not enabled.
  std::vector<match::StringMatcher> origins;
};

// Scope: "csrf." below HttpScope. One group a worker.
#define PX_CSRF_STATS(X)            \
  X(Counter, missing_source_origin) \
  X(Counter, request_invalid)       \
  X(Counter, request_valid)
PX_STATS(CsrfStats, PX_CSRF_STATS);

struct CsrfPart final : public filter::WorkerPart {
  stats::Group<CsrfStats> stats;
};

class Csrf final : public filter::HttpFilter {
 public:
  Csrf(const Policy& policy, const filter::FilterFactory& factory, filter::StreamContext& stream)
      : policy_(policy),
        stream_(stream),
        part_(static_cast<CsrfPart*>(stream.worker_part(factory))) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;

 private:
  bool IsAllowed(absl::string_view origin, absl::string_view host) const;

  const Policy& policy_;
  filter::StreamContext& stream_;
  CsrfPart* const part_;  // May be null.
};

}  // namespace proxenos::filters::csrf
