// What lies between a connection and its HTTP: TLS with ALPN, SNI and verification, and the PROXY
// header, through a whole proxy on one loop.
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "openssl/bio.h"
#include "openssl/ssl.h"
#include "source/base/check.h"
#include "test/support/certificates.h"
#include "test/support/http2_origin.h"
#include "test/support/proxy_loop.h"

namespace proxenos::upstream {
namespace {

using base::kSecond;
using testing::Http2Origin;
using testing::Http2OriginStream;
using testing::MakeCa;
using testing::MakeLeaf;
using testing::Peer;
using testing::ProxyLoop;
using testing::TestCertificate;

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: www.example.com:8443\r\n\r\n";

// An origin behind TLS whose every byte the test sends, and how it ends. Owner: the test.
class RawTlsOrigin {
 public:
  RawTlsOrigin(Peer peer, const TestCertificate& leaf)
      : peer_(std::move(peer)),
        context_(SSL_CTX_new(TLS_method())),
        in_(BIO_new(BIO_s_mem())),
        out_(BIO_new(BIO_s_mem())) {
    CHECK(SSL_CTX_use_certificate(context_.get(), const_cast<X509*>(&leaf.x509())) == 1);
    CHECK(SSL_CTX_use_PrivateKey(context_.get(), const_cast<EVP_PKEY*>(&leaf.key())) == 1);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_accept_state(ssl_.get());
  }
  // With what has come by now, the handshake too.
  bool Got(const std::string& text) {
    const std::string sealed = peer_.Received();
    peer_.Forget();
    BIO_write(in_, sealed.data(), static_cast<int>(sealed.size()));
    char room[4096];
    for (int n; (n = SSL_read(ssl_.get(), room, sizeof(room))) > 0;) {
      plain_.append(room, static_cast<size_t>(n));
    }
    Flush();
    return plain_.find(text) != std::string::npos;
  }
  void Send(const std::string& text) {
    SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    Flush();
  }
  void SayGoodbye() {
    SSL_shutdown(ssl_.get());
    Flush();
  }
  void Close() { peer_.Close(); }

 private:
  void Flush() {
    char room[4096];
    for (int n; (n = BIO_read(out_, room, sizeof(room))) > 0;) {
      CHECK(peer_.Send(absl::string_view(room, static_cast<size_t>(n))) == static_cast<size_t>(n));
    }
  }

  Peer peer_;
  bssl::UniquePtr<SSL_CTX> context_;
  BIO* const in_;  // ssl_ owns both.
  BIO* const out_;
  bssl::UniquePtr<SSL> ssl_;
  std::string plain_;
};

class TransportTest : public ::testing::Test {
 protected:
  TransportTest() {
    proxy_.cluster->protocol = HttpProtocol::kAuto;
    server_.common.identities.push_back(Identity(leaf_));
    server_.common.alpn = {"h2"};
    client_.common.name = "origin";
    client_.common.validation.trusted_ca_pem = ca_.pem();
    client_.sni = "www.example.com";
  }

  static tls::Identity Identity(const TestCertificate& certificate) {
    tls::Identity identity;
    identity.chain_pem = certificate.pem();
    identity.key_pem = certificate.key_pem();
    return identity;
  }
  void Start() {
    auto context = tls::ServerContext::Make(server_);
    ASSERT_TRUE(context.ok()) << context.status().message();
    origin_ = std::make_unique<Http2Origin>(proxy_.loop(), *context);
    origin_->on_request = [](Http2OriginStream& stream) { stream.Reply(200, {}, "fine"); };
    UseTls();
    proxy_.Start();
    proxy_.SetHosts({origin_->port()});
  }
  // Has the cluster use client_ for its transport socket.
  void UseTls() {
    auto made = std::make_shared<tls::ClientTemplate>();
    made->options = client_;
    auto context = tls::ClientContext::Make(client_);
    ASSERT_TRUE(context.ok()) << context.status().message();
    made->context = *context;
    proxy_.cluster->tls = {std::move(made)};
    proxy_.cluster->transport_socket.tls = 0;
  }
  Peer Ask(const std::string& request = kGet) {
    Peer client = proxy_.Connect();
    client.Send(request);
    return client;
  }
  bool Gets(Peer& peer, const std::string& text) {
    return proxy_.Until([&] { return peer.Got(text); });
  }
  std::string Sni(size_t connection) {
    return std::string(origin_->connections()[connection]->tls_session()->sni());
  }
  stats::ClusterStats& stats() { return proxy_.cluster_stats(); }
  void ExpectNothingLeft() {
    proxy_.listener().CloseAll();
    proxy_.Settle();
    proxy_.ExpectNothingUnderWay();
    EXPECT_EQ(proxy_.counts().connections.count(), stats().upstream_cx_active.value());
  }

  const TestCertificate ca_ = MakeCa("root");
  const TestCertificate leaf_ = MakeLeaf(ca_, "www.example.com");
  tls::ServerOptions server_;
  tls::ClientOptions client_;
  ProxyLoop proxy_;
  std::unique_ptr<Http2Origin> origin_;
};

TEST_F(TransportTest, AlpnChoosesHttp2) {
  Start();
  Peer client = Ask();
  EXPECT_TRUE(Gets(client, "fine"));
  EXPECT_EQ(stats().upstream_cx_http2_total.value(), 1u);
  EXPECT_EQ(Sni(0), "www.example.com");
  EXPECT_EQ(origin_->connections()[0]->tls_session()->alpn(), "h2");
  EXPECT_EQ(proxy_.worker_cluster().tls_stats().handshake.value(), 1u);
  client.Forget();
  client.Send(kGet);
  EXPECT_TRUE(Gets(client, "fine"));
  EXPECT_EQ(stats().upstream_cx_total.value(), 1u);
  ExpectNothingLeft();
}

// A host without ALPN is spoken to in HTTP/1.1; that one speaks HTTP/2 is told by what it gets.
TEST_F(TransportTest, WithoutAlpnHttp1) {
  server_.common.alpn.clear();
  Start();
  Peer client = Ask();
  EXPECT_TRUE(proxy_.Until([&] { return stats().upstream_cx_http1_total.value() == 1; }));
  EXPECT_EQ(stats().upstream_cx_http2_total.value(), 0u);
  client.Close();
  ExpectNothingLeft();
}

// RFC 9112, section 9.8: who is not told of the end does not know whether that was all.
TEST_F(TransportTest, ResponseThatEndsWithItsConnectionWantsAGoodbye) {
  UseTls();
  proxy_.Start();
  proxy_.SetHosts({proxy_.origin_port()});
  for (const bool goodbye : {true, false}) {
    Peer client = Ask();
    RawTlsOrigin origin(proxy_.Accept(), leaf_);
    ASSERT_TRUE(proxy_.Until([&] { return origin.Got("\r\n\r\n"); }));
    origin.Send("HTTP/1.1 200 OK\r\n\r\nbody");
    ASSERT_TRUE(Gets(client, "body\r\n"));
    if (goodbye) origin.SayGoodbye();
    origin.Close();
    EXPECT_TRUE(proxy_.Until([&] { return client.Got("\r\n0\r\n\r\n") || client.Ended(); }));
    EXPECT_EQ(client.Got("\r\n0\r\n\r\n"), goodbye);
  }
  ExpectNothingLeft();
}

// Where the length is known, nothing can be missing.
TEST_F(TransportTest, ResponseOfKnownLengthNeedsNoGoodbye) {
  UseTls();
  proxy_.Start();
  proxy_.SetHosts({proxy_.origin_port()});
  Peer client = Ask();
  RawTlsOrigin origin(proxy_.Accept(), leaf_);
  ASSERT_TRUE(proxy_.Until([&] { return origin.Got("\r\n\r\n"); }));
  origin.Send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody");
  origin.Close();
  EXPECT_TRUE(Gets(client, "\r\n\r\nbody"));
  proxy_.Settle();
  EXPECT_FALSE(client.Ended());
  ExpectNothingLeft();
}

TEST_F(TransportTest, ExplicitHttp2OffersItsAlpn) {
  proxy_.cluster->protocol = HttpProtocol::kHttp2;
  Start();
  Peer client = Ask();
  EXPECT_TRUE(Gets(client, "fine"));
  EXPECT_EQ(origin_->connections()[0]->tls_session()->alpn(), "h2");
  ExpectNothingLeft();
}

TEST_F(TransportTest, UntrustedHost) {
  const TestCertificate other = MakeCa("other");
  client_.common.validation.trusted_ca_pem = other.pem();
  Start();
  Peer client = Ask();
  EXPECT_TRUE(Gets(client, "HTTP/1.1 503"));
  EXPECT_TRUE(Gets(client, "reset reason: remote connection failure"));
  EXPECT_FALSE(client.Got("CERTIFICATE")) << client.Received();
  EXPECT_EQ(stats().upstream_cx_connect_fail.value(), 1u);
  EXPECT_EQ(proxy_.worker_cluster().tls_stats().fail_verify_error.value(), 1u);
  EXPECT_EQ(stats().upstream_cx_active.value(), 0u);
  ExpectNothingLeft();
}

// The peer takes the connection and says nothing: connect_timeout covers the handshake.
TEST_F(TransportTest, HandshakeWithinTheConnectTimeout) {
  Start();
  proxy_.SetHosts({proxy_.origin_port()});
  Peer client = Ask();
  Peer silent = proxy_.Accept();
  ASSERT_TRUE(silent.valid());
  proxy_.Settle();
  proxy_.Advance(6 * kSecond);
  EXPECT_TRUE(Gets(client, "connection timeout"));
  EXPECT_EQ(stats().upstream_cx_connect_timeout.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(TransportTest, PlaintextHost) {
  Start();
  proxy_.SetHosts({proxy_.origin_port()});
  Peer client = Ask();
  Peer origin = proxy_.Accept();
  origin.Send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(Gets(client, "reset reason: remote connection failure"));
  EXPECT_EQ(proxy_.worker_cluster().tls_stats().connection_error.value(), 1u);
  ExpectNothingLeft();
}

TEST_F(TransportTest, SecretThatHasNotCome) {
  auto context = tls::ClientContext::Make(client_);
  ASSERT_TRUE(context.ok());
  Start();
  auto waiting = std::make_shared<tls::ClientTemplate>();
  waiting->options = client_;
  proxy_.cluster->tls = {std::move(waiting)};
  proxy_.PublishCluster();
  Peer client = Ask();
  EXPECT_TRUE(Gets(client, "HTTP/1.1 503"));
  EXPECT_FALSE(client.Got("secret")) << client.Received();
  // It comes; the next connection has it.
  proxy_.worker_cluster().SetTls(0, *context);
  client.Forget();
  client.Send(kGet);
  EXPECT_TRUE(Gets(client, "fine"));
  ExpectNothingLeft();
}

// auto_sni: the name comes from the request, and what it does not share it does not use.
TEST_F(TransportTest, NameOfTheRequest) {
  proxy_.cluster->auto_sni = true;
  Start();
  Peer first = Ask();
  EXPECT_TRUE(Gets(first, "fine"));
  Peer second = Ask("GET / HTTP/1.1\r\nHost: two.example.com\r\n\r\n");
  EXPECT_TRUE(Gets(second, "fine"));
  Peer third = Ask();
  EXPECT_TRUE(Gets(third, "fine"));
  ASSERT_EQ(origin_->connections().size(), 2u);
  EXPECT_EQ(Sni(0), "www.example.com");
  EXPECT_EQ(Sni(1), "two.example.com");
  ExpectNothingLeft();
}

TEST_F(TransportTest, NameOfTheRequestIsVerified) {
  proxy_.cluster->auto_sni = true;
  proxy_.cluster->auto_san_validation = true;
  proxy_.cluster->auto_sni_header = "x-name";
  Start();
  Peer good = Ask("GET / HTTP/1.1\r\nHost: a\r\nX-Name: www.example.com\r\n\r\n");
  EXPECT_TRUE(Gets(good, "fine"));
  Peer bad = Ask("GET / HTTP/1.1\r\nHost: a\r\nX-Name: evil.example.com\r\n\r\n");
  EXPECT_TRUE(Gets(bad, "HTTP/1.1 503"));
  EXPECT_EQ(proxy_.worker_cluster().tls_stats().fail_verify_san.value(), 1u);
  ExpectNothingLeft();
}

// Whoever makes up names leaves nothing behind.
TEST_F(TransportTest, PoolsOfManyNamesGoAway) {
  proxy_.cluster->auto_sni = true;
  proxy_.cluster->idle_timeout = 10 * kSecond;
  Start();
  Peer client = Ask();
  EXPECT_TRUE(Gets(client, "fine"));
  for (int i = 1; i < 10; ++i) {
    client.Forget();
    client.Send("GET / HTTP/1.1\r\nHost: h" + std::to_string(i) + ".example\r\n\r\n");
    EXPECT_TRUE(Gets(client, "fine"));
  }
  EXPECT_EQ(proxy_.worker_cluster().pool_count(), 11u);
  proxy_.Advance(11 * kSecond);
  EXPECT_TRUE(proxy_.Until([&] { return stats().upstream_cx_active.value() == 0; }));
  EXPECT_EQ(proxy_.worker_cluster().pool_count(), 1u) << "the usual one stays";
  ExpectNothingLeft();
}

TEST_F(TransportTest, ProxyHeaderBeforeTls) {
  proxy_.cluster->transport_socket.proxy_header = ProxyHeader::kV2;
  Start();
  origin_->preface_bytes = 28;
  Peer client = Ask();
  EXPECT_TRUE(Gets(client, "fine"));
  const std::string& header = origin_->connections()[0]->preface();
  EXPECT_EQ(header.substr(0, 12), std::string("\r\n\r\n\0\r\nQUIT\n", 12));
  EXPECT_EQ(header.substr(12, 4), std::string("\x21\x11\0\x0c", 4));
  EXPECT_EQ(header.substr(16, 8), std::string("\x7f\0\0\x01\x7f\0\0\x01", 8));
  ExpectNothingLeft();
}

// Connections stand for their clients: another one has its own.
TEST_F(TransportTest, ProxyHeaderOfEachClient) {
  proxy_.cluster->protocol = HttpProtocol::kHttp1;
  proxy_.cluster->transport_socket.proxy_header = ProxyHeader::kV1;
  proxy_.Start();
  Peer first = Ask();
  Peer first_origin = proxy_.Accept();
  ASSERT_TRUE(Gets(first_origin, "\r\n\r\n"));
  EXPECT_EQ(first_origin.Received().find("PROXY TCP4 127.0.0.1 127.0.0.1 "), 0u);
  EXPECT_NE(first_origin.Received().find("\r\nGET / HTTP/1.1\r\n"), std::string::npos);
  first_origin.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_TRUE(Gets(first, "ok"));
  Peer second = Ask();
  Peer second_origin = proxy_.Accept();
  ASSERT_TRUE(second_origin.valid());
  first.Forget();
  first_origin.Forget();
  first.Send(kGet);
  EXPECT_TRUE(Gets(first_origin, "GET / HTTP/1.1"));
  EXPECT_FALSE(first_origin.Got("PROXY"));
  ExpectNothingLeft();
}

// The host has none of the metadata that TLS is for: it is spoken to in plain text.
TEST_F(TransportTest, SocketByMetadata) {
  Start();
  proxy_.cluster->transport_matches = {{"tls", {{"tls", "yes"}}, {0, ProxyHeader::kNone}}};
  proxy_.cluster->transport_socket.tls = TransportSocket::kPlaintext;
  proxy_.SetHosts({proxy_.origin_port()});
  proxy_.PublishCluster();
  Peer client = Ask();
  Peer origin = proxy_.Accept();
  EXPECT_TRUE(Gets(origin, "GET / HTTP/1.1"));
  client.Close();
  ExpectNothingLeft();
}

}  // namespace
}  // namespace proxenos::upstream
