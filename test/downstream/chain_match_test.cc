// Which filter chain a connection gets: each criterion, their order, and that there is no way back.
#include "source/downstream/chain_match.h"

#include <string>

#include "gtest/gtest.h"

namespace proxenos::downstream {
namespace {

using Criteria = ChainMatch::Criteria;

net::Address At(absl::string_view ip, uint16_t port = 0) { return *net::Address::FromIp(ip, port); }
template <typename Fill>
Criteria With(Fill fill) {
  Criteria criteria;
  fill(criteria);
  return criteria;
}
AddressRange Range(absl::string_view ip, uint32_t bits) { return {At(ip), bits}; }

class ChainMatchTest : public ::testing::Test {
 protected:
  ChainMatchTest() {
    facts_.local = At("10.0.0.1", 443);
    facts_.remote = facts_.direct_remote = At("192.0.2.1", 50000);
  }
  void Add(const Criteria& criteria) {
    int other = -1;
    ASSERT_EQ(match_.Add(next_++, criteria, &other), ChainMatch::Added::kDone);
  }
  int Find() const { return match_.Find(facts_); }
  int FindName(const std::string& name) {
    facts_.server_name = name;
    return Find();
  }

  ChainMatch match_;
  filter::ConnectionFacts facts_;
  int next_ = 0;
};

TEST_F(ChainMatchTest, OneChainThatAsksNothingIsAlwaysTheOne) {
  Add(Criteria());
  EXPECT_TRUE(match_.always_first());
  EXPECT_FALSE(match_.needs_local());
  EXPECT_EQ(Find(), 0);
}

TEST_F(ChainMatchTest, OnlyADefault) {
  match_.SetDefault(0);
  EXPECT_TRUE(match_.always_first());
  EXPECT_EQ(Find(), 0);
}

TEST_F(ChainMatchTest, WithoutDefaultThereMayBeNone) {
  Add(With([](Criteria& c) { c.server_names = {"a.example"}; }));
  EXPECT_FALSE(match_.always_first());
  EXPECT_EQ(FindName("a.example"), 0);
  EXPECT_EQ(FindName("b.example"), -1);
  EXPECT_EQ(FindName(""), -1);
  match_.SetDefault(1);
  EXPECT_EQ(FindName("b.example"), 1);
}

TEST_F(ChainMatchTest, ServerNamesExactThenLongestWildcardThenAny) {
  Add(With([](Criteria& c) { c.server_names = {"www.example.com"}; }));
  Add(With([](Criteria& c) { c.server_names = {"*.example.com"}; }));
  Add(With([](Criteria& c) { c.server_names = {"*.com"}; }));
  Add(Criteria());
  EXPECT_EQ(FindName("www.example.com"), 0);
  EXPECT_EQ(FindName("api.example.com"), 1);
  EXPECT_EQ(FindName("a.b.example.com"), 1);
  EXPECT_EQ(FindName("example.com"), 2);
  EXPECT_EQ(FindName("com"), 3);
  EXPECT_EQ(FindName("example.org"), 3);
  EXPECT_EQ(FindName(""), 3);
  // A name cannot pass for the way in which wildcards are kept.
  EXPECT_EQ(FindName(".example.com"), 2);
  EXPECT_EQ(FindName("."), 3);
  EXPECT_EQ(FindName(".."), 3);
}

TEST_F(ChainMatchTest, DestinationPortComesFirst) {
  Add(With([](Criteria& c) {
    c.destination_ports = {443};
    c.server_names = {"a"};
  }));
  Add(With([](Criteria& c) {
    c.destinations = {Range("10.0.0.1", 32)};
    c.server_names = {"b"};
  }));
  EXPECT_TRUE(match_.needs_local());
  EXPECT_EQ(FindName("a"), 0);
  EXPECT_EQ(FindName("b"), -1);  // The port was named by another chain.
  facts_.local = At("10.0.0.1", 80);
  EXPECT_EQ(FindName("b"), 1);
  EXPECT_EQ(FindName("a"), -1);
}

TEST_F(ChainMatchTest, LongestPrefixDecides) {
  Add(With([](Criteria& c) { c.destinations = {Range("10.0.0.0", 8)}; }));
  Add(With([](Criteria& c) { c.destinations = {Range("10.0.0.0", 24), Range("2001:db8::", 32)}; }));
  Add(With([](Criteria& c) { c.destinations = {Range("0.0.0.0", 0)}; }));
  Add(Criteria());
  EXPECT_EQ(Find(), 1);
  facts_.local = At("10.9.0.1", 443);
  EXPECT_EQ(Find(), 0);
  facts_.local = At("11.0.0.1", 443);
  EXPECT_EQ(Find(), 2);
  facts_.local = At("2001:db8:1::1", 443);
  EXPECT_EQ(Find(), 1);
  facts_.local = At("2001:db9::1", 443);
  EXPECT_EQ(Find(), 3);
  facts_.local = *net::Address::FromPath("@unix");
  EXPECT_EQ(Find(), 3);
}

TEST_F(ChainMatchTest, PrefixesThatDoNotEndOnAByte) {
  Add(With([](Criteria& c) { c.destinations = {Range("10.0.0.128", 25)}; }));
  Add(With([](Criteria& c) { c.destinations = {Range("10.0.0.0", 15)}; }));
  match_.SetDefault(9);
  facts_.local = At("10.0.0.200", 1);
  EXPECT_EQ(Find(), 0);
  facts_.local = At("10.1.255.255", 1);
  EXPECT_EQ(Find(), 1);
  facts_.local = At("10.2.0.0", 1);
  EXPECT_EQ(Find(), 9);
}

TEST_F(ChainMatchTest, TransportBeforeApplicationProtocol) {
  Add(With([](Criteria& c) {
    c.transport_protocol = "tls";
    c.application_protocols = {"h2"};
  }));
  Add(With([](Criteria& c) { c.transport_protocol = "tls"; }));
  Add(With([](Criteria& c) { c.transport_protocol = "raw_buffer"; }));
  Add(With([](Criteria& c) { c.application_protocols = {"h2"}; }));
  EXPECT_EQ(Find(), 2);
  facts_.application_protocols = {"h2"};
  EXPECT_EQ(Find(), 2);
  facts_.transport_protocol = "tls";
  EXPECT_EQ(Find(), 0);
  facts_.application_protocols = {"http/1.1"};
  EXPECT_EQ(Find(), 1);
}

TEST_F(ChainMatchTest, FirstOfferedProtocolThatAnyChainNames) {
  Add(With([](Criteria& c) { c.application_protocols = {"h2"}; }));
  Add(With([](Criteria& c) { c.application_protocols = {"http/1.1"}; }));
  facts_.application_protocols = {"spdy", "http/1.1", "h2"};
  EXPECT_EQ(Find(), 1);
  facts_.application_protocols = {"h2", "http/1.1"};
  EXPECT_EQ(Find(), 0);
  facts_.application_protocols = {""};
  EXPECT_EQ(Find(), -1);
}

TEST_F(ChainMatchTest, DirectSourceIsTheSocketsPeer) {
  Add(With([](Criteria& c) { c.direct_sources = {Range("198.51.100.0", 24)}; }));
  Add(With([](Criteria& c) { c.sources = {Range("192.0.2.0", 24)}; }));
  EXPECT_EQ(Find(), 1);
  facts_.direct_remote = At("198.51.100.9", 1);
  EXPECT_EQ(Find(), 0);
}

TEST_F(ChainMatchTest, SourceTypes) {
  Add(With([](Criteria& c) { c.source_type = ChainMatch::SourceType::kSameIpOrLoopback; }));
  Add(With([](Criteria& c) { c.source_type = ChainMatch::SourceType::kExternal; }));
  Add(Criteria());
  EXPECT_TRUE(match_.needs_local());
  EXPECT_EQ(Find(), 1);
  facts_.remote = At("10.0.0.1", 9);
  EXPECT_EQ(Find(), 0);
  facts_.remote = At("127.0.0.1", 9);
  EXPECT_EQ(Find(), 0);
  facts_.remote = *net::Address::FromPath("@client");
  EXPECT_EQ(Find(), 0);
}

TEST_F(ChainMatchTest, SourceAddressThenPort) {
  Add(With([](Criteria& c) {
    c.sources = {Range("192.0.2.0", 24)};
    c.source_ports = {50000};
  }));
  Add(With([](Criteria& c) { c.sources = {Range("192.0.2.0", 24)}; }));
  Add(With([](Criteria& c) { c.source_ports = {50000}; }));
  EXPECT_EQ(Find(), 0);
  facts_.remote = At("192.0.2.7", 50001);
  EXPECT_EQ(Find(), 1);
  facts_.remote = At("192.0.3.7", 50000);
  EXPECT_EQ(Find(), 2);
  facts_.remote = At("192.0.3.7", 50001);
  EXPECT_EQ(Find(), -1);
}

TEST_F(ChainMatchTest, WhatTwoChainsMatchIsRefused) {
  Add(With([](Criteria& c) {
    c.server_names = {"a", "b"};
    c.application_protocols = {"h2", "http/1.1"};
  }));
  int other = -1;
  EXPECT_EQ(match_.Add(1, With([](Criteria& c) {
                         c.server_names = {"c", "b"};
                         c.application_protocols = {"h2"};
                       }),
                       &other),
            ChainMatch::Added::kDuplicate);
  EXPECT_EQ(other, 0);
}

TEST_F(ChainMatchTest, SameValueTwiceInOneChainIsFine) {
  Add(With([](Criteria& c) { c.server_names = {"a", "a"}; }));
  EXPECT_EQ(FindName("a"), 0);
}

TEST_F(ChainMatchTest, CombinationsAreBounded) {
  Criteria many;
  for (int i = 0; i < 1000; ++i) {
    many.server_names.push_back("host" + std::to_string(i));
    many.source_ports.push_back(static_cast<uint16_t>(i + 1));
  }
  int other = -1;
  EXPECT_EQ(match_.Add(0, many, &other), ChainMatch::Added::kTooMany);
}

}  // namespace
}  // namespace proxenos::downstream
