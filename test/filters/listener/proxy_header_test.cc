// PROXY headers of both versions: good, cut, broken.
#include "source/filters/listener/proxy_protocol/proxy_header.h"

#include <string>

#include "gtest/gtest.h"

namespace proxenos::filters::proxy_protocol {
namespace {

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

// A header of version 2.
std::string Binary(char command, char family, const std::string& payload) {
  return kSignature + command + family + static_cast<char>(payload.size() >> 8) +
         static_cast<char>(payload.size()) + payload;
}
const std::string kV4("\xc0\0\2\1\xcb\0\x71\1\xc3\x50\1\xbb",
                      12);  // 192.0.2.1:50000, 203.0.113.1:443

constexpr char kSource[] = "192.0.2.1:50000";
constexpr char kDestination[] = "203.0.113.1:443";

struct Case {
  std::string bytes;
  Header result;
  std::string source = "";
  std::string destination = "";
};

TEST(ProxyHeaderTest, Table) {
  const Case cases[] = {
      {"PROXY TCP4 192.0.2.1 203.0.113.1 50000 443\r\n", Header::kFound, "192.0.2.1:50000",
       "203.0.113.1:443"},
      {"PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", Header::kFound, "[2001:db8::1]:1", "[::1]:65535"},
      {"PROXY UNKNOWN\r\n", Header::kFound},
      {"PROXY UNKNOWN any thing at all\r\n", Header::kFound},
      {"PROXY TCP4 192.0.2.1 203.0.113.1 50000 65536\r\n", Header::kBroken},
      {"PROXY TCP4 192.0.2.1 203.0.113.1 050 443\r\n", Header::kBroken},
      {"PROXY TCP4 192.0.2.1 203.0.113.1 +50 443\r\n", Header::kBroken},
      {"PROXY TCP4 192.0.2.1 203.0.113.1 50000\r\n", Header::kBroken},
      {"PROXY TCP4 192.0.2.1  203.0.113.1 50000 443\r\n", Header::kBroken},
      {"PROXY TCP4 ::1 ::1 1 2\r\n", Header::kBroken},
      {"PROXY TCP6 192.0.2.1 203.0.113.1 1 2\r\n", Header::kBroken},
      {"PROXY UDP4 192.0.2.1 203.0.113.1 1 2\r\n", Header::kBroken},
      {"PROXY host 1 2\r\n", Header::kBroken},
      {"PROXY " + std::string(101, 'x'), Header::kBroken},
      {"PROXY " + std::string(100, 'x'), Header::kMore},
      {"GET / HTTP/1.1\r\n", Header::kNone},
      {"PROXx", Header::kNone},
      {"\r\n\r\nx", Header::kNone},
      {Binary(0x21, 0x11, kV4), Header::kFound, "192.0.2.1:50000", "203.0.113.1:443"},
      {Binary(0x21, 0x11, kV4 + std::string("\1\0\1x", 4)), Header::kFound, "192.0.2.1:50000",
       "203.0.113.1:443"},
      // TLVs that are cut, longer than the rest, or a checksum of another size.
      {Binary(0x21, 0x11, kV4 + "\1"), Header::kBroken, kSource, kDestination},
      {Binary(0x21, 0x11, kV4 + std::string("\1\0\2x", 4)), Header::kBroken, kSource, kDestination},
      {Binary(0x21, 0x11, kV4 + std::string("\1\0\1xx", 5)), Header::kBroken, kSource,
       kDestination},
      {Binary(0x21, 0x11, kV4 + std::string("\3\0\1x", 4)), Header::kBroken, kSource, kDestination},
      {Binary(0x21, 0x11, kV4 + std::string("\3\0\4xxxx", 7)), Header::kBroken, kSource,
       kDestination},
      {Binary(0x21, 0x21, std::string(31, '\0') + "\1" + std::string(4, '\1')), Header::kFound,
       "[::]:257", "[::1]:257"},
      {Binary(0x20, 0x00, ""), Header::kFound},
      {Binary(0x20, 0x11, kV4), Header::kFound},
      {Binary(0x21, 0x31, std::string(216, 'u')), Header::kFound},
      {Binary(0x21, 0x00, "anything"), Header::kFound},
      {Binary(0x21, 0x12, kV4), Header::kBroken},
      {Binary(0x21, 0x11, kV4.substr(1)), Header::kBroken},
      {Binary(0x31, 0x11, kV4), Header::kBroken},
      {Binary(0x22, 0x11, kV4), Header::kBroken},
      {Binary(0x21, 0x41, kV4), Header::kBroken},
      {kSignature + std::string("\x21\x11\xff\xff", 4), Header::kBroken},
  };
  for (const Case& each : cases) {
    ProxyHeader header;
    EXPECT_EQ(ReadProxyHeader(each.bytes, &header), each.result) << each.bytes;
    EXPECT_EQ(header.source.ToString(), each.source) << each.bytes;
    EXPECT_EQ(header.destination.ToString(), each.destination) << each.bytes;
    if (each.result != Header::kFound) continue;
    EXPECT_EQ(header.size, each.bytes.size());
    ProxyHeader with_rest;
    EXPECT_EQ(ReadProxyHeader(each.bytes + "GET / HTTP/1.1\r\n", &with_rest), Header::kFound);
    EXPECT_EQ(with_rest.size, each.bytes.size());
    for (size_t n = 0; n < each.bytes.size(); ++n) {
      ProxyHeader part;
      EXPECT_EQ(ReadProxyHeader(each.bytes.substr(0, n), &part), Header::kMore) << each.bytes << n;
    }
  }
}

TEST(ProxyHeaderTest, TlvsInOrder) {
  const std::string bytes =
      Binary(0x21, 0x11, kV4 + std::string("\1\0\2h2\xea\0\0\1\0\1\0", 12)) + "rest";
  ProxyHeader header;
  ASSERT_EQ(ReadProxyHeader(bytes, &header), Header::kFound);
  absl::string_view tlvs = header.tlvs;
  const auto first = TakeTlv(&tlvs);
  const auto second = TakeTlv(&tlvs);
  const auto third = TakeTlv(&tlvs);
  ASSERT_TRUE(first && second && third);
  EXPECT_EQ(first->type, 1);
  EXPECT_EQ(first->value, "h2");
  EXPECT_EQ(second->type, 0xea);
  EXPECT_EQ(second->value, "");
  EXPECT_EQ(third->value, absl::string_view("\0", 1));
  EXPECT_FALSE(TakeTlv(&tlvs).has_value());
}

// PP2_TYPE_CRC32C, made by another's implementation over the header with zeros in its place.
TEST(ProxyHeaderTest, Checksum) {
  const std::string good = Binary(0x21, 0x11, kV4 + std::string("\3\0\4\317\201\107\211", 7));
  ProxyHeader header;
  EXPECT_EQ(ReadProxyHeader(good, &header), Header::kFound);
  for (size_t i = 13; i < good.size(); ++i) {
    if (i == good.size() - 7) continue;  // Its type: then it is none.
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_NE(ReadProxyHeader(bad, &header), Header::kFound) << i;
  }
}

// What LOCAL brings along is of nobody.
TEST(ProxyHeaderTest, NoTlvsWithoutAddresses) {
  ProxyHeader header;
  EXPECT_EQ(ReadProxyHeader(Binary(0x20, 0x11, kV4 + std::string("\1\0\1x", 4)), &header),
            Header::kFound);
  EXPECT_TRUE(header.tlvs.empty());
}

}  // namespace
}  // namespace proxenos::filters::proxy_protocol
