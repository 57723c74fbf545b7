// The TCP proxy on one thread, turn by turn: what is held back, and for how long one waits.
#include "source/filters/network/tcp_proxy/tcp_proxy.h"

#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/filters/network/tcp_proxy/tcp_service.h"
#include "test/support/proxy_loop.h"

namespace proxenos::filters::tcp_proxy {
namespace {

using base::kSecond;
using testing::Peer;
using testing::ProxyLoop;

// Lets everybody pass, or nobody behind their first bytes; knows who is there.
class Doorman final : public filter::NetworkFilterFactory {
 public:
  struct Book {
    int inside = 0;
    int asked = 0;
    bool refuses_bytes = false;
  };
  explicit Doorman(Book& book) : book_(book) {}
  std::unique_ptr<filter::NetworkFilter> Create(stats::Registry&) const override {
    return std::make_unique<Filter>(book_);
  }

 private:
  class Filter final : public filter::NetworkFilter {
   public:
    explicit Filter(Book& book) : book_(book) {}
    Verdict OnConnection(filter::NetworkConnection&) override {
      ++book_.inside;
      return {};
    }
    bool wants_first_bytes() const override { return true; }
    Verdict OnFirstBytes(filter::NetworkConnection& connection) override {
      ++book_.asked;
      connection.info.OpenNotes().state.Set("who", "me");
      Verdict verdict;
      verdict.pass = !book_.refuses_bytes;
      verdict.delay = kSecond;
      return verdict;
    }
    void OnEnd() override { --book_.inside; }

   private:
    Book& book_;
  };

  Book& book_;
};

class TcpProxyTest : public ::testing::Test {
 protected:
  void Start() {
    config_.stat_prefix = "t";
    config_.clusters = {"origin"};
    proxy_.adjust = [this](downstream::ListenerConfig& listener,
                           std::vector<downstream::ChainCells>&) {
      auto chain = std::make_shared<downstream::ChainConfig>();
      chain->terminal = std::make_shared<const TcpProxy>(config_);
      if (guarded_) chain->filters = {std::make_shared<const Doorman>(book_)};
      listener.chains[0] = std::move(chain);
    };
    proxy_.Start();
  }
  void UseTunnel(const std::string& format) {
    auto hostname =
        access_log::Formatter::Compile(format, {.omit_empty_values = true, .extensions = {}});
    ASSERT_TRUE(hostname.ok());
    config_.tunnel = std::make_shared<const Tunnel>(Tunnel{*std::move(hostname)});
  }
  stats::TcpStats& stats() {
    return static_cast<TcpService&>(proxy_.listener().service(0)).stats();
  }
  // A client and its host, connected with each other.
  std::pair<Peer, Peer> Pair() {
    Peer client = proxy_.Connect();
    Peer host = proxy_.Accept();
    EXPECT_TRUE(host.valid());
    return {std::move(client), std::move(host)};
  }
  void ExpectNobodyThere() {
    EXPECT_TRUE(proxy_.Until([this] { return proxy_.listener().empty(); }));
    EXPECT_EQ(proxy_.counts().connections.count(), 0u);
    EXPECT_EQ(proxy_.counts().pending_requests.count(), 0u);
    EXPECT_EQ(proxy_.cluster_stats().upstream_cx_active.value(), 0u);
    EXPECT_EQ(proxy_.cluster_stats().upstream_rq_active.value(), 0u);
    EXPECT_EQ(stats().downstream_cx_rx_bytes_buffered.value(), 0u);
    EXPECT_EQ(stats().downstream_cx_tx_bytes_buffered.value(), 0u);
  }

  TcpProxyConfig config_;
  bool guarded_ = false;
  Doorman::Book book_;
  ProxyLoop proxy_;
};

TEST_F(TcpProxyTest, CarriesBytesAndEnds) {
  Start();
  auto [client, host] = Pair();
  client.Send("ping");
  EXPECT_TRUE(proxy_.Until([&h = host] { return h.Got("ping"); }));
  host.Send("pong");
  host.ShutdownWrite();
  EXPECT_TRUE(proxy_.Until([&c = client] { return c.Ended() && c.Got("pong"); }));
  EXPECT_FALSE(client.reset());
  client.Send("more");
  EXPECT_TRUE(proxy_.Until([&h = host] { return h.Got("more"); }));
  client.Close();
  EXPECT_TRUE(proxy_.Until([&h = host] { return h.Ended(); }));
  EXPECT_FALSE(host.reset());
  ExpectNobodyThere();
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_destroy_local_with_active_rq.value(), 1u);
}

TEST_F(TcpProxyTest, ResetsOfEitherSide) {
  Start();
  auto [client, host] = Pair();
  client.Close(/*reset=*/true);
  EXPECT_TRUE(proxy_.Until([&h = host] { return h.Ended(); }));
  EXPECT_TRUE(host.reset());
  auto [second, other] = Pair();
  other.Send("last words");
  EXPECT_TRUE(proxy_.Until([&c = second] { return c.Got("last words"); }));
  other.Close(/*reset=*/true);
  EXPECT_TRUE(proxy_.Until([&c = second] { return c.Ended(); }));
  EXPECT_TRUE(second.reset());
  ExpectNobodyThere();
}

TEST_F(TcpProxyTest, HoldsNoMoreThanItsLimits) {
  constexpr uint32_t kLimit = 20000;
  proxy_.downstream_buffer_bytes = kLimit;
  proxy_.downstream_send_bytes = 4096;
  proxy_.cluster->connection_buffer_bytes = kLimit;
  Start();
  auto [client, host] = Pair();
  const std::string much(256 * 1024, 'x');
  size_t up = 0;
  size_t down = 0;
  for (int rounds = 0; rounds < 100; ++rounds) {
    up += client.Send(much);
    down += host.Send(much);
    proxy_.Settle();
    EXPECT_LE(stats().downstream_cx_tx_bytes_buffered.value(), kLimit);
    EXPECT_LE(stats().downstream_cx_rx_bytes_buffered.value(), base::limits::kSlabBytes);
  }
  EXPECT_GE(stats().downstream_flow_control_paused_reading_total.value(), 1u);
  EXPECT_TRUE(proxy_.Until([&, &h = host, &c = client] {
    return h.Received().size() == up && c.Received().size() == down;
  }));
  EXPECT_EQ(stats().downstream_cx_rx_bytes_total.value(), up);
  EXPECT_EQ(stats().downstream_cx_tx_bytes_total.value(), down);
  client.Close();
  host.Close();
  ExpectNobodyThere();
}

TEST_F(TcpProxyTest, AClientThatLeavesBeforeItsHostIsThere) {
  config_.backoff_base = kSecond;
  config_.backoff_max = 2 * kSecond;
  config_.max_connect_attempts = 3;
  proxy_.StopOrigin();
  Start();
  Peer client = proxy_.Connect();
  EXPECT_TRUE(proxy_.Until(
      [this] { return proxy_.cluster_stats().upstream_cx_connect_fail.value() == 1; }));
  proxy_.Settle();
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_connect_fail.value(), 1u);  // It waits.
  proxy_.Advance(kSecond + 1);
  EXPECT_TRUE(proxy_.Until(
      [this] { return proxy_.cluster_stats().upstream_cx_connect_fail.value() == 2; }));
  proxy_.Advance(2 * kSecond + 1);
  EXPECT_TRUE(proxy_.Until([&client] { return client.Ended(); }));
  EXPECT_EQ(proxy_.cluster_stats().upstream_cx_connect_attempts_exceeded.value(), 1u);
  ExpectNobodyThere();
}

TEST_F(TcpProxyTest, FiltersAreAskedOnceAndReleased) {
  guarded_ = true;
  Start();
  auto [client, host] = Pair();
  EXPECT_EQ(book_.inside, 1);
  host.Send("welcome");
  EXPECT_TRUE(proxy_.Until([&c = client] { return c.Got("welcome"); }));
  EXPECT_EQ(book_.asked, 0);
  client.Send("a");
  EXPECT_TRUE(proxy_.Until([&h = host] { return h.Got("a"); }));
  client.Send("b");
  EXPECT_TRUE(proxy_.Until([&h = host] { return h.Got("ab"); }));
  EXPECT_EQ(book_.asked, 1);
  client.Close();
  host.Close();
  ExpectNobodyThere();
  EXPECT_EQ(book_.inside, 0);
}

TEST_F(TcpProxyTest, WhatFiltersLearnOfTheFirstBytesSaysWhereTo) {
  guarded_ = true;
  config_.connects_on_data = true;
  UseTunnel("%FILTER_STATE(who:PLAIN)%:80");
  Start();
  Peer client = proxy_.Connect();
  client.Send("a");
  Peer host = proxy_.Accept();
  EXPECT_TRUE(proxy_.Until([&] { return host.Got("CONNECT me:80 HTTP/1.1"); })) << host.Received();
  EXPECT_EQ(stats().early_data_received_count_total.value(), 1u);
  client.Close();
  host.Close();
  ExpectNobodyThere();
}

TEST_F(TcpProxyTest, AClientThatBreaksOffBeforeItsTunnelIsThere) {
  UseTunnel("far:80");
  Start();
  auto [client, host] = Pair();
  EXPECT_TRUE(proxy_.Until([&h = host] { return h.Got("CONNECT far:80 HTTP/1.1"); }));
  client.Close(/*reset=*/true);
  EXPECT_TRUE(proxy_.Until([&h = host] { return h.Ended(); }));
  ExpectNobodyThere();
}

TEST_F(TcpProxyTest, AClusterThatGoesBetweenTwoAttemptsIsNotCountedOn) {
  UseTunnel("far:80");
  config_.max_connect_attempts = 2;
  config_.backoff_base = config_.backoff_max = kSecond;
  Start();
  auto [client, host] = Pair();
  EXPECT_TRUE(proxy_.Until([&h = host] { return h.Got("CONNECT far:80 HTTP/1.1"); }));
  EXPECT_EQ(proxy_.counts().requests.count(), 1u);
  host.Send("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
  EXPECT_TRUE(proxy_.Until([&h = host] { return h.Ended(); }));
  proxy_.clusters().Remove("origin");
  proxy_.Advance(2 * kSecond);
  EXPECT_TRUE(proxy_.Until([&c = client] { return c.Ended(); }));
  EXPECT_TRUE(proxy_.Until([this] { return proxy_.listener().empty(); }));
  EXPECT_EQ(proxy_.counts().requests.count(), 0u);
}

TEST_F(TcpProxyTest, ARefusedClientWaitsAndIsNotHeard) {
  guarded_ = true;
  book_.refuses_bytes = true;
  Start();
  auto [client, host] = Pair();
  client.Send("let me in");
  EXPECT_TRUE(proxy_.Until([this] { return book_.asked == 1; }));
  proxy_.Settle();
  EXPECT_FALSE(client.Ended());
  proxy_.Advance(kSecond + base::kMillisecond);
  EXPECT_TRUE(proxy_.Until([&c = client, &h = host] { return c.Ended() && h.Ended(); }));
  EXPECT_EQ(host.Received(), "");
  ExpectNobodyThere();
  EXPECT_EQ(book_.inside, 0);
  EXPECT_EQ(book_.asked, 1);
}

}  // namespace
}  // namespace proxenos::filters::tcp_proxy
