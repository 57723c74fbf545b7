// Taking tokens, and saying so.
#include "source/filters/http/local_ratelimit/filter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/access_log/rate_limit_format.h"
#include "source/filter/filter_override.h"
#include "source/filter/find_part.h"
#include "source/rpc/status.h"

namespace proxenos::filters::local_ratelimit {
namespace {

using filter::Verdict;

constexpr stats::ScopeShape kScope{
    "$.http_local_rate_limit.", "http_local_rate_limit.", {"envoy.local_http_ratelimit_prefix"}};

// A connection may outlive the route table that its limits came from.
struct ConnectionLimiter final : public filter::ConnectionPart {
  explicit ConnectionLimiter(const LimiterConfig& limits) : config(limits) {}
  const LimiterConfig config;
  Limiter limiter{config};
};

}  // namespace

LocalRateLimitStats& LocalRateLimitPart::Of(const std::string& stat_prefix) {
  auto it = groups_.find(stat_prefix);
  if (it == groups_.end()) {
    it = groups_
             .emplace(stat_prefix,
                      registry_.Open<LocalRateLimitStats>(stats::ScopeName(kScope, {stat_prefix})))
             .first;
  }
  return *it->second;
}

LocalRateLimit::LocalRateLimit(const Settings& settings, const filter::FilterFactory& factory,
                               filter::StreamContext& stream)
    : settings_(settings),
      stream_(stream),
      part_(static_cast<LocalRateLimitPart*>(stream.worker_part(factory))) {}

// Kept with the connection under the settings' address. Should the settings of a later route table
// come to lie at the same address, the connection goes on with the limits that it began with.
Limiter& LocalRateLimit::LimiterOfStream() {
  if (settings_.limiter != nullptr) return *settings_.limiter;
  const filter::ConnectionInfo& connection = *stream_.info.connection;
  auto* known = filter::FindPart<ConnectionLimiter>(connection, &settings_);
  if (known != nullptr) return known->limiter;
  auto& parts = connection.parts;
  parts.emplace_back(&settings_, std::make_unique<ConnectionLimiter>(settings_.limits));
  return static_cast<ConnectionLimiter*>(parts.back().second.get())->limiter;
}

Verdict LocalRateLimit::OnRequestHeaders(http::RequestHead& head, bool) {
  base::Random& random = stream_.environment.loop.random();
  if (!settings_.limits_anything() ||
      !settings_.enabled.Holds(stream_.environment.runtime, random.Next())) {
    return Verdict::kContinue;
  }
  LocalRateLimitStats* stats = part_ == nullptr ? nullptr : &part_->Of(settings_.stat_prefix);
  if (stats != nullptr) stats->enabled.Inc();
  std::vector<filter::Descriptor> descriptors;
  if (!settings_.limits.descriptors.empty()) {
    if (settings_.rate_limits.empty()) {
      descriptors = filter::DescriptorsOfRoute(settings_.stage, settings_.host_limits,
                                               /*without_disabled=*/true, stream_);
    } else {
      const auto render = [this](const route::RateLimitFormat& format) {
        return access_log::RenderRateLimitFormat(format, stream_);
      };
      filter::AppendDescriptors(settings_.rate_limits,
                                {settings_.stage, /*without_disabled=*/true, render}, stream_,
                                &descriptors);
    }
  }
  // Those that only a service can count are not for the proxy's buckets.
  descriptors.erase(std::remove_if(descriptors.begin(), descriptors.end(),
                                   [](const filter::Descriptor& each) {
                                     return each.limit->on_stream_done ||
                                            each.limit->negative_hits ||
                                            !each.limit->hits_format.empty();
                                   }),
                    descriptors.end());
  result_ = LimiterOfStream().Take(descriptors, stream_.environment.loop.now());
  if (stats != nullptr) (result_.allowed ? stats->ok : stats->rate_limited).Inc();
  if (result_.allowed) return Verdict::kContinue;
  if (!settings_.enforced.Holds(stream_.environment.runtime, random.Next())) {
    access_log::Apply(settings_.request_headers_when_not_enforced, stream_, head);
    return Verdict::kContinue;
  }
  if (stats != nullptr) stats->enforced.Inc();
  Refuse();
  return Verdict::kReplied;
}

void LocalRateLimit::Refuse() {
  stream_.Reply(settings_.status, "local_rate_limited", "local_rate_limited", filter::kRateLimited);
  http::HeaderMap& headers = stream_.response.headers;
  if (settings_.resource_exhausted && stream_.IsGrpcCall()) {
    rpc::SetStatus(rpc::Status::kResourceExhausted, headers);
  }
  access_log::Apply(settings_.response_headers, stream_, headers);
  if (settings_.retry_after && result_.account.has_value()) {
    headers.Set(http::HeaderId::kRetryAfter,
                absl::AlphaNum(result_.account->reset_seconds).Piece());
  }
}

bool LocalRateLimit::ShowsAccount() const {
  if (!result_.account.has_value()) return false;
  const auto own =
      result_.limit == nullptr ? route::RateLimit::Headers::kUnspecified : result_.limit->headers;
  if (own != route::RateLimit::Headers::kUnspecified) {
    return own == route::RateLimit::Headers::kDraft03;
  }
  return settings_.x_ratelimit_headers;
}

Verdict LocalRateLimit::OnResponseHeaders(http::ResponseHead& head, bool) {
  if (!ShowsAccount()) return Verdict::kContinue;
  head.headers.Add("x-ratelimit-limit", absl::AlphaNum(result_.account->limit).Piece());
  head.headers.Add("x-ratelimit-remaining", absl::AlphaNum(result_.account->remaining).Piece());
  head.headers.Add("x-ratelimit-reset", absl::AlphaNum(result_.account->reset_seconds).Piece());
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::local_ratelimit
