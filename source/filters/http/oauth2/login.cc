// To the authorization server, back from it, and out again.
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "source/event/event_loop.h"
#include "source/filters/http/oauth2/filter.h"
#include "source/filters/http/oauth2/sealing.h"
#include "source/filters/http/oauth2/url.h"
#include "source/http/path.h"

namespace proxenos::filters::oauth2 {
namespace {

using filter::Verdict;

// Who sends more cookies of logins must wait until they expire.
constexpr int kMaxFlowCookiesDeleted = 64;
constexpr size_t kVerifierBytes = 32;  // As RFC 7636, section 4.1 recommends.

std::string Suffix(const State& state) { return absl::StrCat(".", state.flow_id); }

}  // namespace

std::string OAuth2::Text(const access_log::Formatter& format) const {
  access_log::FormatInput input;
  input.stream = &stream_.info;
  input.request = &stream_.request;
  std::string text;
  format.Format(input, text);
  return text;
}

std::string OAuth2::Origin() const {
  const http::RequestHead& head = stream_.request;
  return absl::StrCat(head.scheme == "http" ? "http" : "https", "://", head.authority);
}

// Browsers are sent to the hosts that the configuration allows; where it names none, to the one
// they came to, or to one that gets its cookies. A name that a trusted hop told
// (original_request_uri) stands as it is: the seal says that it was told.
bool OAuth2::MayGoTo(absl::string_view text) const {
  const std::optional<Url> url = ParseUrl(text);
  if (!url.has_value()) return false;
  if (!settings_->allowed_domains.empty()) return IsOneOf(url->host, settings_->allowed_domains);
  if (settings_->original_request_uri.has_value()) return true;
  if (!settings_->cookie_domain.empty()) return IsWithin(url->host, settings_->cookie_domain);
  return absl::EqualsIgnoreCase(url->host, HostOf(stream_.request.authority));
}

void OAuth2::AddSetCookie(const std::string& value) {
  stream_.response.headers.Add(http::HeaderId::kSetCookie, value);
}

void OAuth2::SendTo(const std::string& url, absl::string_view details) {
  stream_.Reply(302, "", details, 0);
  stream_.KeepReply();
  stream_.response.headers.Add(http::HeaderId::kLocation, url);
}

void OAuth2::DeleteFlowCookies() {
  for (const CookieKind kind : {CookieKind::kNonce, CookieKind::kVerifier}) {
    const Cookie& cookie = settings_->cookie(kind);
    AddSetCookie(DeleteCookie(cookie, absl::StrCat(cookie.name, Suffix(*state_))));
  }
}

Verdict OAuth2::Redirect() {
  const std::string origin =
      settings_->original_request_uri ? Text(*settings_->original_request_uri) : Origin();
  const std::string back = Text(*settings_->redirect_uri);
  // Browsers leave these in queries; a URL that is put together again must not have them.
  const std::string here = absl::StrCat(
      origin, absl::StrReplaceAll(stream_.request.path, {{"\\", "%5C"}, {"\"", "%22"}}));
  // A cookie domain that is not the host's would never bring the browser back logged in.
  if (!MayGoTo(here)) return Refuse("oauth2_original_uri_not_allowed");
  const std::optional<Url> back_url = ParseUrl(back);
  if (!back_url || (!settings_->allowed_domains.empty() &&
                    !IsOneOf(back_url->host, settings_->allowed_domains))) {
    return Refuse("oauth2_redirect_uri_not_allowed");
  }
  const std::string& secret = secret_->value;
  const State state = MakeState(here, secret);
  const std::string sealed = Seal(state, secret);
  if (sealed.size() > kMaxStateBytes) return Refuse("oauth2_path_too_long");
  const std::string verifier = RandomText(kVerifierBytes);
  stats_.oauth_unauthorized_rq.Inc();
  SendTo(absl::StrCat(settings_->authorization_url, "state=", sealed, "&redirect_uri=",
                      EncodeComponent(back), "&code_challenge=", CodeChallenge(verifier),
                      "&code_challenge_method=S256", settings_->resources),
         "oauth.missing_credentials");
  AddSetCookie(SetCookie(settings_->cookie(CookieKind::kNonce), Suffix(state), state.csrf_token,
                         settings_->csrf_expires_s));
  AddSetCookie(SetCookie(settings_->cookie(CookieKind::kVerifier), Suffix(state),
                         Encrypt(verifier, secret), settings_->verifier_expires_s));
  return Verdict::kReplied;
}

absl::string_view OAuth2::CheckCallback(absl::string_view* code) {
  const absl::string_view path = stream_.request.path;
  absl::string_view sealed;
  if (!http::FindQueryParameter(path, "state", &sealed)) return "oauth2_no_state";
  std::optional<State> state = Open(sealed, secret_->value);
  if (!state.has_value()) return "oauth2_state_not_ours";
  const Cookies cookies(stream_.request.headers);
  const std::string nonce =
      absl::StrCat(settings_->cookie(CookieKind::kNonce).name, Suffix(*state));
  // The login was begun by this browser, and by no other (RFC 6749, section 10.12).
  if (!SameText(cookies.Get(nonce), state->csrf_token)) return "oauth2_csrf_token_mismatch";
  state_ = std::move(state);
  absl::string_view error;
  if (http::FindQueryParameter(path, "error", &error)) return "oauth2_authorization_denied";
  if (!http::FindQueryParameter(path, "code", code) || code->empty()) return "oauth2_no_code";
  if (!MayGoTo(state_->url)) return "oauth2_original_uri_not_allowed";
  // Back to where logins end would never end.
  if (settings_->redirect_path->Matches(http::WithoutQuery(ParseUrl(state_->url)->path))) {
    return "oauth2_original_uri_is_the_redirect_path";
  }
  return absl::string_view();
}

Verdict OAuth2::ComeBack(bool logged_in) {
  absl::string_view code;
  const absl::string_view problem = CheckCallback(&code);
  if (!problem.empty()) return Refuse(problem);
  if (!logged_in) return AskForTokens(code);
  // Another login of this browser was faster.
  SendTo(state_->url, "oauth.race_redirect");
  DeleteFlowCookies();
  return Verdict::kReplied;
}

Verdict OAuth2::AskForTokens(absl::string_view code) {
  const Cookies cookies(stream_.request.headers);
  const std::string name =
      absl::StrCat(settings_->cookie(CookieKind::kVerifier).name, Suffix(*state_));
  const std::optional<std::string> verifier = Decrypt(cookies.Get(name), secret_->value);
  if (!verifier.has_value()) return Refuse("oauth2_no_code_verifier");
  const std::string back = Text(*settings_->redirect_uri);
  Await(Wait::kLogin, [&code, &back, &verifier](TokenRequest& request) {
    return request.StartWithCode({code, back, *verifier});
  });
  return wait_ == Wait::kNone ? FinishLogin(std::nullopt) : Verdict::kPause;
}

Verdict OAuth2::FinishLogin(std::optional<Grant> grant) {
  if (!grant.has_value()) return Refuse("oauth2_no_token");
  const Cookies cookies(stream_.request.headers);
  stats_.oauth_success.Inc();
  SendTo(state_->url, "oauth.logged_in");
  for (const std::string& value : SessionCookies(place(), *grant, cookies)) AddSetCookie(value);
  DeleteFlowCookies();
  return Verdict::kReplied;
}

Verdict OAuth2::SignOut(const Session& session, const Cookies& cookies) {
  std::string url = absl::StrCat(Origin(), "/");
  if (!settings_->end_session_endpoint.empty()) {
    const std::string after =
        settings_->post_logout.uri ? Text(*settings_->post_logout.uri) : std::move(url);
    const std::string& end = settings_->end_session_endpoint;
    url = absl::StrCat(end, absl::StrContains(end, '?') ? "&" : "?",
                       "id_token_hint=", EncodeComponent(session.tokens.id),
                       "&client_id=", EncodeComponent(settings_->client_id));
    if (settings_->post_logout.told) {
      absl::StrAppend(&url, "&post_logout_redirect_uri=", EncodeComponent(after));
    }
  }
  SendTo(url, "oauth.sign_out");
  for (const CookieKind kind : {CookieKind::kHmac, CookieKind::kBearer, CookieKind::kIdToken,
                                CookieKind::kRefresh, CookieKind::kExpires}) {
    const Cookie& cookie = settings_->cookie(kind);
    AddSetCookie(DeleteCookie(cookie, cookie.name));
  }
  int left = kMaxFlowCookiesDeleted;
  cookies.ForEachName([this, &left](absl::string_view name) {
    for (const CookieKind kind : {CookieKind::kNonce, CookieKind::kVerifier}) {
      const Cookie& cookie = settings_->cookie(kind);
      if (absl::StartsWith(name, absl::StrCat(cookie.name, ".")) && left-- > 0) {
        AddSetCookie(DeleteCookie(cookie, name));
      }
    }
  });
  return Verdict::kReplied;
}

}  // namespace proxenos::filters::oauth2
