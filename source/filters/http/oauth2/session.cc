// Cookies to tokens, and back.
#include "source/filters/http/oauth2/session.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "source/filters/http/oauth2/sealing.h"
#include "source/json/parse.h"

namespace proxenos::filters::oauth2 {
namespace {

std::string Mac(const Place& place, absl::string_view expires, const Tokens& tokens) {
  const std::string& domain = place.settings.cookie_domain;
  // As in Envoy. No part can hold a line's end: tokens are token text, the others come in a head.
  return HmacBase64(place.secret,
                    absl::StrCat(domain.empty() ? place.authority : domain, "\n", expires, "\n",
                                 tokens.access, "\n", tokens.id, "\n", tokens.refresh));
}

std::string ReadToken(const Place& place, CookieKind kind, Cookies& cookies) {
  const std::string& name = place.settings.cookie(kind).name;
  const absl::string_view value = cookies.Get(name);
  if (value.empty()) return std::string();
  if (!place.settings.encrypt_tokens) return IsTokenText(value) ? std::string(value) : "";
  std::optional<std::string> text = Decrypt(value, place.secret);
  if (!text.has_value() || !IsTokenText(*text)) return std::string();
  cookies.Set(name, *text);
  return *std::move(text);
}

// The claim `exp` of a JWT, whoever signed it; nothing when there is none.
std::optional<int64_t> ExpiryOf(absl::string_view token) {
  const std::vector<absl::string_view> parts = absl::StrSplit(token, '.');
  std::string payload;
  if (parts.size() != 3 || !absl::WebSafeBase64Unescape(parts[1], &payload)) return std::nullopt;
  const std::optional<json::Object> claims = json::ParseObject(payload);
  if (!claims.has_value()) return std::nullopt;
  const auto expires = claims->find("exp");
  return expires == claims->end() ? std::nullopt : expires->second.integer();
}

int64_t AgeOf(const Place& place, absl::string_view token, int64_t otherwise_s) {
  const std::optional<int64_t> expires = ExpiryOf(token);
  if (!expires.has_value() || *expires == 0) return otherwise_s;
  return *expires <= place.now_s ? 0 : *expires - place.now_s;
}

}  // namespace

bool IsTokenText(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > 0x20 && c < 0x7f && c != ';' && c != '"'; });
}

Session ReadSession(const Place& place, Cookies& cookies) {
  const Settings& settings = place.settings;
  Session session;
  session.tokens.access = ReadToken(place, CookieKind::kBearer, cookies);
  session.tokens.id = ReadToken(place, CookieKind::kIdToken, cookies);
  session.tokens.refresh = ReadToken(place, CookieKind::kRefresh, cookies);
  const absl::string_view expires = cookies.Get(settings.cookie(CookieKind::kExpires).name);
  int64_t expires_s = 0;
  session.valid = SameText(cookies.Get(settings.cookie(CookieKind::kHmac).name),
                           Mac(place, expires, session.tokens)) &&
                  absl::SimpleAtoi(expires, &expires_s) && expires_s > place.now_s;
  return session;
}

Tokens Kept(const Settings& settings, Tokens tokens) {
  if (!settings.set_access_token_cookie) tokens.access.clear();
  if (!settings.set_id_token_cookie) tokens.id.clear();
  if (!settings.use_refresh_token || !settings.set_refresh_token_cookie) tokens.refresh.clear();
  return tokens;
}

std::string SetCookie(const Cookie& cookie, absl::string_view suffix, absl::string_view value,
                      int64_t age_s) {
  return absl::StrCat(cookie.name, suffix, "=", value, cookie.before_age, age_s, cookie.after_age);
}

std::string DeleteCookie(const Cookie& cookie, absl::string_view name) {
  return absl::StrCat(name, "=deleted", cookie.deletion);
}

std::vector<std::string> SessionCookies(const Place& place, const Grant& grant,
                                        const Cookies& sent) {
  const Settings& settings = place.settings;
  const Tokens kept = Kept(settings, grant.tokens);
  const int64_t age = grant.expires_in_s;
  const std::string expires = absl::StrCat(place.now_s + age);
  std::vector<std::string> fields;
  const auto set = [&settings, &fields](CookieKind kind, absl::string_view value, int64_t age_s) {
    fields.push_back(SetCookie(settings.cookie(kind), "", value, age_s));
  };
  set(CookieKind::kHmac, Mac(place, expires, kept), age);
  set(CookieKind::kExpires, expires, age);
  const auto set_token = [&](CookieKind kind, const std::string& token, int64_t age_s) {
    const Cookie& cookie = settings.cookie(kind);
    if (!token.empty()) {
      set(kind, settings.encrypt_tokens ? Encrypt(token, place.secret) : token, age_s);
    } else if (!sent.Get(cookie.name).empty()) {
      fields.push_back(DeleteCookie(cookie, cookie.name));
    }
  };
  set_token(CookieKind::kBearer, kept.access, age);
  set_token(CookieKind::kIdToken, kept.id,
            settings.id_token_lives_as_access_token ? age : AgeOf(place, kept.id, age));
  set_token(CookieKind::kRefresh, kept.refresh,
            AgeOf(place, kept.refresh, settings.default_refresh_expires_s));
  return fields;
}

}  // namespace proxenos::filters::oauth2
