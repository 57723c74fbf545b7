// What a jwt_authn filter is configured to do, compiled:
// envoy.extensions.filters.http.jwt_authn.v3.
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/filters/http/jwt_authn/key_set.h"
#include "source/match/string_matcher.h"
#include "source/route/route.h"
#include "source/rpc/service.h"

namespace proxenos::filters::jwt_authn {

// Where in a request a token may stand.
struct Place {
  enum class Kind : uint8_t { kHeader, kParameter, kCookie };
  Kind kind = Kind::kHeader;
  std::string name;    // Of a header in lower case.
  std::string prefix;  // Of a header's value; what follows it is the token.

  friend bool operator==(const Place&, const Place&) = default;
};

// RemoteJwks
struct RemoteKeys {
  rpc::HttpService service;
  base::Nanos cache_duration = 600 * base::kSecond;
  bool async = false;  // Fetched before anybody asks, and again before it is too old.
  base::Nanos failed_refetch = base::kSecond;
  uint32_t retries = 0;
  base::Nanos back_off = base::kSecond;
  base::Nanos back_off_max = 10 * base::kSecond;
};

struct Provider {
  std::string name;
  uint32_t index = 0;
  std::string issuer;                  // Empty: any.
  std::vector<std::string> audiences;  // Empty: any.
  std::optional<match::StringMatcher> subjects;
  bool require_expiration = false;
  std::optional<int64_t> max_lifetime_s;
  int64_t skew_s = 60;
  std::vector<Place> places;

  // Either of these two; without keys `local_failure` says why.
  std::optional<RemoteKeys> remote;
  std::shared_ptr<const KeySet> local;
  Failure local_failure = Failure::kNone;

  bool forward = false;
  std::string forward_payload_header;  // Lower case; empty: none.
  bool pad_payload = false;
  struct ClaimHeader {
    std::string header;  // Lower case.
    std::vector<std::string> claim;
  };
  std::vector<ClaimHeader> claims;
  std::string payload_in_metadata;  // Keys in the filter's namespace; empty: not kept.
  std::string header_in_metadata;
  std::vector<std::string> space_delimited_claims;
  bool clear_route_cache = false;

  // Tokens whose signature was verified and need not be again; 0: none is kept.
  uint32_t cached_tokens = 0;
  uint32_t max_cached_token_bytes = 4096;
};

// JwtRequirement
struct Requirement {
  enum class Kind : uint8_t { kProvider, kAny, kAll, kAllowMissing, kAllowMissingOrFailed };
  Kind kind = Kind::kProvider;
  const Provider* provider = nullptr;                 // Of kProvider.
  std::optional<std::vector<std::string>> audiences;  // In the place of the provider's.
  std::vector<Requirement> children;                  // Of kAny and kAll.
};

struct Rule {
  route::RequestMatcher match;
  std::shared_ptr<const Requirement> requirement;  // Null: nothing is required.
};

struct Settings {
  std::vector<std::unique_ptr<const Provider>> providers;
  std::vector<Rule> rules;  // The first that matches counts.
  std::map<std::string, std::shared_ptr<const Requirement>> named;
  std::string state_name;  // filter_state_rules; empty: none.
  std::map<std::string, std::shared_ptr<const Requirement>> by_state;
  bool bypass_cors_preflight = false;
  bool strip_failure_response = false;
};

// PerRouteConfig
struct RouteSettings {
  bool disabled = false;
  std::string requirement;  // Among Settings::named.
};

}  // namespace proxenos::filters::jwt_authn
