// What is found out before HTTP: listener filters, the filter chain, TLS and ALPN.
#include "source/downstream/intake.h"

#include <functional>
#include <string>

#include "gtest/gtest.h"
#include "source/filters/listener/proxy_protocol/proxy_protocol.h"
#include "source/filters/listener/tls_inspector/tls_inspector.h"
#include "source/tls/context_template.h"
#include "source/tls/tls_transport.h"
#include "test/support/certificates.h"
#include "test/support/proxy_loop.h"

namespace proxenos::downstream {
namespace {

using base::kSecond;
using testing::Peer;
using testing::ProxyLoop;

constexpr char kDirect[] = "GET /direct HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

template <typename Filter>
class Factory final : public filter::ListenerFilterFactory {
 public:
  explicit Factory(std::function<std::unique_ptr<Filter>(stats::Registry&)> make)
      : make_(std::move(make)) {}
  std::unique_ptr<filter::ListenerFilter> Create(stats::Registry& registry) const override {
    return make_(registry);
  }

 private:
  std::function<std::unique_ptr<Filter>(stats::Registry&)> make_;
};

template <typename Filter, typename Config>
std::shared_ptr<const filter::ListenerFilterFactory> FactoryOf(Config config) {
  return std::make_shared<const Factory<Filter>>(
      [config](stats::Registry& registry) { return std::make_unique<Filter>(config, registry); });
}

// A TLS client on the proxy's own loop.
class TlsClient final : public event::IoHandler {
 public:
  TlsClient(ProxyLoop& proxy, const std::string& sni, std::vector<std::string> alpn)
      : proxy_(proxy), connection_(proxy.loop(), proxy.Dial(), this) {
    tls::ClientOptions options;
    options.common.name = "client";
    auto context = tls::ClientContext::Make(options);
    CHECK(context.ok());
    tls::ClientTarget target;
    target.sni = sni;
    target.alpn = std::move(alpn);
    connection_.SetTransport(
        tls::MakeClientTransport(base::Hold(*std::move(context)), target, stats_));
  }
  void OnIo(uint32_t events) override {
    connection_.Note(events);
    Advance();
  }
  void Send(absl::string_view bytes) {
    connection_.out().Append(bytes);
    connection_.Flush();
  }
  bool Handshakes() {
    return proxy_.Until([this] {
      Advance();
      return done_ || failed_;
    }) && done_;
  }
  bool Got(const std::string& text) { return received_.find(text) != std::string::npos; }
  bool Ended() const { return ended_ || failed_; }
  const std::string& received() const { return received_; }
  absl::string_view protocol() const { return connection_.transport()->protocol(); }

 private:
  void Advance() {
    if (!done_ && !failed_) {
      switch (connection_.transport()->Advance(connection_)) {
        case net::Transport::Handshake::kDone:
          done_ = true;
          break;
        case net::Transport::Handshake::kFailed:
          failed_ = true;
          break;
        default:
          return;
      }
    }
    while (done_ && !ended_ && connection_.may_read()) {
      buffer::Slice bytes;
      const net::ReadStatus status = connection_.Read(&bytes);
      if (status == net::ReadStatus::kBytes) {
        received_.append(bytes.data(), bytes.size());
      } else if (status != net::ReadStatus::kNothing) {
        ended_ = true;
      } else {
        return;
      }
    }
  }

  ProxyLoop& proxy_;
  stats::TlsStats stats_;
  net::Connection connection_;
  std::string received_;
  bool done_ = false;
  bool failed_ = false;
  bool ended_ = false;
};

std::shared_ptr<const tls::ServerContext> ServerContextFor(const std::string& name) {
  static const auto* const ca = new testing::TestCertificate(testing::MakeCa("ca"));
  const testing::TestCertificate leaf = testing::MakeLeaf(*ca, name);
  tls::ServerOptions options;
  options.common.name = "server";
  options.common.alpn = {"h2", "http/1.1"};
  tls::Identity identity;
  identity.chain_pem = leaf.pem();
  identity.key_pem = leaf.key_pem();
  options.common.identities.push_back(std::move(identity));
  auto context = tls::ServerContext::Make(options);
  CHECK(context.ok());
  return *std::move(context);
}

ChainCells CellsWith(std::shared_ptr<const tls::ServerContext> context) {
  ChainCells cells;
  cells.tls = base::Rc<TlsCell>(std::make_unique<TlsCell>());
  if (context != nullptr) cells.tls->current = base::Hold(std::move(context));
  return cells;
}

std::shared_ptr<const ChainConfig> WithTls(const ChainConfig& plain) {
  auto chain = std::make_shared<ChainConfig>(plain);
  chain->tls = std::make_shared<const tls::ServerTemplate>();
  return chain;
}

class IntakeTest : public ::testing::Test {
 protected:
  void StartTls(std::shared_ptr<const tls::ServerContext> context) {
    proxy_.adjust = [context](ListenerConfig& config, std::vector<ChainCells>& cells) {
      config.chains[0] = WithTls(*config.chains[0]);
      cells[0] = CellsWith(context);
    };
    proxy_.Start();
  }
  // TLS for a.example, plain text for clients without TLS, nothing else.
  void StartInspected() {
    proxy_.adjust = [](ListenerConfig& config, std::vector<ChainCells>& cells) {
      config.filters.push_back(FactoryOf<filters::tls_inspector::TlsInspector>(
          filters::tls_inspector::TlsInspectorConfig()));
      config.chains.push_back(config.chains[0]);
      config.chains[0] = WithTls(*config.chains[0]);
      ChainMatch::Criteria named;
      named.server_names = {"a.example"};
      ChainMatch::Criteria plain;
      plain.transport_protocol = "raw_buffer";
      int other = -1;
      EXPECT_EQ(config.match.Add(0, named, &other), ChainMatch::Added::kDone);
      EXPECT_EQ(config.match.Add(1, plain, &other), ChainMatch::Added::kDone);
      cells[0] = CellsWith(ServerContextFor("a.example"));
      cells.emplace_back();
    };
    proxy_.Start();
  }
  void StartProxied(filters::proxy_protocol::ProxyProtocolConfig proxied) {
    proxy_.http.use_remote_address = true;
    proxy_.adjust = [proxied](ListenerConfig& config, std::vector<ChainCells>&) {
      config.filters.push_back(FactoryOf<filters::proxy_protocol::ProxyProtocol>(proxied));
    };
    proxy_.Start();
  }
  bool Until(absl::FunctionRef<bool()> holds) { return proxy_.Until(holds); }
  bool AllGone() {
    return Until([this] { return proxy_.listener().empty(); });
  }
  const stats::ListenerStats& stats() { return proxy_.listener().stats(); }

  ProxyLoop proxy_;
};

TEST_F(IntakeTest, AlpnChoosesTheCodec) {
  StartTls(ServerContextFor("a.example"));
  TlsClient h2(proxy_, "a.example", {"h2", "http/1.1"});
  ASSERT_TRUE(h2.Handshakes());
  EXPECT_EQ(h2.protocol(), "h2");
  ASSERT_TRUE(Until([&] { return h2.received().size() >= 9; }));
  EXPECT_EQ(h2.received()[3], 4);  // Our SETTINGS come at once.
  TlsClient h1(proxy_, "a.example", {"http/1.1"});
  ASSERT_TRUE(h1.Handshakes());
  h1.Send(kDirect);
  ASSERT_TRUE(Until([&] { return h1.Got("\r\n\r\ndirect"); }));
  EXPECT_EQ(proxy_.http_stats().downstream_cx_http2_total.value(), 1u);
  EXPECT_EQ(proxy_.http_stats().downstream_cx_http1_total.value(), 1u);
  EXPECT_EQ(proxy_.http_stats().downstream_cx_ssl_total.value(), 2u);
  EXPECT_EQ(proxy_.http_stats().downstream_cx_ssl_active.value(), 2u);
  EXPECT_EQ(stats().downstream_pre_cx_active.value(), 0u);
}

TEST_F(IntakeTest, WithoutAlpnTheFirstBytesChoose) {
  StartTls(ServerContextFor("a.example"));
  TlsClient h1(proxy_, "", {});
  ASSERT_TRUE(h1.Handshakes());
  h1.Send(kDirect);
  ASSERT_TRUE(Until([&] { return h1.Got("\r\n\r\ndirect"); }));
  TlsClient h2(proxy_, "", {});
  ASSERT_TRUE(h2.Handshakes());
  h2.Send(kPreface + std::string("\0\0\0\4\0\0\0\0\0", 9));
  ASSERT_TRUE(Until([&] { return h2.received().size() >= 9; }));
  EXPECT_EQ(proxy_.http_stats().downstream_cx_http2_total.value(), 1u);
}

TEST_F(IntakeTest, RequestsOverTlsAreHttps) {
  StartTls(ServerContextFor("a.example"));
  TlsClient client(proxy_, "a.example", {"http/1.1"});
  ASSERT_TRUE(client.Handshakes());
  client.Send(kGet);
  Peer origin = proxy_.Accept();
  ASSERT_TRUE(Until([&] { return origin.Got("\r\n\r\n"); }));
  EXPECT_TRUE(origin.Got("x-forwarded-proto: https")) << origin.Received();
  origin.Send(kOk);
  EXPECT_TRUE(Until([&] { return client.Got("\r\n\r\nok"); }));
}

TEST_F(IntakeTest, UnfinishedHandshakesEnd) {
  StartTls(ServerContextFor("a.example"));
  Peer client = proxy_.Connect();
  client.Send("\x16\x03\x01");
  proxy_.Settle();
  EXPECT_EQ(stats().downstream_pre_cx_active.value(), 1u);
  EXPECT_FALSE(client.Ended());
  proxy_.Advance(16 * kSecond);
  EXPECT_TRUE(Until([&] { return client.Ended(); }));
  EXPECT_EQ(stats().downstream_cx_transport_socket_connect_timeout.value(), 1u);
  EXPECT_EQ(stats().downstream_pre_cx_active.value(), 0u);
  EXPECT_TRUE(proxy_.listener().empty());
}

TEST_F(IntakeTest, GarbageInsteadOfAHandshakeEnds) {
  StartTls(ServerContextFor("a.example"));
  Peer client = proxy_.Connect();
  client.Send(kDirect);
  EXPECT_TRUE(Until([&] { return client.Ended(); }));
  EXPECT_FALSE(client.Got("HTTP/1.1"));
  EXPECT_TRUE(AllGone());
}

TEST_F(IntakeTest, ClientsThatGoAwayInTheMiddleAreForgotten) {
  StartTls(ServerContextFor("a.example"));
  Peer client = proxy_.Connect();
  client.Send("\x16\x03\x01");
  proxy_.Settle();
  client.Close();
  EXPECT_TRUE(AllGone());
  Peer other = proxy_.Connect();
  proxy_.Settle();
  proxy_.listener().CloseAll();
  EXPECT_TRUE(Until([&] { return other.Ended(); }));
  EXPECT_EQ(stats().downstream_pre_cx_active.value(), 0u);
}

TEST_F(IntakeTest, WithoutSecretsConnectionsAreClosedAndCounted) {
  StartTls(nullptr);
  Peer client = proxy_.Connect();
  EXPECT_TRUE(Until([&] { return client.Ended(); }));
  EXPECT_EQ(proxy_.listener().tls_factory_stats().downstream_context_secrets_not_ready.value(), 1u);
}

TEST_F(IntakeTest, ServerNameChoosesTheChain) {
  StartInspected();
  TlsClient named(proxy_, "A.example", {"http/1.1"});
  ASSERT_TRUE(named.Handshakes());
  named.Send(kDirect);
  ASSERT_TRUE(Until([&] { return named.Got("\r\n\r\ndirect"); }));
  TlsClient other(proxy_, "b.example", {"http/1.1"});
  EXPECT_FALSE(other.Handshakes());
  EXPECT_EQ(stats().no_filter_chain_match.value(), 1u);
  Peer plain = proxy_.Connect();
  plain.Send(kDirect);
  EXPECT_TRUE(Until([&] { return plain.Got("\r\n\r\ndirect"); }));
}

// A handshake that began goes to its end, with the chain that it began with.
TEST_F(IntakeTest, ChainIsReplacedMeanwhile) {
  StartTls(ServerContextFor("a.example"));
  TlsClient client(proxy_, "a.example", {"http/1.1"});
  Peer silent = proxy_.Connect();
  EXPECT_TRUE(Until([this] { return stats().downstream_pre_cx_active.value() == 2; }));
  Listener& listener = proxy_.listener();
  auto config = std::make_shared<ListenerConfig>();
  static_cast<ListenerFrame&>(*config) = listener.config();
  config->chains = {WithTls(*listener.config().chains[0])};
  const std::vector<int32_t> kept = {-1};
  listener.SetChains(config, {CellsWith(ServerContextFor("b.example"))}, kept,
                     proxy_.loop().now() + 10 * kSecond);
  EXPECT_TRUE(client.Handshakes());
  client.Send(kDirect);
  ASSERT_TRUE(Until([&] { return client.Got("\r\n\r\ndirect"); }));
  EXPECT_TRUE(client.Got("connection: close"));
  listener.CloseLeaving(kSecond);
  EXPECT_TRUE(listener.has_leaving()) << "one is still shaking hands";
  proxy_.Advance(11 * kSecond);
  proxy_.Turn();
  listener.CloseLeaving(kSecond);
  EXPECT_TRUE(Until([&] { return silent.Ended(); }));
  EXPECT_FALSE(listener.has_leaving());
}

TEST_F(IntakeTest, FiltersThatWaitTooLongEnd) {
  StartInspected();
  Peer client = proxy_.Connect();
  client.Send("\x16");
  proxy_.Settle();
  proxy_.Advance(16 * kSecond);
  EXPECT_TRUE(Until([&] { return client.Ended(); }));
  EXPECT_EQ(stats().downstream_pre_cx_timeout.value(), 1u);
}

TEST_F(IntakeTest, OrGoOnWithWhatTheyFound) {
  proxy_.adjust = [](ListenerConfig& config, std::vector<ChainCells>&) {
    config.filters.push_back(FactoryOf<filters::tls_inspector::TlsInspector>(
        filters::tls_inspector::TlsInspectorConfig()));
    config.continue_on_filters_timeout = true;
  };
  proxy_.Start();
  Peer client = proxy_.Connect();
  proxy_.Settle();
  proxy_.Advance(16 * kSecond);
  proxy_.Settle();
  EXPECT_FALSE(client.Ended());
  client.Send(kDirect);
  EXPECT_TRUE(Until([&] { return client.Got("\r\n\r\ndirect"); }));
}

TEST_F(IntakeTest, ProxyHeaderTellsTheClient) {
  StartProxied({});
  const std::string header = "PROXY TCP4 192.0.2.9 203.0.113.1 50000 443\r\n";
  for (const size_t first : {size_t{1}, size_t{8}, header.size() - 1, header.size()}) {
    Peer client = proxy_.Connect();
    client.Send(header.substr(0, first));
    proxy_.Settle();
    client.Send(header.substr(first) + kGet);
    Peer origin = proxy_.Accept();
    ASSERT_TRUE(Until([&] { return origin.Got("\r\n\r\n"); }));
    EXPECT_TRUE(origin.Got("x-forwarded-for: 192.0.2.9\r\n")) << origin.Received();
    origin.Send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_TRUE(Until([&] { return client.Got("\r\n\r\nok"); }));
  }
}

TEST_F(IntakeTest, WithoutAProxyHeaderNobodyIsServed) {
  StartProxied({});
  for (const std::string& bytes : {std::string(kDirect), std::string("PROXY nonsense\r\n")}) {
    Peer client = proxy_.Connect();
    client.Send(bytes);
    EXPECT_TRUE(Until([&] { return client.Ended(); }));
    EXPECT_FALSE(client.Got("HTTP"));
  }
  EXPECT_EQ(stats().downstream_listener_filter_error.value(), 2u);
}

TEST_F(IntakeTest, UnlessThatIsAllowed) {
  filters::proxy_protocol::ProxyProtocolConfig config;
  config.allow_none = true;
  StartProxied(config);
  Peer client = proxy_.Connect();
  client.Send(kDirect);
  EXPECT_TRUE(Until([&] { return client.Got("\r\n\r\ndirect"); }));
}

TEST_F(IntakeTest, ClientThatLeavesWhileFiltersWaitIsCounted) {
  StartInspected();
  Peer client = proxy_.Connect();
  proxy_.Settle();
  client.Close();
  EXPECT_TRUE(AllGone());
  EXPECT_EQ(stats().downstream_listener_filter_remote_close.value(), 1u);
}

}  // namespace
}  // namespace proxenos::downstream
