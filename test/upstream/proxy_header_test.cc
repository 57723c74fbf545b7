// The PROXY header, byte by byte.
#include "source/upstream/proxy_header.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/upstream/connection_kind.h"
#include "source/upstream/host_tlvs.h"

namespace proxenos::upstream {
namespace {

net::Address Ip(const char* ip, uint16_t port) { return *net::Address::FromIp(ip, port); }

std::string Header(ProxyHeader version, const net::Address& source, const net::Address& destination,
                   const net::ProxyTlvs& tlvs = {}) {
  buffer::Buffer out;
  AppendProxyHeader(version, source, destination, tlvs, out);
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

TEST(ProxyHeaderTest, TlvsFollowTheAddresses) {
  const net::ProxyTlvs tlvs = {{2, "a.example"}, {0xea, ""}};
  const std::string header =
      Header(ProxyHeader::kV2, Ip("192.0.2.1", 1), Ip("198.51.100.2", 2), tlvs);
  EXPECT_EQ(header.substr(12, 4), std::string("\x21\x11\x00\x1b", 4));
  EXPECT_EQ(header.substr(28), std::string("\x02\x00\x09"
                                           "a.example\xea\x00\x00",
                                           15));
  // Where nothing is known of the client, nothing is said of it.
  EXPECT_EQ(Header(ProxyHeader::kV2, net::Address(), net::Address(), tlvs),
            kSignature + std::string("\x20\x00\x00\x00", 4));
}

TEST(ProxyHeaderTest, AddedTlvsTakeThePlaceOfPassedOnes) {
  ProxyTlvRules rules;
  rules.passes.set(1).set(2);
  rules.added = {{2, "ours"}, {9, "x"}, {9, "y"}};
  EXPECT_EQ(rules.Apply({{1, "a"}, {2, "theirs"}, {3, "c"}, {1, "b"}}),
            (net::ProxyTlvs{{1, "a"}, {1, "b"}, {2, "ours"}, {9, "x"}, {9, "y"}}));
}

TEST(ProxyHeaderTest, TlvsOfTheHostTakeThePlaceOfAllOthers) {
  auto rules = std::make_shared<ProxyTlvRules>();
  rules->passes.set(1).set(2).set(3);
  rules->added = {{2, "added"}, {9, "x"}};
  TransportSocket socket;
  socket.proxy_header = ProxyHeader::kV2;
  const net::ProxyTlvs given = {{1, "a"}, {2, "b"}, {3, "c"}};
  FlatStruct host = {{"zone", "a"}};
  EXPECT_TRUE(SentTlvs(socket, host, given).empty());
  SetHostTlvs({{3, "own"}, {9, ""}, {9, "y"}, {0xff, std::string(300, 'l')}}, host);
  const net::ProxyTlvs own = {{3, "own"}, {9, ""}, {9, "y"}, {0xff, std::string(300, 'l')}};
  EXPECT_EQ(HostTlvs(host), own);
  EXPECT_EQ(SentTlvs(socket, host, given), own);
  socket.proxy_tlvs = rules;
  net::ProxyTlvs all = {{1, "a"}, {2, "added"}};
  all.insert(all.end(), own.begin(), own.end());
  EXPECT_EQ(SentTlvs(socket, host, given), all);
}

// TLVs are none of what transport_socket_matches look at.
TEST(ProxyHeaderTest, TlvsOfTheHostMatchNothing) {
  FlatStruct host;
  SetHostTlvs({}, host);
  EXPECT_TRUE(host.empty());
  SetHostTlvs({{1, "a"}}, host);
  EXPECT_TRUE(Includes(host, {}));
  EXPECT_FALSE(Includes(host, {{"zone", "a"}}));
  InheritTransportMatch({{"zone", "a"}}, host);
  EXPECT_TRUE(Includes(host, {{"zone", "a"}}));
  InheritTransportMatch({{"zone", "b"}}, host);
  EXPECT_FALSE(Includes(host, {{"zone", "b"}}));
  EXPECT_EQ(HostTlvs(host), (net::ProxyTlvs{{1, "a"}}));
}

// Connections with other TLVs are other connections, where TLVs are passed on.
TEST(ProxyHeaderTest, TlvsTellConnectionsApart) {
  auto rules = std::make_shared<ProxyTlvRules>();
  ClusterConfig config;
  config.transport_socket.proxy_header = ProxyHeader::kV2;
  config.transport_socket.proxy_tlvs = rules;
  const net::ProxyTlvs one = {{2, "a"}};
  const net::ProxyTlvs other = {{2, "b"}};
  const auto key = [&config](const net::ProxyTlvs& tlvs) {
    ConnectionNeeds needs;
    needs.tlvs = &tlvs;
    return ConnectionKind(config, needs).Key();
  };
  EXPECT_EQ(key(one), key(other));
  rules->passes.set(2);
  EXPECT_NE(key(one), key(other));
  EXPECT_EQ(key(one), key({{2, "a"}}));
}

}  // namespace
}  // namespace proxenos::upstream
