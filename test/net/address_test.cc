// Addresses: parsing, printing, comparing, and the sockets made of them.
#include "source/net/address.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "absl/hash/hash.h"
#include "gtest/gtest.h"
#include "source/net/socket.h"

namespace proxenos::net {
namespace {

Address Ip(const std::string& ip, uint16_t port = 0) { return *Address::FromIp(ip, port); }

// Through the kernel's form and back.
Address ThroughSockaddr(const Address& address) {
  socklen_t size;
  const sockaddr_storage storage = address.ToSockaddr(&size);
  return Address::FromSockaddr(reinterpret_cast<const sockaddr*>(&storage), size);
}

TEST(Address, Text) {
  EXPECT_EQ(Ip("10.0.0.1", 80).ToString(), "10.0.0.1:80");
  EXPECT_EQ(Ip("::1", 8080).ToString(), "[::1]:8080");
  EXPECT_EQ(Ip("2001:DB8:0:0:0:0:0:1").IpString(), "2001:db8::1");
  EXPECT_EQ(Address().ToString(), "");
  EXPECT_EQ(Address().IpString(), "");
  EXPECT_EQ(Address::FromPath("/run/x")->ToString(), "/run/x");
}

TEST(Address, RefusesWhatIsNoAddress) {
  for (const std::string& text :
       {std::string(""), std::string("localhost"), std::string("1.2.3"), std::string("1.2.3.4.5"),
        std::string("01.2.3.4"), std::string("1.2.3.256"), std::string("1.2.3.4:80"),
        std::string("[::1]"), std::string("::1%lo"), std::string(" 1.2.3.4"),
        std::string("1.2.3.4\0evil", 12), std::string("::1\0", 4), std::string(1000, '1')}) {
    EXPECT_FALSE(Address::FromIp(text, 0).ok()) << text;
  }
}

TEST(Address, PathsHaveTheKernelsLimit) {
  EXPECT_FALSE(Address::FromPath("").ok());
  EXPECT_TRUE(Address::FromPath("/" + std::string(sizeof(sockaddr_un::sun_path) - 2, 'x')).ok());
  EXPECT_FALSE(Address::FromPath("/" + std::string(sizeof(sockaddr_un::sun_path) - 1, 'x')).ok());
}

TEST(Address, SurvivesTheKernelsForm) {
  for (const Address& address : {Ip("10.1.2.3", 65535), Ip("2001:db8::2", 1),
                                 *Address::FromPath("/tmp/a b"), *Address::FromPath("@abstract")}) {
    EXPECT_EQ(ThroughSockaddr(address), address) << address.ToString();
  }
  EXPECT_EQ(ThroughSockaddr(Address()).family(), Address::Family::kNone);
}

TEST(Address, MappedClientIsAVersion4Client) {
  const Address mapped = ThroughSockaddr(Ip("::ffff:10.0.0.9", 7));
  EXPECT_EQ(mapped, Ip("10.0.0.9", 7));
}

TEST(Address, EqualityAndHash) {
  EXPECT_EQ(Ip("1.2.3.4", 5), Ip("1.2.3.4", 5));
  EXPECT_NE(Ip("1.2.3.4", 5), Ip("1.2.3.4", 6));
  EXPECT_NE(Ip("1.2.3.4", 5), Ip("1.2.3.5", 5));
  EXPECT_NE(Ip("0.0.0.0"), Ip("::"));
  EXPECT_NE(*Address::FromPath("/a"), *Address::FromPath("/b"));
  EXPECT_EQ(Ip("1.2.3.4", 5).WithPort(6), Ip("1.2.3.4", 6));
  EXPECT_EQ(absl::HashOf(*Address::FromPath("/a")), absl::HashOf(*Address::FromPath("/a")));
}

TEST(Address, InternalAndLoopback) {
  for (const char* ip : {"127.0.0.1", "127.255.0.1", "::1"}) EXPECT_TRUE(Ip(ip).IsLoopback()) << ip;
  for (const char* ip : {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1",
                         "fc00::1", "127.0.0.1"}) {
    EXPECT_TRUE(Ip(ip).IsInternal()) << ip;
  }
  for (const char* ip :
       {"11.0.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1", "2001:db8::1", "fe80::1", "::2"}) {
    EXPECT_FALSE(Ip(ip).IsInternal()) << ip;
  }
}

TEST(Socket, PortZeroIsFoundAndSharedByReusePort) {
  auto first = BindListenSocket(Ip("127.0.0.1"), {});
  ASSERT_TRUE(first.ok());
  const Address bound = Address::LocalOf(first->get());
  EXPECT_NE(bound.port(), 0);
  EXPECT_TRUE(BindListenSocket(bound, {}).ok());
  ASSERT_TRUE(Listen(first->get(), {}).ok());
  ListenOptions alone;
  alone.reuse_port = false;
  const auto refused = BindListenSocket(bound, alone);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(std::string(refused.status().message()).find(bound.ToString()), std::string::npos);
}

TEST(Socket, UnixSocketTakesThePlaceOfAStaleFile) {
  // Not in the test's own folder: its path may be longer than a socket's may be.
  std::string folder = "/tmp/address_test.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/s";
  const auto address = Address::FromPath(path);
  ASSERT_TRUE(address.ok()) << address.status();
  for (int i = 0; i < 2; ++i) {  // The second finds the first's file.
    auto fd = BindListenSocket(*address, {});
    ASSERT_TRUE(fd.ok()) << fd.status();
    ASSERT_TRUE(Listen(fd->get(), {}).ok());
    EXPECT_TRUE(StartConnect(*address, {}).ok());
  }
  EXPECT_FALSE(StartConnect(*address, {}).ok()) << "nobody listens any more";
  unlink(path.c_str());
  rmdir(folder.c_str());
}

}  // namespace
}  // namespace proxenos::net
