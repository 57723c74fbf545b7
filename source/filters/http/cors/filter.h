// Cors: answers preflight requests and marks responses as readable for the origins that the route's
// policy allows (Fetch standard, section 3.2).
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/match/string_matcher.h"
#include "source/runtime/setting.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::cors {

// envoy.extensions.filters.http.cors.v3.CorsPolicy
struct CorsPolicy {
  std::vector<match::StringMatcher> allow_origins;
  std::string allow_methods;
  std::string allow_headers;
  std::string expose_headers;
  std::string max_age;
  std::optional<bool> allow_credentials;
  std::optional<bool> allow_private_network_access;
  std::optional<bool> forward_not_matching_preflights;
  runtime::FractionSetting enabled{{100, 100}};
  runtime::FractionSetting shadow;  // Of requests that are only counted, where it is not enabled.
};

// Scope: "cors." below HttpScope. One group a worker.
#define PX_CORS_STATS(X)   \
  X(Counter, origin_valid) \
  X(Counter, origin_invalid)
PX_STATS(CorsStats, PX_CORS_STATS);

struct CorsPart final : public filter::WorkerPart {
  stats::Group<CorsStats> stats;
};

class Cors final : public filter::HttpFilter {
 public:
  Cors(const filter::FilterFactory& factory, filter::StreamContext& stream)
      : factory_(factory),
        stream_(stream),
        part_(static_cast<CorsPart*>(stream.worker_part(factory))) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;

 private:
  void FindPolicies();
  bool IsAllowed(absl::string_view origin) const;
  // The first policy's that says something.
  absl::string_view Text(std::string CorsPolicy::*field) const;
  bool Flag(std::optional<bool> CorsPolicy::*field, bool otherwise) const;
  void AnswerPreflight(const http::RequestHead& head);
  void Allow(absl::string_view name, std::string CorsPolicy::*field, absl::string_view asked_by);

  const filter::FilterFactory& factory_;
  filter::StreamContext& stream_;
  CorsPart* const part_;                                // May be null.
  absl::InlinedVector<const CorsPolicy*, 2> policies_;  // The most specific first.
  absl::string_view origin_;                            // Of a request whose origin is allowed.
};

}  // namespace proxenos::filters::cors
