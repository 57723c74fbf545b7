// Tokens by the client's own credentials: how they are asked for, when again, and what requests get
// while there are none.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "envoy/extensions/filters/http/credential_injector/v3/credential_injector.pb.h"
#include "gtest/gtest.h"
#include "source/filters/http/credential_injector/token_source.h"
#include "source/tls/secret_cell.h"
#include "test/filters/http/stream.h"
#include "test/support/side_service.h"

namespace proxenos::filters {
namespace {

using credential_injector::ParseGrant;
using testing::SideService;
using Proto = envoy::extensions::filters::http::credential_injector::v3::CredentialInjector;

class ClientCredentialsTest : public ::testing::Test {
 protected:
  ClientCredentialsTest() {
    tls::SecretRef ref;
    ref.name = "client-secret";
    cell_ = tls::SecretCells::OfProcess().Name(ref);
    Publish("p w");
  }
  void Publish(const std::string& value) {
    cell_->Publish(std::make_shared<const tls::GenericValues>(tls::GenericValues{value, {}}));
  }
  // `client` and `oauth2` are fields of ClientCredentials and of OAuth2.
  void Begin(const std::string& client = "", const std::string& oauth2 = "",
             const std::string& cluster = "idp") {
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{MakeFactory(Pack<Proto>(absl::StrCat(
            "credential { name: 'c' typed_config { "
            "[type.googleapis.com/envoy.extensions.http.injected_credentials.oauth2.v3.OAuth2] { "
            "token_endpoint { uri: 'https://idp.example/token?v=2' cluster: '",
            cluster,
            "' timeout { seconds: 1 } } client_credentials { client_id: 'me' "
            "client_secret { name: 'client-secret' } ",
            client, " } ", oauth2, " } } }")))},
        [this](filter::StreamContext& stream) {
          FillRequest({.path = "/"}, stream.request, stream.arena);
          auto service = std::make_unique<SideService>(stream.environment.loop,
                                                       stream.environment.clusters, "idp");
          service_ = service.get();
          static_cast<FilterHarness&>(stream).Keep(std::move(service));
        });
  }
  // The question of that number, once it is whole.
  testing::Http2OriginStream& Asked(size_t number = 0) {
    testing::Http2Origin& origin = service_->origin;
    EXPECT_TRUE(stream_->Until([&origin, number] {
      return origin.stream_count() > number && origin.stream(number).complete();
    }));
    return origin.stream(number);
  }
  void Answer(testing::Http2OriginStream& asked, const std::string& body, uint16_t status = 200) {
    const uint64_t before = Answers();
    asked.Reply(status, {{"content-type", "application/json"}}, body);
    EXPECT_TRUE(stream_->Until([this, before] { return Answers() > before; }));
  }
  uint64_t Answers() {
    return Stat("token_fetched") + Stat("token_fetch_failed_on_bad_token") +
           Stat("token_fetch_failed_on_bad_response_code");
  }
  void Wait(base::Nanos time) {
    stream_->Advance(time);
    stream_->Turn();
  }
  uint64_t Stat(absl::string_view name) {
    return stream_->Stat(absl::StrCat("http.test.credential_injector.oauth2.", name));
  }
  // What the request goes on with; its details where it does not.
  std::string Sent() {
    stream_->SendRequest(true);
    return stream_->request_out.head ? Value(stream_->request.headers, "authorization")
                                     : std::string(stream_->info.details);
  }

  tls::SecretCellPtr cell_;
  SideService* service_ = nullptr;
  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(ClientCredentialsTest, AsksAsItself) {
  Begin("", "scopes: 'a' scopes: 'b c' endpoint_params { name: 'audience' value: 'x&y=z' }");
  auto& asked = Asked();
  EXPECT_EQ(asked.head().method_text, "POST");
  EXPECT_EQ(asked.head().path, "/token?v=2");
  EXPECT_EQ(asked.head().authority, "idp.example");
  EXPECT_EQ(Value(asked.head().headers, "authorization"), "Basic bWU6cCB3");
  EXPECT_EQ(asked.body(), "grant_type=client_credentials&scope=a%20b%20c&audience=x%26y%3Dz");
  Answer(asked, R"({"access_token": "t1", "token_type": "Bearer", "expires_in": 100})");
  EXPECT_EQ(Sent(), "Bearer t1");
  Begin("auth_type: URL_ENCODED_BODY");
  EXPECT_EQ(Asked().body(), "grant_type=client_credentials&client_id=me&client_secret=p%20w");
  EXPECT_EQ(Value(Asked().head().headers, "authorization"), "-");
}

TEST_F(ClientCredentialsTest, TokensAreRenewedInTime) {
  Begin();
  Answer(Asked(), R"({"access_token": "t1", "expires_in": "100"})");
  Wait(49 * base::kSecond);
  EXPECT_EQ(Stat("token_requested"), 1u);
  Wait(2 * base::kSecond);
  // Until the next one is there, or its own time is over.
  auto& again = Asked(1);
  Answer(again, R"({"access_token": "t2", "expires_in": 100})");
  EXPECT_EQ(Stat("token_fetched"), 2u);
  EXPECT_EQ(Sent(), "Bearer t2");
  Begin();
  Answer(Asked(), R"({"access_token": "t1", "expires_in": 10})");
  Wait(11 * base::kSecond);
  EXPECT_EQ(Sent(), "failed_to_inject_credential");
}

TEST_F(ClientCredentialsTest, FailuresAreTriedAgain) {
  Begin("", "token_fetch_retry_interval { seconds: 3 }");
  Answer(Asked(), "no", 401);
  EXPECT_EQ(Stat("token_fetch_failed_on_bad_response_code"), 1u);
  Wait(2 * base::kSecond);
  EXPECT_EQ(Stat("token_requested"), 1u);
  Wait(2 * base::kSecond);
  Answer(Asked(1), "{}");
  EXPECT_EQ(Stat("token_fetch_failed_on_bad_token"), 1u);
  Wait(3 * base::kSecond);
  Asked(2);
  Wait(2 * base::kSecond);  // The endpoint is silent.
  EXPECT_TRUE(stream_->Until([this] { return Stat("token_fetch_failed_on_stream_reset") == 1; }));
  EXPECT_EQ(Sent(), "failed_to_inject_credential");
}

TEST_F(ClientCredentialsTest, WhatItNeedsMayComeLate) {
  Begin("", "", "other");
  EXPECT_EQ(Stat("token_fetch_failed_on_cluster_not_found"), 1u);
  Publish("");
  Begin();
  EXPECT_EQ(Stat("token_fetch_failed_on_client_secret"), 1u);
  Publish("late");
  Wait(2 * base::kSecond);
  Answer(Asked(), R"({"access_token": "t", "expires_in": 10})");
  EXPECT_EQ(Sent(), "Bearer t");
}

TEST_F(ClientCredentialsTest, EndsWithItsWorkerInEachPhase) {
  for (int turns = 0; turns < 12; ++turns) {
    Begin();
    for (int i = 0; i < turns; ++i) stream_->TurnIn(base::kMillisecond);
    stream_.reset();
  }
}

TEST(ParseGrantTest, OnlyWhatAFieldCanHold) {
  EXPECT_EQ(ParseGrant(R"({"access_token": "a", "expires_in": 1})").token, "a");
  EXPECT_EQ(ParseGrant(R"({"access_token": "a", "expires_in": 1e300})").lifetime,
            1'000'000'000 * base::kSecond);
  for (const char* wrong :
       {"", "[]", "{}", R"({"access_token": "a"})", R"({"access_token": "a", "expires_in": 0})",
        R"({"access_token": "a", "expires_in": -5})", R"({"access_token": "a", "expires_in": "x"})",
        R"({"access_token": "", "expires_in": 5})", R"({"access_token": 5, "expires_in": 5})",
        R"({"access_token": "a\r\nb: c", "expires_in": 5})",
        R"({"access_token": "a", "expires_in": 0.5})"}) {
    EXPECT_EQ(ParseGrant(wrong).token, "") << wrong;
  }
}

}  // namespace
}  // namespace proxenos::filters
