// The UDP proxy on one thread, turn by turn: which host a session gets, and when it ends.
#include "source/filters/udp/udp_proxy/udp_proxy.h"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/downstream/listener.h"
#include "source/filters/udp/udp_proxy/udp_service.h"
#include "source/net/datagram.h"
#include "source/upstream/cluster_map.h"
#include "source/upstream/host_set_update.h"
#include "test/support/sim_clock.h"

namespace proxenos::filters::udp_proxy {
namespace {

using base::kSecond;

net::Address Loopback(uint16_t port = 0) { return *net::Address::FromIp("127.0.0.1", port); }

// One end of an exchange. Owner: the test.
class Peer {
 public:
  // A host.
  Peer() : fd_(*net::BindDatagramSocket(Loopback(), {})), reader_(1500) {}
  // A client of that address.
  explicit Peer(const net::Address& server)
      : fd_(*net::ConnectDatagramSocket(server, nullptr)), reader_(1500) {}

  uint16_t port() const { return net::Address::LocalOf(fd_.get()).port(); }
  void Send(absl::string_view bytes) {
    EXPECT_EQ(send(fd_.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  // What has come since the last call.
  std::vector<std::string> Received() {
    std::vector<std::string> all;
    net::DatagramReader::Result read;
    do {
      read = reader_.Read(fd_.get());
      for (const net::Datagram& each : read.datagrams) {
        all.emplace_back(each.bytes);
        last_ = each.peer;
      }
    } while (read.more);
    return all;
  }
  // To whoever sent the last one.
  void Answer(absl::string_view bytes) {
    EXPECT_EQ(net::SendDatagram(fd_.get(), bytes, last_, nullptr), 0);
  }
  const net::Address& last() const { return last_; }

 private:
  net::UniqueFd fd_;
  net::DatagramReader reader_;
  net::Address last_;
};

using Texts = std::vector<std::string>;

class UdpProxyTest : public ::testing::Test {
 protected:
  UdpProxyTest()
      : loop_(clock_),
        clusters_(loop_, registry_),
        context_{{loop_, clusters_}, registry_, connection_limit_, date_, 0},
        breakers_(std::make_shared<upstream::CircuitBreakers>()) {
    cluster_->name = "origin";
  }
  ~UdpProxyTest() override {
    if (listener_ != nullptr) listener_->CloseAll();
    loop_.RunOnce(0);
    listener_.reset();
    clusters_.Clear();
    loop_.RunOnce(0);
  }

  // With the hosts there are.
  void Start() {
    SetHosts();
    clusters_.Set(upstream::PublishedCluster{cluster_, breakers_, hosts_, {}});
    Listen(*net::BindDatagramSocket(Loopback(), {}));
  }
  void Listen(net::UniqueFd socket) {
    address_ = net::Address::LocalOf(socket.get());
    auto datagrams = std::make_shared<downstream::DatagramConfig>();
    UdpProxyConfig proxy;
    proxy.stat_prefix = "u";
    proxy.routes = DatagramRoutes("origin");
    proxy.idle_timeout = idle_timeout_;
    proxy.per_packet = per_packet_;
    datagrams->terminal = std::make_unique<UdpProxy>(std::move(proxy));
    auto config = std::make_shared<downstream::ListenerConfig>();
    config->name = "l";
    config->addresses.push_back(address_);
    config->datagrams = std::move(datagrams);
    std::vector<net::UniqueFd> sockets;
    sockets.push_back(std::move(socket));
    listener_ = std::make_unique<downstream::Listener>(
        context_, std::move(config), std::move(sockets), std::vector<downstream::ChainCells>());
  }
  UdpService& service() { return static_cast<UdpService&>(*context_.datagram_services.back()); }

  void SetHosts() {
    upstream::Assignment assignment;
    assignment.localities.emplace_back();
    for (const uint16_t port : ports_) {
      upstream::Endpoint endpoint;
      endpoint.address = Loopback(port);
      endpoint.health = unhealthy_.contains(port) ? upstream::EndpointHealth::kUnhealthy
                                                  : upstream::EndpointHealth::kHealthy;
      assignment.localities[0].endpoints.push_back(std::move(endpoint));
    }
    hosts_ = upstream::BuildHostSet(*cluster_, assignment, hosts_).hosts;
  }
  void PublishHosts() {
    SetHosts();
    clusters_.SetHosts(std::make_shared<const upstream::PublishedCluster>(
        upstream::PublishedCluster{cluster_, breakers_, hosts_, {}}));
    Tell();
  }
  // As the worker does.
  void Tell() {
    auto& services = context_.datagram_services;
    for (auto* each = services.front(); each != nullptr; each = services.Next(each)) {
      each->OnClustersChanged();
    }
  }

  void Settle() {
    for (int turns = 0; turns < 10; ++turns) loop_.RunOnce(base::kMillisecond);
  }
  // Sends that and returns what the host got.
  Texts Carry(Peer& client, Peer& host, absl::string_view bytes) {
    client.Send(bytes);
    Settle();
    return host.Received();
  }
  uint32_t taken() const {
    return breakers_->of(upstream::RoutingPriority::kDefault).connections.count();
  }
  stats::ClusterStats& cluster_stats() { return clusters_.Find("origin")->stats(); }

  testing::SimClock clock_;
  event::EventLoop loop_;
  stats::Registry registry_;
  upstream::ClusterMap clusters_;
  downstream::DateCache date_;
  downstream::ConnectionLimit connection_limit_{1000};
  downstream::WorkerContext context_;
  std::shared_ptr<upstream::ClusterConfig> cluster_ = std::make_shared<upstream::ClusterConfig>();
  std::shared_ptr<const upstream::CircuitBreakers> breakers_;
  std::shared_ptr<const upstream::HostSet> hosts_;
  base::Nanos idle_timeout_ = 60 * kSecond;
  bool per_packet_ = false;
  std::vector<uint16_t> ports_;
  std::set<uint16_t> unhealthy_;
  net::Address address_;
  std::unique_ptr<downstream::Listener> listener_;
};

TEST_F(UdpProxyTest, DatagramsGoToAHostAndAnswersBack) {
  Peer host;
  ports_ = {host.port()};
  Start();
  Peer client(address_);
  EXPECT_EQ(Carry(client, host, "one"), Texts{"one"});
  const net::Address first = host.last();
  EXPECT_EQ(Carry(client, host, ""), Texts{""});
  EXPECT_EQ(host.last(), first);  // The same session.
  host.Answer("answer");
  host.Answer("");
  Settle();
  EXPECT_EQ(client.Received(), (Texts{"answer", ""}));

  Peer other(address_);
  EXPECT_EQ(Carry(other, host, "two"), Texts{"two"});
  EXPECT_NE(host.last(), first);
  EXPECT_EQ(service().session_count(), 2u);
  EXPECT_EQ(taken(), 2u);
  stats::UdpStats& stats = service().stats();
  EXPECT_EQ(stats.downstream_sess_total.value(), 2u);
  EXPECT_EQ(stats.downstream_sess_active.value(), 2u);
  EXPECT_EQ(stats.downstream_sess_rx_datagrams.value(), 3u);
  EXPECT_EQ(stats.downstream_sess_rx_bytes.value(), 6u);
  EXPECT_EQ(stats.downstream_sess_tx_datagrams.value(), 2u);
  EXPECT_EQ(stats.downstream_sess_tx_bytes.value(), 6u);
  EXPECT_EQ(cluster_stats().upstream_cx_tx_bytes_total.value(), 6u);
  EXPECT_EQ(cluster_stats().upstream_cx_rx_bytes_total.value(), 6u);
}

TEST_F(UdpProxyTest, NobodyElseCanAnswer) {
  Peer host;
  ports_ = {host.port()};
  Start();
  Peer client(address_);
  EXPECT_EQ(Carry(client, host, "one"), Texts{"one"});
  Peer stranger(host.last());
  stranger.Send("forged");
  Settle();
  EXPECT_EQ(client.Received(), Texts{});
}

TEST_F(UdpProxyTest, AnIdleSessionEnds) {
  idle_timeout_ = 5 * kSecond;
  Peer host;
  ports_ = {host.port()};
  Start();
  Peer client(address_);
  EXPECT_EQ(Carry(client, host, "one").size(), 1u);
  clock_.Advance(3 * kSecond);
  EXPECT_EQ(Carry(client, host, "two").size(), 1u);
  clock_.Advance(3 * kSecond);
  host.Answer("of two");
  Settle();
  EXPECT_EQ(client.Received().size(), 1u);
  clock_.Advance(4 * kSecond);
  Settle();
  EXPECT_EQ(service().session_count(), 1u);
  clock_.Advance(2 * kSecond);
  Settle();
  EXPECT_EQ(service().session_count(), 0u);
  EXPECT_EQ(service().stats().idle_timeout.value(), 1u);
  EXPECT_EQ(service().stats().downstream_sess_active.value(), 0u);
  EXPECT_EQ(taken(), 0u);
  host.Answer("too late");
  Settle();
  EXPECT_EQ(client.Received(), Texts{});
}

TEST_F(UdpProxyTest, TheCircuitBreakerLimitsSessions) {
  auto thresholds = *cluster_->thresholds;
  for (auto& each : thresholds) each.max_connections = 2;
  cluster_->thresholds = thresholds;
  Peer host;
  ports_ = {host.port()};
  Start();
  std::vector<std::unique_ptr<Peer>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<Peer>(address_));
    clients.back()->Send("x");
  }
  Settle();
  EXPECT_EQ(host.Received().size(), 2u);
  EXPECT_EQ(service().session_count(), 2u);
  EXPECT_EQ(cluster_stats().upstream_cx_overflow.value(), 3u);
  // Those that there are go on.
  EXPECT_EQ(Carry(*clients[0], host, "y"), Texts{"y"});
}

TEST_F(UdpProxyTest, WithoutAHostOrAClusterDatagramsAreDropped) {
  Start();
  Peer client(address_);
  client.Send("x");
  Settle();
  EXPECT_EQ(cluster_stats().upstream_cx_none_healthy.value(), 1u);
  EXPECT_EQ(service().session_count(), 0u);
  clusters_.Remove("origin");
  Tell();
  client.Send("x");
  Settle();
  EXPECT_EQ(service().stats().downstream_sess_no_route.value(), 1u);
}

TEST_F(UdpProxyTest, SessionsOfAHostThatLeavesEnd) {
  Peer a;
  Peer b;
  ports_ = {a.port(), b.port()};
  Start();
  std::vector<std::unique_ptr<Peer>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<Peer>(address_));
    clients.back()->Send("x");
  }
  Settle();
  EXPECT_EQ(a.Received().size(), 2u);
  EXPECT_EQ(b.Received().size(), 2u);
  ports_ = {b.port()};
  PublishHosts();
  Settle();
  EXPECT_EQ(service().session_count(), 2u);
  EXPECT_EQ(taken(), 2u);
  for (auto& client : clients) client->Send("y");
  Settle();
  EXPECT_EQ(a.Received().size(), 0u);
  EXPECT_EQ(b.Received().size(), 4u);
  EXPECT_EQ(service().session_count(), 4u);
}

TEST_F(UdpProxyTest, SessionsOfAClusterThatIsReplacedOrRemovedEnd) {
  Peer host;
  ports_ = {host.port()};
  Start();
  Peer client(address_);
  EXPECT_EQ(Carry(client, host, "one").size(), 1u);
  const net::Address first = host.last();
  clusters_.Set(upstream::PublishedCluster{cluster_, breakers_, hosts_, {}});
  Tell();
  EXPECT_EQ(service().session_count(), 0u);
  EXPECT_EQ(Carry(client, host, "two").size(), 1u);
  EXPECT_NE(host.last(), first);
  clusters_.Remove("origin");
  Tell();
  EXPECT_EQ(service().session_count(), 0u);
  EXPECT_EQ(taken(), 0u);
  host.Answer("nobody gets this");
  Settle();
  EXPECT_EQ(client.Received(), Texts{});
}

TEST_F(UdpProxyTest, ASessionLeavesAnUnhealthyHostForAHealthyOne) {
  Peer a;
  ports_ = {a.port()};
  Start();
  Peer client(address_);
  EXPECT_EQ(Carry(client, a, "one").size(), 1u);
  // There is no better one.
  unhealthy_ = {a.port()};
  PublishHosts();
  EXPECT_EQ(Carry(client, a, "two").size(), 1u);
  Peer b;
  ports_.push_back(b.port());
  PublishHosts();
  EXPECT_EQ(Carry(client, b, "three"), Texts{"three"});
  EXPECT_EQ(a.Received(), Texts{});
  EXPECT_EQ(service().session_count(), 1u);
  EXPECT_EQ(service().stats().downstream_sess_total.value(), 2u);
}

TEST_F(UdpProxyTest, DatagramsMayBeSpreadOneByOne) {
  per_packet_ = true;
  Peer a;
  Peer b;
  ports_ = {a.port(), b.port()};
  Start();
  Peer client(address_);
  for (int i = 0; i < 4; ++i) client.Send("x");
  Settle();
  EXPECT_EQ(a.Received().size(), 2u);
  EXPECT_EQ(b.Received().size(), 2u);
  EXPECT_EQ(service().session_count(), 2u);
  a.Answer("a");
  b.Answer("b");
  Settle();
  EXPECT_EQ(client.Received().size(), 2u);
}

TEST_F(UdpProxyTest, LeastRequestGoesBySessions) {
  cluster_->lb_policy = upstream::LbPolicy::kLeastRequest;
  cluster_->least_request.choices = 16;
  Peer a;
  Peer b;
  ports_ = {a.port(), b.port()};
  Start();
  std::vector<std::unique_ptr<Peer>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Peer>(address_));
    clients.back()->Send("x");
    Settle();
  }
  const size_t at_a = a.Received().size();
  // Both drawn in nearly each of the picks, the emptier one is taken.
  EXPECT_GE(at_a, 8u);
  EXPECT_LE(at_a, 12u);
}

TEST_F(UdpProxyTest, AHostThatRefusesIsCounted) {
  uint16_t port;
  {
    Peer gone;
    port = gone.port();
  }
  ports_ = {port};
  Start();
  Peer client(address_);
  client.Send("x");
  Settle();
  // The session stays: the host may come back before the next datagram.
  EXPECT_EQ(service().session_count(), 1u);
  uint64_t errors = 0;
  for (const stats::ScopeReading& scope : registry_.Read()) {
    if (scope.name.prefix() != "cluster.origin.udp.") continue;
    for (size_t i = 0; i < scope.schema->stats.size(); ++i) {
      if (scope.schema->stats[i].name == "sess_rx_errors") errors = scope.total.values[i];
    }
  }
  EXPECT_EQ(errors, 1u);
}

TEST_F(UdpProxyTest, TheListenerThatTakesItsPlaceGetsTheSockets) {
  Peer host;
  ports_ = {host.port()};
  Start();
  Peer client(address_);
  EXPECT_EQ(Carry(client, host, "one").size(), 1u);
  std::unique_ptr<downstream::Listener> old = std::move(listener_);
  std::vector<net::UniqueFd> sockets = old->ReleaseSockets();
  ASSERT_EQ(sockets.size(), 1u);
  Listen(std::move(sockets[0]));
  // What was asked before is still answered.
  host.Answer("of one");
  Settle();
  EXPECT_EQ(client.Received(), Texts{"of one"});
  EXPECT_FALSE(old->empty());
  // What comes now is the new one's.
  EXPECT_EQ(Carry(client, host, "two").size(), 1u);
  EXPECT_EQ(service().session_count(), 1u);
  EXPECT_EQ(service().stats().downstream_sess_rx_datagrams.value(), 1u);
  host.Answer("of two");
  Settle();
  EXPECT_EQ(client.Received(), Texts{"of two"});
  clock_.Advance(2 * kSecond);
  Settle();
  old->CloseIdle(kSecond);
  EXPECT_TRUE(old->empty());
  EXPECT_EQ(taken(), 1u);
  Settle();
}

TEST_F(UdpProxyTest, AListenerThatStopsEndsItsSessions) {
  Peer host;
  ports_ = {host.port()};
  Start();
  Peer client(address_);
  EXPECT_EQ(Carry(client, host, "one").size(), 1u);
  listener_->StopAccepting();
  EXPECT_TRUE(listener_->empty());
  EXPECT_EQ(taken(), 0u);
  Settle();
  EXPECT_TRUE(net::BindDatagramSocket(address_, net::ListenOptions()).ok());
}

TEST_F(UdpProxyTest, DatagramsWaitWhileTheListenerIsHeld) {
  Peer host;
  ports_ = {host.port()};
  Start();
  Peer client(address_);
  listener_->HoldAccepting(true);
  EXPECT_EQ(Carry(client, host, "one"), Texts{});
  listener_->HoldAccepting(false);
  Settle();
  EXPECT_EQ(host.Received(), Texts{"one"});
}

TEST_F(UdpProxyTest, AFloodTakesABoundedTurn) {
  Peer host;
  ports_ = {host.port()};
  Start();
  Peer client(address_);
  for (int i = 0; i < 100; ++i) client.Send("x");
  loop_.RunOnce(base::kMillisecond);
  EXPECT_EQ(service().stats().downstream_sess_rx_datagrams.value(), 64u);
  Settle();
  EXPECT_EQ(service().stats().downstream_sess_rx_datagrams.value(), 100u);
}

}  // namespace
}  // namespace proxenos::filters::udp_proxy
