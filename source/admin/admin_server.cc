// Listening and accepting.
#include "source/admin/admin_server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "source/admin/admin_connection.h"
#include "source/base/limits.h"
#include "source/base/log.h"

namespace proxenos::admin {
namespace {

http1::RequestDecoderOptions DecoderOptions() {
  http1::RequestDecoderOptions options;
  options.accept_http_10 = true;  // Old scrapers and shell scripts.
  options.default_host_for_http_10 = "admin";
  options.allow_upgrade = false;
  return options;
}

}  // namespace

AdminServer::AdminServer(event::EventLoop& loop, EndpointTable& endpoints,
                         stats::Registry& registry, AdminLimits limits)
    : loop_(loop),
      endpoints_(endpoints),
      registry_(registry),
      limits_(limits),
      decoder_options_(DecoderOptions()),
      stats_(registry.Open<stats::ListenerStats>(stats::ScopeName(stats::kAdminListenerScope, {}))),
      http_stats_(registry.Open<stats::HttpStats>(stats::HttpScope("admin"))) {}

AdminServer::~AdminServer() {
  while (AdminConnection* connection = connections_.front()) connection->Close(/*by_peer=*/false);
  if (socket_.valid()) loop_.Unwatch(socket_.get());
}

absl::Status AdminServer::Listen(const net::Address& address, const net::ListenOptions& options) {
  net::ListenOptions own = options;
  // A second process must not share the port: half of the scrapes would go to the other one.
  own.reuse_port = false;
  absl::StatusOr<net::UniqueFd> socket = net::BindListenSocket(address, own);
  if (!socket.ok()) return socket.status();
  if (absl::Status status = net::Listen(socket->get(), own); !status.ok()) return status;
  socket_ = std::move(*socket);
  address_ = net::Address::LocalOf(socket_.get());
  loop_.WatchLevel(socket_.get(), EPOLLIN, this);
  return absl::OkStatus();
}

void AdminServer::OnIo(uint32_t) {
  for (int i = 0; i < base::limits::kMaxAcceptsPerTurn; ++i) {
    sockaddr_storage storage;
    socklen_t size = sizeof(storage);
    auto* generic = reinterpret_cast<sockaddr*>(&storage);
    const int accepted = accept4(socket_.get(), generic, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN) PX_LOG(kAdmin, kWarn, "admin: accept: ", std::strerror(errno));
      return;
    }
    Add(accepted, net::Address::FromSockaddr(generic, size));
  }
}

void AdminServer::Add(int fd, const net::Address& remote) {
  if (connection_count_ >= limits_.max_connections && !CloseIdlest()) {
    stats_->downstream_cx_overflow.Inc();
    close(fd);
    return;
  }
  if (remote.is_ip()) net::SetNoDelay(fd);
  stats_->downstream_cx_total.Inc();
  stats_->downstream_cx_active.Inc();
  http_stats_->downstream_cx_total.Inc();
  http_stats_->downstream_cx_active.Inc();
  ++connection_count_;
  auto connection = std::make_unique<AdminConnection>(*this, fd, remote);
  connections_.PushBack(connection.release());  // Owned through the list until Remove.
}

bool AdminServer::CloseIdlest() {
  for (AdminConnection* each = connections_.front(); each != nullptr;
       each = connections_.Next(each)) {
    if (!each->idle()) continue;
    each->Close(/*by_peer=*/false);
    return true;
  }
  return false;
}

void AdminServer::MarkActive(AdminConnection& connection) {
  base::IntrusiveList<AdminConnection>::Remove(&connection);
  connections_.PushBack(&connection);
}

void AdminServer::CountRequest(const filter::StreamInfo& info, const http::RequestHead& request,
                               const http::ResponseHead& response) {
  http_stats_->downstream_rq_active.Dec();
  stats::CountDownstreamResponse(*http_stats_, info.response_code);
  http_stats_->downstream_rq_time.Record(
      static_cast<uint64_t>((info.complete - info.start) / base::kMillisecond));
  const access_log::FormatInput input{&info,
                                      &request,
                                      info.response_code == 0 ? nullptr : &response,
                                      nullptr,
                                      {},
                                      nullptr,
                                      nullptr,
                                      access_log::LogType::kDownstreamEnd};
  for (const access_log::AccessLog& log : access_logs_) log.Log(input);
}

void AdminServer::Remove(AdminConnection& connection) {
  base::IntrusiveList<AdminConnection>::Remove(&connection);
  --connection_count_;
  stats_->downstream_cx_active.Dec();
  stats_->downstream_cx_destroy.Inc();
  http_stats_->downstream_cx_active.Dec();
  if (connection.http2()) {
    http_stats_->downstream_cx_http2_active.Dec();
  } else if (connection.chosen()) {
    http_stats_->downstream_cx_http1_active.Dec();
  }
  http_stats_->downstream_cx_destroy.Inc();
  loop_.Retire(std::unique_ptr<AdminConnection>(&connection));
}

}  // namespace proxenos::admin
