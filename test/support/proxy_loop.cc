// Making of the loop's parts, and the sockets around it.
#include "test/support/proxy_loop.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "source/filters/http/router/router.h"
#include "source/filters/http/router/router_part.h"
#include "source/route/route_config.h"
#include "source/upstream/host_set_update.h"

namespace proxenos::testing {
namespace {

constexpr absl::string_view kRoutes = R"(
  name: "r"
  virtual_hosts {
    name: "all" domains: "*"
    routes { match { prefix: "/direct" }
             direct_response { status: 200 body { inline_string: "direct" } } }
    routes { match { prefix: "/" } route { cluster: "origin" } }
  })";

class RouterFactory final : public filter::FilterFactory {
 public:
  std::unique_ptr<filter::HttpFilter> Create(filter::StreamContext& stream) const override {
    return std::make_unique<filters::router::Router>(
        config_, stream, static_cast<filters::router::RouterPart*>(stream.worker_part(*this)));
  }
  std::unique_ptr<filter::WorkerPart> MakeWorkerPart(
      stats::Registry& registry, const std::string& stat_prefix) const override {
    return std::make_unique<filters::router::RouterPart>(registry, stat_prefix);
  }

 private:
  filters::router::RouterConfig config_;
};

net::Address Loopback(uint16_t port) { return *net::Address::FromIp("127.0.0.1", port); }

net::UniqueFd ListenOn(net::Address& address) {
  auto fd = net::BindListenSocket(address, {});
  CHECK(fd.ok());
  CHECK(net::Listen(fd->get(), {}).ok());
  address = net::Address::LocalOf(fd->get());
  return *std::move(fd);
}

bool Readable(int fd, int wait_ms) {
  pollfd poll_fd{fd, POLLIN, 0};
  return poll(&poll_fd, 1, wait_ms) == 1;
}

}  // namespace

size_t Peer::Send(absl::string_view bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n =
        send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n <= 0) break;
    sent += static_cast<size_t>(n);
  }
  return sent;
}

void Peer::ShutdownWrite() { shutdown(fd_.get(), SHUT_WR); }

void Peer::Close(bool reset) {
  if (reset) {
    const linger now{1, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  }
  fd_ = net::UniqueFd();
}

const std::string& Peer::Received(size_t most) {
  char bytes[64 * 1024];
  while (fd_.valid() && !ended_ && most > 0) {
    const ssize_t n = recv(fd_.get(), bytes, std::min(most, sizeof(bytes)), MSG_DONTWAIT);
    if (n > 0) {
      received_.append(bytes, static_cast<size_t>(n));
      most -= static_cast<size_t>(n);
    } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      break;
    } else {
      ended_ = true;
      reset_ = n < 0;
    }
  }
  return received_;
}

bool Peer::Ended() {
  Received();
  return ended_;
}

ProxyLoop::ProxyLoop()
    : cluster(std::make_shared<upstream::ClusterConfig>()),
      routes(kRoutes),
      loop_(clock_),
      clusters_(loop_, registry_),
      context_{{loop_, clusters_}, registry_, connection_limit_, date_, 0},
      breakers_(std::make_shared<upstream::CircuitBreakers>()),
      origin_address_(Loopback(0)),
      listen_address_(Loopback(0)) {
  origin_ = ListenOn(origin_address_);
  cluster->name = "origin";
  http.stat_prefix = "test";
}

ProxyLoop::~ProxyLoop() {
  if (listener_ != nullptr) listener_->CloseAll();
  loop_.RunOnce(0);
  listener_.reset();
  clusters_.Clear();
  loop_.RunOnce(0);
}

void ProxyLoop::Start() {
  envoy::config::route::v3::RouteConfiguration proto;
  CHECK(google::protobuf::TextFormat::ParseFromString(routes, &proto));
  config::Errors errors;
  auto snapshot = std::make_shared<downstream::RouteSnapshot>();
  snapshot->table = route::CompileRoutes(proto, errors);
  CHECK(errors.ok());
  http.routes = std::move(snapshot);
  http.filters = filters;
  auto router = std::make_shared<RouterFactory>();
  router->index = static_cast<uint32_t>(filters.size());
  http.filters.push_back(std::move(router));
  SetHosts({origin_address_.port()});
  PublishCluster();

  auto config = std::make_shared<downstream::ListenerConfig>();
  config->name = "listener";
  config->connection_buffer_bytes = downstream_buffer_bytes;
  auto chain = std::make_shared<downstream::ChainConfig>();
  chain->http = std::make_shared<const downstream::HttpConfig>(http);
  config->chains.push_back(std::move(chain));
  std::vector<net::UniqueFd> sockets;
  sockets.push_back(ListenOn(listen_address_));
  if (downstream_send_bytes > 0) {  // What is accepted inherits it.
    CHECK(setsockopt(sockets[0].get(), SOL_SOCKET, SO_SNDBUF, &downstream_send_bytes,
                     sizeof(downstream_send_bytes)) == 0);
  }
  config->addresses.push_back(listen_address_);
  std::vector<downstream::ChainCells> cells(1);
  if (adjust) adjust(*config, cells);
  listener_ = std::make_unique<downstream::Listener>(context_, std::move(config),
                                                     std::move(sockets), std::move(cells));
}

void ProxyLoop::SetHosts(const std::vector<uint16_t>& ports) {
  upstream::Assignment assignment;
  assignment.localities.emplace_back();
  for (const uint16_t port : ports) {
    upstream::Endpoint endpoint;
    endpoint.address = Loopback(port);
    assignment.localities[0].endpoints.push_back(std::move(endpoint));
  }
  hosts_ = upstream::BuildHostSet(*cluster, assignment, hosts_).hosts;
  clusters_.SetHosts(std::make_shared<const upstream::PublishedCluster>(
      upstream::PublishedCluster{cluster, breakers_, hosts_, {}}));
}

void ProxyLoop::PublishCluster() {
  clusters_.Set(upstream::PublishedCluster{cluster, breakers_, hosts_, {}});
}

bool ProxyLoop::Until(absl::FunctionRef<bool()> holds) {
  for (int turns = 0; turns < 3000; ++turns) {
    if (holds()) return true;
    loop_.RunOnce(5 * base::kMillisecond);
  }
  return false;
}

void ProxyLoop::Settle() {
  for (int turns = 0; turns < 20; ++turns) loop_.RunOnce(base::kMillisecond);
}

Peer ProxyLoop::Connect() {
  auto fd = net::StartConnect(listen_address_, {});
  CHECK(fd.ok());
  const uint64_t before = listener_->stats().downstream_cx_total.value();
  EXPECT_TRUE(Until([&] { return listener_->stats().downstream_cx_total.value() > before; }));
  return Peer(*std::move(fd));
}

int ProxyLoop::Dial() {
  auto fd = net::StartConnect(listen_address_, {});
  CHECK(fd.ok());
  return fd->Release();
}

bool ProxyLoop::OriginAsked() { return origin_.valid() && Readable(origin_.get(), 0); }

Peer ProxyLoop::Accept() {
  if (!Until([this] { return OriginAsked(); })) return Peer();
  return Peer(net::UniqueFd(accept4(origin_.get(), nullptr, nullptr, SOCK_NONBLOCK)));
}

void ProxyLoop::ExpectNothingUnderWay() {
  const stats::HttpStats& downstream = http_stats();
  EXPECT_EQ(downstream.downstream_rq_active.value(), 0u);
  EXPECT_EQ(downstream.downstream_cx_upgrades_active.value(), 0u);
  EXPECT_EQ(downstream.downstream_cx_active.value(), listener_->connection_count());
  EXPECT_EQ(
      downstream.downstream_cx_http1_active.value() + downstream.downstream_cx_http2_active.value(),
      listener_->connection_count());
  EXPECT_EQ(downstream.downstream_cx_total.value() - downstream.downstream_cx_destroy.value(),
            listener_->connection_count());
  EXPECT_EQ(connection_limit_.count(), listener_->connection_count());
  const stats::ClusterStats& upstream = cluster_stats();
  EXPECT_EQ(upstream.upstream_rq_active.value(), 0u);
  EXPECT_EQ(upstream.upstream_rq_pending_active.value(), 0u);
  EXPECT_EQ(counts().requests.count(), 0u);
  EXPECT_EQ(counts().pending_requests.count(), 0u);
  EXPECT_EQ(counts().retries.count(), 0u);
}

}  // namespace proxenos::testing
