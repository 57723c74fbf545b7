// The order of addresses, as Envoy sorts them, and which source a connection has.
#include "source/upstream/connect_rules.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace proxenos::upstream {
namespace {

using Texts = std::vector<std::string>;

net::Address Ip(const std::string& text) { return *net::Address::FromIp(text, 0); }

net::SocketOption Option(int level, int name, std::string value) {
  net::SocketOption option;
  option.level = level;
  option.name = name;
  option.value = std::move(value);
  return option;
}

Texts Order(const ConnectRules& rules, const Texts& given) {
  std::vector<net::Address> further;
  for (size_t i = 1; i < given.size(); ++i) further.push_back(Ip(given[i]));
  Texts order;
  for (const net::Address& each : InOrder(rules, Ip(given[0]), further)) {
    order.push_back(each.IpString());
  }
  return order;
}

TEST(ConnectRulesTest, FamiliesTakeTurnsAndTheHostsOwnBegins) {
  const ConnectRules rules;
  EXPECT_EQ(Order(rules, {"1.1.1.1"}), (Texts{"1.1.1.1"}));
  EXPECT_EQ(Order(rules, {"1.1.1.1", "2.2.2.2", "::3", "::4", "::5"}),
            (Texts{"1.1.1.1", "::3", "2.2.2.2", "::4", "::5"}));
  EXPECT_EQ(Order(rules, {"::3", "1.1.1.1", "2.2.2.2"}), (Texts{"::3", "1.1.1.1", "2.2.2.2"}));
}

TEST(ConnectRulesTest, AFamilyMayComeFirstAndSoManyOfIt) {
  ConnectRules rules;
  rules.first_family = net::Address::Family::kIpv6;
  EXPECT_EQ(Order(rules, {"1.1.1.1", "::2", "::3"}), (Texts{"::2", "1.1.1.1", "::3"}));
  EXPECT_EQ(Order(rules, {"1.1.1.1", "2.2.2.2"}), (Texts{"1.1.1.1", "2.2.2.2"}));
  rules.first_count = 2;
  EXPECT_EQ(Order(rules, {"1.1.1.1", "2.2.2.2", "::3", "::4", "::5"}),
            (Texts{"::3", "::4", "1.1.1.1", "::5", "2.2.2.2"}));
  rules.first_count = UINT32_MAX;
  EXPECT_EQ(Order(rules, {"1.1.1.1", "::2", "::3"}), (Texts{"::2", "::3", "1.1.1.1"}));
}

TEST(ConnectRulesTest, TheSourceIsOfTheHostsFamily) {
  ConnectRules rules;
  EXPECT_FALSE(rules.OptionsFor(Ip("9.9.9.9")).source.has_value());
  rules.options = {Option(1, 2, "all")};
  rules.sources = {{Ip("1.1.1.1"), {}},
                   {Ip("::1"), std::vector<net::SocketOption>{Option(1, 2, "6")}}};
  const net::ConnectOptions four = rules.OptionsFor(Ip("9.9.9.9"));
  EXPECT_EQ(four.source->IpString(), "1.1.1.1");
  ASSERT_NE(four.options, nullptr);
  EXPECT_EQ(four.options->at(0).value, "all");
  const net::ConnectOptions six = rules.OptionsFor(Ip("::9"));
  EXPECT_EQ(six.source->IpString(), "::1");
  EXPECT_EQ(six.options->at(0).value, "6");
  rules.sources.pop_back();
  EXPECT_EQ(rules.OptionsFor(Ip("::9")).source->IpString(), "1.1.1.1");
}

// What is set is really set, and bound to.
TEST(ConnectRulesTest, ConnectionsHaveTheirSourceAndOptions) {
  const auto listener = net::BindListenSocket(*net::Address::FromIp("127.0.0.1", 0), {});
  ASSERT_TRUE(listener.ok() && net::Listen(listener->get(), {}).ok());
  const net::Address to = net::Address::LocalOf(listener->get());
  ConnectRules rules;
  rules.sources = {{*net::Address::FromIp("127.0.0.7", 0), {}}};
  rules.freebind = true;
  const int mark = 7;
  rules.options = {
      Option(SOL_SOCKET, SO_PRIORITY, {reinterpret_cast<const char*>(&mark), sizeof(mark)})};
  const auto fd = net::StartConnect(to, rules.OptionsFor(to));
  ASSERT_TRUE(fd.ok());
  EXPECT_EQ(net::Address::LocalOf(fd->get()).IpString(), "127.0.0.7");
  int value = 0;
  socklen_t size = sizeof(value);
  ASSERT_EQ(getsockopt(fd->get(), SOL_SOCKET, SO_PRIORITY, &value, &size), 0);
  EXPECT_EQ(value, 7);
  ASSERT_EQ(getsockopt(fd->get(), IPPROTO_IP, IP_FREEBIND, &value, &size), 0);
  EXPECT_EQ(value, 1);
  rules.options[0].name = -1;  // There is none: the connection is not made without it.
  EXPECT_FALSE(net::StartConnect(to, rules.OptionsFor(to)).ok());
}

}  // namespace
}  // namespace proxenos::upstream
