// Where connections go that were for an address.
#include "source/server/destinations.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "source/downstream/datagram_service.h"

namespace proxenos::server {
namespace {

class DestinationsTest : public ::testing::Test {
 protected:
  static net::Address At(const std::string& ip, uint16_t port) {
    return *net::Address::FromIp(ip, port);
  }
  downstream::ListenerConfig& Add(const std::string& name, std::vector<net::Address> addresses,
                                  bool ipv4_compat = false) {
    auto& config = configs_.emplace_back(std::make_unique<downstream::ListenerConfig>());
    config->name = name;
    config->addresses = std::move(addresses);
    config->listen.ipv4_compat = ipv4_compat;
    return *config;
  }
  std::string Find(const net::Address& destination) const {
    Destinations destinations;
    for (const auto& config : configs_) destinations.Add(*config);
    const std::string* name = destinations.Find(destination);
    return name == nullptr ? "" : *name;
  }

  std::vector<std::unique_ptr<downstream::ListenerConfig>> configs_;
};

TEST_F(DestinationsTest, ItsOwnAddressComesFirst) {
  Add("any", {At("0.0.0.0", 80)});
  Add("own", {At("10.0.0.1", 80), At("10.0.0.2", 81)});
  EXPECT_EQ(Find(At("10.0.0.1", 80)), "own");
  EXPECT_EQ(Find(At("10.0.0.2", 81)), "own");
  EXPECT_EQ(Find(At("10.0.0.2", 80)), "any");
  EXPECT_EQ(Find(At("10.0.0.1", 82)), "");
  EXPECT_EQ(Find(At("fd00::1", 80)), "");
}

TEST_F(DestinationsTest, AnyAddressOfIpv6TakesIpv4WhereItSaysSo) {
  Add("six", {At("::", 80)});
  Add("both", {At("::", 81)}, true);
  EXPECT_EQ(Find(At("fd00::1", 80)), "six");
  EXPECT_EQ(Find(At("10.0.0.1", 80)), "");
  EXPECT_EQ(Find(At("fd00::1", 81)), "both");
  EXPECT_EQ(Find(At("10.0.0.1", 81)), "both");
  Add("four", {At("0.0.0.0", 81)});
  EXPECT_EQ(Find(At("10.0.0.1", 81)), "four");
  configs_.front().swap(configs_.back());
  EXPECT_EQ(Find(At("10.0.0.1", 81)), "four");
}

TEST_F(DestinationsTest, WhatTakesDatagramsTakesNoConnections) {
  Add("datagrams", {At("0.0.0.0", 80)}).datagrams = std::make_shared<downstream::DatagramConfig>();
  EXPECT_EQ(Find(At("10.0.0.1", 80)), "");
}

}  // namespace
}  // namespace proxenos::server
