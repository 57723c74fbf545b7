// TokenSource: the token that one worker has of an authorization server by the client's own
// credentials (RFC 6749, section 4.4): fetched before anybody asks, and again half-way to its end.
//
// Owner: the filter's part of the worker. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/event/timer_wheel.h"
#include "source/filter/environment.h"
#include "source/rpc/http_call.h"
#include "source/rpc/service.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"
#include "source/tls/secret_cell.h"

namespace proxenos::filters::credential_injector {

// envoy.extensions.http.injected_credentials.oauth2.v3.OAuth2
// Thread: any (immutable).
struct ClientCredentials {
  rpc::HttpService endpoint;
  std::string client_id;
  tls::SecretCellPtr secret;
  bool in_body = false;  // URL_ENCODED_BODY; else Basic authentication says who asks.
  std::string form;      // What each request's body ends with; may be empty.
  base::Nanos retry_interval = 2 * base::kSecond;
};

// Scope: "oauth2." below that of the filter.
#define PX_TOKEN_STATS(X)                             \
  X(Counter, token_requested)                         \
  X(Counter, token_fetched)                           \
  X(Counter, token_fetch_failed_on_client_secret)     \
  X(Counter, token_fetch_failed_on_cluster_not_found) \
  X(Counter, token_fetch_failed_on_stream_reset)      \
  X(Counter, token_fetch_failed_on_bad_response_code) \
  X(Counter, token_fetch_failed_on_bad_token)
PX_STATS(TokenStats, PX_TOKEN_STATS);

// As a value of a form has it (application/x-www-form-urlencoded).
std::string FormEncoded(absl::string_view text);

// The grant in a token endpoint's answer; its token is empty where there is none.
struct Grant {
  std::string token;
  base::Nanos lifetime = 0;
};
Grant ParseGrant(absl::string_view body);

class TokenSource {
 public:
  // All outlive it. Starts the first fetch.
  TokenSource(const ClientCredentials& config, const filter::Environment& environment,
              TokenStats& stats);
  TokenSource(const TokenSource&) = delete;
  TokenSource& operator=(const TokenSource&) = delete;

  // Empty while there is none that is good.
  absl::string_view token() const;

 private:
  using Failed = stats::Counter TokenStats::*;

  void Fetch();
  void OnAnswer();
  // Keeps what the answer grants; which counter counts it where it grants nothing.
  Failed Take(rpc::HttpCall& call);
  void TryAgain(Failed why);
  void FetchIn(base::Nanos wait);

  const ClientCredentials& config_;
  const filter::Environment& environment_;
  TokenStats& stats_;
  std::string token_;
  base::MonoTime expires_ = 0;
  std::unique_ptr<rpc::HttpCall> call_;
  event::Timer again_;
};

}  // namespace proxenos::filters::credential_injector
