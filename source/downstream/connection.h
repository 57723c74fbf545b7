// Connection: what a Listener knows of a downstream connection, whatever phase or protocol it is
// in: it can be drained and cut.
//
//   Intake (what is to be found out first: listener filters, filter chain, network filters, TLS)
//      |
//      +--> Http1Connection --> (the first bytes are HTTP/2's) --+
//      +--> Http2Connection <------------------------------------+
//      +--> that of another terminal filter
//
// One that hands its socket on moves it into an Arrival; the object that was left retires.
#pragma once

#include <string>

#include "source/base/clock.h"
#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/filter/stream_info.h"
#include "source/net/connection.h"

namespace proxenos::downstream {

// A socket on its way to the object that will handle it.
struct Arrival {
  net::Connection socket;
  filter::ConnectionInfo info;
  bool counted = false;       // Among the connections of its HTTP connection manager.
  std::string server_name{};  // SNI as a listener filter found it.
  std::string cluster{};      // Where a network filter wants tcp_proxy to send it.
};

// Remembers why the transport of a connection is broken, if it is.
inline void NoteFailure(const net::Connection& socket, filter::ConnectionInfo& info) {
  if (info.transport_failure != nullptr || socket.transport() == nullptr) return;
  const absl::string_view failure = socket.transport()->failure();
  if (!failure.empty()) info.transport_failure = std::make_unique<const std::string>(failure);
}

// What of a connection each of its streams, and its own line of the log, begins with.
inline void DescribeConnection(const filter::ConnectionInfo& connection, filter::StreamInfo& info) {
  info.connection = &connection;
  if (connection.proxy_notes != nullptr) info.metadata = connection.proxy_notes->metadata.Copy();
  if (connection.notes == nullptr) return;
  info.metadata.MergeAll(connection.notes->metadata);
  info.state = connection.notes->state.Copy();
}

class ChainService;
class HeavyStreams;

// Owner: its Listener's list. Thread: the worker's. Dies when: the listener retires it.
class Connection : public event::IoHandler, public event::TurnEnd, public base::ListNode<> {
 public:
  ~Connection() override = default;

  // No more requests: the response under way (or the next) says so. With `now`, an idle connection
  // closes at once.
  virtual void Drain(bool now) = 0;
  // Closes at once, whatever is under way.
  virtual void Abort() = 0;
  // Whether no request is under way, and since when.
  virtual bool idle() const = 0;
  virtual base::MonoTime last_active() const = 0;
  // Whose network filters have let it pass; null while none have.
  virtual ChainService* admitted_by() = 0;
  // Of the chain that it goes to, if that is known yet.
  virtual const ChainService* chosen() { return admitted_by(); }
  // The overload manager has changed how long timeouts are: those that run are armed anew.
  virtual void RearmTimers() {}
  // Tells of its streams.
  virtual void AddHeavyStreams(HeavyStreams&) {}
  // Fills in what the listener's access log tells of it.
  virtual void Describe(filter::StreamInfo& info) = 0;
};

}  // namespace proxenos::downstream
