// StreamServer: a gRPC server of bidirectional streams of raw messages, whatever their method. It
// knows no protocol; DiscoveryServer gives the messages a meaning, and tests send nonsense with it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace grpc {
class Server;
}

namespace proxenos::xds_server {

using StreamId = uint64_t;

// Thread: any. Owner: whoever serves. Its destructor ends all streams and waits for gRPC.
class StreamServer {
 public:
  // Called on gRPC's threads, one at a time for each stream, with no lock held.
  struct Events {
    // False refuses the stream: its method is not served.
    absl::AnyInvocable<bool(StreamId, absl::string_view method)> on_open;
    absl::AnyInvocable<void(StreamId, const std::string& message)> on_message;
    absl::AnyInvocable<void(StreamId)> on_closed;
    // A peer that has sent all it has to say still hears what is sent, until Finish.
    bool outlast_half_close = false;
  };

  explicit StreamServer(Events events);
  StreamServer(const StreamServer&) = delete;
  StreamServer& operator=(const StreamServer&) = delete;
  ~StreamServer();

  // "127.0.0.1:0", "unix:/run/xds.sock". The port that was chosen stands in address().
  absl::Status Start(const std::string& address);
  // Ends every stream and the server, at once; Start may follow.
  void Stop();
  const std::string& address() const { return address_; }

  // Messages of one stream go out in order. A stream that is gone takes nothing.
  void Send(StreamId stream, std::string message);
  // Ends a stream once what was sent before has left.
  void Finish(StreamId stream, const absl::Status& status);
  std::vector<StreamId> streams() const;

 private:
  class Stream;
  class Service;

  Events events_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;

  mutable std::mutex mutex_;
  StreamId next_id_ = 1;                              // Guarded by mutex_.
  std::map<StreamId, std::unique_ptr<Stream>> open_;  // Guarded by mutex_.
};

}  // namespace proxenos::xds_server
