// The PROXY header, byte by byte.
#include "source/upstream/proxy_header.h"

#include <string>

#include "gtest/gtest.h"

namespace proxenos::upstream {
namespace {

net::Address Ip(const char* ip, uint16_t port) { return *net::Address::FromIp(ip, port); }

std::string Header(ProxyHeader version, const net::Address& source,
                   const net::Address& destination) {
  buffer::Buffer out;
  AppendProxyHeader(version, source, destination, out);
  return out.ToString();
}

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

TEST(ProxyHeaderTest, Version1) {
  EXPECT_EQ(Header(ProxyHeader::kV1, Ip("192.0.2.1", 51000), Ip("198.51.100.2", 443)),
            "PROXY TCP4 192.0.2.1 198.51.100.2 51000 443\r\n");
  EXPECT_EQ(Header(ProxyHeader::kV1, Ip("2001:db8::1", 1), Ip("::1", 65535)),
            "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n");
}

TEST(ProxyHeaderTest, Version2) {
  EXPECT_EQ(Header(ProxyHeader::kV2, Ip("192.0.2.1", 0x1234), Ip("198.51.100.2", 443)),
            kSignature + std::string("\x21\x11\x00\x0c"
                                     "\xc0\x00\x02\x01\xc6\x33\x64\x02\x12\x34\x01\xbb",
                                     16));
  const std::string v6 = Header(ProxyHeader::kV2, Ip("2001:db8::1", 1), Ip("::1", 2));
  EXPECT_EQ(v6.size(), 12u + 4 + 36);
  EXPECT_EQ(v6.substr(12, 4), std::string("\x21\x21\x00\x24", 4));
  EXPECT_EQ(v6.substr(16, 4), "\x20\x01\x0d\xb8");
  EXPECT_EQ(v6.substr(48), std::string("\x00\x01\x00\x02", 4));
}

TEST(ProxyHeaderTest, NothingKnown) {
  const net::Address unix_path = *net::Address::FromPath("/run/x");
  for (const net::Address& source : {net::Address(), unix_path, Ip("::1", 1)}) {
    EXPECT_EQ(Header(ProxyHeader::kV1, source, Ip("127.0.0.1", 1)), "PROXY UNKNOWN\r\n");
    EXPECT_EQ(Header(ProxyHeader::kV2, source, Ip("127.0.0.1", 1)),
              kSignature + std::string("\x20\x00\x00\x00", 4));
  }
  EXPECT_EQ(Header(ProxyHeader::kNone, Ip("127.0.0.1", 1), Ip("127.0.0.1", 1)), "");
}

}  // namespace
}  // namespace proxenos::upstream
