// Local rate limits: buckets and their arithmetic, descriptors, what refused requests are told.
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.pb.h"
#include "gtest/gtest.h"
#include "source/access_log/formatted_change_config.h"
#include "source/filter/route_tree_config.h"
#include "source/filters/http/local_ratelimit/limiter.h"
#include "source/match/ip_range.h"
#include "source/route/tree_config.h"
#include "test/filters/http/stream.h"

namespace proxenos::filters {
namespace {

using base::kMillisecond;
using base::kSecond;
using local_ratelimit::BucketSize;
using local_ratelimit::TokenBucket;
using Proto = envoy::extensions::filters::http::local_ratelimit::v3::LocalRateLimit;

TEST(TokenBucketTest, FillsOneByOne) {
  TokenBucket bucket(BucketSize::Make(3, 2, kSecond));
  base::MonoTime now = 100 * kSecond;
  EXPECT_EQ(bucket.Remaining(now), 3u);
  EXPECT_TRUE(bucket.Take(2, now));
  EXPECT_EQ(bucket.Remaining(now), 1u);
  EXPECT_FALSE(bucket.Take(2, now));
  EXPECT_TRUE(bucket.Take(1, now));
  EXPECT_FALSE(bucket.Take(1, now));
  EXPECT_EQ(bucket.ResetSeconds(now), 1u);
  now += 500 * kMillisecond - 1;
  EXPECT_FALSE(bucket.Take(1, now));
  now += 1;
  EXPECT_EQ(bucket.Remaining(now), 1u);
  EXPECT_EQ(bucket.ResetSeconds(now), 0u);
  EXPECT_TRUE(bucket.Take(1, now));
  now += 3600 * kSecond;  // No more than it holds.
  EXPECT_TRUE(bucket.Take(3, now));
  EXPECT_FALSE(bucket.Take(1, now));
}

TEST(TokenBucketTest, ExtremesAreNoSurprise) {
  TokenBucket none(BucketSize::Make(0, 1, kSecond));
  EXPECT_FALSE(none.Take(1, kSecond));
  EXPECT_TRUE(none.Take(0, kSecond));
  TokenBucket huge(BucketSize::Make(UINT32_MAX, 1, int64_t{365} * 86400 * kSecond));
  EXPECT_TRUE(huge.Take(1, kSecond));
  EXPECT_FALSE(huge.Take(UINT64_MAX, kSecond));
  TokenBucket fast(BucketSize::Make(10, UINT32_MAX, kSecond));
  EXPECT_TRUE(fast.Take(10, kSecond));
  EXPECT_TRUE(fast.Take(10, kSecond + 10));
}

TEST(TokenBucketTest, ThreadsTakeNoMoreThanThereIs) {
  constexpr int kThreads = 4, kTokens = 10'000;
  TokenBucket bucket(BucketSize::Make(kTokens, 1, 3600 * kSecond));
  std::vector<int> taken(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&bucket, &taken, i] {
      for (int j = 0; j < kTokens; ++j) taken[static_cast<size_t>(i)] += bucket.Take(1, kSecond);
    });
  }
  int sum = 0;
  for (size_t i = 0; i < threads.size(); ++i) {
    threads[i].join();
    sum += taken[i];
  }
  EXPECT_EQ(sum, kTokens);
}

TEST(IpRangeTest, ComparesBits) {
  const auto bytes = [](const char* ip) {
    static std::string kept;
    kept = std::string(net::Address::FromIp(ip, 0)->IpBytes());
    return absl::string_view(kept);
  };
  const auto range = match::IpRange::Parse("10.1.255.0", 15);
  ASSERT_TRUE(range.has_value());
  EXPECT_TRUE(range->Contains(bytes("10.0.0.0")));
  EXPECT_TRUE(range->Contains(bytes("10.1.255.255")));
  EXPECT_FALSE(range->Contains(bytes("10.2.0.0")));
  EXPECT_FALSE(range->Contains(bytes("::ffff:10.1.0.0")));
  EXPECT_TRUE(match::IpRange::Parse("0.0.0.0", 0)->Contains(bytes("255.1.2.3")));
  EXPECT_TRUE(match::IpRange::Parse("2001:db8::", 33)->Contains(bytes("2001:db8:7fff::1")));
  EXPECT_FALSE(match::IpRange::Parse("2001:db8::", 33)->Contains(bytes("2001:db8:8000::1")));
  EXPECT_FALSE(match::IpRange::Parse("10.0.0.0", 33).has_value());
  EXPECT_FALSE(match::IpRange::Parse("host", 1).has_value());
}

constexpr char kAll[] =
    "stat_prefix: 'p' filter_enabled { default_value { numerator: 100 } } "
    "filter_enforced { default_value { numerator: 100 } } ";
constexpr char kOneToken[] = "token_bucket { max_tokens: 1 fill_interval { seconds: 10 } } ";

class LocalRateLimitTest : public ::testing::Test {
 protected:
  // A stream through the one filter that the test has.
  void Begin(const RequestLine& line = {}) {
    stream_ = std::make_unique<FilterHarness>(
        filter::FilterFactories{factory_}, [&](filter::StreamContext& stream) {
          FillRequest(line, stream.request, stream.arena);
          stream.info.connection = &connection_;
          stream.info.remote = *net::Address::FromIp("10.1.2.3", 1);
          if (routes_ != nullptr) {
            stream.routes = routes_.get();
            stream.route = routes_->Match(route::MatchInput{stream.request});
          }
        });
    stream_->SendRequest(true);
  }
  void Configure(const std::string& text) { factory_ = MakeFactory(Pack<Proto>(text)); }
  void Route(const std::string& text) {
    envoy::config::route::v3::RouteConfiguration config;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
    routes_ = MakeRoutes(config);
  }
  bool Passes(const RequestLine& line = {}) {
    Begin(line);
    return stream_->request_out.head;
  }

  filter::ConnectionInfo connection_;
  std::shared_ptr<const filter::FilterFactory> factory_;
  std::shared_ptr<const route::RouteTable> routes_;
  std::unique_ptr<FilterHarness> stream_;
};

TEST_F(LocalRateLimitTest, RefusesWhatIsTooMuch) {
  Configure(std::string(kAll) + kOneToken +
            "enable_x_ratelimit_headers: DRAFT_VERSION_03 enable_retry_after_header: true "
            "response_headers_to_add { header { key: 'x-limited' value: 'yes' } }");
  ASSERT_TRUE(Passes());
  stream_->SendResponse(200, "", true);
  EXPECT_EQ(Value(stream_->response.headers, "x-ratelimit-limit"), "1");
  EXPECT_EQ(Value(stream_->response.headers, "x-ratelimit-remaining"), "0");
  EXPECT_EQ(Value(stream_->response.headers, "x-ratelimit-reset"), "10");
  EXPECT_EQ(stream_->Stat("p.http_local_rate_limit.ok"), 1u);
  Begin();
  EXPECT_EQ(ResponseText(*stream_), "429 local_rate_limited");
  EXPECT_EQ(Value(stream_->response.headers, "x-limited"), "yes");
  EXPECT_EQ(Value(stream_->response.headers, "retry-after"), "10");
  EXPECT_EQ(Value(stream_->response.headers, "x-ratelimit-remaining"), "0");
  EXPECT_EQ(stream_->info.flags, filter::kRateLimited);
  EXPECT_EQ(stream_->info.details, "local_rate_limited");
  EXPECT_EQ(stream_->Stat("p.http_local_rate_limit.enforced"), 1u);
}

TEST_F(LocalRateLimitTest, RefusalsTellOfTheRequest) {
  Configure(std::string(kAll) + kOneToken + R"(
      response_headers_to_add { header { key: "x-path" value: "100%% of %REQ(:path)%" } }
      response_headers_to_add { header { key: "x-left" value: "%DYNAMIC_METADATA(a:b)%" } }
      response_headers_to_add { header { key: "x-kept" value: "%DYNAMIC_METADATA(a:b)%" }
                                keep_empty_value: true })");
  ASSERT_TRUE(Passes());
  EXPECT_FALSE(Passes());
  const http::HeaderMap& headers = stream_->response.headers;
  EXPECT_EQ(Value(headers, "x-path"), "100% of /service/Method");
  EXPECT_EQ(headers.Find("x-left"), nullptr);
  ASSERT_NE(headers.Find("x-kept"), nullptr);
  EXPECT_EQ(Value(headers, "x-kept"), "");
}

TEST_F(LocalRateLimitTest, FormatsThatMeanNothingAreErrors) {
  Proto proto;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "response_headers_to_add { header { key: 'a' value: 'b' } } "
      "response_headers_to_add { header { key: 'a' value: '%NO_SUCH_THING%' } }",
      &proto));
  config::Errors errors;
  access_log::CompileFormattedChanges(proto.response_headers_to_add(), config::Path("list"),
                                      errors);
  ASSERT_EQ(errors.count(), 1u);
  EXPECT_EQ(errors.list()[0].path, "list[1].header.value");
}

TEST_F(LocalRateLimitTest, EnabledAndEnforcedAreShares) {
  Configure(std::string("stat_prefix: 'p' ") + kOneToken);
  EXPECT_TRUE(Passes() && Passes());
  EXPECT_EQ(stream_->Stat("p.http_local_rate_limit.enabled"), 0u);
  Configure(std::string("stat_prefix: 'p' filter_enabled { default_value { numerator: 100 } } ") +
            kOneToken +
            "request_headers_to_add_when_not_enforced { header { key: 'x-over' value: '1' } }");
  EXPECT_TRUE(Passes());
  EXPECT_EQ(Value(stream_->request.headers, "x-over"), "-");
  EXPECT_TRUE(Passes());
  EXPECT_EQ(Value(stream_->request.headers, "x-over"), "1");
  EXPECT_EQ(stream_->Stat("p.http_local_rate_limit.rate_limited"), 1u);
  EXPECT_EQ(stream_->Stat("p.http_local_rate_limit.enforced"), 0u);
}

TEST_F(LocalRateLimitTest, GrpcCallsGetAStatus) {
  const RequestLine call{.fields = {{"content-type", "application/grpc"}}};
  Configure(std::string(kAll) + kOneToken);
  Begin(call);
  Begin(call);
  EXPECT_EQ(Value(stream_->response.headers, "grpc-status"), "14");
  Configure(std::string(kAll) + kOneToken + "rate_limited_as_resource_exhausted: true");
  Begin(call);
  Begin(call);
  EXPECT_EQ(Value(stream_->response.headers, "grpc-status"), "8");
}

TEST_F(LocalRateLimitTest, StatusIsConfigured) {
  Configure(std::string(kAll) + kOneToken + "status { code: ServiceUnavailable }");
  EXPECT_TRUE(Passes());
  Begin();
  EXPECT_EQ(stream_->response.status, 503);
}

TEST_F(LocalRateLimitTest, ConnectionsHaveTheirOwn) {
  Configure(std::string(kAll) + kOneToken + "local_rate_limit_per_downstream_connection: true");
  EXPECT_TRUE(Passes());
  EXPECT_FALSE(Passes());
  connection_.parts.clear();  // Another connection.
  EXPECT_TRUE(Passes());
}

TEST_F(LocalRateLimitTest, RoutesReplaceSettings) {
  Configure("stat_prefix: 'p'");
  auto config = RouteToOrigin();
  auto* route = config.mutable_virtual_hosts(0)->mutable_routes(0);
  (*route->mutable_typed_per_filter_config())["f"] = Pack<Proto>(std::string(kAll) + kOneToken);
  routes_ = MakeRoutes(config);
  EXPECT_TRUE(Passes());
  EXPECT_FALSE(Passes());
}

constexpr char kDescriptors[] = R"(
    descriptors { entries { key: "user" value: "a" }
                  token_bucket { max_tokens: 1 fill_interval { seconds: 1 } } }
    descriptors { entries { key: "user" value: "" }
                  token_bucket { max_tokens: 2 fill_interval { seconds: 1 } } }
    max_dynamic_descriptors { value: 2 } always_consume_default_token_bucket { value: false } )";
constexpr char kByUser[] = R"(
    rate_limits { actions { request_headers { header_name: "x-user" descriptor_key: "user" } } })";

TEST_F(LocalRateLimitTest, DescriptorsHaveBuckets) {
  Configure(std::string(kAll) + kOneToken + kDescriptors + kByUser);
  const auto user = [](const char* name) { return RequestLine{.fields = {{"x-user", name}}}; };
  EXPECT_TRUE(Passes(user("a")));
  EXPECT_FALSE(Passes(user("a")));
  EXPECT_TRUE(Passes(user("b")) && Passes(user("b")));
  EXPECT_FALSE(Passes(user("b")));
  EXPECT_TRUE(Passes(user("c")));
  EXPECT_FALSE(Passes(user("b")));
  EXPECT_TRUE(Passes(user("d")));  // For which the one of c, not used for longest, is forgotten.
  EXPECT_FALSE(Passes(user("b")));
  EXPECT_TRUE(Passes(user("c")) && Passes(user("c")));
  EXPECT_TRUE(Passes());  // No descriptor: the default bucket's.
  EXPECT_FALSE(Passes());
}

TEST_F(LocalRateLimitTest, DefaultBucketIsTakenFromToo) {
  Configure(std::string(kAll) + kOneToken +
            R"(descriptors { entries { key: "user" value: "a" }
                 token_bucket { max_tokens: 5 fill_interval { seconds: 1 } } })" +
            kByUser);
  EXPECT_TRUE(Passes({.fields = {{"x-user", "a"}}}));
  EXPECT_FALSE(Passes({.fields = {{"x-user", "a"}}}));
}

TEST_F(LocalRateLimitTest, ShadowsRefuseNobody) {
  Configure(std::string(kAll) +
            R"(descriptors { entries { key: "user" value: "a" } shadow_mode: true
      token_bucket { max_tokens: 0 fill_interval { seconds: 1 } } })" +
            kByUser);
  EXPECT_TRUE(Passes({.fields = {{"x-user", "a"}}}));
}

// Each action, alone: what it makes of a request.
TEST_F(LocalRateLimitTest, ActionsMakeDescriptors) {
  const struct {
    const char* action;
    const char* made;  // "key=value", or "" for no descriptor.
  } kCases[] = {
      {"generic_key { descriptor_value: 'v' }", "generic_key=v"},
      {"generic_key { descriptor_value: 'v' descriptor_key: 'k' }", "k=v"},
      {"destination_cluster {}", "destination_cluster=origin"},
      {"source_cluster {}", "source_cluster="},
      {"remote_address {}", "remote_address=10.1.2.3"},
      {"masked_remote_address { v4_prefix_mask_len { value: 12 } }",
       "masked_remote_address=10.0.0.0/12"},
      {"request_headers { header_name: ':path' descriptor_key: 'k' }", "k=/p?q=1"},
      {"request_headers { header_name: 'x-two' descriptor_key: 'k' }", "k=1"},
      {"request_headers { header_name: 'x-none' descriptor_key: 'k' }", ""},
      {"extension { name: 'k' typed_config { [type.googleapis.com/"
       "envoy.type.matcher.v3.HttpRequestHeaderMatchInput] { header_name: 'X-Two' } } }",
       "k=1"},
      {"extension { name: 'k' typed_config { [type.googleapis.com/"
       "envoy.type.matcher.v3.HttpRequestHeaderMatchInput] { header_name: 'x-none' } } }",
       ""},
      {"query_parameters { query_parameter_name: 'q' descriptor_key: 'k' }", "k=1"},
      {"query_parameters { query_parameter_name: 'none' descriptor_key: 'k' }", ""},
      {"header_value_match { descriptor_value: 'v' headers { name: 'x-two' present_match: true } }",
       "header_match=v"},
      {"header_value_match { descriptor_value: 'v' expect_match { value: false } "
       "headers { name: 'x-two' present_match: true } }",
       ""},
      {"query_parameter_value_match { descriptor_value: 'v' query_parameters { name: 'q' "
       "string_match { exact: '1' } } }",
       "query_match=v"},
      {"remote_address_match { descriptor_value: 'v' descriptor_key: 'k' address_matcher { "
       "ranges { address_prefix: '10.0.0.0' prefix_len { value: 8 } } } }",
       "k=v"},
      {"remote_address_match { descriptor_value: 'v' descriptor_key: 'k' address_matcher { "
       "invert_match: true ranges { address_prefix: '10.0.0.0' prefix_len { value: 8 } } } }",
       ""},
      {"metadata { descriptor_key: 'k' metadata_key { key: 'space' path { key: 'a' } "
       "path { key: 'b' } } }",
       "k=dynamic"},
      {"metadata { descriptor_key: 'k' source: ROUTE_ENTRY metadata_key { key: 'space' "
       "path { key: 'a' } } }",
       "k=route"},
      {"metadata { descriptor_key: 'k' default_value: 'd' metadata_key { key: 'none' "
       "path { key: 'a' } } }",
       "k=d"},
      {"metadata { descriptor_key: 'k' metadata_key { key: 'none' path { key: 'a' } } }", ""},
  };
  for (const auto& one : kCases) {
    Route(absl::StrCat(R"(name: "r" virtual_hosts { name: "all" domains: "*" routes {
        match { prefix: "/" } metadata { filter_metadata { key: "space" value { fields {
          key: "a" value { string_value: "route" } } } } }
        route { cluster: "origin" rate_limits { actions { )",
                       one.action, " } } } } }"));
    Configure("stat_prefix: 'p'");
    Begin({.path = "/p?q=1", .fields = {{"x-two", "1"}, {"x-two", "2"}}});
    stream_->info.metadata.Merge(
        "space", {{"a", json::Value(json::Object{{"b", json::Value(std::string("dynamic"))}})}});
    std::string made;
    for (const filter::Descriptor& descriptor :
         filter::DescriptorsOfRoute(0, filter::HostLimits::kOverride, true, *stream_)) {
      for (const auto& entry : descriptor.entries) {
        absl::StrAppend(&made, entry.key, "=", entry.value);
      }
    }
    EXPECT_EQ(made, one.made) << one.action;
  }
}

// As the router will choose it: by what is known of the stream, too.
TEST_F(LocalRateLimitTest, TheDestinationIsTheOneOfTheStream) {
  constexpr char kText[] =
      R"(virtual_hosts { name: "all" domains: "*" routes { match { prefix: "/" }
    route {
      rate_limits { actions { destination_cluster {} } }
      inline_cluster_specifier_plugin { extension { name: "m" typed_config {
        [type.googleapis.com/
         envoy.extensions.router.cluster_specifiers.matcher.v3.MatcherClusterSpecifier] {
          cluster_matcher { matcher_tree {
            input { name: "i" typed_config {
              [type.googleapis.com/
         envoy.extensions.matching.common_inputs.network.v3.FilterStateInput] { key: "tenant" } } }
            exact_match_map { map { key: "t" value { action { name: "a" typed_config {
              [type.googleapis.com/
         envoy.extensions.router.cluster_specifiers.matcher.v3.ClusterAction] {
           cluster: "of_t" } } } } } }
          } } } } } } } } })";
  envoy::config::route::v3::RouteConfiguration config;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(kText, &config));
  config::Errors errors;
  routes_ = route::CompileRoutesWithTrees(config, errors, config::Path("rc"), {},
                                          filter::RouteCompilers());
  ASSERT_TRUE(errors.ok()) << errors.ToStatus();
  Configure("stat_prefix: 'p'");
  Begin();
  stream_->info.state.Set("tenant", "t");
  const auto made = filter::DescriptorsOfRoute(0, filter::HostLimits::kOverride, true, *stream_);
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].entries[0].value, "of_t");
}

TEST_F(LocalRateLimitTest, RoutesAndHostsGoTogether) {
  const auto count = [this](const char* of_route, const char* include, filter::HostLimits limits,
                            uint32_t stage) {
    Route(absl::StrCat(R"(name: "r" virtual_hosts { name: "all" domains: "*"
        rate_limits { actions { generic_key { descriptor_value: "host" } } }
        rate_limits { stage { value: 1 } actions { generic_key { descriptor_value: "h1" } } }
        rate_limits { disable_key: "x" actions { generic_key { descriptor_value: "h2" } } }
        routes { match { prefix: "/" } route { cluster: "origin" )",
                       of_route, include, " } } }"));
    Configure("stat_prefix: 'p'");
    Begin();
    return filter::DescriptorsOfRoute(stage, limits, true, *stream_).size();
  };
  const char* one = "rate_limits { actions { generic_key { descriptor_value: 'route' } } }";
  using filter::HostLimits;
  EXPECT_EQ(count("", "", HostLimits::kOverride, 0), 1u);
  EXPECT_EQ(count("", "", HostLimits::kIgnore, 0), 0u);
  EXPECT_EQ(count(one, "", HostLimits::kOverride, 0), 1u);
  EXPECT_EQ(count(one, "", HostLimits::kInclude, 0), 2u);
  EXPECT_EQ(count(one, "include_vh_rate_limits { value: true }", HostLimits::kIgnore, 0), 2u);
  EXPECT_EQ(count("", "", HostLimits::kOverride, 1), 1u);
  EXPECT_EQ(count("", "", HostLimits::kOverride, 2), 0u);
}

}  // namespace
}  // namespace proxenos::filters
