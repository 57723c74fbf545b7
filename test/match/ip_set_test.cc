// Ranges of addresses, at octets and within them.
#include "source/match/ip_set.h"

#include "gtest/gtest.h"

namespace proxenos::match {
namespace {

bool Holds(const IpSet& set, const char* ip) { return set.Contains(*ParseIp(ip)); }

TEST(IpSetTest, FindsRangesOfEveryLength) {
  IpSet set;
  EXPECT_TRUE(set.empty());
  EXPECT_TRUE(set.Add("10.1.2.3", 8));  // What is behind the bits does not matter.
  EXPECT_TRUE(set.Add("192.168.5.128", 25));
  EXPECT_TRUE(set.Add("172.16.0.1", 32));
  EXPECT_TRUE(set.Add("2001:db8::", 33));
  EXPECT_TRUE(Holds(set, "10.255.0.1"));
  EXPECT_FALSE(Holds(set, "11.0.0.1"));
  EXPECT_TRUE(Holds(set, "192.168.5.200"));
  EXPECT_FALSE(Holds(set, "192.168.5.127"));
  EXPECT_TRUE(Holds(set, "172.16.0.1"));
  EXPECT_FALSE(Holds(set, "172.16.0.0"));
  EXPECT_TRUE(Holds(set, "2001:db8:7fff::1"));
  EXPECT_FALSE(Holds(set, "2001:db8:8000::1"));
  EXPECT_FALSE(set.Contains("abc"));
}

TEST(IpSetTest, FamiliesDoNotMix) {
  IpSet set;
  EXPECT_TRUE(set.Add("0.0.0.0", 0));
  EXPECT_TRUE(Holds(set, "255.1.2.3"));
  EXPECT_FALSE(Holds(set, "::1"));
}

TEST(IpSetTest, RefusesWhatIsNoRange) {
  IpSet set;
  EXPECT_FALSE(set.Add("10.0.0.0", 33));
  EXPECT_FALSE(set.Add("::", 129));
  EXPECT_FALSE(set.Add("example.com", 8));
  EXPECT_TRUE(set.empty());
}

}  // namespace
}  // namespace proxenos::match
