// Listening sockets: one a worker, kept while the addresses stay.
#include "source/server/listen_sockets.h"

#include <sys/socket.h>

#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace proxenos::server {
namespace {

downstream::ListenerConfig Config(const std::string& name, uint16_t port) {
  downstream::ListenerConfig config;
  config.name = name;
  config.addresses.push_back(*net::Address::FromIp("127.0.0.1", port));
  return config;
}

TEST(ListenSockets, EachWorkerGetsItsOwnOnTheSamePortOnce) {
  ListenSockets sockets(3);
  ASSERT_TRUE(sockets.Bind(Config("l", 0)).ok());
  const uint16_t port = sockets.Addresses("l").at(0).port();
  EXPECT_NE(port, 0);
  std::set<int> seen;
  std::vector<net::UniqueFd> kept;
  for (uint32_t worker = 0; worker < 3; ++worker) {
    auto taken = sockets.Take("l", worker);
    ASSERT_TRUE(taken.has_value());
    ASSERT_EQ(taken->size(), 1u);
    EXPECT_EQ(net::Address::LocalOf(taken->front().get()).port(), port);
    seen.insert(taken->front().get());
    EXPECT_FALSE(sockets.Take("l", worker).has_value()) << "given away already";
    kept.push_back(std::move(taken->front()));
  }
  EXPECT_EQ(seen.size(), 3u);
}

TEST(ListenSockets, SameAddressesMakeNoNewSockets) {
  ListenSockets sockets(1);
  ASSERT_TRUE(sockets.Bind(Config("l", 0)).ok());
  const auto first = sockets.Take("l", 0);
  const auto address = sockets.Addresses("l").at(0);
  ASSERT_TRUE(sockets.Bind(Config("l", 0)).ok());
  EXPECT_FALSE(sockets.Take("l", 0).has_value());
  EXPECT_EQ(sockets.Addresses("l").at(0), address);
}

TEST(ListenSockets, AnAddressMayHaveOptionsOfItsOwn) {
  downstream::ListenerConfig config = Config("l", 0);
  config.addresses.push_back(config.addresses[0]);
  config.listen_each.assign(2, config.listen);
  const int mark = 5;
  net::SocketOption option;
  option.level = SOL_SOCKET;
  option.name = SO_PRIORITY;
  option.value.assign(reinterpret_cast<const char*>(&mark), sizeof(mark));
  config.listen_each[1].options.push_back(option);
  ListenSockets sockets(1);
  ASSERT_TRUE(sockets.Bind(config).ok());
  const auto taken = sockets.Take("l", 0);
  ASSERT_TRUE(taken.has_value());
  std::vector<int> values;
  for (const net::UniqueFd& fd : *taken) {
    socklen_t size = sizeof(int);
    ASSERT_EQ(getsockopt(fd.get(), SOL_SOCKET, SO_PRIORITY, &values.emplace_back(), &size), 0);
  }
  EXPECT_EQ(values, (std::vector<int>{0, 5}));
  // Other options, other sockets.
  config.listen_each.clear();
  ASSERT_TRUE(sockets.Bind(config).ok());
  EXPECT_TRUE(sockets.Take("l", 0).has_value());
}

TEST(ListenSockets, FailureChangesNothing) {
  ListenSockets sockets(1);
  ASSERT_TRUE(sockets.Bind(Config("l", 0)).ok());
  const auto address = sockets.Addresses("l").at(0);
  downstream::ListenerConfig elsewhere = Config("l", 0);
  elsewhere.addresses.push_back(*net::Address::FromIp("192.0.2.1", 80));  // Not ours.
  const absl::Status status = sockets.Bind(elsewhere);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(std::string(status.message()).find("192.0.2.1:80"), std::string::npos) << status;
  EXPECT_EQ(sockets.Addresses("l").at(0), address);
  const auto taken = sockets.Take("l", 0);
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->size(), 1u);
}

// A worker that is to have none of the new sockets must not keep its old ones.
TEST(ListenSockets, UnixSocketIsTheFirstWorkersAlone) {
  ListenSockets sockets(2);
  downstream::ListenerConfig config = Config("l", 0);
  config.addresses = {*net::Address::FromPath("@listen_sockets_test")};
  ASSERT_TRUE(sockets.Bind(config).ok());
  const auto first = sockets.Take("l", 0);
  const auto second = sockets.Take("l", 1);
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(first->size(), 1u);
  EXPECT_TRUE(second->empty());
}

TEST(ListenSockets, ForgottenOnesAreGone) {
  ListenSockets sockets(1);
  ASSERT_TRUE(sockets.Bind(Config("l", 0)).ok());
  sockets.Forget("l");
  EXPECT_TRUE(sockets.Addresses("l").empty());
  EXPECT_FALSE(sockets.Take("l", 0).has_value());
}

}  // namespace
}  // namespace proxenos::server
