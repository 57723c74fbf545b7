// What an oauth2 filter is configured to do, compiled:
// envoy.extensions.filters.http.oauth2.v3.OAuth2Config.
//
// Thread: any (immutable).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/access_log/formatter.h"
#include "source/match/string_matcher.h"
#include "source/route/header_matcher.h"
#include "source/rpc/call_retries.h"
#include "source/rpc/service.h"
#include "source/tls/secret_cell.h"

namespace proxenos::filters::oauth2 {

// In the order in which they are set.
enum class CookieKind : uint8_t { kHmac, kExpires, kBearer, kIdToken, kRefresh, kNonce, kVerifier };
inline constexpr size_t kCookieKinds = 7;

// A cookie as responses set it: NAME=VALUE, before_age, seconds, after_age; as they take it back:
// NAME=deleted, deletion.
struct Cookie {
  std::string name;
  std::string before_age;
  std::string after_age;
  std::string deletion;
};

// OAuth2Config.AuthType
enum class AuthType : uint8_t { kUrlEncodedBody, kBasic, kTlsClient, kPrivateKeyJwt };

// PostLogoutRedirectUri
struct PostLogout {
  bool told = true;
  std::optional<access_log::Formatter> uri;  // Nothing: the root of the request's host.
};

struct Settings {
  const Cookie& cookie(CookieKind kind) const { return cookies[static_cast<size_t>(kind)]; }

  rpc::HttpService token_endpoint;
  rpc::CallRetries retries;
  // Up to where the parameters of one login are added; it ends in "?" or "&".
  std::string authorization_url;
  std::string resources;  // "&resource=...", behind them.
  std::string end_session_endpoint;
  PostLogout post_logout;
  std::optional<access_log::Formatter> redirect_uri;          // There is one.
  std::optional<access_log::Formatter> original_request_uri;  // Nothing: the request's own.
  std::optional<match::StringMatcher> redirect_path;          // There is one.
  std::optional<match::StringMatcher> signout_path;           // There is one.
  std::vector<std::string> allowed_domains;                   // allowed_redirect_domains

  std::string client_id;
  AuthType auth_type = AuthType::kUrlEncodedBody;
  tls::SecretCellPtr token_secret;  // Null of kTlsClient.
  tls::SecretCellPtr hmac_secret;
  std::string assertion_algorithm;
  std::string assertion_audience;
  int64_t assertion_lifetime_s = 60;

  std::array<Cookie, kCookieKinds> cookies;
  std::string cookie_domain;  // Empty: the request's host.

  std::vector<route::HeaderMatcher> pass_through;
  std::vector<route::HeaderMatcher> deny_redirect;
  std::vector<route::HeaderMatcher> allow_failed;

  int64_t default_expires_s = 0;
  int64_t default_refresh_expires_s = 604800;
  int64_t csrf_expires_s = 600;
  int64_t verifier_expires_s = 600;

  std::string id_token_header;  // forward_id_token; empty: it is not forwarded.
  bool forward_bearer_token = false;
  bool preserve_authorization = false;
  bool use_refresh_token = true;
  bool set_access_token_cookie = true;
  bool set_id_token_cookie = true;
  bool set_refresh_token_cookie = true;
  bool encrypt_tokens = true;
  bool id_token_lives_as_access_token = false;

  std::string stat_prefix;
};

}  // namespace proxenos::filters::oauth2
