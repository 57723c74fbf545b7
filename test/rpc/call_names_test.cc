// Calls of our own over TLS, to clusters that take the name of a connection from the request: it is
// asked for and verified as it is for requests of clients.
#include <memory>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "source/rpc/call.h"
#include "source/rpc/http_call.h"
#include "source/stats/registry.h"
#include "source/upstream/cluster_map.h"
#include "source/upstream/host_set_update.h"
#include "test/support/certificates.h"
#include "test/support/http2_origin.h"
#include "test/support/sim_clock.h"

namespace proxenos::rpc {
namespace {

using testing::Http2Origin;
using testing::Http2OriginStream;

class CallNamesTest : public ::testing::Test {
 protected:
  CallNamesTest() {
    config_->name = "peer";
    config_->protocol = upstream::HttpProtocol::kHttp2;
    config_->auto_sni = config_->auto_san_validation = true;
  }
  ~CallNamesTest() override {
    clusters_.DrainAll();
    for (int i = 0; i < 5; ++i) loop_.RunOnce(0);
    clusters_.Clear();
  }

  // The server has a certificate for www.example.com.
  void Start() {
    tls::ServerOptions server;
    tls::Identity& identity = server.common.identities.emplace_back();
    identity.chain_pem = leaf_.pem();
    identity.key_pem = leaf_.key_pem();
    server.common.alpn = {"h2"};
    auto server_context = tls::ServerContext::Make(server);
    ASSERT_TRUE(server_context.ok()) << server_context.status().message();
    origin_ = std::make_unique<Http2Origin>(loop_, *server_context);
    origin_->on_request = [](Http2OriginStream& stream) {
      stream.Reply(200, {{"content-type", "application/grpc"}}, "", {{"grpc-status", "0"}});
    };
    auto made = std::make_shared<tls::ClientTemplate>();
    made->options.common.name = "peer";
    made->options.common.validation.trusted_ca_pem = ca_.pem();
    auto context = tls::ClientContext::Make(made->options);
    ASSERT_TRUE(context.ok()) << context.status().message();
    made->context = *context;
    config_->tls = {std::move(made)};
    config_->transport_socket.tls = 0;
    upstream::Assignment assignment;
    assignment.localities.emplace_back();
    assignment.localities[0].endpoints.emplace_back().address =
        *net::Address::FromIp("127.0.0.1", origin_->port());
    auto hosts = upstream::BuildHostSet(*config_, assignment, nullptr).hosts;
    clusters_.Set(upstream::PublishedCluster{
        config_, std::make_shared<const upstream::CircuitBreakers>(), std::move(hosts), {}});
  }
  template <typename Condition>
  bool Until(Condition holds) {
    for (int turns = 0; turns < 2000; ++turns) {
      if (holds()) return true;
      loop_.RunOnce(base::kMillisecond);
    }
    return false;
  }
  // What a gRPC call comes to.
  Status StatusOf(const CallOptions& options) {
    Call call(clusters_.Find("peer"), options, [] {});
    call.Send("question");
    call.CloseSend();
    EXPECT_TRUE(Until([&call] { return call.done(); }));
    return call.status();
  }
  // Whether a call of plain HTTP is answered.
  bool Answers(const std::string& authority) {
    HttpCall call(clusters_.Find("peer"), HttpCall::Limits{0, 1000}, [] {});
    call.request().authority = authority;
    call.Start(buffer::Buffer());
    EXPECT_TRUE(Until([&call] { return call.done(); }));
    return call.end() == HttpCall::End::kAnswer;
  }
  std::string LastSni() {
    const tls::SessionInfo* session = origin_->connections().back()->tls_session();
    return session == nullptr ? "(no handshake)" : std::string(session->sni());
  }

  testing::SimClock clock_;
  event::EventLoop loop_{clock_};
  stats::Registry registry_;
  upstream::ClusterMap clusters_{loop_, registry_};
  const testing::TestCertificate ca_ = testing::MakeCa("root");
  const testing::TestCertificate leaf_ = testing::MakeLeaf(ca_, "www.example.com");
  const std::shared_ptr<upstream::ClusterConfig> config_ =
      std::make_shared<upstream::ClusterConfig>();
  std::unique_ptr<Http2Origin> origin_;
};

TEST_F(CallNamesTest, AGrpcServerShowsThatItIsWhoIsAsked) {
  Start();
  EXPECT_EQ(StatusOf({.path = "/s/M", .authority = "www.example.com:443"}), Status::kOk);
  EXPECT_EQ(LastSni(), "www.example.com");
  EXPECT_EQ(StatusOf({.path = "/s/M", .authority = "authz.example.com"}), Status::kUnavailable);
  for (const char* nobody : {":443", "[", "[]:443"}) {
    EXPECT_EQ(StatusOf({.path = "/s/M", .authority = nobody}), Status::kUnavailable) << nobody;
  }
  EXPECT_EQ(origin_->stream_count(), 1u) << "nobody else is told anything";
}

TEST_F(CallNamesTest, AFieldMayStandInThePlaceOfTheAuthority) {
  config_->auto_sni_header = "x-name";
  Start();
  CallOptions options{.path = "/s/M", .authority = "peer"};
  options.metadata = {{"x-name", "www.example.com"}};
  EXPECT_EQ(StatusOf(options), Status::kOk);
  EXPECT_EQ(LastSni(), "www.example.com");
}

TEST_F(CallNamesTest, AnHttpServerDoesToo) {
  Start();
  EXPECT_TRUE(Answers("www.example.com"));
  EXPECT_EQ(LastSni(), "www.example.com");
  EXPECT_FALSE(Answers("authz.example.com"));
  // An address is verified, and is no name to be asked for.
  EXPECT_FALSE(Answers("127.0.0.1:443"));
  EXPECT_FALSE(Answers(""));
  EXPECT_EQ(origin_->stream_count(), 1u);
}

TEST_F(CallNamesTest, WithoutVerificationTheNameIsAskedForAllTheSame) {
  config_->auto_san_validation = false;
  Start();
  EXPECT_EQ(StatusOf({.path = "/s/M", .authority = "two.example.com"}), Status::kOk);
  EXPECT_EQ(LastSni(), "two.example.com");
  EXPECT_TRUE(Answers("127.0.0.1:443"));
  EXPECT_EQ(LastSni(), "");
}

}  // namespace
}  // namespace proxenos::rpc
