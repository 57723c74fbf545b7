// OAuth2: logs browsers in at an authorization server, by the authorization code flow with PKCE
// (RFC 6749, section 4.1; RFC 7636), and keeps the tokens in their cookies.
//
//   no session --302--> authorization server --302--> redirect path --code--> token endpoint
//        ^                                                 |
//        +------------- 302, with the cookies -------------+
//
// Call to the token endpoint: a member; its answer only wakes the filter. Owner: the stream's
// FilterChain. Thread: the worker's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/filter/http_filter.h"
#include "source/filter/stream_context.h"
#include "source/filters/http/oauth2/session.h"
#include "source/filters/http/oauth2/settings.h"
#include "source/filters/http/oauth2/state.h"
#include "source/filters/http/oauth2/token_request.h"
#include "source/stats/registry.h"
#include "source/stats/schema.h"

namespace proxenos::filters::oauth2 {

// Scope: HttpScope and the filter's stat_prefix; that of a route's settings stands alone.
#define PX_OAUTH2_STATS(X)               \
  X(Counter, oauth_unauthorized_rq)      \
  X(Counter, oauth_failure)              \
  X(Counter, oauth_passthrough)          \
  X(Counter, oauth_success)              \
  X(Counter, oauth_refreshtoken_success) \
  X(Counter, oauth_refreshtoken_failure) \
  X(Counter, oauth_allow_failed_passthrough)
PX_STATS(OAuth2Stats, PX_OAUTH2_STATS);

class OAuth2Part final : public filter::WorkerPart {
 public:
  OAuth2Part(stats::Registry& registry, const std::string& manager_prefix,
             const std::string& stat_prefix);

  OAuth2Stats& own() { return *own_; }
  // Of a route's settings; opened when first asked for.
  OAuth2Stats& OfRoute(const std::string& stat_prefix);

 private:
  stats::Registry& registry_;
  stats::Group<OAuth2Stats> own_;
  absl::flat_hash_map<std::string, stats::Group<OAuth2Stats>> of_routes_;  // By prefix.
};

class OAuth2 final : public filter::HttpFilter {
 public:
  // `settings`: null where neither the filter nor the route has any.
  OAuth2(const Settings* settings, OAuth2Stats& stats, filter::StreamContext& stream)
      : settings_(settings), stats_(stats), stream_(stream) {}

  filter::Verdict OnRequestHeaders(http::RequestHead& head, bool end) override;
  filter::Verdict OnResponseHeaders(http::ResponseHead& head, bool end) override;
  void OnWake() override;
  void OnLocalReply() override;

 private:
  enum class Wait : uint8_t { kNone, kLogin, kRefresh };

  // filter.cc: what is to be done with a request.
  filter::Verdict Decide(http::RequestHead& head);
  filter::Verdict Pass(const Session& session, Cookies& cookies);
  filter::Verdict Refresh(const std::string& token);
  filter::Verdict FinishRefresh(std::optional<Grant> grant);
  filter::Verdict GoWithout(absl::string_view why);
  // 401, or without a session where that is allowed.
  filter::Verdict Fail(absl::string_view details);
  filter::Verdict Refuse(absl::string_view details);
  void Await(Wait wait, absl::FunctionRef<bool(TokenRequest&)> start);

  // login.cc: the way to the authorization server and back.
  filter::Verdict Redirect();
  filter::Verdict ComeBack(bool logged_in);
  filter::Verdict AskForTokens(absl::string_view code);
  filter::Verdict FinishLogin(std::optional<Grant> grant);
  filter::Verdict SignOut(const Session& session, const Cookies& cookies);
  // Why this callback cannot be believed; empty: it can. Sets state_.
  absl::string_view CheckCallback(absl::string_view* code);
  bool MayGoTo(absl::string_view url) const;
  std::string Text(const access_log::Formatter& format) const;
  std::string Origin() const;
  void SendTo(const std::string& url, absl::string_view details);
  void AddSetCookie(const std::string& value);
  void DeleteFlowCookies();

  bool AnyMatches(const std::vector<route::HeaderMatcher>& matchers) const;
  bool IsCallback() const;
  Place place() const;

  const Settings* const settings_;
  OAuth2Stats& stats_;
  filter::StreamContext& stream_;

  std::shared_ptr<const tls::GenericValues> secret_;  // The HMAC's, as it was at first.
  std::optional<State> state_;                        // Of the callback at hand.
  Wait wait_ = Wait::kNone;
  bool answered_ = false;  // What was waited for is there.
  std::optional<TokenRequest> request_;
  std::vector<std::string> set_cookies_;  // For the response.
};

}  // namespace proxenos::filters::oauth2
