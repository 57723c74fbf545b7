// AdminServer: the listening socket of the admin interface, and its connections; on the main loop.
//
// HTTP/1.1 with the same strict decoder as the data plane's, and HTTP/2 by prior knowledge. It
// never blocks the loop: large bodies leave piece by piece as the peer takes them.
#pragma once

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "source/access_log/access_log.h"
#include "source/admin/endpoint.h"
#include "source/base/clock.h"
#include "source/base/intrusive_list.h"
#include "source/downstream/date.h"
#include "source/event/event_loop.h"
#include "source/http1/decoder.h"
#include "source/net/address.h"
#include "source/net/socket.h"
#include "source/stats/http_stats.h"
#include "source/stats/listener_stats.h"
#include "source/stats/registry.h"

namespace proxenos::admin {

class AdminConnection;

// What one client may take. Admin clients are few: scrapers, operators, agents beside the proxy.
struct AdminLimits {
  uint32_t max_connections = 100;
  uint32_t max_body_bytes = 64 * 1024;
  // Of an idle connection, of a request on its way, and of a response that the peer does not take.
  base::Nanos idle_timeout = 60 * base::kSecond;
};

// Owner: the server. Thread: main. Dies when: the server does; its connections are cut. The loop
// must then run the turn's end once more, or be destroyed, before the registry is.
class AdminServer final : private event::IoHandler {
 public:
  // `endpoints` and `registry` outlive it.
  AdminServer(event::EventLoop& loop, EndpointTable& endpoints, stats::Registry& registry,
              AdminLimits limits = {});
  ~AdminServer() override;

  // Binds and listens. Port 0 takes any free one: see address().
  absl::Status Listen(const net::Address& address, const net::ListenOptions& options = {});
  void SetAccessLogs(access_log::AccessLogs logs) { access_logs_ = std::move(logs); }
  // Where it listens; of family kNone before Listen.
  const net::Address& address() const { return address_; }
  uint32_t connection_count() const { return connection_count_; }

 private:
  friend class AdminConnection;
  friend class AdminHttp2;

  void OnIo(uint32_t events) override;
  void Add(int fd, const net::Address& remote);
  // Makes room by closing the connection that was idle longest. False: all are busy.
  bool CloseIdlest();
  // From a connection that has answered: others are closed before it when room is needed.
  void MarkActive(AdminConnection& connection);
  // A request is over: for stats and access logs.
  void CountRequest(const filter::StreamInfo& info, const http::RequestHead& request,
                    const http::ResponseHead& response);
  // From a connection that is closed.
  void Remove(AdminConnection& connection);

  event::EventLoop& loop_;
  EndpointTable& endpoints_;
  stats::Registry& registry_;
  const AdminLimits limits_;
  const http1::RequestDecoderOptions decoder_options_;
  stats::Group<stats::ListenerStats> stats_;   // listener.admin.
  stats::Group<stats::HttpStats> http_stats_;  // http.admin.
  access_log::AccessLogs access_logs_;
  downstream::DateCache date_;
  net::UniqueFd socket_;
  net::Address address_;
  base::IntrusiveList<AdminConnection> connections_;  // Owned; longest without activity first.
  uint32_t connection_count_ = 0;
};

}  // namespace proxenos::admin
