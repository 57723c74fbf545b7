// What Proxy-Status says of which response, and in which words.
#include "source/downstream/proxy_status.h"

#include <string>

#include "gtest/gtest.h"

namespace proxenos::downstream {
namespace {

class ProxyStatusTest : public ::testing::Test {
 protected:
  ProxyStatusTest() {
    rules_.name = "edge";
    head_.status = 503;
    info_.details = "some details";
  }
  std::string Field() {
    AddProxyStatus(rules_, &node_, info_, head_);
    const http::Header* field = head_.headers.Find(absl::string_view("proxy-status"));
    return field == nullptr ? "none" : std::string(field->value());
  }

  buffer::Arena arena_;
  http::ResponseHead head_{arena_};
  filter::StreamInfo info_;
  filter::LocalNode node_{"node-1", "", {}};
  ProxyStatus rules_;
};

TEST_F(ProxyStatusTest, WhereNothingIsWrongThereIsNone) {
  EXPECT_EQ(Field(), "none");
  info_.flags = filter::kDelayInjected;
  EXPECT_EQ(Field(), "none");
}

TEST_F(ProxyStatusTest, ErrorDetailsAndFlags) {
  info_.flags = filter::kUpstreamConnectionFailure | filter::kUpstreamRetryLimitExceeded;
  EXPECT_EQ(Field(), "edge; error=connection_refused; details=\"some_details; UF,URX\"");
  EXPECT_EQ(head_.status, 503);
}

TEST_F(ProxyStatusTest, BehindThoseOfOthers) {
  head_.headers.Add("proxy-status", "inner; error=dns_error");
  rules_.details = false;
  info_.flags = filter::kNoRouteFound;
  EXPECT_EQ(Field(), "inner; error=dns_error, edge; error=destination_not_found");
}

TEST_F(ProxyStatusTest, NoneOfSeveralLinesIsLost) {
  head_.headers.Add("proxy-status", "inmost; error=dns_timeout");
  head_.headers.Add("proxy-status", "inner; error=dns_error");
  rules_.details = false;
  info_.flags = filter::kNoRouteFound;
  EXPECT_EQ(Field(), "inmost; error=dns_timeout");
  EXPECT_EQ((head_.headers.end() - 1)->value(),
            "inner; error=dns_error, edge; error=destination_not_found");
}

TEST_F(ProxyStatusTest, WhatIsLeftOut) {
  info_.flags = filter::kUpstreamRequestTimeout;
  info_.connection_termination_details = "torn";
  rules_.flags = false;
  EXPECT_EQ(Field(), "edge; error=http_response_timeout; details=\"some_details; torn\"");
  head_.headers.Clear();
  rules_.connection_details = false;
  EXPECT_EQ(Field(), "edge; error=http_response_timeout; details=\"some_details\"");
}

TEST_F(ProxyStatusTest, TheStatusThatGoesWithIt) {
  rules_.sets_status = true;
  info_.flags = filter::kUpstreamConnectionFailure;
  Field();
  EXPECT_EQ(head_.status, 502);
  info_.flags = filter::kFaultInjected;  // For which none is recommended.
  head_.status = 418;
  Field();
  EXPECT_EQ(head_.status, 418);
}

TEST_F(ProxyStatusTest, TheNodesIdAndOtherNames) {
  rules_.node_id = true;
  rules_.details = false;
  info_.flags = filter::kOverload;
  EXPECT_EQ(Field(), "node-1; error=connection_limit_reached");
  EXPECT_EQ(ProxyName("sidecar~10.0.0.1~a.b"), "sidecar~10.0.0.1~a.b");
  EXPECT_EQ(ProxyName("my \"proxy\""), "\"my \\\"proxy\\\"\"");
  EXPECT_EQ(ProxyName("1st"), "\"1st\"");
  EXPECT_EQ(ProxyName(""), "\"\"");
}

TEST_F(ProxyStatusTest, NothingBreaksOutOfTheQuotes) {
  info_.flags = filter::kNoHealthyUpstream;
  info_.details = "a\"; b=\\c\r\n\x80";
  rules_.flags = false;
  EXPECT_EQ(Field(), "edge; error=destination_unavailable; details=\"a\\\";_b=\\\\c???\"");
}

}  // namespace
}  // namespace proxenos::downstream
