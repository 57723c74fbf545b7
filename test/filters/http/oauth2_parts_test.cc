// What keeps logins honest, part by part: seals, states, URLs, cookies, sessions, answers.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "source/buffer/arena.h"
#include "source/filters/http/jwt_authn/public_key.h"
#include "source/filters/http/jwt_authn/token.h"
#include "source/filters/http/oauth2/cookies.h"
#include "source/filters/http/oauth2/sealing.h"
#include "source/filters/http/oauth2/session.h"
#include "source/filters/http/oauth2/state.h"
#include "source/filters/http/oauth2/token_request.h"
#include "source/filters/http/oauth2/url.h"
#include "test/support/certificates.h"

namespace proxenos::filters::oauth2 {
namespace {

constexpr int64_t kNow = 1'800'000'000;

TEST(SealingTest, MacsAreThoseOfRfc4231) {
  // Test case 2.
  std::string mac;
  ASSERT_TRUE(absl::Base64Unescape(HmacBase64("Jefe", "what do ya want for nothing?"), &mac));
  EXPECT_EQ(absl::BytesToHexString(mac),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(SealingTest, ChallengesAreThoseOfRfc7636) {
  EXPECT_EQ(CodeChallenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(SealingTest, OnlyWhatWasEncryptedHereIsDecrypted) {
  const std::string sealed = Encrypt("a token", "secret");
  EXPECT_TRUE(absl::StartsWith(sealed, "gcm."));
  EXPECT_NE(sealed, Encrypt("a token", "secret"));
  EXPECT_EQ(Decrypt(sealed, "secret"), "a token");
  EXPECT_EQ(Decrypt(Encrypt("", "secret"), "secret"), "");
  EXPECT_EQ(Decrypt(sealed, "another"), std::nullopt);
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    // The last character may have bits that stand for nothing.
    if (i + 1 < sealed.size()) {
      EXPECT_EQ(Decrypt(changed, "secret"), std::nullopt) << i;
    }
    EXPECT_EQ(Decrypt(sealed.substr(0, i), "secret"), std::nullopt) << i;
  }
  for (const char* text : {"", "gcm.", "gcm.AAAA", "gcm.%", "plain.token"}) {
    EXPECT_EQ(Decrypt(text, "secret"), std::nullopt) << text;
  }
}

// What another implementation made: 12 bytes of IV, ciphertext, tag, under SHA-256("secret").
TEST(SealingTest, TheLayoutIsThatOfOthers) {
  EXPECT_EQ(Decrypt("gcm.AAECAwQFBgcICQoLyPbQ5AKmC7NKKU64xul3NG47HUvn2jk", "secret"), "a token");
}

TEST(SealingTest, TextsAreTheSameOrNot) {
  EXPECT_TRUE(SameText("", ""));
  EXPECT_TRUE(SameText("abc", "abc"));
  EXPECT_FALSE(SameText("abc", "abd"));
  EXPECT_FALSE(SameText("abc", "ab"));
}

TEST(AssertionTest, OthersVerifyWhatWasSigned) {
  using testing::KeyKind;
  const testing::TestCertificate ca = testing::MakeCa("ca");
  for (const auto& [kind, algorithm] : {std::pair{KeyKind::kP256, "ES256"},
                                        {KeyKind::kP384, "ES384"},
                                        {KeyKind::kRsa2048, "RS256"},
                                        {KeyKind::kRsa2048, "RS512"}}) {
    const testing::TestCertificate client = testing::MakeLeaf(ca, "client.test", kind);
    const std::string key = client.key_pem();
    Assertion assertion{algorithm, key, "k1", "me", "https://idp/token", kNow, 60};
    const std::optional<std::string> text = SignAssertion(assertion);
    ASSERT_TRUE(text.has_value()) << algorithm;
    jwt_authn::Token token;
    ASSERT_EQ(jwt_authn::ParseToken(*text, &token), jwt_authn::Failure::kNone) << *text;
    const auto public_key = jwt_authn::PublicKey::FromCertificate(client.pem());
    ASSERT_TRUE(public_key.has_value() && public_key->Suits(algorithm));
    EXPECT_TRUE(public_key->Verifies(algorithm, token.signed_text, token.signature)) << algorithm;
    EXPECT_EQ(token.kid, "k1");
    EXPECT_EQ(token.issuer, "me");
    EXPECT_EQ(token.subject, "me");
    EXPECT_EQ(token.audiences, std::vector<std::string>{"https://idp/token"});
    EXPECT_EQ(token.issued, kNow);
    EXPECT_EQ(token.expires, kNow + 60);
    // A key is used for algorithms of its own kind alone.
    assertion.algorithm = kind == KeyKind::kP256 ? "ES384" : "ES256";
    EXPECT_EQ(SignAssertion(assertion), std::nullopt);
    assertion.key_pem = "no key";
    EXPECT_EQ(SignAssertion(assertion), std::nullopt);
  }
}

TEST(StateTest, OpensWhatWasSealed) {
  const State state = MakeState("https://host/page?a=\"b\"&c", "secret");
  EXPECT_TRUE(absl::StartsWith(state.csrf_token, state.flow_id + "."));
  const std::optional<State> open = Open(Seal(state, "secret"), "secret");
  ASSERT_TRUE(open.has_value());
  EXPECT_EQ(open->url, state.url);
  EXPECT_EQ(open->csrf_token, state.csrf_token);
  EXPECT_EQ(open->flow_id, state.flow_id);
  EXPECT_NE(MakeState("https://host/", "secret").flow_id, state.flow_id);
}

TEST(StateTest, NobodyElseSealsOne) {
  State state = MakeState("https://host/", "secret");
  EXPECT_EQ(Open(Seal(state, "another"), "secret"), std::nullopt);
  EXPECT_EQ(Open("", "secret"), std::nullopt);
  EXPECT_EQ(Open("%%%", "secret"), std::nullopt);
  EXPECT_EQ(Open(absl::WebSafeBase64Escape("[1]"), "secret"), std::nullopt);
  EXPECT_EQ(Open(absl::WebSafeBase64Escape("{}"), "secret"), std::nullopt);
  EXPECT_EQ(Open(std::string(kMaxStateBytes + 1, 'A'), "secret"), std::nullopt);
  // As Envoy writes it: its token is good, but nothing says that the URL is.
  const std::string foreign =
      absl::StrCat(R"({"url":"https://evil/","csrf_token":")", state.csrf_token, R"(","flow_id":")",
                   state.flow_id, R"("})");
  EXPECT_EQ(Open(absl::WebSafeBase64Escape(foreign), "secret"), std::nullopt);
  // The parts of a state cannot be cut otherwise.
  std::string sealed;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(Seal(state, "secret"), &sealed));
  const size_t at = sealed.find("https://host/");
  sealed.replace(at, 13, "https://evil/");
  EXPECT_EQ(Open(absl::WebSafeBase64Escape(sealed), "secret"), std::nullopt);
}

TEST(StateTest, FlowIdsAreFitForNamesOfCookies) {
  State state{"https://host/", "", "a;b"};
  state.csrf_token = absl::StrCat("a;b.", HmacBase64("secret", "a;b"));
  EXPECT_EQ(Open(Seal(state, "secret"), "secret"), std::nullopt);
}

TEST(UrlTest, ParsesWhatBrowsersReadTheSame) {
  const auto host = [](absl::string_view text) {
    const std::optional<Url> url = ParseUrl(text);
    return url.has_value() ? absl::StrCat(url->host, " ", url->path) : std::string("none");
  };
  EXPECT_EQ(host("https://host"), "host ");
  EXPECT_EQ(host("http://host:8080/a?b"), "host /a?b");
  EXPECT_EQ(host("https://host?b"), "host ?b");
  EXPECT_EQ(host("https://[::1]:443/"), "::1 /");
  for (const char* text :
       {"", "//host/", "/path", "ftp://host/", "javascript:alert(1)", "https:///path", "https://",
        "https://user@host/", "https://host\\@evil/", "https://host/\\", "https://host/a b",
        "https://host/#f", "https://ho\nst/", "https://h\xc3\xb6st/", "HTTPS:host", "https://:80/",
        "https://host/\"", "https:/host"}) {
    EXPECT_EQ(host(text), "none") << text;
  }
}

TEST(UrlTest, Domains) {
  EXPECT_TRUE(IsOneOf("App.Example.com", {"x", "app.example.com"}));
  EXPECT_TRUE(IsOneOf("a.b.example.com", {"*.example.com"}));
  EXPECT_FALSE(IsOneOf("example.com", {"*.example.com"}));
  EXPECT_FALSE(IsOneOf("evilexample.com", {"*.example.com", "example.com"}));
  EXPECT_FALSE(IsOneOf("example.com.evil", {"example.com", "*.example.com"}));
  EXPECT_TRUE(IsWithin("example.com", "example.com"));
  EXPECT_TRUE(IsWithin("a.Example.com", ".example.com"));
  EXPECT_FALSE(IsWithin("evilexample.com", "example.com"));
}

TEST(UrlTest, EncodesAllButUnreserved) {
  EXPECT_EQ(EncodeComponent("aZ0-._~"), "aZ0-._~");
  EXPECT_EQ(EncodeComponent("a b&c=d+e/\xff"), "a%20b%26c%3Dd%2Be%2F%FF");
}

class CookiesTest : public ::testing::Test {
 protected:
  std::string Written(const Cookies& cookies) {
    cookies.WriteTo(headers_);
    return std::string(headers_.Get(http::HeaderId::kCookie));
  }
  buffer::Arena arena_;
  http::HeaderMap headers_{arena_};
};

TEST_F(CookiesTest, OfAllFields) {
  headers_.Add(http::HeaderId::kCookie, "a=1; b=\"2\";c = 3;;  d; a=4");
  headers_.Add(http::HeaderId::kCookie, "e=5=6");
  Cookies cookies(headers_);
  EXPECT_EQ(cookies.Get("a"), "1");
  EXPECT_EQ(cookies.Get("b"), "2");
  EXPECT_EQ(cookies.Get("c"), "");
  EXPECT_EQ(cookies.Get("e"), "5=6");
  // Nothing changed: nothing is written.
  cookies.WriteTo(headers_);
  EXPECT_EQ(headers_.Count(http::HeaderId::kCookie), 2u);
}

TEST_F(CookiesTest, ChangesMakeOneField) {
  headers_.Add(http::HeaderId::kCookie, "a=1; b=2; a=3; d");
  headers_.Add(http::HeaderId::kCookie, "e=5");
  Cookies cookies(headers_);
  cookies.Set("a", "x");
  cookies.Set("n", "y");
  cookies.RemoveIf([](absl::string_view name) { return name == "e"; });
  EXPECT_EQ(Written(cookies), "a=x; b=2; d; n=y");
  EXPECT_EQ(headers_.Count(http::HeaderId::kCookie), 1u);
}

TEST_F(CookiesTest, NamelessOnesGetNoName) {
  headers_.Add(http::HeaderId::kCookie, "=B=forged; B=mine");
  Cookies cookies(headers_);
  cookies.Set("B", "x");
  EXPECT_EQ(Written(cookies), "=B=forged; B=x");
}

TEST_F(CookiesTest, NoneLeftIsNoField) {
  headers_.Add(http::HeaderId::kCookie, "a=1");
  Cookies cookies(headers_);
  cookies.RemoveIf([](absl::string_view) { return true; });
  cookies.WriteTo(headers_);
  EXPECT_FALSE(headers_.Has(http::HeaderId::kCookie));
}

Settings WithNames() {
  Settings settings;
  const char* const names[] = {"H", "E", "B", "I", "R", "N", "V"};
  for (size_t i = 0; i < kCookieKinds; ++i) {
    settings.cookies[i] = Cookie{names[i], ";age=", "", ";gone"};
  }
  return settings;
}

class SessionTest : public CookiesTest {
 protected:
  Place place() const { return Place{settings_, "secret", "host", kNow}; }
  // The session of a browser that keeps what it was told; `change` is done to its cookies.
  Session After(const Grant& grant, const std::string& from = "", const std::string& to = "") {
    std::string sent;
    for (const std::string& field : SessionCookies(place(), grant, Cookies(headers_))) {
      if (absl::StrContains(field, ";gone")) continue;
      absl::StrAppend(&sent, sent.empty() ? "" : "; ", field.substr(0, field.find(';')));
    }
    if (!from.empty()) {
      EXPECT_TRUE(absl::StrContains(sent, from)) << sent;
      sent.replace(sent.find(from), from.size(), to);
    }
    headers_.Remove(http::HeaderId::kCookie);
    headers_.Add(http::HeaderId::kCookie, sent);
    Cookies cookies(headers_);
    return ReadSession(place(), cookies);
  }
  Settings settings_ = WithNames();
};

TEST_F(SessionTest, WhatIsSetIsRead) {
  const Grant grant{{"access", "id", "refresh"}, 60};
  for (const bool encrypts : {true, false}) {
    settings_.encrypt_tokens = encrypts;
    const Session session = After(grant);
    EXPECT_TRUE(session.valid);
    EXPECT_EQ(session.tokens.access, "access");
    EXPECT_EQ(session.tokens.id, "id");
    EXPECT_EQ(session.tokens.refresh, "refresh");
    EXPECT_EQ(absl::StrContains(headers_.Get(http::HeaderId::kCookie), "access"), !encrypts);
  }
}

TEST_F(SessionTest, NothingCanBeChanged) {
  settings_.encrypt_tokens = false;
  const Grant grant{{"access", "id", "refresh"}, 60};
  const std::string expires = absl::StrCat("E=", kNow + 60);
  EXPECT_FALSE(After(grant, "B=access", "B=other").valid);
  EXPECT_FALSE(After(grant, "; I=id", "").valid);
  EXPECT_FALSE(After(grant, "I=id", "I=").valid);
  EXPECT_FALSE(After(grant, "R=refresh", "R=other").valid);
  EXPECT_FALSE(After(grant, expires, absl::StrCat("E=", kNow + 600)).valid);
  EXPECT_FALSE(After(grant, "H=", "H=x").valid);
  // What is behind one cookie cannot come before the next.
  EXPECT_FALSE(After(grant, "B=access; I=id", "B=accessid; I=").valid);
}

TEST_F(SessionTest, OfAnotherHostOrSecretIsNone) {
  const Grant grant{{"access", "", ""}, 60};
  ASSERT_TRUE(After(grant).valid);
  Cookies cookies(headers_);
  EXPECT_FALSE(ReadSession(Place{settings_, "secret", "other", kNow}, cookies).valid);
  EXPECT_FALSE(ReadSession(Place{settings_, "other", "host", kNow}, cookies).valid);
  Cookies again(headers_);
  EXPECT_TRUE(ReadSession(Place{settings_, "secret", "host", kNow + 59}, again).valid);
  Cookies late(headers_);
  EXPECT_FALSE(ReadSession(Place{settings_, "secret", "host", kNow + 60}, late).valid);
  // A domain that hosts share is what counts where there is one.
  settings_.cookie_domain = "example.com";
  ASSERT_TRUE(After(grant).valid);
  Cookies shared(headers_);
  EXPECT_TRUE(ReadSession(Place{settings_, "secret", "other", kNow}, shared).valid);
}

TEST_F(SessionTest, TokensThatAreNotKept) {
  settings_.set_access_token_cookie = false;
  settings_.set_id_token_cookie = false;
  settings_.set_refresh_token_cookie = false;
  const Session session = After({{"access", "id", "refresh"}, 60});
  EXPECT_TRUE(session.valid);
  EXPECT_EQ(session.tokens.access + session.tokens.id + session.tokens.refresh, "");
}

TEST_F(SessionTest, AgesOfCookies) {
  const std::string claims = absl::WebSafeBase64Escape(absl::StrCat("{\"exp\":", kNow + 33, "}"));
  const std::string jwt = absl::StrCat("h.", claims, ".s");
  const auto age = [&](const Grant& grant, const std::string& name) {
    for (const std::string& field : SessionCookies(place(), grant, Cookies(headers_))) {
      if (absl::StartsWith(field, name + "=")) return field.substr(field.find("age=") + 4);
    }
    return std::string("none");
  };
  EXPECT_EQ(age({{"a", jwt, jwt}, 60}, "B"), "60");
  EXPECT_EQ(age({{"a", jwt, jwt}, 60}, "I"), "33");
  EXPECT_EQ(age({{"a", jwt, jwt}, 60}, "R"), "33");
  const std::string least =
      absl::StrCat("h.", absl::WebSafeBase64Escape("{\"exp\":-9223372036854775808}"), ".s");
  EXPECT_EQ(age({{"a", least, ""}, 60}, "I"), "0");
  EXPECT_EQ(age({{"a", "opaque", "opaque"}, 60}, "I"), "60");
  EXPECT_EQ(age({{"a", "opaque", "opaque"}, 60}, "R"), "604800");
  settings_.id_token_lives_as_access_token = true;
  EXPECT_EQ(age({{"a", jwt, ""}, 60}, "I"), "60");
  settings_.use_refresh_token = false;
  EXPECT_EQ(age({{"a", "", jwt}, 60}, "R"), "none");
}

TEST(GrantTest, WhatIsNoneAndWhatIsOne) {
  Settings settings;
  const auto access = [&settings](uint16_t status, absl::string_view body) {
    const std::optional<Grant> grant = ParseGrant(status, body, settings);
    return grant.has_value() ? absl::StrCat(grant->tokens.access, " ", grant->expires_in_s)
                             : std::string("none");
  };
  EXPECT_EQ(access(200, R"({"access_token":"a","expires_in":60,"more":[1]})"), "a 60");
  EXPECT_EQ(access(200, R"({"access_token":"a","expires_in":"60"})"), "a 60");
  EXPECT_EQ(access(200, R"({"access_token":"a","expires_in":9000000000000})"), "a 1000000000");
  for (const char* body :
       {"", "{}", "[]", "nonsense", R"({"access_token":"","expires_in":60})",
        R"({"access_token":7,"expires_in":60})", R"({"access_token":"a"})",
        R"({"access_token":"a","expires_in":0})", R"({"access_token":"a","expires_in":-1})",
        R"({"access_token":"a","expires_in":"x"})", R"({"access_token":"a;b","expires_in":60})",
        R"({"access_token":"a\nb","expires_in":60})",
        R"({"access_token":"a","id_token":"i d","expires_in":60})",
        R"({"access_token":"a","access_token":"b","expires_in":60})"}) {
    EXPECT_EQ(access(200, body), "none") << body;
  }
  EXPECT_EQ(access(400, R"({"access_token":"a","expires_in":60})"), "none");
  settings.default_expires_s = 5;
  EXPECT_EQ(access(200, R"({"access_token":"a"})"), "a 5");
  EXPECT_EQ(access(200, R"({"access_token":"a","expires_in":null})"), "a 5");
}

}  // namespace
}  // namespace proxenos::filters::oauth2
