// TcpConnection: one client's connection, carried to a host.
//
//   (first bytes) --> connecting --> (asking for a tunnel) --> relaying --> closed
//                      ^      |                |
//                      +------+----------------+ another host, after a failure
//
// Where `on_demand` says so, a cluster that there is not is asked for before the first attempt; and
// where the cluster is a dynamic forward proxy's, the address of the name that the client wants.
//
// Each direction ends for itself: the end of what the client sends becomes the end of what the host
// is sent, and the other way round. A reset on one side is a reset on the other. Read interest is
// computed: a side is read while the other has room.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "source/buffer/arena.h"
#include "source/downstream/terminal_connection.h"
#include "source/filter/log_notes.h"
#include "source/filters/network/tcp_proxy/named_host.h"
#include "source/filters/network/tcp_proxy/tcp_service.h"
#include "source/http/message.h"
#include "source/upstream/client_stream.h"
#include "source/upstream/exchange.h"

namespace proxenos::filters::tcp_proxy {

// Owner, thread, end: of downstream::Connection.
class TcpConnection final : public downstream::TerminalConnection {
 public:
  TcpConnection(TcpService& service, downstream::Arrival arrival);
  ~TcpConnection() override;

  void Drain(bool) override { drained_ = true; }  // Looked at when bytes have passed.

 private:
  // One attempt at a host, and the way there once it succeeded.
  struct Attempt final : public upstream::Exchange {
    explicit Attempt(TcpConnection& connection);
    void OnProgress() override { owner.WantAdvance(); }
    TcpConnection& owner;
  };

  void Advance() override;
  void OnRefused(const filter::NetworkFilter::Verdict& verdict) override;
  void OnClosing() override;

  void Connect();
  // Which host of cluster_ it would rather go to.
  void SetPick(upstream::PickRequest& pick) const;
  // Finds cluster_. False: it is waited for, or there is none and the connection is over.
  bool FindCluster();
  // Where the cluster is a dynamic forward proxy's: false while the name that the connection is for
  // is looked up, and when it is over because of that.
  bool FindHost();
  // What network filters have found out since the beginning, if only from the first bytes.
  void TakeFindings();
  void NoteAddress();
  void OnConnectFailed();
  // Whether a tunnel is there, if there is to be one: else asks for it.
  bool HasTunnel();
  // The attempt came to nothing: another one, as far as they are allowed.
  void TryAgain(std::string reason);
  void OnConnected();
  // Whether the client broke the connection while nobody read from it.
  bool ClientBroke();
  void OnClientBroken();
  // `reason`: static text for the log.
  void End(uint32_t flags, absl::string_view reason = "");
  // Writes the attempt into notes_, if there are any.
  void NoteAttempt();

  void Relay();
  void MoveToClient();
  // False: the connection is closed.
  bool MoveToHost();
  bool FlushToClient();
  // Closes what has ended.
  void EndDirections();
  // check_drain_close: sends the client what there is for it, and closes.
  void Leave();
  void NotePause(bool paused);
  void UpdateBuffered();
  void OnIdle();
  void LogInterval();

  TcpService& service_;
  filter::StreamInfo info_;
  base::Rc<upstream::WorkerCluster> cluster_;
  std::unique_ptr<DemandedCluster> demanded_;  // Null: none was asked for.
  absl::string_view drawn_;                    // Of the proxy's clusters, once one was chosen.
  NamedHost named_;
  buffer::Arena arena_;                        // Of the head.
  http::ResponseHead head_;                    // What answers the request for a tunnel.
  std::string failure_;                        // What info_ says of a failed attempt.
  std::string host_name_;                      // As well.
  std::unique_ptr<const net::Address> raced_;  // As well: the host's address that won.
  std::unique_ptr<filter::LogNotes> notes_;    // Null: no log asks for them.
  std::unique_ptr<Attempt> attempt_;           // Null: before the first, and between two.
  buffer::Buffer unsent_;                      // For the host, which has no room.
  uint64_t counted_unsent_ = 0;                // What the gauges know.
  uint64_t counted_out_ = 0;
  bool asked_ = false;    // For a tunnel.
  bool counted_ = false;  // Holds one of the cluster's max_requests.
  bool connected_ = false;
  bool client_ended_ = false;  // The client has sent all it will.
  bool client_shut_ = false;   // The client was told that the host has sent all.
  bool paused_ = false;        // The client is not read: `unsent_` waits.
  bool drained_ = false;       // It should end when it can.
  bool leaving_ = false;       // Ends as soon as the client has been sent what is there.

  event::Timer idle_;
  std::optional<event::Timer> duration_;
  std::optional<event::Timer> backoff_;
  std::optional<event::Timer> interval_;
};

}  // namespace proxenos::filters::tcp_proxy
