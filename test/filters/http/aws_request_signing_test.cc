// Requests to AWS: what of them is signed, by which credentials, and what goes on unsigned.
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "envoy/extensions/filters/http/aws_request_signing/v3/aws_request_signing.pb.h"
#include "gtest/gtest.h"
#include "source/filters/http/aws_request_signing/config.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using Proto = envoy::extensions::filters::http::aws_request_signing::v3::AwsRequestSigning;
using PerRoute =
    envoy::extensions::filters::http::aws_request_signing::v3::AwsRequestSigningPerRoute;

constexpr char kInline[] =
    "service_name: 'sqs' region: 'eu-west-1' credential_provider { inline_credential { "
    "access_key_id: 'AKID' secret_access_key: 'secret' session_token: 'token' } } ";
constexpr char kEmptyHash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

class AwsRequestSigningTest : public ::testing::Test {
 protected:
  void Begin(const std::string& config, const Fields& fields = {}) {
    stream_ = MakeStream(Pack<Proto>(config), {.path = "/a?b=c", .fields = fields});
  }
  std::string Sent(absl::string_view name) { return Value(stream_->request.headers, name); }
  std::string SignedHeaders() {
    const std::string value = Sent("authorization");
    const size_t from = value.find("SignedHeaders=") + 14;
    return value.substr(from, value.find(',', from) - from);
  }
  uint64_t Stat(absl::string_view name) {
    return stream_->Stat(absl::StrCat("http.test.aws_request_signing.", name));
  }

  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(AwsRequestSigningTest, SignsFieldsAndBody) {
  Begin(kInline, {{"authorization", "mine"}, {"x-own", "1"}, {"x-forwarded-for", "::1"}});
  stream_->SendRequest(false);
  EXPECT_FALSE(stream_->request_out.head);  // The body is waited for.
  stream_->SendRequestBody("ab", false);
  stream_->SendRequestBody("c", true);
  ASSERT_TRUE(stream_->request_out.head);
  EXPECT_EQ(Sent("x-amz-content-sha256"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sent("x-amz-security-token"), "token");
  EXPECT_EQ(Sent("x-amz-date").size(), 16u);
  EXPECT_TRUE(absl::StartsWith(Sent("authorization"), "AWS4-HMAC-SHA256 Credential=AKID/"));
  EXPECT_TRUE(absl::StrContains(Sent("authorization"), "/eu-west-1/sqs/aws4_request, "));
  EXPECT_EQ(SignedHeaders(), "host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-own");
  EXPECT_EQ(Stat("payload_signing_added"), 1u);
  EXPECT_EQ(Stat("signing_added"), 0u);
}

TEST_F(AwsRequestSigningTest, AnUnsignedBodyIsNotWaitedFor) {
  Begin(absl::StrCat(kInline, "use_unsigned_payload: true"));
  stream_->SendRequest(false);
  ASSERT_TRUE(stream_->request_out.head);
  EXPECT_EQ(Sent("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
  EXPECT_EQ(Stat("signing_added"), 1u);
}

TEST_F(AwsRequestSigningTest, WhatIsSignedCanBeChosen) {
  const Fields fields{{"x-a", "1"}, {"x-b", "2"}, {"te", "trailers"}};
  Begin(absl::StrCat(kInline, "match_excluded_headers { prefix: 'x-' }"), fields);
  stream_->SendRequest(true);
  EXPECT_EQ(SignedHeaders(), "host;x-amz-content-sha256;x-amz-date;x-amz-security-token");
  EXPECT_EQ(Sent("x-amz-content-sha256"), kEmptyHash);
  Begin(absl::StrCat(kInline,
                     "match_included_headers { exact: 'x-b' } "
                     "match_excluded_headers { exact: 'x-b' }"),
        fields);
  stream_->SendRequest(true);
  EXPECT_EQ(SignedHeaders(), "host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-b");
}

TEST_F(AwsRequestSigningTest, WithoutCredentialsRequestsGoOnUnsigned) {
  unsetenv("AWS_ACCESS_KEY_ID");
  Begin(
      "service_name: 's3' region: 'r' host_rewrite: 'b.s3' "
      "credential_provider { environment_credential_provider {} }");
  stream_->SendRequest(true);
  ASSERT_TRUE(stream_->request_out.head);
  EXPECT_EQ(Sent("authorization"), "-");
  EXPECT_EQ(stream_->request.authority, "b.s3");
  EXPECT_EQ(Stat("payload_signing_failed"), 1u);
}

TEST_F(AwsRequestSigningTest, ARouteHasItsOwn) {
  auto config = RouteToOrigin();
  auto* route = config.mutable_virtual_hosts(0)->mutable_routes(0);
  (*route->mutable_typed_per_filter_config())["f"] = Pack<PerRoute>(
      "stat_prefix: 'r' aws_request_signing { service_name: 's3' region: 'us-east-1' "
      "use_unsigned_payload: true credential_provider { credentials_file_provider { profile: 'b' "
      "credentials_data_source { inline_string: '[a]\\n[b]\\naws_access_key_id = BKID\\n"
      "aws_secret_access_key=s' } } } }");
  const auto routes = MakeRoutes(config);
  stream_ = std::make_unique<FilterHarness>(
      filter::FilterFactories{MakeFactory(Pack<Proto>(kInline))},
      [&](filter::StreamContext& stream) {
        FillRequest({.path = "/a"}, stream.request, stream.arena);
        stream.routes = routes.get();
        stream.route = routes->Match(route::MatchInput{stream.request});
      });
  stream_->SendRequest(false);
  ASSERT_TRUE(stream_->request_out.head);
  EXPECT_TRUE(absl::StrContains(Sent("authorization"), "Credential=BKID/"));
  EXPECT_EQ(Sent("x-amz-security-token"), "-");
}

TEST(AwsCredentialsTest, FilesOfCredentials) {
  const auto parse = [](absl::string_view text, absl::string_view profile) {
    const auto found = aws_request_signing::ParseCredentials(text, profile);
    if (!found.has_value()) return std::string("none");
    return absl::StrCat(found->access_key_id, " ", found->secret_access_key, " ",
                        found->session_token);
  };
  const char* file =
      "# ours\n[ default ]\nAWS_ACCESS_KEY_ID = a \r\naws_secret_access_key=b=c\n; x\n\n"
      "[other]\naws_access_key_id=d\naws_secret_access_key=e\naws_session_token=f\n[half]\n"
      "aws_access_key_id=g\n";
  EXPECT_EQ(parse(file, "default"), "a b=c ");
  EXPECT_EQ(parse(file, "other"), "d e f");
  EXPECT_EQ(parse(file, "half"), "none");
  EXPECT_EQ(parse(file, "nobody"), "none");
  EXPECT_EQ(parse("[", ""), "none");
}

}  // namespace
}  // namespace proxenos::filters
