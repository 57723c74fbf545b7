// Which requests pass, and what becomes of the others.
#include "source/filters/http/oauth2/filter.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/event/event_loop.h"
#include "source/http/path.h"

namespace proxenos::filters::oauth2 {
namespace {

using filter::Verdict;

constexpr stats::ScopeShape kScope{"http.$.", "http.", {"envoy.http_conn_manager_prefix"}};
constexpr stats::ScopeShape kNamedScope{
    "http.$.$.", "http.", {"envoy.http_conn_manager_prefix", "envoy.oauth2_prefix"}};
constexpr stats::ScopeShape kRouteScope{"", ""};
constexpr stats::ScopeShape kNamedRouteScope{"$.", "", {"envoy.oauth2_prefix"}};

constexpr char kStatus[] = "x-envoy-oauth-status";
constexpr char kReason[] = "x-envoy-oauth-failure-reason";

// Whether a cookie is one of a login that is under way.
bool IsFlowCookie(absl::string_view name, const std::string& base) {
  return absl::StartsWith(name, base) && (name.size() == base.size() || name[base.size()] == '.');
}

bool IsFlowCookie(absl::string_view name, const Settings& settings) {
  return IsFlowCookie(name, settings.cookie(CookieKind::kNonce).name) ||
         IsFlowCookie(name, settings.cookie(CookieKind::kVerifier).name);
}

}  // namespace

OAuth2Part::OAuth2Part(stats::Registry& registry, const std::string& manager_prefix,
                       const std::string& stat_prefix)
    : registry_(registry),
      own_(registry.Open<OAuth2Stats>(
          stat_prefix.empty() ? stats::ScopeName(kScope, {manager_prefix})
                              : stats::ScopeName(kNamedScope, {manager_prefix, stat_prefix}))) {}

OAuth2Stats& OAuth2Part::OfRoute(const std::string& stat_prefix) {
  stats::Group<OAuth2Stats>& group = of_routes_[stat_prefix];
  if (!group) {
    group = registry_.Open<OAuth2Stats>(stat_prefix.empty()
                                            ? stats::ScopeName(kRouteScope, {})
                                            : stats::ScopeName(kNamedRouteScope, {stat_prefix}));
  }
  return *group;
}

Place OAuth2::place() const {
  return Place{*settings_, secret_->value, stream_.request.authority,
               stream_.environment.loop.wall_now() / 1'000'000};
}

bool OAuth2::AnyMatches(const std::vector<route::HeaderMatcher>& matchers) const {
  return std::any_of(matchers.begin(), matchers.end(), [this](const route::HeaderMatcher& matcher) {
    return matcher.Matches(stream_.request);
  });
}

bool OAuth2::IsCallback() const {
  return settings_->redirect_path->Matches(http::WithoutQuery(stream_.request.path));
}

Verdict OAuth2::OnRequestHeaders(http::RequestHead& head, bool) {
  // What only this filter may say.
  head.headers.Remove(kStatus);
  head.headers.Remove(kReason);
  if (settings_ == nullptr) return Verdict::kContinue;
  const std::string& id_header = settings_->id_token_header;
  const bool id_is_authorization = id_header == "authorization";
  if (!id_header.empty() && !id_is_authorization) head.headers.Remove(id_header);
  if (AnyMatches(settings_->pass_through)) {
    stats_.oauth_passthrough.Inc();
    return Verdict::kContinue;
  }
  secret_ = settings_->hmac_secret->Get();
  const bool has_own = settings_->token_secret == nullptr || settings_->token_secret->Get();
  // An empty key would be one that everybody knows.
  if (secret_ == nullptr || secret_->value.empty() || !has_own) {
    stats_.oauth_failure.Inc();
    stream_.Reply(503, "Service Unavailable", "oauth2_secrets_not_ready", 0);
    return Verdict::kReplied;
  }
  if (!settings_->preserve_authorization) head.headers.Remove(http::HeaderId::kAuthorization);
  return Decide(head);
}

Verdict OAuth2::Decide(http::RequestHead& head) {
  Cookies cookies(head.headers);
  const Session session = ReadSession(place(), cookies);
  if (settings_->signout_path->Matches(http::WithoutQuery(head.path))) {
    return SignOut(session, cookies);
  }
  if (session.valid) stats_.oauth_success.Inc();
  if (IsCallback()) return ComeBack(session.valid);
  if (session.valid) return Pass(session, cookies);
  if (settings_->use_refresh_token && !session.tokens.refresh.empty()) {
    return Refresh(session.tokens.refresh);
  }
  return Fail("no session");
}

// The origin sees the tokens, in cookies and where it is asked for in fields, and nothing else of
// what is ours.
Verdict OAuth2::Pass(const Session& session, Cookies& cookies) {
  const Settings& settings = *settings_;
  http::HeaderMap& headers = stream_.request.headers;
  if (settings.forward_bearer_token && !session.tokens.access.empty()) {
    headers.Set(http::HeaderId::kAuthorization, absl::StrCat("Bearer ", session.tokens.access));
  }
  if (!settings.id_token_header.empty() && !session.tokens.id.empty()) {
    const bool bearer = settings.id_token_header == "authorization";
    headers.Set(settings.id_token_header,
                bearer ? absl::StrCat("Bearer ", session.tokens.id) : session.tokens.id);
  }
  cookies.RemoveIf([&settings](absl::string_view name) {
    return name == settings.cookie(CookieKind::kHmac).name ||
           name == settings.cookie(CookieKind::kExpires).name ||
           name == settings.cookie(CookieKind::kRefresh).name || IsFlowCookie(name, settings);
  });
  cookies.WriteTo(headers);
  return Verdict::kContinue;
}

void OAuth2::Await(Wait wait, absl::FunctionRef<bool(TokenRequest&)> start) {
  request_.emplace(stream_.environment, *settings_, [this] {
    answered_ = true;
    stream_.Wake(*this);
  });
  if (start(*request_)) {
    wait_ = wait;
  } else {
    request_.reset();
  }
}

Verdict OAuth2::Refresh(const std::string& token) {
  Await(Wait::kRefresh,
        [&token](TokenRequest& request) { return request.StartWithRefreshToken(token); });
  return wait_ == Wait::kNone ? FinishRefresh(std::nullopt) : Verdict::kPause;
}

Verdict OAuth2::FinishRefresh(std::optional<Grant> grant) {
  if (!grant.has_value()) {
    stats_.oauth_refreshtoken_failure.Inc();
    return Fail("the token could not be refreshed");
  }
  Cookies cookies(stream_.request.headers);
  Session session = ReadSession(place(), cookies);
  // Who gives no new refresh token lets the old one be used again (RFC 6749, section 6).
  if (grant->tokens.refresh.empty()) grant->tokens.refresh = session.tokens.refresh;
  set_cookies_ = SessionCookies(place(), *grant, cookies);
  session.tokens = oauth2::Kept(*settings_, std::move(grant->tokens));
  if (!session.tokens.access.empty()) {
    cookies.Set(settings_->cookie(CookieKind::kBearer).name, session.tokens.access);
  }
  if (!session.tokens.id.empty()) {
    cookies.Set(settings_->cookie(CookieKind::kIdToken).name, session.tokens.id);
  }
  stats_.oauth_refreshtoken_success.Inc();
  stats_.oauth_success.Inc();
  return Pass(session, cookies);
}

Verdict OAuth2::Fail(absl::string_view why) {
  if (!IsCallback() && AnyMatches(settings_->allow_failed)) return GoWithout(why);
  if (AnyMatches(settings_->deny_redirect)) return Refuse("oauth2_redirect_denied");
  return Redirect();
}

// As somebody whom nobody knows.
Verdict OAuth2::GoWithout(absl::string_view why) {
  http::HeaderMap& headers = stream_.request.headers;
  Cookies cookies(headers);
  cookies.RemoveIf([this](absl::string_view name) {
    const auto is_ours = [name](const Cookie& cookie) { return cookie.name == name; };
    return std::any_of(settings_->cookies.begin(), settings_->cookies.end(), is_ours) ||
           IsFlowCookie(name, *settings_);
  });
  cookies.WriteTo(headers);
  headers.Set(kStatus, "failed");
  headers.Set(kReason, why);
  stats_.oauth_allow_failed_passthrough.Inc();
  return Verdict::kContinue;
}

Verdict OAuth2::Refuse(absl::string_view details) {
  stats_.oauth_failure.Inc();
  stream_.Reply(401, "OAuth flow failed.", details, 0);
  if (state_.has_value()) DeleteFlowCookies();
  return Verdict::kReplied;
}

void OAuth2::OnWake() {
  if (!std::exchange(answered_, false) || wait_ == Wait::kNone) return;
  std::optional<Grant> grant = request_->TakeGrant();
  request_.reset();
  const Wait waited = std::exchange(wait_, Wait::kNone);
  const Verdict verdict =
      waited == Wait::kLogin ? FinishLogin(std::move(grant)) : FinishRefresh(std::move(grant));
  if (verdict == Verdict::kContinue) stream_.Resume(*this, filter::Direction::kRequest);
}

// Another filter answered, or the stream was cut short.
void OAuth2::OnLocalReply() {
  wait_ = Wait::kNone;
  request_.reset();
}

Verdict OAuth2::OnResponseHeaders(http::ResponseHead&, bool) {
  for (const std::string& value : set_cookies_) AddSetCookie(value);
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::oauth2
