// ClientHellos whole, cut, fragmented, broken and too large.
#include "source/filters/listener/tls_inspector/client_hello.h"

#include <string>

#include "gtest/gtest.h"

namespace proxenos::filters::tls_inspector {
namespace {

std::string Number(size_t value, int size) {
  std::string out;
  for (int i = size - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}
std::string Counted(const std::string& part, int size) { return Number(part.size(), size) + part; }

std::string ServerName(const std::string& name) {
  return Number(0, 2) + Counted(Counted(std::string(1, '\0') + Counted(name, 2), 2), 2);
}
std::string Protocols(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += Counted(name, 1);
  return Number(16, 2) + Counted(Counted(list, 2), 2);
}
std::string Message(const std::string& extensions) {
  const std::string body = "\3\3" + std::string(32, 'r') + Counted(std::string(32, 's'), 1) +
                           Counted("\x13\x01", 2) + Counted(std::string(1, '\0'), 1) +
                           Counted(extensions, 2);
  return "\1" + Counted(body, 3);
}
// In records of at most `most` bytes.
std::string Records(const std::string& message, size_t most = 16384) {
  std::string out;
  for (size_t at = 0; at < message.size(); at += most) {
    out += "\x16\x03\x01" + Counted(message.substr(at, most), 2);
  }
  return out;
}
Hello Read(const std::string& bytes, ClientHello* hello) { return ReadClientHello(bytes, hello); }
Hello Read(const std::string& bytes) {
  ClientHello hello;
  return Read(bytes, &hello);
}

const std::string kGrease("\x0a\x0a\0\1x", 5);

TEST(ClientHelloTest, FindsNameAndProtocols) {
  ClientHello hello;
  const std::string bytes =
      Records(Message(kGrease + ServerName("WWW.Example.COM") + Protocols({"h2", "http/1.1"})));
  ASSERT_EQ(Read(bytes, &hello), Hello::kFound);
  EXPECT_EQ(hello.server_name, "www.example.com");
  EXPECT_EQ(hello.protocols, (std::vector<std::string>{"h2", "http/1.1"}));
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(Read(bytes.substr(0, n)), Hello::kMore) << n;
  }
  ClientHello again;
  EXPECT_EQ(Read(bytes + "what follows", &again), Hello::kFound);
}

TEST(ClientHelloTest, MayBeCutIntoManyRecords) {
  for (const size_t most : {1, 3, 5, 40, 100}) {
    ClientHello hello;
    const std::string bytes = Records(Message(ServerName("a.b") + Protocols({"h2"})), most);
    ASSERT_EQ(Read(bytes, &hello), Hello::kFound) << most;
    EXPECT_EQ(hello.server_name, "a.b");
    for (size_t n = 0; n < bytes.size(); ++n) {
      EXPECT_EQ(Read(bytes.substr(0, n)), Hello::kMore) << n;
    }
  }
}

TEST(ClientHelloTest, NeitherNameNorProtocols) {
  ClientHello hello;
  ASSERT_EQ(Read(Records(Message("")), &hello), Hello::kFound);
  EXPECT_EQ(hello.server_name, "");
  EXPECT_TRUE(hello.protocols.empty());
}

TEST(ClientHelloTest, OtherProtocolsAreToldByTheirFirstBytes) {
  EXPECT_EQ(Read("G"), Hello::kNotTls);
  EXPECT_EQ(Read("GET / HTTP/1.1\r\n"), Hello::kNotTls);
  EXPECT_EQ(Read("\x16\x02"), Hello::kNotTls);
  EXPECT_EQ(Read("\x15\x03"), Hello::kNotTls);
}

TEST(ClientHelloTest, OtherMessagesAndEmptyRecordsAreBroken) {
  EXPECT_EQ(Read(Records("\2" + std::string(40, 'x'))), Hello::kBroken);
  EXPECT_EQ(Read(std::string("\x16\x03\x01\0\0", 5)), Hello::kBroken);
  EXPECT_EQ(Read(std::string("\x16\x03\x01\x50\0", 5)), Hello::kBroken);
  const std::string bytes = Records(Message(ServerName("a.b")), 20);
  EXPECT_EQ(Read(bytes.substr(0, 25) + "\x17" + bytes.substr(26)), Hello::kBroken);
}

TEST(ClientHelloTest, LengthsThatDoNotFitAreBroken) {
  const std::string name = ServerName("a.b");
  for (size_t cut = 1; cut < name.size(); ++cut) {
    EXPECT_EQ(Read(Records(Message(name.substr(0, cut)))), Hello::kBroken) << cut;
  }
  EXPECT_EQ(Read(Records(Message(Protocols({"h2", ""})))), Hello::kBroken);
  EXPECT_EQ(Read(Records(Message(ServerName("")))), Hello::kBroken);
  EXPECT_EQ(Read(Records(Message(ServerName(std::string("a\0b", 3))))), Hello::kBroken);
  EXPECT_EQ(Read(Records(Message(ServerName("a b")))), Hello::kBroken);
  EXPECT_EQ(Read(Records(Message(ServerName(std::string(256, 'a'))))), Hello::kBroken);
  EXPECT_EQ(Read(Records("\1" + Counted("\3\3", 3))), Hello::kBroken);
}

std::string Extension(int type, const std::string& data) {
  return Number(static_cast<size_t>(type), 2) + Counted(data, 2);
}

Hello ReadShape(const std::string& bytes, HelloShape* shape) {
  ClientHello hello;
  return ReadClientHello(bytes, HelloLimits(), &hello, shape);
}

TEST(ClientHelloTest, ShapeIsWhatIsOffered) {
  HelloShape shape;
  const std::string numbers("\x1a\x1a\0\x1d\xfa\xfa\x0a\x1a", 8);
  ASSERT_EQ(ReadShape(Records(Message(kGrease + Extension(10, Counted(numbers, 2)) +
                                      ServerName("a.b") + Extension(11, Counted("\1\2", 1)) +
                                      Extension(13, Counted(numbers, 2)) + Protocols({"h2", "x"}) +
                                      Extension(43, Counted("\x9a\x9a\3\3\3\4\3\2", 1)))),
                      &shape),
            Hello::kFound);
  EXPECT_EQ(shape.legacy_version, 0x0303);
  EXPECT_EQ(shape.version, 0x0304);
  EXPECT_TRUE(shape.names_server);
  EXPECT_EQ(shape.ciphers, (std::vector<uint16_t>{0x1301}));
  EXPECT_EQ(shape.extensions, (std::vector<uint16_t>{10, 0, 11, 13, 16, 43}));
  EXPECT_EQ(shape.groups, (std::vector<uint16_t>{0x1a1a, 29, 0xfafa, 0x0a1a}));
  EXPECT_EQ(shape.point_formats, (std::vector<uint8_t>{1, 2}));
  EXPECT_EQ(shape.signature_algorithms, shape.groups);
  EXPECT_EQ(shape.first_protocol, "h2");
}

TEST(ClientHelloTest, ShapeOfMalformedListsHasNoMembers) {
  HelloShape shape;
  ASSERT_EQ(ReadShape(Records(Message(Extension(10, "\0") + Extension(13, Number(9, 2)) +
                                      Extension(43, "\x7f") + Extension(11, ""))),
                      &shape),
            Hello::kFound);
  EXPECT_EQ(shape.version, 0x0303);
  EXPECT_EQ(shape.extensions, (std::vector<uint16_t>{10, 13, 43, 11}));
  EXPECT_TRUE(shape.groups.empty() && shape.signature_algorithms.empty());
  EXPECT_TRUE(shape.point_formats.empty());
}

// A hello that is not taken leaves what was there.
TEST(ClientHelloTest, ShapeIsFilledWithTheWholeHelloOnly) {
  HelloShape shape;
  shape.version = 7;
  EXPECT_EQ(ReadShape(Records(Message(ServerName("a.b"))).substr(0, 90), &shape), Hello::kMore);
  EXPECT_EQ(ReadShape(Records(Message(ServerName(""))), &shape), Hello::kBroken);
  EXPECT_EQ(shape.version, 7);
}

TEST(ClientHelloTest, LimitMayBeLower) {
  const std::string message = Message(ServerName("a.b"));
  ClientHello hello;
  const auto read = [&](uint32_t most) {
    return ReadClientHello(Records(message), HelloLimits{most}, &hello, nullptr);
  };
  EXPECT_EQ(read(static_cast<uint32_t>(message.size())), Hello::kFound);
  EXPECT_EQ(read(static_cast<uint32_t>(message.size()) - 1), Hello::kTooLarge);
}

TEST(ClientHelloTest, TooLargeIsToldByItsLength) {
  EXPECT_EQ(Read(Records("\1" + Number(kMaxClientHello, 3))), Hello::kTooLarge);
  EXPECT_EQ(Read(Records("\1" + Number(kMaxClientHello - 4, 3))), Hello::kMore);
}

}  // namespace
}  // namespace proxenos::filters::tls_inspector
