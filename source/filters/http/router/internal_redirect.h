// Internal redirects: a host's redirect that the proxy follows in the client's place
// (RouteAction.internal_redirect_policy).
//
// Thread: the worker's.
#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/filter/stream_context.h"
#include "source/route/internal_redirect.h"
#include "source/stats/redirect_stats.h"
#include "source/stats/registry.h"

namespace proxenos::filters::router {

enum class RedirectOutcome : uint8_t {
  kFollow,  // The request is now the one that the redirect asks for.
  kBadLocation,
  kUnsafeScheme,
  kTooMany,
  kNoRoute,
  kPredicate,
};

// Judges the redirect in `stream.response`, and makes `stream.request` what it asks for. Unless it
// is to be followed, the request is afterwards as it was. Texts are in the arena.
RedirectOutcome PrepareRedirect(const route::InternalRedirectPolicy& policy,
                                filter::StreamContext& stream);

// What is counted. Owner: the router's part of a worker.
class RedirectCounts {
 public:
  RedirectCounts(stats::Registry& registry, std::string stat_prefix);

  void CountFollowed(absl::string_view cluster) {
    Of(cluster).upstream_internal_redirect_succeeded_total.Inc();
  }
  // The response goes to the client.
  void CountFailed(absl::string_view cluster) {
    Of(cluster).upstream_internal_redirect_failed_total.Inc();
  }
  void CountReason(RedirectOutcome outcome);

 private:
  stats::ClusterRedirectStats& Of(absl::string_view cluster);

  stats::Registry& registry_;
  const std::string stat_prefix_;
  stats::Group<stats::HttpRedirectStats> reasons_;
  absl::flat_hash_map<std::string, stats::Group<stats::ClusterRedirectStats>> clusters_;
};

}  // namespace proxenos::filters::router
