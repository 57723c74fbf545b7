// Logins from the first request to the last: what browsers, origins and the authorization server
// are told, what is not believed, and that no end of a stream leaves a call behind.
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "source/filters/http/oauth2/sealing.h"
#include "source/filters/http/oauth2/state.h"
#include "test/filters/http/oauth2_world.h"

namespace proxenos::filters {
namespace {

class OAuth2Test : public OAuth2World {};

constexpr char kBack[] = "https://%REQ(:authority)%/callback";

// The usual configuration with another text in the place of one that it has.
std::string Instead(const char* from, const char* to, const std::string& more = "") {
  return absl::StrReplaceAll(OAuth2Text(more), {{from, to}});
}

TEST_F(OAuth2Test, WithoutSessionIsSentToLogIn) {
  Ask("/page?a=b", {}, OAuth2Text("auth_scopes: 'openid' auth_scopes: 'email' resources: 'r&1'"));
  EXPECT_EQ(status(), 302);
  EXPECT_EQ(details(), "oauth.missing_credentials");
  EXPECT_TRUE(absl::StartsWith(Location(), "https://idp.test/authorize?keep=1&client_id="));
  EXPECT_EQ(Parameter("client_id"), "me%20%26%20you");
  EXPECT_EQ(Parameter("response_type"), "code");
  EXPECT_EQ(Parameter("scope"), "openid%20email");
  EXPECT_EQ(Parameter("resource"), "r%261");
  EXPECT_EQ(Parameter("redirect_uri"), "https%3A%2F%2Fhost%2Fcallback");
  EXPECT_EQ(Parameter("code_challenge_method"), "S256");
  const auto state = oauth2::Open(Parameter("state"), "hmac key");
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->url, "https://host/page?a=b");
  EXPECT_EQ(cookies_["OauthNonce." + state->flow_id], state->csrf_token);
  const auto verifier = oauth2::Decrypt(cookies_["CodeVerifier." + state->flow_id], "hmac key");
  ASSERT_TRUE(verifier.has_value());
  EXPECT_EQ(Parameter("code_challenge"), oauth2::CodeChallenge(*verifier));
  const std::string field = Value(stream().response.headers, "set-cookie");
  EXPECT_TRUE(absl::EndsWith(field, ";path=/;Max-Age=600;secure;HttpOnly")) << field;
  EXPECT_EQ(Stat("http.test.oauth_unauthorized_rq"), 1u);
}

TEST_F(OAuth2Test, LoginGivesASession) {
  Ask("/page?a=b");
  Ask(Callback());
  EXPECT_FALSE(passed());
  Http2OriginStream& asked = Asked();
  EXPECT_EQ(asked.head().method_text, "POST");
  EXPECT_EQ(asked.head().path, "/token?x");
  EXPECT_EQ(asked.head().authority, "idp.test");
  EXPECT_EQ(asked.Header("content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(asked.Header("authorization"), "");
  EXPECT_EQ(Form(asked, "grant_type"), "authorization_code");
  EXPECT_EQ(Form(asked, "code"), "c%2F1");
  EXPECT_EQ(Form(asked, "redirect_uri"), "https%3A%2F%2Fhost%2Fcallback");
  EXPECT_EQ(Form(asked, "client_id"), "me%20%26%20you");
  EXPECT_EQ(Form(asked, "client_secret"), "pass%20word");
  EXPECT_EQ(Form(asked, "code_verifier"),
            oauth2::Decrypt(cookies_[CookieLike("CodeVerifier.")], "hmac key").value_or("none"));
  asked.Reply(200, {}, kAnswer);
  Decided();
  EXPECT_EQ(status(), 302);
  EXPECT_EQ(details(), "oauth.logged_in");
  EXPECT_EQ(Location(), "https://host/page?a=b");
  EXPECT_EQ(cookies_.size(), 5u);  // The login's own are gone.
  EXPECT_EQ(oauth2::Decrypt(cookies_["BearerToken"], "hmac key"), "A1");
  EXPECT_EQ(Stat("http.test.oauth_success"), 1u);

  cookies_["mine"] = "1";
  cookies_["OauthNonce.old"] = "2";
  Ask("/page?a=b", {{"authorization", "Bearer forged"}});
  ASSERT_TRUE(passed());
  EXPECT_EQ(Sent("cookie"), "BearerToken=A1; IdToken=I1; mine=1");
  EXPECT_EQ(Sent("authorization"), "-");
  EXPECT_EQ(Stat("http.test.oauth_success"), 1u);
}

TEST_F(OAuth2Test, TokensGoOnWhereAskedFor) {
  const std::string both =
      OAuth2Text("forward_bearer_token: true forward_id_token { header: 'X-Id' }");
  LogIn(both);
  Ask("/", {{"authorization", "Bearer forged"}, {"x-id", "forged"}}, both);
  ASSERT_TRUE(passed());
  EXPECT_EQ(Sent("authorization"), "Bearer A1");
  EXPECT_EQ(Sent("x-id"), "I1");
  Ask("/", {}, OAuth2Text("forward_id_token { header: 'Authorization' }"));
  EXPECT_EQ(Sent("authorization"), "Bearer I1");
  Ask("/", {{"authorization", "Basic x"}}, OAuth2Text("preserve_authorization_header: true"));
  EXPECT_EQ(Sent("authorization"), "Basic x");
  // What comes without a session cannot bring a token that it made up.
  cookies_.clear();
  Ask("/", {{"x-id", "forged"}, {"go", "1"}},
      OAuth2Text("forward_id_token { header: 'X-Id' } pass_through_matcher { name: 'go' }"));
  ASSERT_TRUE(passed());
  EXPECT_EQ(Sent("x-id"), "-");
}

TEST_F(OAuth2Test, CallbacksOfOthersAreRefused) {
  Ask("/page");
  const std::string mine = Parameter("state");
  const auto with_cookies = cookies_;
  const auto outcome = [&](const std::string& path) {
    cookies_ = with_cookies;
    Ask(path);
    EXPECT_FALSE(passed());
    return absl::StrCat(status(), " ", details());
  };
  EXPECT_EQ(outcome("/callback"), "401 oauth2_no_state");
  EXPECT_EQ(outcome("/callback?code=1"), "401 oauth2_no_state");
  EXPECT_EQ(outcome("/callback?code=1&state="), "401 oauth2_state_not_ours");
  EXPECT_EQ(outcome("/callback?code=1&state=%00"), "401 oauth2_state_not_ours");
  EXPECT_EQ(outcome("/callback?code=1&state=" + mine.substr(1)), "401 oauth2_state_not_ours");
  EXPECT_EQ(outcome("/callback?state=" + mine), "401 oauth2_no_code");
  EXPECT_EQ(outcome("/callback?code=&state=" + mine), "401 oauth2_no_code");
  EXPECT_EQ(outcome("/callback?error=access_denied&state=" + mine),
            "401 oauth2_authorization_denied");
  // The login that another browser began, whoever sends us there.
  const auto others = oauth2::MakeState("https://host/", "hmac key");
  EXPECT_EQ(outcome("/callback?code=1&state=" + oauth2::Seal(others, "hmac key")),
            "401 oauth2_csrf_token_mismatch");
  EXPECT_EQ(Stat("http.test.oauth_failure"), 1u);
  // Refused logins leave no cookies behind.
  EXPECT_EQ(outcome("/callback?error=x&state=" + mine), "401 oauth2_authorization_denied");
  EXPECT_TRUE(cookies_.empty());
}

TEST_F(OAuth2Test, NobodyIsSentElsewhere) {
  const auto outcome = [this](const std::string& url, const std::string& config) {
    cookies_.clear();
    const auto state = oauth2::MakeState(url, "hmac key");
    cookies_["OauthNonce." + state.flow_id] = state.csrf_token;
    cookies_["CodeVerifier." + state.flow_id] = oauth2::Encrypt("v", "hmac key");
    Ask("/callback?code=1&state=" + oauth2::Seal(state, "hmac key"), {}, config);
    return status() == 0 ? std::string("asks") : details();
  };
  const std::string none = OAuth2Text();
  EXPECT_EQ(outcome("https://host/a", none), "asks");
  EXPECT_EQ(outcome("https://HOST:8443/a", none), "asks");
  EXPECT_EQ(outcome("https://evil/a", none), "oauth2_original_uri_not_allowed");
  EXPECT_EQ(outcome("https://host@evil/", none), "oauth2_original_uri_not_allowed");
  EXPECT_EQ(outcome("//host/", none), "oauth2_original_uri_not_allowed");
  EXPECT_EQ(outcome("javascript:alert(1)//host", none), "oauth2_original_uri_not_allowed");
  const std::string domains = OAuth2Text("allowed_redirect_domains: '*.example.com'");
  EXPECT_EQ(outcome("https://app.example.com/", domains), "asks");
  EXPECT_EQ(outcome("https://host/", domains), "oauth2_original_uri_not_allowed");
  const std::string shared = OAuth2Text("", "cookie_domain: 'example.com'");
  EXPECT_EQ(outcome("https://app.example.com/", shared), "asks");
  EXPECT_EQ(outcome("https://evilexample.com/", shared), "oauth2_original_uri_not_allowed");
  EXPECT_EQ(outcome("https://host/callback?code=2", none),
            "oauth2_original_uri_is_the_redirect_path");
}

TEST_F(OAuth2Test, OriginalUriAsATrustedHopTellsIt) {
  const std::string config = OAuth2Text(
      "original_request_uri: 'https://%REQ(x-forwarded-host)%' "
      "allowed_redirect_domains: 'app.test' allowed_redirect_domains: 'host'");
  Ask("/p", {{"x-forwarded-host", "app.test"}}, config);
  EXPECT_EQ(oauth2::Open(Parameter("state"), "hmac key")->url, "https://app.test/p");
  Ask("/p", {{"x-forwarded-host", "evil.test"}}, config);
  EXPECT_EQ(details(), "oauth2_original_uri_not_allowed");
  Ask("/p", {}, Instead(kBack, "https://%REQ(x-to)%/callback", "allowed_redirect_domains: 'host'"));
  EXPECT_EQ(details(), "oauth2_redirect_uri_not_allowed");
}

TEST_F(OAuth2Test, CookiesThatSomebodyChangedAreNoSession) {
  LogIn();
  const auto good = cookies_;
  for (const char* name : {"BearerToken", "IdToken", "RefreshToken", "OauthHMAC", "OauthExpires"}) {
    cookies_ = good;
    std::string& value = cookies_[name];
    value[value.size() / 2] = value[value.size() / 2] == '1' ? '2' : '1';
    Ask("/");
    EXPECT_FALSE(passed()) << name;
  }
  // Those of another user's session do not go together with these.
  cookies_.clear();
  LogIn(OAuth2Text(), R"({"access_token":"A2","expires_in":60})");
  cookies_["BearerToken"] = good.at("BearerToken");
  Ask("/");
  EXPECT_EQ(status(), 302);
}

TEST_F(OAuth2Test, OldEncryptionIsNotRead) {
  LogIn();
  cookies_["RefreshToken"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  Ask("/");
  EXPECT_EQ(status(), 302);
  EXPECT_EQ(subject_.service->origin.stream_count(), 0u);
}

TEST_F(OAuth2Test, ExpiredSessionsAreRefreshed) {
  LogIn();
  cookies_.erase("BearerToken");  // As browsers do.
  cookies_["other"] = "o";
  passed_ = 61 * base::kSecond;
  Ask("/page", {}, OAuth2Text("forward_bearer_token: true"));
  Http2OriginStream& asked = Asked();
  EXPECT_EQ(Form(asked, "grant_type"), "refresh_token");
  EXPECT_EQ(Form(asked, "refresh_token"), "R1");
  EXPECT_EQ(Form(asked, "client_secret"), "pass%20word");
  asked.Reply(200, {}, R"({"access_token":"A2","expires_in":60})");
  Decided();
  ASSERT_TRUE(passed());
  EXPECT_EQ(Sent("authorization"), "Bearer A2");
  EXPECT_TRUE(absl::StrContains(Sent("cookie"), "BearerToken=A2")) << Sent("cookie");
  EXPECT_FALSE(absl::StrContains(Sent("cookie"), "Refresh")) << Sent("cookie");
  stream().SendResponse(200, "ok", true);
  TakeCookies();
  EXPECT_EQ(Stat("http.test.oauth_refreshtoken_success"), 1u);
  EXPECT_EQ(oauth2::Decrypt(cookies_["BearerToken"], "hmac key"), "A2");
  // No new one came: the old one can be used again.
  EXPECT_EQ(oauth2::Decrypt(cookies_["RefreshToken"], "hmac key"), "R1");
  Ask("/page");
  EXPECT_TRUE(passed());
}

TEST_F(OAuth2Test, WhatCannotBeRefreshedLogsInAnew) {
  LogIn();
  passed_ = 61 * base::kSecond;
  Ask("/page");
  Asked().Reply(400, {}, R"({"error":"invalid_grant"})");
  Decided();
  EXPECT_EQ(status(), 302);
  EXPECT_EQ(details(), "oauth.missing_credentials");
  EXPECT_EQ(Stat("http.test.oauth_refreshtoken_failure"), 1u);
  Ask("/page", {}, OAuth2Text("use_refresh_token { value: false }"));
  EXPECT_EQ(status(), 302);
  EXPECT_EQ(subject_.service->origin.stream_count(), 0u);
}

TEST_F(OAuth2Test, RequestsThatAreTreatedOtherwise) {
  const std::string config = OAuth2Text(
      "pass_through_matcher { name: ':method' string_match { exact: 'OPTIONS' } } "
      "deny_redirect_matcher { name: 'x-ajax' } "
      "allow_failed_matcher { name: 'x-maybe' }");
  Ask("/", {{"x-ajax", "1"}}, config);
  EXPECT_EQ(ResponseText(stream()), "401 OAuth flow failed.");
  EXPECT_EQ(Stat("http.test.oauth_failure"), 1u);
  cookies_ = {{"BearerToken", "junk"}, {"OauthNonce.1", "2"}, {"mine", "3"}};
  Ask("/", {{"x-maybe", "1"}, {"x-ajax", "1"}, {"x-envoy-oauth-status", "ok"}}, config);
  ASSERT_TRUE(passed());
  EXPECT_EQ(Sent("x-envoy-oauth-status"), "failed");
  EXPECT_EQ(Sent("x-envoy-oauth-failure-reason"), "no session");
  EXPECT_EQ(Sent("cookie"), "mine=3");
  EXPECT_EQ(Stat("http.test.oauth_allow_failed_passthrough"), 1u);
  // Where logins end nobody is let through.
  Ask("/callback?x", {{"x-maybe", "1"}}, config);
  EXPECT_EQ(status(), 401);
  subject_ = Make(config, {.method = "OPTIONS",
                           .path = "/",
                           .fields = {{"authorization", "kept"}, {"x-envoy-oauth-status", "ok"}}});
  stream().SendRequest(true);
  ASSERT_TRUE(passed());
  EXPECT_EQ(Sent("authorization"), "kept");
  EXPECT_EQ(Sent("x-envoy-oauth-status"), "-");
  EXPECT_EQ(Stat("http.test.oauth_passthrough"), 1u);
}

TEST_F(OAuth2Test, SigningOutTakesCookiesBack) {
  LogIn();
  cookies_["OauthNonce.left"] = "1";
  Ask("/signout?x");
  EXPECT_EQ(status(), 302);
  EXPECT_EQ(details(), "oauth.sign_out");
  EXPECT_EQ(Location(), "https://host/");
  EXPECT_TRUE(cookies_.empty());
  LogIn();
  const std::string oidc = "auth_scopes: 'openid' end_session_endpoint: 'https://idp.test/out' ";
  Ask("/signout", {}, OAuth2Text(oidc));
  EXPECT_EQ(Location(),
            "https://idp.test/out?id_token_hint=I1&client_id=me%20%26%20you&"
            "post_logout_redirect_uri=https%3A%2F%2Fhost%2F");
  Ask("/signout", {}, OAuth2Text(oidc + "post_logout_redirect_uri { disabled: true }"));
  EXPECT_EQ(Location(), "https://idp.test/out?id_token_hint=&client_id=me%20%26%20you");
  Ask("/signout", {},
      OAuth2Text(oidc + "post_logout_redirect_uri { uri: 'https://bye.test/%REQ(x-a)%' }"));
  EXPECT_EQ(Parameter("post_logout_redirect_uri"), "https%3A%2F%2Fbye.test%2F-");
}

TEST_F(OAuth2Test, CookiesAsConfigured) {
  const std::string config = OAuth2Text(
      "cookie_configs { oauth_hmac_cookie_config { same_site: STRICT path: '/app' } "
      "bearer_token_cookie_config { same_site: NONE partitioned: true } "
      "oauth_nonce_cookie_config { same_site: LAX } } csrf_token_expires_in { seconds: 30 } "
      "code_verifier_token_expires_in { seconds: 40 }",
      "cookie_domain: 'host' cookie_names { bearer_token: '__Secure-T' oauth_hmac: 'H' }");
  const auto field = [this](const std::string& start) {
    for (const http::Header& each : stream().response.headers) {
      if (each.id == http::HeaderId::kSetCookie && absl::StartsWith(each.value(), start)) {
        return std::string(each.value().substr(each.value().find(';')));
      }
    }
    return std::string("none");
  };
  Ask("/", {}, config);
  EXPECT_EQ(field("OauthNonce."), ";domain=host;path=/;Max-Age=30;secure;HttpOnly;SameSite=Lax");
  EXPECT_EQ(field("CodeVerifier."), ";domain=host;path=/;Max-Age=40;secure;HttpOnly");
  Ask(Callback(), {}, config);
  Asked().Reply(200, {}, kAnswer);
  Decided();
  EXPECT_EQ(field("H="), ";domain=host;path=/app;Max-Age=60;secure;HttpOnly;SameSite=Strict");
  EXPECT_EQ(field("__Secure-T="),
            ";domain=host;path=/;Max-Age=60;secure;HttpOnly;SameSite=None;Partitioned");
  Ask("/signout", {}, config);
  EXPECT_EQ(field("__Secure-T="),
            "; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT;domain=host; Secure; Partitioned");
  EXPECT_EQ(field("H="), "; path=/app; expires=Thu, 01 Jan 1970 00:00:00 GMT;domain=host");
}

TEST_F(OAuth2Test, ARaceIsWonOnce) {
  Ask("/page");
  const std::string callback = Callback();
  const auto flow = cookies_;
  LogIn();
  cookies_.insert(flow.begin(), flow.end());
  Ask(callback);
  EXPECT_EQ(status(), 302);
  EXPECT_EQ(details(), "oauth.race_redirect");
  EXPECT_EQ(Location(), "https://host/page");
  EXPECT_EQ(subject_.service->origin.stream_count(), 0u);
}

TEST_F(OAuth2Test, AnswersThatAreNoTokens) {
  for (const auto& [code, body] :
       {std::pair<uint16_t, std::string>{400, R"({"error":"invalid_grant"})"},
        {200, "nonsense"},
        {200, R"({"access_token":"a"})"},
        {200, std::string(70000, ' ')},
        {302, kAnswer}}) {
    cookies_.clear();
    Ask("/page");
    Ask(Callback());
    Asked().Reply(code, {}, body);
    Decided();
    EXPECT_EQ(ResponseText(stream()), "401 OAuth flow failed.") << body.substr(0, 40);
    EXPECT_EQ(details(), "oauth2_no_token");
    EXPECT_TRUE(cookies_.empty());
  }
}

TEST_F(OAuth2Test, TheCodeIsWorthNothingWithoutTheVerifier) {
  Ask("/page");
  const std::string callback = Callback();
  cookies_[CookieLike("CodeVerifier.")] = "gcm.AAAA";
  Ask(callback);
  EXPECT_EQ(details(), "oauth2_no_code_verifier");
}

TEST_F(OAuth2Test, SilenceIsATimeout) {
  Ask("/page");
  Ask(Callback());
  Asked();
  stream().Advance(999 * base::kMillisecond);
  stream().Turn();
  EXPECT_EQ(status(), 0);
  stream().Advance(2 * base::kMillisecond);
  Decided();
  EXPECT_EQ(status(), 401);
}

TEST_F(OAuth2Test, AsksAgainAsThePolicySays) {
  const std::string config =
      OAuth2Text("retry_policy { retry_back_off { base_interval { nanos: 100000000 } } }");
  Ask("/page", {}, config);
  Ask(Callback(), {}, config);
  Asked().Reply(503);
  for (int i = 0; i < 10; ++i) stream().TurnIn(base::kMillisecond);
  EXPECT_EQ(subject_.service->origin.stream_count(), 1u);
  stream().Advance(101 * base::kMillisecond);
  EXPECT_EQ(Form(Asked(2), "code"), "c%2F1");
  Asked(2).Reply(200, {}, kAnswer);
  Decided();
  EXPECT_EQ(details(), "oauth.logged_in");
}

TEST_F(OAuth2Test, MissingClusterFails) {
  Ask("/page");
  const std::string callback = Callback();
  Ask(callback, {}, absl::StrReplaceAll(OAuth2Text(), {{"cluster: 'idp'", "cluster: 'none'"}}));
  EXPECT_EQ(details(), "oauth2_no_token");
}

TEST_F(OAuth2Test, WaysToProveWhoOneIs) {
  Ask("/page");
  const std::string callback = Callback();
  const auto cookies = cookies_;
  Ask(callback, {}, OAuth2Text("auth_type: BASIC_AUTH"));
  EXPECT_EQ(Asked().Header("authorization"), "Basic " + absl::Base64Escape("me & you:pass word"));
  EXPECT_EQ(Form(Asked(), "client_secret"), "-");
  EXPECT_EQ(Form(Asked(), "client_id"), "-");
  cookies_ = cookies;
  Ask(callback, {}, OAuth2Text("auth_type: TLS_CLIENT_AUTH"));
  EXPECT_EQ(Asked().Header("authorization"), "");
  EXPECT_EQ(Form(Asked(), "client_secret"), "-");
  EXPECT_EQ(Form(Asked(), "client_id"), "me%20%26%20you");
  // A secret that is no key proves nothing.
  cookies_ = cookies;
  Ask(callback, {}, OAuth2Text("auth_type: PRIVATE_KEY_JWT"));
  EXPECT_EQ(details(), "oauth2_no_token");
}

TEST_F(OAuth2Test, SecretsComeLateAndChange) {
  hmac_->Publish(nullptr);
  Ask("/");
  EXPECT_EQ(ResponseText(stream()), "503 Service Unavailable");
  SetSecret(*hmac_, "");
  Ask("/");
  EXPECT_EQ(status(), 503);
  SetSecret(*hmac_, "first");
  LogIn();
  Ask("/");
  EXPECT_TRUE(passed());
  SetSecret(*hmac_, "second");
  Ask("/");
  EXPECT_EQ(status(), 302);
}

TEST_F(OAuth2Test, RoutesHaveTheirOwn) {
  // The filter does nothing by itself.
  Ask("/", {{"authorization", "kept"}}, "");
  ASSERT_TRUE(passed());
  EXPECT_EQ(Sent("authorization"), "kept");
  Ask("/", {}, "", OAuth2Text("stat_prefix: 'app'"));
  EXPECT_EQ(status(), 302);
  EXPECT_EQ(Stat("app.oauth_unauthorized_rq"), 1u);
  Ask("/", {}, OAuth2Text("stat_prefix: 'app'"));
  EXPECT_EQ(Stat("http.test.app.oauth_unauthorized_rq"), 1u);
  Ask("/", {}, OAuth2Text(), OAuth2Text());
  EXPECT_EQ(Stat("oauth_unauthorized_rq"), 1u);
}

TEST_F(OAuth2Test, PathsThatBrowsersDoNotEncode) {
  Ask("/a?b=\\\"c");
  EXPECT_EQ(oauth2::Open(Parameter("state"), "hmac key")->url, "https://host/a?b=%5C%22c");
}

TEST_F(OAuth2Test, StreamsEndInEveryPhase) {
  Ask("/page");
  const std::string callback = Callback();
  std::string cookies;
  for (const auto& [name, value] : cookies_) absl::StrAppend(&cookies, name, "=", value, "; ");
  testing::EndInEveryPhase(
      [&] {
        AsyncStream made = Make(
            OAuth2Text(), {.method = "GET", .path = callback, .fields = {{"cookie", cookies}}});
        made.service->origin.on_request = [](Http2OriginStream& asked) {
          asked.Reply(200, {}, kAnswer);
        };
        made.stream->SendRequest(true);
        return made;
      },
      [](FilterHarness& stream) { return stream.replied(); });
}

TEST_F(OAuth2Test, ConfigurationsThatAreWrong) {
  const auto problem = [](const std::string& config) {
    for (const filter::FilterKind& kind : server::BuiltinFilters()) {
      if (kind.type != "envoy.extensions.filters.http.oauth2.v3.OAuth2") continue;
      config::Errors errors;
      const auto any = Pack<oauth2_v3::OAuth2>(absl::StrCat("config {", config, "}"));
      EXPECT_EQ(kind.create(any, config::Path("f"), errors), nullptr);
      return std::string(errors.ToStatus().message());
    }
    return std::string();
  };
  const auto has = [&problem](const std::string& config, const char* part) {
    const std::string message = problem(config);
    EXPECT_TRUE(absl::StrContains(message, part)) << message;
  };
  has(OAuth2Text("forward_bearer_token: true preserve_authorization_header: true"), "at most one");
  has(OAuth2Text("end_session_endpoint: 'https://idp.test/out'"), "openid");
  has(Instead(kBack, "/callback"), "f.config.redirect_uri");
  has(Instead(kBack, "%NO_SUCH%"), "f.config.redirect_uri");
  has(Instead("https://idp.test/authorize?keep=1&client_id=not", "idp"),
      "f.config.authorization_endpoint");
  has(OAuth2Text("retry_policy { retry_on: 'nonsense' }"), "f.config.retry_policy.retry_on");
  has(OAuth2Text("", "cookie_names { bearer_token: 'IdToken' }"), "cookie_names");
  has(OAuth2Text("forward_id_token { header: ':path' }"), "f.config.forward_id_token.header");
  has(OAuth2Text("forward_id_token { header: 'x' } pass_through_matcher { name: 'X' }"),
      "pass_through_matcher");
  has(absl::StrReplaceAll(OAuth2Text(), {{"token_secret { name: 'token' }", ""}}), "token_secret");
}

}  // namespace
}  // namespace proxenos::filters
