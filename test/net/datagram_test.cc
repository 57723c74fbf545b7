// Datagrams over real sockets of the loopback interface.
#include "source/net/datagram.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace proxenos::net {
namespace {

Address Ip(const char* ip, uint16_t port = 0) { return *Address::FromIp(ip, port); }

UniqueFd Bound(const Address& address, const ListenOptions& options = {}) {
  auto fd = BindDatagramSocket(address, options);
  EXPECT_TRUE(fd.ok()) << fd.status();
  return fd.ok() ? *std::move(fd) : UniqueFd();
}

UniqueFd Connected(const Address& peer) {
  auto fd = ConnectDatagramSocket(peer, nullptr);
  EXPECT_TRUE(fd.ok()) << fd.status();
  return fd.ok() ? *std::move(fd) : UniqueFd();
}

void Send(const UniqueFd& fd, const std::string& bytes) {
  ASSERT_EQ(send(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
}

// What it reads once something is there.
DatagramReader::Result ReadFrom(DatagramReader& reader, const UniqueFd& fd) {
  pollfd ready{fd.get(), POLLIN, 0};
  EXPECT_EQ(poll(&ready, 1, 10'000), 1);
  return reader.Read(fd.get());
}

TEST(DatagramTest, SeveralAreReadAtOnce) {
  const UniqueFd server = Bound(Ip("127.0.0.1"));
  const UniqueFd client = Connected(Address::LocalOf(server.get()));
  for (const char* text : {"one", "", "three"}) Send(client, text);
  DatagramReader reader(1500);
  const DatagramReader::Result read = ReadFrom(reader, server);
  ASSERT_EQ(read.datagrams.size(), 3u);
  EXPECT_EQ(read.datagrams[0].bytes, "one");
  EXPECT_EQ(read.datagrams[1].bytes, "");
  EXPECT_EQ(read.datagrams[2].bytes, "three");
  EXPECT_EQ(read.datagrams[0].peer, Address::LocalOf(client.get()));
  EXPECT_FALSE(read.more);
  EXPECT_EQ(read.error, 0);
  EXPECT_TRUE(reader.Read(server.get()).datagrams.empty());
}

TEST(DatagramTest, OfManyAHandfulIsReadWithEachCall) {
  const UniqueFd server = Bound(Ip("127.0.0.1"));
  const UniqueFd client = Connected(Address::LocalOf(server.get()));
  for (int i = 0; i < 20; ++i) Send(client, std::to_string(i));
  DatagramReader reader(1500);
  const DatagramReader::Result first = ReadFrom(reader, server);
  EXPECT_EQ(first.datagrams.size(), 16u);
  EXPECT_TRUE(first.more);
  const DatagramReader::Result second = reader.Read(server.get());
  ASSERT_EQ(second.datagrams.size(), 4u);
  EXPECT_EQ(second.datagrams[3].bytes, "19");
  EXPECT_FALSE(second.more);
}

TEST(DatagramTest, WhatIsTooLongIsDropped) {
  const UniqueFd server = Bound(Ip("127.0.0.1"));
  const UniqueFd client = Connected(Address::LocalOf(server.get()));
  Send(client, std::string(10, 'a'));
  Send(client, std::string(11, 'b'));
  Send(client, "c");
  DatagramReader reader(10);
  const DatagramReader::Result read = ReadFrom(reader, server);
  ASSERT_EQ(read.datagrams.size(), 2u);
  EXPECT_EQ(read.datagrams[0].bytes, std::string(10, 'a'));
  EXPECT_EQ(read.datagrams[1].bytes, "c");
  EXPECT_EQ(read.too_long, 1u);
}

TEST(DatagramTest, TheLongestThereAreFit) {
  const UniqueFd server = Bound(Ip("127.0.0.1"));
  const UniqueFd client = Connected(Address::LocalOf(server.get()));
  Send(client, std::string(65507, 'x'));
  DatagramReader reader(65535);
  const DatagramReader::Result read = ReadFrom(reader, server);
  ASSERT_EQ(read.datagrams.size(), 1u);
  EXPECT_EQ(read.datagrams[0].bytes.size(), 65507u);
}

TEST(DatagramTest, AnAnswerComesFromWhereTheClientWroteTo) {
  for (const char* any : {"0.0.0.0", "::"}) {
    ListenOptions options;
    options.ipv4_compat = true;
    const UniqueFd server = Bound(Ip(any), options);
    const uint16_t port = Address::LocalOf(server.get()).port();
    EXPECT_TRUE(IsAnyAddress(Address::LocalOf(server.get())));
    DatagramReader reader(1500);
    // 127.0.0.2 is not what the kernel would choose for an answer by itself.
    for (const char* local : {"127.0.0.2", "::1"}) {
      if (std::string(any) == "0.0.0.0" && std::string(local) == "::1") continue;
      // It takes answers of that one address only.
      const UniqueFd client = Connected(Ip(local, port));
      Send(client, "hello");
      const DatagramReader::Result read = ReadFrom(reader, server);
      ASSERT_EQ(read.datagrams.size(), 1u);
      EXPECT_EQ(read.datagrams[0].local.IpString(), local);
      EXPECT_EQ(
          SendDatagram(server.get(), "answer", read.datagrams[0].peer, &read.datagrams[0].local),
          0);
      DatagramReader at_client(1500);
      const DatagramReader::Result answer = ReadFrom(at_client, client);
      ASSERT_EQ(answer.datagrams.size(), 1u);
      EXPECT_EQ(answer.datagrams[0].bytes, "answer");
    }
  }
}

TEST(DatagramTest, WhatTheKernelDropsIsTold) {
  ListenOptions options;
  SocketOption small;
  small.level = SOL_SOCKET;
  small.name = SO_RCVBUF;
  const int bytes = 4096;
  small.value.assign(reinterpret_cast<const char*>(&bytes), sizeof(bytes));
  options.options.push_back(small);
  const UniqueFd server = Bound(Ip("127.0.0.1"), options);
  const UniqueFd client = Connected(Address::LocalOf(server.get()));
  EXPECT_EQ(DroppedByKernel(server.get()), 0u);
  for (int i = 0; i < 50; ++i) Send(client, std::string(1000, 'x'));
  const uint32_t dropped = DroppedByKernel(server.get());
  EXPECT_GT(dropped, 0u);
  DatagramReader reader(1500);
  while (!reader.Read(server.get()).datagrams.empty()) {
  }
  Send(client, "after");
  EXPECT_EQ(ReadFrom(reader, server).dropped_by_kernel, dropped);
}

TEST(DatagramTest, TwoSocketsOfOnePort) {
  const UniqueFd first = Bound(Ip("127.0.0.1"));
  const Address address = Address::LocalOf(first.get());
  EXPECT_TRUE(Bound(address).valid());
  ListenOptions alone;
  alone.reuse_port = false;
  const auto refused = BindDatagramSocket(address, alone);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("cannot bind to 127.0.0.1:"), std::string::npos);
}

TEST(DatagramTest, ARefusedOneIsAnError) {
  Address gone;
  {
    const UniqueFd server = Bound(Ip("127.0.0.1"));
    gone = Address::LocalOf(server.get());
  }
  const UniqueFd client = Connected(gone);
  Send(client, "anybody?");
  DatagramReader reader(1500);
  EXPECT_EQ(ReadFrom(reader, client).error, ECONNREFUSED);
  EXPECT_EQ(reader.Read(client.get()).error, 0);
}

TEST(DatagramTest, OnlyIpAddressesExchangeDatagrams) {
  EXPECT_FALSE(ConnectDatagramSocket(*Address::FromPath("/tmp/x"), nullptr).ok());
  EXPECT_FALSE(BindDatagramSocket(Address::Internal("l", ""), {}).ok());
}

TEST(DatagramTest, ASourceIsBoundTo) {
  const UniqueFd server = Bound(Ip("127.0.0.1"));
  const Address source = Ip("127.0.0.9");
  const auto client = ConnectDatagramSocket(Address::LocalOf(server.get()), &source);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(Address::LocalOf(client->get()).IpString(), "127.0.0.9");
}

}  // namespace
}  // namespace proxenos::net
