// A listener that goes on with other filter chains: connections of those that stay notice nothing,
// those of the others drain.
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/downstream/connection_balance.h"
#include "test/support/proxy_loop.h"

namespace proxenos::downstream {
namespace {

using base::kSecond;
using testing::Peer;
using testing::ProxyLoop;

constexpr char kDirect[] = "GET /direct HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr base::Nanos kDrainTime = 10 * kSecond;  // Less than a request may take.

using Chains = std::vector<std::shared_ptr<const ChainConfig>>;

class ListenerChainsTest : public ::testing::Test {
 protected:
  ListenerChainsTest() {
    proxy_.http.server_name = "first";
    proxy_.Start();
    first_ = proxy_.listener().config().chains[0];
  }

  // The same, but for the name that it gives itself.
  std::shared_ptr<const ChainConfig> Other(const std::string& server_name) {
    auto http = std::make_shared<HttpConfig>(*first_->http);
    http->server_name = server_name;
    auto chain = std::make_shared<ChainConfig>(*first_);
    chain->http = std::move(http);
    return chain;
  }
  // All connections go to the first of them.
  void Set(Chains chains, const std::vector<int32_t>& kept) {
    auto config = std::make_shared<ListenerConfig>();
    static_cast<ListenerFrame&>(*config) = proxy_.listener().config();
    config->chains = std::move(chains);
    std::vector<ChainCells> cells(config->chains.size());
    proxy_.listener().SetChains(std::move(config), std::move(cells), kept,
                                proxy_.loop().now() + kDrainTime);
  }
  bool Answers(Peer& client, const std::string& expected) {
    client.Forget();
    client.Send(kDirect);
    return proxy_.Until([&] { return client.Got("\r\n\r\ndirect"); }) && client.Got(expected);
  }

  ProxyLoop proxy_;
  std::shared_ptr<const ChainConfig> first_;
};

TEST_F(ListenerChainsTest, ChainThatStaysKeepsItsConnections) {
  Peer client = proxy_.Connect();
  EXPECT_TRUE(Answers(client, "server: first\r\n"));
  const ChainService* service = &proxy_.listener().service(0);
  Set({first_, Other("second")}, {0, -1});
  EXPECT_FALSE(proxy_.listener().has_leaving());
  EXPECT_EQ(&proxy_.listener().service(0), service);
  EXPECT_TRUE(Answers(client, "server: first\r\n"));
  EXPECT_FALSE(client.Got("connection: close"));
  // It may stand elsewhere among them.
  Set({Other("third"), first_}, {-1, 0});
  EXPECT_EQ(&proxy_.listener().service(1), service);
  EXPECT_TRUE(Answers(client, "server: first\r\n"));
  EXPECT_FALSE(client.Got("connection: close"));
  Peer later = proxy_.Connect();
  EXPECT_TRUE(Answers(later, "server: third\r\n"));
  EXPECT_TRUE(proxy_.listener().has_leaving()) << "nobody was with the second, but no sweep came";
  proxy_.listener().CloseLeaving(kSecond);
  EXPECT_FALSE(proxy_.listener().has_leaving());
  EXPECT_EQ(proxy_.listener().connection_count(), 2u);
}

TEST_F(ListenerChainsTest, ConnectionsOfReplacedChainsDrain) {
  Peer asks = proxy_.Connect();
  Peer idle = proxy_.Connect();
  EXPECT_TRUE(Answers(asks, "server: first\r\n"));
  EXPECT_TRUE(Answers(idle, "server: first\r\n"));
  Set({Other("second")}, {-1});
  Peer later = proxy_.Connect();
  EXPECT_TRUE(Answers(later, "server: second\r\n"));
  EXPECT_FALSE(later.Got("connection: close"));
  // Whoever asks once more is answered as before, and told to end.
  EXPECT_TRUE(Answers(asks, "server: first\r\n"));
  EXPECT_TRUE(asks.Got("connection: close"));
  EXPECT_TRUE(proxy_.Until([&] { return asks.Ended(); }));
  proxy_.listener().CloseLeaving(kSecond);
  proxy_.Settle();
  EXPECT_FALSE(idle.Ended()) << "it was not quiet for long enough";
  proxy_.Advance(2 * kSecond);
  proxy_.Turn();
  proxy_.listener().CloseLeaving(kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return idle.Ended(); }));
  proxy_.listener().CloseLeaving(kSecond);
  EXPECT_FALSE(proxy_.listener().has_leaving());
  EXPECT_FALSE(later.Ended());
  EXPECT_EQ(proxy_.listener().connection_count(), 1u);
  proxy_.ExpectNothingUnderWay();
}

TEST_F(ListenerChainsTest, DrainTimeIsALimit) {
  Peer client = proxy_.Connect();
  client.Send(kGet);
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(proxy_.Until([&] { return origin.Got("\r\n\r\n"); }));
  Set({Other("second")}, {-1});
  proxy_.Advance(kDrainTime - kSecond);
  proxy_.Turn();
  proxy_.listener().CloseLeaving(kSecond);
  proxy_.Settle();
  EXPECT_FALSE(client.Ended()) << "its response is awaited";
  proxy_.Advance(2 * kSecond);
  proxy_.Turn();
  proxy_.listener().CloseLeaving(kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return client.Ended(); }));
  EXPECT_FALSE(proxy_.listener().has_leaving());
  EXPECT_EQ(proxy_.listener().connection_count(), 0u);
}

TEST_F(ListenerChainsTest, ResponseUnderWayIsFinished) {
  Peer client = proxy_.Connect();
  client.Send(kGet);
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(proxy_.Until([&] { return origin.Got("\r\n\r\n"); }));
  Set({Other("second")}, {-1});
  proxy_.listener().CloseLeaving(kSecond);
  origin.Send(kOk);
  EXPECT_TRUE(proxy_.Until([&] { return client.Got("\r\n\r\nok"); }));
  EXPECT_TRUE(client.Got("server: first\r\n"));
  EXPECT_TRUE(client.Got("connection: close"));
  EXPECT_TRUE(proxy_.Until([&] { return client.Ended(); }));
  proxy_.listener().CloseLeaving(kSecond);
  EXPECT_FALSE(proxy_.listener().has_leaving());
}

// What drains when the whole listener is told to end, or dies.
TEST_F(ListenerChainsTest, ListenerEndsAllItsChains) {
  Peer old = proxy_.Connect();
  EXPECT_TRUE(Answers(old, "server: first\r\n"));
  Set({Other("second")}, {-1});
  Peer later = proxy_.Connect();
  EXPECT_TRUE(Answers(later, "server: second\r\n"));
  proxy_.listener().Drain();
  EXPECT_TRUE(Answers(later, "server: second\r\n"));
  EXPECT_TRUE(later.Got("connection: close"));
  proxy_.listener().CloseAll();
  EXPECT_TRUE(proxy_.Until([&] { return old.Ended() && later.Ended(); }));
  EXPECT_EQ(proxy_.listener().connection_count(), 0u);
}

TEST_F(ListenerChainsTest, ManyUpdatesLeaveNothingBehind) {
  Peer client = proxy_.Connect();
  EXPECT_TRUE(Answers(client, "server: first\r\n"));
  for (int i = 0; i < 50; ++i) {
    Set({first_, Other("other")}, {0, -1});
    proxy_.listener().CloseLeaving(kSecond);
    proxy_.Turn();
    EXPECT_FALSE(proxy_.listener().has_leaving());
  }
  EXPECT_TRUE(Answers(client, "server: first\r\n"));
  EXPECT_FALSE(client.Got("connection: close"));
}

// Whose sockets are the next one's already, while another worker has not heard of that yet.
TEST(BalancedListenerTest, OneThatDrainsServesWhatIsHandedToIt) {
  const auto balance = std::make_shared<ConnectionBalance>();
  ProxyLoop proxy;
  proxy.adjust = [&balance](ListenerConfig& config, std::vector<ChainCells>&) {
    config.balance = balance;
  };
  proxy.Start();
  int taken = 0;
  BalanceSeat other(balance, proxy.loop(),
                    [&taken](net::UniqueFd, const net::Address&) { ++taken; });
  other.Count();  // It has more connections than the listener.

  const std::vector<net::UniqueFd> sockets = proxy.listener().ReleaseSockets();
  ASSERT_EQ(sockets.size(), 1u);
  proxy.listener().Drain();
  Peer client(net::UniqueFd(proxy.Dial()));
  int accepted = -1;
  ASSERT_TRUE(proxy.Until([&] {
    accepted = accept4(sockets[0].get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return accepted >= 0;
  }));
  other.Give(net::UniqueFd(accepted), *net::Address::FromIp("127.0.0.1", 1));
  EXPECT_EQ(taken, 0);
  client.Send(kDirect);
  EXPECT_TRUE(proxy.Until([&] { return client.Got("\r\n\r\ndirect"); }));
  EXPECT_TRUE(client.Got("connection: close"));
}

}  // namespace
}  // namespace proxenos::downstream
