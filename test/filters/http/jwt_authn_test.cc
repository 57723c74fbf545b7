// Tokens of another implementation against rules: what passes, what is told to those that do not,
// what origins and others learn of a token; and fetching of keys on the stream's own loop.
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/escaping.h"
#include "envoy/extensions/filters/http/jwt_authn/v3/config.pb.h"
#include "gtest/gtest.h"
#include "source/filters/http/jwt_authn/key_set.h"
#include "source/filters/http/jwt_authn/token_cache.h"
#include "test/filters/http/stream.h"
#include "test/support/side_service.h"

namespace proxenos::filters {
namespace {

namespace v3 = envoy::extensions::filters::http::jwt_authn::v3;
using jwt_authn::Failure;
using testing::AsyncStream;
using testing::Http2OriginStream;
using testing::SideService;

std::string ReadTestData(const std::string& name) {
  std::ifstream file("test/filters/http/testdata/" + name);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str(), "") << name;
  return text.str();
}

std::string TokenOf(const std::string& name) {
  static const auto* const tokens = [] {
    auto* read = new std::map<std::string, std::string>;
    std::istringstream lines(ReadTestData("tokens.txt"));
    for (std::string line; std::getline(lines, line);) {
      const size_t blank = line.find(' ');
      (*read)[line.substr(0, blank)] = line.substr(blank + 1);
    }
    return read;
  }();
  EXPECT_TRUE(tokens->contains(name)) << name;
  return tokens->count(name) == 0 ? "" : tokens->at(name);
}

Fields Bearer(const std::string& token) { return {{"authorization", "Bearer " + token}}; }

// A configuration with one provider, "p", with local keys; `provider` is added to it.
v3::JwtAuthentication Config(const std::string& provider, const std::string& rest) {
  v3::JwtAuthentication config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(rest, &config)) << rest;
  v3::JwtProvider& p = (*config.mutable_providers())["p"];
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(provider, &p)) << provider;
  if (!p.has_remote_jwks()) p.mutable_local_jwks()->set_inline_string(ReadTestData("jwks.json"));
  return config;
}

constexpr char kRule[] = "rules { match { prefix: '/' } requires { provider_name: 'p' } }";
constexpr char kIssuer[] = "issuer: 'https://issuer.example' ";
constexpr char kRemote[] =
    "remote_jwks { http_uri { uri: 'https://keys.example/jwks?a=b' cluster: 'keys' "
    "timeout { seconds: 1 } } ";

class JwtAuthnTest : public ::testing::Test {
 protected:
  AsyncStream Make(const v3::JwtAuthentication& config, const RequestLine& line,
                   const std::string& per_route = "") {
    google::protobuf::Any any;
    any.PackFrom(config);
    auto table = RouteToOrigin();
    auto* route = table.mutable_virtual_hosts(0)->mutable_routes(0);
    if (!per_route.empty()) {
      (*route->mutable_typed_per_filter_config())["f"] = Pack<v3::PerRouteConfig>(per_route);
    }
    routes_ = MakeRoutes(table);
    AsyncStream made{};
    made.stream = std::make_unique<FilterHarness>(
        filter::FilterFactories{MakeFactory(any)}, [&](filter::StreamContext& stream) {
          FillRequest(line, stream.request, stream.arena);
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
          auto service = std::make_unique<SideService>(stream.environment.loop,
                                                       stream.environment.clusters, "keys");
          made.service = service.get();
          static_cast<FilterHarness&>(stream).Keep(std::move(service));
        });
    return made;
  }
  void Begin(const v3::JwtAuthentication& config, const RequestLine& line,
             const std::string& per_route = "") {
    subject_ = Make(config, line, per_route);
    stream().SendRequest(true);
  }
  // "passed", or what the client is told.
  std::string Outcome(const v3::JwtAuthentication& config, const Fields& fields,
                      const std::string& path = "/") {
    Begin(config, {.method = "GET", .path = path, .fields = fields});
    return stream().request_out.head ? "passed" : ResponseText(stream());
  }
  std::string OutcomeOf(const std::string& provider, const std::string& token) {
    return Outcome(Config(provider, kRule), Bearer(TokenOf(token)));
  }
  FilterHarness& stream() { return *subject_.stream; }
  Http2OriginStream& Asked(size_t count = 1) {
    auto& origin = subject_.service->origin;
    EXPECT_TRUE(stream().Until(
        [&] { return origin.stream_count() >= count && origin.stream(count - 1).complete(); }));
    return origin.stream(count - 1);
  }
  void Decided() {
    EXPECT_TRUE(stream().Until([this] { return stream().request_out.head || stream().replied(); }));
  }

  std::shared_ptr<const route::RouteTable> routes_;
  AsyncStream subject_{};
};

TEST_F(JwtAuthnTest, EveryAlgorithmVerifies) {
  for (const std::string name : {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
                                 "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512", "no_kid"}) {
    EXPECT_EQ(OutcomeOf(kIssuer, name), "passed") << name;
    // One bit of the signature, and one of what it signs.
    std::string token = TokenOf(name);
    const size_t in_signature = token.rfind('.') + 5;
    token[in_signature] = token[in_signature] == 'A' ? 'B' : 'A';
    EXPECT_EQ(Outcome(Config(kIssuer, kRule), Bearer(token)), "401 Jwt verification fails") << name;
  }
}

TEST_F(JwtAuthnTest, KeysAreBoundToTheirKind) {
  // Whoever signs with the public key as if it were a secret gets nowhere.
  const std::string token = TokenOf("HS256");
  const std::string header = absl::WebSafeBase64Escape(R"({"alg":"HS256","kid":"rsa"})");
  EXPECT_EQ(Outcome(Config(kIssuer, kRule), Bearer(header + token.substr(token.find('.')))),
            "401 Jwks doesn't have key to match kid or alg from Jwt");
  const std::string none = absl::WebSafeBase64Escape(R"({"alg":"none"})");
  EXPECT_EQ(Outcome(Config(kIssuer, kRule), Bearer(none + token.substr(token.find('.')))),
            "401 Jwt header [alg] is not supported");
}

TEST_F(JwtAuthnTest, SaysWhatIsWrong) {
  const struct {
    const char* provider;
    const char* token;
    const char* outcome;
  } kCases[] = {
      {"", "RS256", "passed"},
      {"", "other_issuer", "passed"},
      {kIssuer, "other_issuer", "401 Jwt issuer is not configured"},
      {kIssuer, "no_issuer", "401 Jwt issuer is not configured"},
      {"", "other_kid", "401 Jwks doesn't have key to match kid or alg from Jwt"},
      {"", "weak", "401 Jwks doesn't have key to match kid or alg from Jwt"},
      {"", "encryption_key", "401 Jwks doesn't have key to match kid or alg from Jwt"},
      {"", "expired", "401 Jwt is expired"},
      {"clock_skew_seconds: 400000000", "expired", "passed"},
      {"", "future", "401 Jwt not yet valid"},
      {"", "no_exp", "passed"},
      {"require_expiration: true", "no_exp", "401 Jwt payload [exp] field is required"},
      {"max_lifetime { seconds: 1000 }", "RS256", "401 Jwt lifetime exceeds the allowed maximum"},
      {"", "critical", "401 Jwt header [crit] names an extension that is not supported"},
      {"audiences: 'x' audiences: 'api'", "RS256", "passed"},
      {"audiences: 'http://web.example'", "RS256", "passed"},
      {"audiences: 'x'", "RS256", "403 Audiences in Jwt are not allowed"},
      {"subjects { prefix: 'm' }", "RS256", "passed"},
      {"subjects { exact: 'you' }", "RS256", "401 Jwt subject is not allowed"},
  };
  for (const auto& one : kCases) {
    EXPECT_EQ(OutcomeOf(one.provider, one.token), one.outcome) << one.provider << one.token;
  }
}

TEST_F(JwtAuthnTest, BrokenTokens) {
  const auto part = [](const char* json) { return absl::WebSafeBase64Escape(json); };
  const std::string good = part(R"({"alg":"RS256"})");
  const std::pair<std::string, const char*> kCases[] = {
      {"a", "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"},
      {"a.b.c.d",
       "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections"},
      {"a.b.c", "Jwt header is an invalid Base64url encoded"},
      {part("x") + ".b.c", "Jwt header is an invalid JSON"},
      {part("{}") + ".b.c", "Jwt header [alg] field is required and must be a string"},
      {part(R"({"alg":1})") + ".b.c", "Jwt header [alg] field is required and must be a string"},
      {part(R"({"alg":"RS256","kid":1})") + ".b.c", "Jwt header [kid] field is not a string"},
      {part(R"({"alg":"RS256","alg":"none"})") + ".b.c", "Jwt header is an invalid JSON"},
      {good + ".b.c", "Jwt payload is an invalid Base64url encoded"},
      {good + "." + part("1") + ".c", "Jwt payload is an invalid JSON"},
      {good + "." + part(R"({"iss":1})") + ".c", "Jwt payload [iss] field is not a string"},
      {good + "." + part(R"({"sub":1})") + ".c", "Jwt payload [sub] field is not a string"},
      {good + "." + part(R"({"exp":"1"})") + ".c",
       "Jwt payload [exp] field is not an integer or not positive"},
      {good + "." + part(R"({"exp":-1})") + ".c",
       "Jwt payload [exp] field is not an integer or not positive"},
      {good + "." + part(R"({"aud":[1]})") + ".c",
       "Jwt payload [aud] field is not a string or string list"},
      {good + "." + part("{}") + ".c", "Jwt signature is an invalid Base64url encoded"},
  };
  for (const auto& [token, text] : kCases) {
    EXPECT_EQ(Outcome(Config("from_headers { name: 'x-jwt' }", kRule), {{"x-jwt", token}}),
              std::string("401 ") + text);
  }
}

TEST_F(JwtAuthnTest, RepliesSayWhereToLogIn) {
  EXPECT_EQ(Outcome(Config("", kRule), {}, "/a\"b?c"), "401 Jwt is missing");
  EXPECT_EQ(Value(stream().response.headers, "www-authenticate"),
            "Bearer realm=\"http://host/a%22b?c\"");
  EXPECT_EQ(stream().info.details, "jwt_authn_access_denied{Jwt_is_missing}");
  EXPECT_EQ(stream().Stat("http.test.jwt_authn.denied"), 1u);
  EXPECT_EQ(OutcomeOf("", "expired"), "401 Jwt is expired");
  EXPECT_EQ(Value(stream().response.headers, "www-authenticate"),
            "Bearer realm=\"http://host/\", error=\"invalid_token\"");
  EXPECT_EQ(Outcome(Config("", std::string(kRule) + " strip_failure_response: true"), {}), "401 ");
  EXPECT_EQ(Value(stream().response.headers, "www-authenticate"), "-");
}

TEST_F(JwtAuthnTest, TokensStandInManyPlaces) {
  const std::string good = TokenOf("RS256");
  const std::string bad = TokenOf("expired");
  const std::string custom =
      "from_headers { name: 'X-Jwt' value_prefix: 'jwt=' } from_params: 'token' from_cookies: 'c' ";
  EXPECT_EQ(Outcome(Config("", kRule), {}, "/?access_token=" + good), "passed");
  EXPECT_EQ(stream().request.path, "/");
  EXPECT_EQ(Outcome(Config(custom, kRule), {{"x-jwt", "a jwt=" + good + ", b"}}), "passed");
  EXPECT_EQ(Value(stream().request.headers, "x-jwt"), "-");
  EXPECT_EQ(Outcome(Config(custom, kRule), {}, "/?a=1&token=" + good + "&b=2"), "passed");
  EXPECT_EQ(stream().request.path, "/?a=1&b=2");
  EXPECT_EQ(Outcome(Config(custom + "forward: true", kRule), {}, "/?token=" + good), "passed");
  EXPECT_EQ(stream().request.path, "/?token=" + good);
  EXPECT_EQ(Outcome(Config(custom, kRule), {{"cookie", "a=b; c=" + good}}), "passed");
  EXPECT_EQ(Value(stream().request.headers, "cookie"), "a=b; c=" + good);
  // Other places count no more, and every token must be good.
  EXPECT_EQ(Outcome(Config(custom, kRule), Bearer(good)), "401 Jwt is missing");
  EXPECT_EQ(Outcome(Config(custom, kRule), {{"cookie", "c=" + bad}}, "/?token=" + good),
            "401 Jwt is expired");
}

// The origin may look at the one behind it.
TEST_F(JwtAuthnTest, EachOfTheSameNameMustBeGood) {
  const std::string good = TokenOf("RS256");
  const std::string bad = TokenOf("expired");
  const std::string places = "from_params: 'token' from_cookies: 'c' forward: true";
  EXPECT_EQ(Outcome(Config(places, kRule), {{"cookie", "c=" + good + "; c=" + good}}), "passed");
  for (const Fields& cookies : {Fields{{"cookie", "c=" + good + "; c=" + bad}},
                                Fields{{"cookie", "c=\"" + bad + "\"; c=" + good}},
                                Fields{{"cookie", "c=" + good}, {"cookie", "c=" + bad}}}) {
    EXPECT_EQ(Outcome(Config(places, kRule), cookies), "401 Jwt is expired");
  }
  for (const char* second : {"token", "%74oken"}) {
    EXPECT_EQ(
        Outcome(Config(places, kRule), {}, absl::StrCat("/?token=", good, "&", second, "=", bad)),
        "401 Jwt is expired");
  }
}

TEST_F(JwtAuthnTest, TokensBecomeHeadersAndMetadata) {
  const std::string provider = R"(
      forward: true forward_payload_header: "X-Payload" pad_forward_payload_header: true
      claim_to_headers { header_name: "X-Sub" claim_name: "sub" }
      claim_to_headers { header_name: "x-n" claim_name: "n" }
      claim_to_headers { header_name: "x-big" claim_name: "big" }
      claim_to_headers { header_name: "x-half" claim_name: "half" }
      claim_to_headers { header_name: "x-yes" claim_name: "yes" }
      claim_to_headers { header_name: "x-none" claim_name: "none" }
      claim_to_headers { header_name: "x-deep" claim_name: "deep.a.b" }
      claim_to_headers { header_name: "x-list" claim_name: "list" }
      claim_to_headers { header_name: "x-evil" claim_name: "evil" }
      claim_to_headers {
        header_name: "x-dots" claim_path { key: "dot.ted" } claim_path { key: "x.y" } }
      payload_in_metadata: "payload" header_in_metadata: "header" clear_route_cache: true
      normalize_payload_in_metadata { space_delimited_claims: "scope" })";
  Fields fields = Bearer(TokenOf("claims"));
  fields.push_back({"x-sub", "forged"});
  fields.push_back({"x-none", "forged"});
  fields.push_back({"x-payload", "forged"});
  ASSERT_EQ(Outcome(Config(provider, kRule), fields), "passed");
  const http::HeaderMap& headers = stream().request.headers;
  EXPECT_EQ(Value(headers, "authorization"), "Bearer " + TokenOf("claims"));
  EXPECT_EQ(Value(headers, "x-sub"), "me");
  EXPECT_EQ(Value(headers, "x-n"), "42");
  EXPECT_EQ(Value(headers, "x-big"), "9007199254740993");
  EXPECT_EQ(Value(headers, "x-half"), "1.5");
  EXPECT_EQ(Value(headers, "x-yes"), "true");
  EXPECT_EQ(Value(headers, "x-none"), "-");
  EXPECT_EQ(Value(headers, "x-deep"), "c");
  EXPECT_EQ(Value(headers, "x-list"), absl::Base64Escape("[1,\"a\"]"));
  EXPECT_EQ(Value(headers, "x-evil"), "-");
  EXPECT_EQ(Value(headers, "x-dots"), "z");
  std::string payload;
  EXPECT_EQ(Value(headers, "x-payload").size() % 4, 0u);
  ASSERT_TRUE(absl::WebSafeBase64Unescape(Value(headers, "x-payload"), &payload));
  EXPECT_EQ(payload.substr(0, 9), "{\"iss\": \"");
  const auto* claims = stream().info.metadata.Find("envoy.filters.http.jwt_authn", {"payload"});
  ASSERT_NE(claims, nullptr);
  EXPECT_EQ(json::ToJson(claims->object()->at("scope")), R"(["read","write"])");
  EXPECT_EQ(*stream().info.metadata.Find("envoy.filters.http.jwt_authn", {"header", "kid"})->text(),
            "rsa");
  EXPECT_EQ(stream().reroutes, 1);
}

TEST_F(JwtAuthnTest, ForgedHeadersGoEvenWhereNothingIsRequired) {
  ASSERT_EQ(Outcome(Config("claim_to_headers { header_name: 'x-sub' claim_name: 'sub' }", ""),
                    {{"x-sub", "forged"}}),
            "passed");
  EXPECT_EQ(Value(stream().request.headers, "x-sub"), "-");
}

TEST_F(JwtAuthnTest, RequirementsAreTrees) {
  const std::string two = R"(providers { key: "q" value {
      issuer: "https://other.example" from_headers { name: "x-q" }
      local_jwks { filename: "test/filters/http/testdata/jwks.json" } } } )";
  const auto rule = [](const std::string& requires_what) {
    return "rules { match { prefix: '/' } requires { " + requires_what + " } }";
  };
  const std::string p = "requirements { provider_name: 'p' } ";
  const std::string q = "requirements { provider_name: 'q' } ";
  const std::string any = rule("requires_any { " + p + q + "}");
  const std::string all = rule("requires_all { " + p + q + "}");
  const std::string may_miss =
      rule("requires_any { " + p + q + "requirements { allow_missing {} } }");
  const std::string may_fail =
      rule("requires_any { " + p + q + "requirements { allow_missing_or_failed {} } }");
  const Fields none;
  const Fields good = Bearer(TokenOf("RS256"));
  const Fields bad = Bearer(TokenOf("expired"));
  const Fields foreign = Bearer(TokenOf("other_issuer"));
  const Fields second = {{"x-q", TokenOf("other_issuer")}};
  Fields both = good;
  both.push_back(second[0]);
  const struct {
    std::string rules;
    Fields fields;
    const char* outcome;
  } kCases[] = {
      {any, none, "401 Jwt is missing"},
      {any, good, "passed"},
      {any, second, "passed"},
      {any, bad, "401 Jwt is expired"},
      {all, good, "401 Jwt is missing"},
      {all, both, "passed"},
      {may_miss, none, "passed"},
      {may_miss, foreign, "401 Jwt issuer is not configured"},
      {may_miss, bad, "401 Jwt is expired"},
      {may_fail, bad, "passed"},
      {rule("allow_missing {}"), none, "passed"},
      {rule("allow_missing {}"), good, "passed"},
      {rule("allow_missing {}"), bad, "401 Jwt is expired"},
      {rule("allow_missing {}"), foreign, "401 Jwt issuer is not configured"},
      {rule("allow_missing_or_failed {}"), foreign, "passed"},
      {rule("allow_missing_or_failed {}"), bad, "passed"},
      {rule("provider_and_audiences { provider_name: 'p' audiences: 'x' }"), good,
       "403 Audiences in Jwt are not allowed"},
      {"rules { match { prefix: '/other' } requires { provider_name: 'p' } }", none, "passed"},
      {"rules { match { prefix: '/' } } " + std::string(kRule), none, "passed"},
      {"requirement_map { key: 'r' value { provider_name: 'p' } } "
       "rules { match { prefix: '/' headers { name: 'x-never' present_match: true } } } "
       "rules { match { prefix: '/' } requirement_name: 'r' }",
       none, "401 Jwt is missing"},
  };
  for (const auto& one : kCases) {
    EXPECT_EQ(Outcome(Config(kIssuer, two + one.rules), one.fields), one.outcome) << one.rules;
  }
}

TEST_F(JwtAuthnTest, RoutesAndPreflightsAndState) {
  const std::string named = "requirement_map { key: 'r' value { provider_name: 'p' } } ";
  Begin(Config("", kRule), {}, "disabled: true");
  EXPECT_TRUE(stream().request_out.head);
  Begin(Config("", named), {}, "requirement_name: 'r'");
  EXPECT_EQ(ResponseText(stream()), "401 Jwt is missing");
  Begin(Config("", named), {}, "requirement_name: 'unknown'");
  EXPECT_EQ(stream().response.status, 403);
  const Fields preflight = {{"origin", "x"}, {"access-control-request-method", "GET"}};
  for (const bool bypass : {false, true}) {
    Begin(Config("", std::string(kRule) + (bypass ? " bypass_cors_preflight: true" : "")),
          {.method = "OPTIONS", .fields = preflight});
    EXPECT_EQ(stream().request_out.head, bypass);
  }
  EXPECT_EQ(stream().Stat("http.test.jwt_authn.cors_preflight_bypassed"), 1u);
  subject_ = Make(Config("",
                         "filter_state_rules { name: 'who' requires { key: 'a' value { "
                         "provider_name: 'p' } } }"),
                  {});
  stream().info.state.Set("who", "a");
  stream().SendRequest(true);
  EXPECT_EQ(ResponseText(stream()), "401 Jwt is missing");
}

TEST_F(JwtAuthnTest, KeysAreFetchedWhenNeeded) {
  Begin(Config(std::string(kRemote) + "}", kRule),
        {.method = "GET", .fields = Bearer(TokenOf("RS256"))});
  Http2OriginStream& asked = Asked();
  EXPECT_EQ(asked.head().method_text, "GET");
  EXPECT_EQ(asked.head().path, "/jwks?a=b");
  EXPECT_EQ(asked.head().authority, "keys.example");
  EXPECT_FALSE(stream().request_out.head);
  asked.Reply(200, {}, ReadTestData("jwks.json"));
  Decided();
  EXPECT_TRUE(stream().request_out.head);
  EXPECT_EQ(stream().Stat("http.test.jwt_authn.jwks_fetch_success"), 1u);
}

TEST_F(JwtAuthnTest, FailedFetchesFailTheRequest) {
  const std::pair<int, std::string> kAnswers[] = {
      {500, ReadTestData("jwks.json")}, {200, "no keys"}, {200, "{\"keys\":[]}"}};
  for (const auto& [status, body] : kAnswers) {
    Begin(Config(std::string(kRemote) + "}", kRule),
          {.method = "GET", .fields = Bearer(TokenOf("RS256"))});
    Asked().Reply(static_cast<uint16_t>(status), {}, body);
    Decided();
    EXPECT_EQ(ResponseText(stream()), "401 Jwks remote fetch is failed");
    EXPECT_EQ(stream().Stat("http.test.jwt_authn.jwks_fetch_failed"), 1u);
  }
}

TEST_F(JwtAuthnTest, FetchesAreTriedAgain) {
  Begin(Config(std::string(kRemote) +
                   "retry_policy { num_retries { value: 2 } retry_back_off { base_interval { "
                   "seconds: 3 } } } }",
               kRule),
        {.method = "GET", .fields = Bearer(TokenOf("RS256"))});
  Asked().Reply(503);
  for (int i = 0; i < 10; ++i) stream().TurnIn(base::kMillisecond);
  EXPECT_EQ(subject_.service->origin.stream_count(), 1u);
  stream().Advance(4 * base::kSecond);
  Asked(2).Reply(200, {}, ReadTestData("jwks.json"));
  Decided();
  EXPECT_TRUE(stream().request_out.head);
}

TEST_F(JwtAuthnTest, KeysFetchedAheadAreThereAndRenewed) {
  subject_ =
      Make(Config(std::string(kRemote) + "async_fetch {} cache_duration { seconds: 100 } }", kRule),
           {.method = "GET", .fields = Bearer(TokenOf("RS256"))});
  Asked().Reply(200, {}, ReadTestData("jwks.json"));
  ASSERT_TRUE(stream().Until(
      [this] { return stream().Stat("http.test.jwt_authn.jwks_fetch_success") == 1; }));
  stream().Advance(96 * base::kSecond);
  Asked(2).Reply(500);
  ASSERT_TRUE(stream().Until(
      [this] { return stream().Stat("http.test.jwt_authn.jwks_fetch_failed") == 1; }));
  stream().SendRequest(true);  // What there was is good until there is something newer.
  EXPECT_TRUE(stream().request_out.head);
}

TEST_F(JwtAuthnTest, VerifiedTokensAreKept) {
  const std::string provider = "jwt_cache_config {} audiences: 'api'";
  subject_ = Make(Config(provider, R"(rules { match { prefix: '/' } requires { requires_all {
      requirements { provider_name: 'p' } requirements { provider_name: 'p' }
      requirements { provider_and_audiences { provider_name: 'p' audiences: 'x' } } } } })"),
                  {.method = "GET", .fields = Bearer(TokenOf("RS256"))});
  stream().SendRequest(true);
  EXPECT_EQ(ResponseText(stream()), "403 Audiences in Jwt are not allowed");
  EXPECT_EQ(stream().Stat("http.test.jwt_authn.jwt_cache_miss"), 1u);
  EXPECT_EQ(stream().Stat("http.test.jwt_authn.jwt_cache_hit"), 2u);
}

TEST(TokenCacheTest, OldestGoesFirstAndOtherKeysForgetAll) {
  jwt_authn::TokenCache cache(2, 3);
  const auto token = std::make_shared<const jwt_authn::Token>();
  const auto has = [&cache](const char* text, uint64_t version) {
    return cache.Find(text, version) != nullptr;
  };
  EXPECT_FALSE(has("a", 1));
  cache.Insert("a", token);
  cache.Insert("b", token);
  cache.Insert("long", token);
  EXPECT_TRUE(has("a", 1));
  cache.Insert("c", token);
  EXPECT_FALSE(has("b", 1));
  EXPECT_TRUE(has("a", 1) && has("c", 1));
  EXPECT_FALSE(has("long", 1));
  cache.Remove("a");
  EXPECT_FALSE(has("a", 1));
  EXPECT_FALSE(has("c", 2));
  EXPECT_EQ(cache.size(), 0u);
}

TEST_F(JwtAuthnTest, StreamsEndInEveryPhase) {
  testing::EndInEveryPhase(
      [&] {
        AsyncStream made = Make(Config(std::string(kRemote) + "}", kRule),
                                {.method = "GET", .fields = Bearer(TokenOf("RS256"))});
        made.service->origin.on_request = [](Http2OriginStream& asked) {
          asked.Reply(200, {}, ReadTestData("jwks.json"));
        };
        made.stream->SendRequest(true);
        return made;
      },
      [](FilterHarness& stream) { return stream.request_out.head || stream.replied(); },
      testing::CallsOutlive::kTheStream);
}

}  // namespace
}  // namespace proxenos::filters
