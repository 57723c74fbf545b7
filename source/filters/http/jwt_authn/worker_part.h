// JwtPart: what a jwt_authn filter keeps on one worker: keys, tokens that were verified, counters.
#pragma once

#include <memory>
#include <vector>

#include "source/filter/http_filter.h"
#include "source/filters/http/jwt_authn/jwks_source.h"
#include "source/filters/http/jwt_authn/settings.h"
#include "source/filters/http/jwt_authn/token_cache.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::jwt_authn {

// Scope: "jwt_authn." below HttpScope. One group a worker.
#define PX_JWT_AUTHN_STATS(X)         \
  X(Counter, allowed)                 \
  X(Counter, denied)                  \
  X(Counter, cors_preflight_bypassed) \
  X(Counter, jwks_fetch_success)      \
  X(Counter, jwks_fetch_failed)       \
  X(Counter, jwt_cache_hit)           \
  X(Counter, jwt_cache_miss)
PX_STATS(JwtAuthnStats, PX_JWT_AUTHN_STATS);

// Owner: the HttpService. Thread: the worker's.
class JwtPart final : public filter::WorkerPart {
 public:
  JwtPart(const Settings& settings, stats::Group<JwtAuthnStats> stats)
      : settings_(settings), stats_(std::move(stats)) {}

  void Start(const filter::Environment& environment) override {
    for (const auto& provider : settings_.providers) {
      Keys keys{nullptr, TokenCache(provider->cached_tokens, provider->max_cached_token_bytes)};
      if (provider->remote.has_value()) {
        keys.source = std::make_unique<JwksSource>(
            *provider->remote, environment,
            JwksSource::Counters{stats_->jwks_fetch_success, stats_->jwks_fetch_failed});
      }
      keys_.push_back(std::move(keys));
    }
  }

  JwtAuthnStats& stats() { return *stats_; }

  struct Keys {
    std::unique_ptr<JwksSource> source;  // Null: the provider's keys are local.
    TokenCache verified;
  };
  Keys& of(const Provider& provider) { return keys_[provider.index]; }

 private:
  const Settings& settings_;
  stats::Group<JwtAuthnStats> stats_;
  std::vector<Keys> keys_;  // By Provider::index.
};

}  // namespace proxenos::filters::jwt_authn
