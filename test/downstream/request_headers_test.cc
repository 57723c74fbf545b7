// The rules on forwarded and generated headers, one table row a rule.
#include "source/downstream/request_headers.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "source/downstream/origin_rules.h"

namespace proxenos::downstream {
namespace {

using http::HeaderId;

class RequestHeaders : public ::testing::Test {
 protected:
  RequestHeaders() : request_(arena_), response_(arena_) {
    connection_.direct_remote = *net::Address::FromIp("203.0.113.7", 4000);
  }

  void Add(const std::string& name, const std::string& value) { request_.headers.Add(name, value); }
  std::string Mutate() {
    const uint64_t random[2] = {0x0123456789abcdef, 0xfedcba9876543210};
    RequestOrigin origin{connection_};
    origin.random[0] = random[0];
    origin.random[1] = random[1];
    return MutateRequestHeaders(config_, origin, request_).IpString();
  }
  void Respond() { MutateResponseHeaders(config_, request_, "today", response_); }
  // All values of that name, joined by '|'; "-" when there is none.
  static std::string Values(const http::HeaderMap& headers, const std::string& name) {
    std::string all = "-";
    for (const http::Header& header : headers) {
      if (header.name() != name) continue;
      all = absl::StrCat(all == "-" ? "" : all + "|", header.value());
    }
    return all;
  }
  std::string Request(const std::string& name) { return Values(request_.headers, name); }
  std::string Response(const std::string& name) { return Values(response_.headers, name); }

  buffer::Arena arena_;
  HttpConfig config_;
  filter::ConnectionInfo connection_;
  http::RequestHead request_;
  http::ResponseHead response_;
};

TEST_F(RequestHeaders, EdgeAppendsTheClientAndTrustsNothing) {
  config_.use_remote_address = true;
  Add("x-forwarded-for", "1.1.1.1, 2.2.2.2");
  Add("x-forwarded-proto", "https");
  Add("x-envoy-retry-on", "5xx");
  Add("x-envoy-original-url", "http://made.up/");
  Add("x-envoy-upstream-stream-duration-ms", "1");
  Add("x-envoy-original-host", "made.up");
  Add("x-envoy-original-method", "GET");
  Add("x-envoy-internal", "true");
  Add("x-forwarded-client-cert", "By=me");
  Add("x-envoy-upstream-rq-timeout-ms", "1");
  EXPECT_EQ(Mutate(), "203.0.113.7");
  EXPECT_EQ(Request("x-forwarded-for"), "1.1.1.1, 2.2.2.2,203.0.113.7");
  EXPECT_EQ(Request("x-forwarded-proto"), "http");
  EXPECT_EQ(Request("x-envoy-external-address"), "203.0.113.7");
  EXPECT_EQ(Request("x-envoy-retry-on"), "-");
  EXPECT_EQ(Request("x-envoy-original-url"), "-");
  EXPECT_EQ(Request("x-envoy-upstream-stream-duration-ms"), "-");
  EXPECT_EQ(Request("x-envoy-original-host"), "-");
  EXPECT_EQ(Request("x-envoy-original-method"), "GET");  // Means nothing to anyone.
  EXPECT_EQ(Request("x-envoy-internal"), "-");
  EXPECT_EQ(Request("x-forwarded-client-cert"), "-");
  EXPECT_EQ(Request("x-envoy-upstream-rq-timeout-ms"), "-");
}

// Those of 203.0.113.0/24 are ours.
class InternalRequests : public RequestHeaders {
 protected:
  InternalRequests() {
    OriginRules rules;
    rules.internal.emplace();
    rules.internal->ranges.Add("203.0.113.0", 24);
    config_.origin = std::make_shared<const OriginRules>(std::move(rules));
    Add("x-envoy-internal", "false");
    Add("x-envoy-retry-on", "5xx");
    Add("x-envoy-original-url", "http://made.up/");
    Add("x-envoy-decorator-operation", "op");
  }
  void ExpectInternal() {
    EXPECT_EQ(Request("x-envoy-internal"), "true");
    EXPECT_EQ(Request("x-envoy-retry-on"), "5xx");
    EXPECT_EQ(Request("x-envoy-original-url"), "http://made.up/");
    EXPECT_EQ(Request("x-envoy-external-address"), "-");
  }
  void ExpectExternal() {
    EXPECT_EQ(Request("x-envoy-internal"), "-");
    EXPECT_EQ(Request("x-envoy-retry-on"), "-");
  }
};

TEST_F(InternalRequests, AtTheEdgeOnesOwnAddressCounts) {
  config_.use_remote_address = true;
  config_.generate_request_id = true;
  Add("x-request-id", "theirs");
  EXPECT_EQ(Mutate(), "203.0.113.7");
  ExpectInternal();
  EXPECT_EQ(Request("x-envoy-decorator-operation"), "op");
  EXPECT_EQ(Request("x-request-id"), "theirs");
}

TEST_F(InternalRequests, WhoComesThroughAnotherIsNot) {
  config_.use_remote_address = true;
  Add("x-forwarded-for", "203.0.113.9");
  Mutate();
  ExpectExternal();
  EXPECT_EQ(Request("x-envoy-external-address"), "203.0.113.7");
  EXPECT_EQ(Request("x-envoy-decorator-operation"), "-");
}

TEST_F(InternalRequests, OthersAreNot) {
  config_.use_remote_address = true;
  connection_.direct_remote = *net::Address::FromIp("198.51.100.1", 4000);
  Mutate();
  ExpectExternal();
}

TEST_F(InternalRequests, BehindAProxyTheOneThatItNames) {
  Add("x-forwarded-for", "203.0.113.9");
  EXPECT_EQ(Mutate(), "203.0.113.9");
  ExpectInternal();
}

TEST_F(InternalRequests, OneOfSeveralThatAProxyNamesIsNot) {
  Add("x-forwarded-for", "203.0.113.8, 203.0.113.9");
  Mutate();
  ExpectExternal();
  EXPECT_EQ(Request("x-envoy-decorator-operation"), "op");  // This is not the edge.
}

TEST_F(InternalRequests, BehindAProxyThatNamesNobodyNoneIs) {
  for (const char* value : {"", "garbage"}) {
    request_.headers.Clear();
    if (*value != 0) Add("x-forwarded-for", value);
    EXPECT_EQ(Mutate(), "203.0.113.7");
    ExpectExternal();
  }
}

TEST_F(InternalRequests, BehindTrustedHopsNoneIs) {
  config_.xff_trusted_hops = 1;
  Add("x-forwarded-for", "203.0.113.8, 203.0.113.9");
  EXPECT_EQ(Mutate(), "203.0.113.8");
  ExpectExternal();
}

TEST_F(RequestHeaders, AppendsToTheLastFieldOfSeveral) {
  config_.use_remote_address = true;
  Add("x-forwarded-for", "1.1.1.1");
  Add("x-forwarded-for", "2.2.2.2");
  Mutate();
  EXPECT_EQ(Request("x-forwarded-for"), "1.1.1.1|2.2.2.2,203.0.113.7");
}

TEST_F(RequestHeaders, EdgeBehindTrustedHops) {
  config_.use_remote_address = true;
  config_.xff_trusted_hops = 1;
  Add("x-forwarded-for", "6.6.6.6, 1.1.1.1");
  Add("x-forwarded-proto", "https");
  EXPECT_EQ(Mutate(), "1.1.1.1");
  EXPECT_EQ(Request("x-forwarded-proto"), "https");
  EXPECT_EQ(request_.scheme, "https");
}

TEST_F(RequestHeaders, SkipXffAppend) {
  config_.use_remote_address = true;
  config_.skip_xff_append = true;
  Mutate();
  EXPECT_EQ(Request("x-forwarded-for"), "-");
}

TEST_F(RequestHeaders, InsideTheLastForwardedAddressIsTheClient) {
  Add("x-forwarded-for", "9.9.9.9");
  Add("x-forwarded-for", "1.1.1.1, 2001:db8::1");
  EXPECT_EQ(Mutate(), "2001:db8::1");
  EXPECT_EQ(Request("x-forwarded-for"), "9.9.9.9|1.1.1.1, 2001:db8::1");
  EXPECT_EQ(Request("x-forwarded-proto"), "http");
  EXPECT_EQ(Request("x-envoy-external-address"), "-");
}

TEST_F(RequestHeaders, HopsReachAcrossFields) {
  config_.xff_trusted_hops = 2;
  Add("x-forwarded-for", "9.9.9.9");
  Add("x-forwarded-for", "8.8.8.8, 7.7.7.7");
  EXPECT_EQ(Mutate(), "9.9.9.9");
}

TEST_F(RequestHeaders, GarbageOrTooFewHopsFallBackToTheSocket) {
  for (const char* value : {"", ",", "unknown", "1.1.1.1:80", "1.1.1.1,", "[::1]"}) {
    request_.headers.Clear();
    Add("x-forwarded-for", value);
    EXPECT_EQ(Mutate(), "203.0.113.7") << value;
  }
  request_.headers.Clear();
  config_.xff_trusted_hops = 5;
  Add("x-forwarded-for", "1.1.1.1");
  EXPECT_EQ(Mutate(), "203.0.113.7");
}

TEST_F(RequestHeaders, UnixClientsHaveNoAddressToForward) {
  config_.use_remote_address = true;
  connection_.direct_remote = *net::Address::FromPath("/run/s");
  Mutate();
  EXPECT_EQ(Request("x-forwarded-for"), "-");
}

TEST_F(RequestHeaders, SchemeIsWhatForwardedProtoSaysIfItSaysSomethingSensible) {
  Add("x-forwarded-proto", "gopher");
  Mutate();
  EXPECT_EQ(request_.scheme, "http");
}

TEST_F(RequestHeaders, RequestId) {
  Mutate();
  EXPECT_EQ(Request("x-request-id"), "01234567-89ab-4def-bedc-ba9876543210");
  request_.headers.Clear();
  Add("x-request-id", "theirs");
  Mutate();
  EXPECT_EQ(Request("x-request-id"), "theirs") << "inside, it is kept";
  config_.use_remote_address = true;
  Mutate();
  EXPECT_EQ(Request("x-request-id").size(), 36u) << "at the edge, it is replaced";
  request_.headers.Set("x-request-id", "theirs");
  config_.preserve_external_request_id = true;
  Mutate();
  EXPECT_EQ(Request("x-request-id"), "theirs");
  request_.headers.Clear();
  config_.generate_request_id = false;
  Mutate();
  EXPECT_EQ(Request("x-request-id"), "-");
}

TEST_F(RequestHeaders, Via) {
  config_.via = "us";
  Add("via", "1.1 them");
  Mutate();
  Respond();
  EXPECT_EQ(Request("via"), "1.1 them, us");
  EXPECT_EQ(Response("via"), "us");
}

TEST_F(RequestHeaders, ViaGoesBehindTheLastOfSeveralLines) {
  config_.via = "us";
  Add("via", "1.0 far");
  Add("via", "1.1 them");
  Mutate();
  EXPECT_EQ(Request("via"), "1.0 far|1.1 them, us");
}

TEST_F(RequestHeaders, TheDateStaysAsItWasSent) {
  std::string now = "today";
  MutateResponseHeaders(config_, request_, now, response_);
  now = "later";
  EXPECT_EQ(Response("date"), "today");
}

TEST_F(RequestHeaders, Server) {
  response_.headers.Add("server", "origin");
  Respond();
  EXPECT_EQ(Response("server"), "envoy");
  response_.headers.Set("server", "theirs");
  config_.server_name = "px";
  config_.server_header = HttpConfig::ServerHeader::kAppendIfAbsent;
  Respond();
  EXPECT_EQ(Response("server"), "theirs");
  response_.headers.Remove("server");
  Respond();
  EXPECT_EQ(Response("server"), "px");
  response_.headers.Remove("server");
  config_.server_header = HttpConfig::ServerHeader::kPassThrough;
  Respond();
  EXPECT_EQ(Response("server"), "-");
}

TEST_F(RequestHeaders, OriginRules) {
  auto rules = std::make_shared<OriginRules>();
  rules->scheme = "https";
  rules->add_user_agent = true;
  rules->append_x_forwarded_port = true;
  config_.origin = rules;
  connection_.local = *net::Address::FromIp("203.0.113.1", 8443);
  Add("x-forwarded-proto", "http");
  Add("x-forwarded-port", "1");
  Add("user-agent", "theirs");
  Mutate();
  EXPECT_EQ(request_.scheme, "https");
  EXPECT_EQ(Request("x-forwarded-proto"), "https");
  EXPECT_EQ(Request("x-forwarded-port"), "1");
  EXPECT_EQ(Request("user-agent"), "theirs");
  EXPECT_EQ(Request("x-envoy-downstream-service-cluster"), "");
  EXPECT_EQ(Request("x-envoy-downstream-service-node"), "-");
  config_.use_remote_address = true;
  Mutate();
  EXPECT_EQ(Request("x-forwarded-port"), "8443");
}

TEST_F(RequestHeaders, DateAndRequestIdInTheResponse) {
  Add("x-request-id", "id");
  Respond();
  EXPECT_EQ(Response("date"), "today");
  EXPECT_EQ(Response("x-request-id"), "-");
  config_.always_set_request_id_in_response = true;
  response_.headers.Set("date", "the origin's");
  Respond();
  EXPECT_EQ(Response("date"), "the origin's");
  EXPECT_EQ(Response("x-request-id"), "id");
}

}  // namespace
}  // namespace proxenos::downstream
