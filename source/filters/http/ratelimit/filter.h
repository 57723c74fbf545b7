// RateLimit: asks a service that counts for the whole fleet whether a request is within its limits.
//
// Owner: the stream's FilterChain. Thread: the worker's.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/access_log/formatted_change.h"
#include "source/filter/descriptor.h"
#include "source/filter/header_change.h"
#include "source/filter/http_filter.h"
#include "source/filter/stats_by_cluster.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/ratelimit/decision.h"
#include "source/rpc/service.h"
#include "source/runtime/setting.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::ratelimit {

// envoy.extensions.filters.http.ratelimit.v3.RateLimit
struct Settings {
  enum class RequestType : uint8_t { kBoth, kInternal, kExternal };

  rpc::GrpcService service;
  std::string domain;
  uint32_t stage = 0;
  RequestType type = RequestType::kBoth;
  runtime::FractionSetting failure_deny = runtime::FractionSetting();
  runtime::FractionSetting enabled = runtime::FractionSetting{{100, 100}};
  runtime::FractionSetting enforced = runtime::FractionSetting{{100, 100}};
  uint16_t status = 429;
  uint16_t status_on_error = 500;
  route::RateLimits rate_limits;  // In the place of those of routes.
  access_log::FormattedChanges response_headers;
  bool resource_exhausted = false;
  bool x_ratelimit_headers = false;
  bool marks_response = true;  // x-envoy-ratelimited
  bool retry_after = false;
};

// RateLimitPerRoute
struct RouteSettings {
  filter::HostLimits host_limits = filter::HostLimits::kOverride;
  route::RateLimits rate_limits;
  std::string domain;  // Empty: the filter's.
};

// Scope: "ratelimit." of the cluster that the request would go to, with the filter's stat_prefix.
#define PX_RATELIMIT_STATS(X) \
  X(Counter, ok)              \
  X(Counter, error)           \
  X(Counter, over_limit)      \
  X(Counter, failure_mode_allowed)
PX_STATS(RateLimitStats, PX_RATELIMIT_STATS);

struct RateLimitPart final : public filter::WorkerPart {
  // Of calls that tell of streams that are over; those beyond them are not made.
  static constexpr size_t kMostReports = 1024;

  RateLimitPart(stats::Registry& registry, const stats::ScopeShape& shape)
      : by_cluster(registry, shape) {}

  filter::StatsByCluster<RateLimitStats> by_cluster;
  std::list<std::unique_ptr<rpc::UnaryCall>> reports;  // They outlive their streams.
};

class RateLimit final : public filter::HttpFilter {
 public:
  RateLimit(const Settings& settings, const filter::FilterFactory& factory,
            filter::StreamContext& stream);

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  void OnWake() override;
  void OnLocalReply() override { call_.reset(); }
  void OnComplete() override;

 private:
  bool IsOfType() const;
  std::vector<filter::Descriptor> Descriptors() const;
  bool CountsAtEnd() const;
  const std::string& domain() const;
  filter::Verdict Act();
  filter::Verdict Fail();
  void Refuse();
  RateLimitStats* stats();

  const Settings& settings_;
  filter::StreamContext& stream_;
  RateLimitPart* const part_;  // May be null.
  const RouteSettings* const route_;
  std::string cluster_;
  std::unique_ptr<rpc::UnaryCall> call_;
  std::optional<Decision> decision_;
  bool waiting_ = false;
  bool ends_ = false;  // Some limits may count it once it is over.
  std::vector<filter::HeaderChange> response_headers_;
};

}  // namespace proxenos::filters::ratelimit
