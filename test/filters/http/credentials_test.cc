// Users with passwords and clients with keys: who passes, what the origin is told, what is hidden.
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "envoy/extensions/filters/http/api_key_auth/v3/api_key_auth.pb.h"
#include "envoy/extensions/filters/http/basic_auth/v3/basic_auth.pb.h"
#include "gtest/gtest.h"
#include "source/filters/http/basic_auth/filter.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using Basic = envoy::extensions::filters::http::basic_auth::v3::BasicAuth;
using BasicRoute = envoy::extensions::filters::http::basic_auth::v3::BasicAuthPerRoute;
using Keys = envoy::extensions::filters::http::api_key_auth::v3::ApiKeyAuth;
using KeysRoute = envoy::extensions::filters::http::api_key_auth::v3::ApiKeyAuthPerRoute;

// Passwords are "test" and "test2".
constexpr char kUsers[] =
    "users { inline_string: '# ours\\nann:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\\r\\n\\n"
    "bob:{SHA}EJ9LPFDXsN9ynSmbxvjp75Bmlx8=\\n' } ";

TEST(UsersTest, LinesOfHtpasswd) {
  const auto problem = [](const char* text) {
    basic_auth::Users users;
    std::string found;
    const bool parsed = basic_auth::ParseUsers(text, &users, &found);
    EXPECT_EQ(parsed, found.empty());
    return found;
  };
  EXPECT_EQ(problem("a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="), "");
  EXPECT_EQ(problem(" \n#x\n"), "expected at least one user");
  for (const char* broken : {"a", ":{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=", "a:b", "a:{SHA}",
                             "a:$apr1$x$y", "a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9", "a:{SHA}?"}) {
    EXPECT_EQ(problem(broken).rfind("line 1: expected NAME:{SHA}DIGEST", 0), 0u) << broken;
  }
  EXPECT_EQ(problem("a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\na:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="),
            "line 2: the user is there twice");
}

class CredentialsTest : public ::testing::Test {
 protected:
  template <typename Proto>
  void Configure(const std::string& text) {
    factory_ = MakeFactory(Pack<Proto>(text));
  }
  template <typename Proto>
  void ConfigureRoute(const std::string& text) {
    auto config = RouteToOrigin();
    auto* route = config.mutable_virtual_hosts(0)->mutable_routes(0);
    (*route->mutable_typed_per_filter_config())["f"] = Pack<Proto>(text);
    routes_ = MakeRoutes(config);
  }
  // "-", or the response's details.
  std::string Ask(const Fields& fields, const std::string& path = "/a") {
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{factory_}, [&](filter::StreamContext& stream) {
          FillRequest({.path = path, .fields = fields}, stream.request, stream.arena);
          if (routes_ == nullptr) return;
          stream.routes = routes_.get();
          stream.route = routes_->Match(route::MatchInput{stream.request});
        });
    stream_->SendRequest(true);
    return stream_->request_out.head ? "-" : std::string(stream_->info.details);
  }
  std::string AskAs(const std::string& credentials) {
    return Ask({{"authorization", "Basic " + absl::Base64Escape(credentials)}});
  }
  std::string Sent(absl::string_view name) { return Value(stream_->request.headers, name); }

  std::shared_ptr<const filter::FilterFactory> factory_;
  std::shared_ptr<const route::RouteTable> routes_;
  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(CredentialsTest, UsersAndPasswords) {
  Configure<Basic>(kUsers);
  EXPECT_EQ(AskAs("ann:test"), "-");
  EXPECT_EQ(AskAs("bob:test2"), "-");
  EXPECT_EQ(stream_->Stat("http.test.basic_auth.allowed"), 1u);
  for (const char* wrong : {"ann:test2", "ann:", "nobody:test", ":test", "Ann:test"}) {
    EXPECT_EQ(AskAs(wrong), "invalid_credential_for_basic_auth") << wrong;
  }
  EXPECT_EQ(stream_->response.status, 401);
  EXPECT_EQ(Value(stream_->response.headers, "www-authenticate"), "Basic realm=\"http://host/a\"");
  EXPECT_EQ(stream_->Stat("http.test.basic_auth.denied"), 1u);
  EXPECT_EQ(AskAs("ann"), "invalid_format_for_basic_auth");
  EXPECT_EQ(Ask({{"authorization", "Basic ???"}}), "invalid_format_for_basic_auth");
  EXPECT_EQ(Ask({{"authorization", "Bearer x"}}), "invalid_scheme_for_basic_auth");
  const std::string ann = "Basic " + absl::Base64Escape("ann:test");
  EXPECT_EQ(Ask({{"authorization", ann}, {"authorization", "Basic eDp5"}}),
            "invalid_format_for_basic_auth");
  EXPECT_EQ(Ask({}, "/\"x"), "no_credential_for_basic_auth");
  EXPECT_EQ(Value(stream_->response.headers, "www-authenticate"),
            "Basic realm=\"http://host/%22x\"");
}

TEST_F(CredentialsTest, TheOriginLearnsWhoItIs) {
  Configure<Basic>(std::string(kUsers) +
                   "forward_username_header: 'X-User' authentication_header: 'X-Auth' "
                   "allow_missing: true emit_dynamic_metadata: true");
  const std::string ann = "basic " + absl::Base64Escape("ann:test");
  EXPECT_EQ(Ask({{"x-auth", ann}, {"x-user", "root"}}), "-");
  EXPECT_EQ(Sent("x-user"), "ann");
  EXPECT_EQ(*stream_->info.metadata.Find("f", {"username"})->text(), "ann");
  EXPECT_EQ(Ask({{"x-user", "root"}}), "-");
  EXPECT_EQ(Sent("x-user"), "-");
  EXPECT_EQ(stream_->info.metadata.Find("f", {"username"}), nullptr);
  EXPECT_EQ(Ask({{"x-auth", "Basic eDp5"}}), "invalid_credential_for_basic_auth");
}

TEST_F(CredentialsTest, RoutesHaveTheirUsers) {
  Configure<Basic>(kUsers);
  ConfigureRoute<BasicRoute>("users { inline_string: 'eve:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=' }");
  EXPECT_EQ(AskAs("eve:test"), "-");
  EXPECT_EQ(AskAs("ann:test"), "invalid_credential_for_basic_auth");
}

constexpr char kKeys[] =
    "credentials { key: 'k1' client: 'ann' } credentials { key: 'k2' client: 'bob' } "
    "key_sources { header: 'X-Api-Key' } key_sources { query: 'key' } "
    "key_sources { cookie: 'ck' } ";

TEST_F(CredentialsTest, KeysOfEachSource) {
  Configure<Keys>(std::string(kKeys) + "forwarding { header: 'X-Client' }");
  EXPECT_EQ(Ask({{"x-api-key", "k1"}, {"x-client", "root"}}), "-");
  EXPECT_EQ(Sent("x-client"), "ann");
  EXPECT_EQ(Sent("x-api-key"), "k1");
  EXPECT_EQ(Ask({{"x-api-key", "Bearer k2"}}), "-");
  EXPECT_EQ(Sent("x-client"), "bob");
  EXPECT_EQ(Ask({}, "/a?b=1&key=k1"), "-");
  EXPECT_EQ(Ask({}, "/a?b=1&key=%6B%31"), "-");
  EXPECT_EQ(Ask({}, "/a?b=1&key=%6"), "unknown_api_key");
  EXPECT_EQ(Ask({{"cookie", "a=b; ck=k2"}}), "-");
  EXPECT_EQ(Sent("x-client"), "bob");
  EXPECT_EQ(stream_->Stat("http.test.api_key_auth.allowed"), 1u);
  EXPECT_EQ(Ask({}), "missing_api_key");
  EXPECT_EQ(Ask({{"x-api-key", "k3"}}), "unknown_api_key");
  EXPECT_EQ(ResponseText(*stream_), "401 Client authentication failed.");
  EXPECT_EQ(Ask({{"x-api-key", "k3"}}, "/?key=k1"), "unknown_api_key");  // The first counts.
  EXPECT_EQ(stream_->Stat("http.test.api_key_auth.unauthorized"), 1u);
}

TEST_F(CredentialsTest, KeysAreHidden) {
  Configure<Keys>(std::string(kKeys) + "forwarding { hide_credentials: true }");
  EXPECT_EQ(Ask({{"x-api-key", "k1"}, {"cookie", "ck=k1"}, {"cookie", "a=b; ck=x;c=d"}},
                "/a?key=k1&b=2&key=x&k%65y=k1"),
            "-");
  EXPECT_EQ(Sent("x-api-key"), "-");
  EXPECT_EQ(stream_->request.path, "/a?b=2");
  EXPECT_EQ(Sent("cookie"), "a=b; c=d");
}

TEST_F(CredentialsTest, RoutesNameTheirClients) {
  Configure<Keys>(kKeys);
  ConfigureRoute<KeysRoute>("allowed_clients: 'bob'");
  EXPECT_EQ(Ask({{"x-api-key", "k2"}}), "-");
  EXPECT_EQ(Ask({{"x-api-key", "k1"}}), "client_not_allowed");
  EXPECT_EQ(stream_->response.status, 403);
  EXPECT_EQ(stream_->Stat("http.test.api_key_auth.forbidden"), 1u);
  ConfigureRoute<KeysRoute>(
      "credentials { key: 'own' client: 'x' } key_sources { header: 'x-own' }");
  EXPECT_EQ(Ask({{"x-own", "own"}}), "-");
  EXPECT_EQ(Ask({{"x-api-key", "k1"}}), "missing_api_key");
}

}  // namespace
}  // namespace proxenos::filters
