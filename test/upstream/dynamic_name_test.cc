// Hosts and ports of authorities, as hostile clients write them.
#include "source/upstream/dynamic_name.h"

#include <string>

#include "gtest/gtest.h"

namespace proxenos::upstream {
namespace {

std::string KeyOf(absl::string_view authority, uint16_t default_port = 80) {
  const auto name = ParseDynamicName(authority, default_port);
  return name.has_value() ? name->Key() : "none";
}

TEST(DynamicNameTest, NamesAndAddresses) {
  EXPECT_EQ(KeyOf("example.com"), "example.com:80");
  EXPECT_EQ(KeyOf("example.com", 443), "example.com:443");
  EXPECT_EQ(KeyOf("Example.COM:8080"), "example.com:8080");
  EXPECT_EQ(KeyOf("_dmarc.example-1.com"), "_dmarc.example-1.com:80");
  EXPECT_EQ(KeyOf("10.0.0.1:1"), "10.0.0.1:1");
  EXPECT_EQ(KeyOf("[::1]"), "[::1]:80");
  EXPECT_EQ(KeyOf("[2001:DB8::1]:65535"), "[2001:db8::1]:65535");
  EXPECT_EQ(ParseDynamicName("[::1]:81", 80)->host, "::1");
}

TEST(DynamicNameTest, WhatIsNoName) {
  for (const char* text : {"",
                           ":80",
                           "user@example.com",
                           "a b",
                           "a/b",
                           "a:",
                           "a:b",
                           "a:0",
                           "a:65536",
                           "a:999999999999",
                           "a:-1",
                           "a:+1",
                           "a: 1",
                           "a:80:80",
                           "[::1",
                           "::1",
                           "[]",
                           "[]:80",
                           "[::1]80",
                           "[::1%25eth0]:80",
                           "[a.b]:80",
                           "%31",
                           "a\r\nb",
                           "*.example.com",
                           "[fe80::1]:"}) {
    EXPECT_EQ(KeyOf(text), "none") << text;
  }
  EXPECT_EQ(KeyOf(std::string("a\0b", 3)), "none");
  EXPECT_EQ(KeyOf("\xc3\xa4.example"), "none");  // Names of other scripts come as xn--….
}

TEST(DynamicNameTest, AsLongAsANameMayBe) {
  EXPECT_NE(KeyOf(std::string(kMaxDynamicHost, 'a')), "none");
  EXPECT_EQ(KeyOf(std::string(kMaxDynamicHost + 1, 'a')), "none");
}

}  // namespace
}  // namespace proxenos::upstream
