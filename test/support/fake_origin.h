// FakeOrigin: an HTTP/1.1 origin of blocking sockets, one thread a connection. By default it
// answers 200 with a small body; a script for a path decides otherwise, byte by byte if it likes.
// Records what it was sent.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "test/support/http_text.h"
#include "test/support/socket.h"

namespace proxenos::testing {

class FakeOrigin;

// What a script answers one request with. Thread: the connection's.
class OriginExchange {
 public:
  OriginExchange(FakeOrigin& origin, Socket& socket, MessageReader& reader, int connection)
      : origin_(origin), socket_(socket), reader_(reader), connection_(connection) {}

  // The head; the body too once ReadBody was called.
  const Message& request() const { return request_; }
  // Which connection of the origin this is, counted from 1.
  int connection() const { return connection_; }

  // Reads the body now. What a script leaves unread is read after it.
  const Message& ReadBody();

  // Raw bytes.
  bool Send(absl::string_view bytes) { return socket_.Send(bytes); }
  // A whole response with Content-Length.
  bool Reply(int status, const Fields& headers = {}, absl::string_view body = "");
  bool ReplyChunked(int status, const Fields& headers, const std::vector<std::string>& chunks,
                    const Fields& trailers = {});
  // Ends the connection after the script.
  void Close() { close_ = true; }
  // Ends it with a RST, the body unread.
  void Reset() { close_ = reset_ = true; }

  Socket& socket() { return socket_; }
  MessageReader& reader() { return reader_; }

 private:
  friend class FakeOrigin;

  FakeOrigin& origin_;
  Socket& socket_;
  MessageReader& reader_;
  const int connection_;
  Message request_;
  bool body_read_ = false;
  bool close_ = false;
  bool reset_ = false;
};

// Thread: any. Dies after all its connections' threads have ended.
class FakeOrigin {
 public:
  using Script = std::function<void(OriginExchange&)>;

  // `name` is the body of the default answer, and its x-origin header. Port 0: any free one.
  explicit FakeOrigin(std::string name = "origin", uint16_t port = 0);
  FakeOrigin(const FakeOrigin&) = delete;
  FakeOrigin& operator=(const FakeOrigin&) = delete;
  ~FakeOrigin();

  uint16_t port() const { return port_; }

  // Requests whose target begins with `prefix` (the longest wins) run `script`, each in its
  // connection's thread: several may run at once.
  void On(const std::string& prefix, Script script);

  // As if the process were killed: the port is closed and every connection is cut.
  void Kill();

  // What came so far. A request is recorded once its body is complete or its connection ended.
  std::vector<Message> requests() const;
  size_t request_count() const;
  int connection_count() const;
  // Waits for the last of `count` requests; a message without start line when it does not come.
  Message WaitForRequest(size_t count);
  // Waits until that many connections have ended since the beginning.
  bool WaitForEndedConnections(int count);

 private:
  friend class OriginExchange;

  struct Connection {
    Socket socket;
    std::thread thread;
    bool ended = false;
  };

  void Accept();
  void Serve(Connection& connection, int number);
  // Answers one request; false: the connection is to end.
  bool ServeOne(Socket& socket, MessageReader& reader, int number);
  std::shared_ptr<const Script> Find(const std::string& target);
  void Record(const Message& request);

  const std::string name_;
  ListenSocket listener_;
  const uint16_t port_;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<const Script>> scripts_;  // Guarded by mutex_.
  std::vector<std::unique_ptr<Connection>> connections_;          // Guarded by mutex_.
  std::vector<Message> requests_;                                 // Guarded by mutex_.
  int ended_ = 0;                                                 // Guarded by mutex_.
  bool killed_ = false;                                           // Guarded by mutex_.
  std::thread acceptor_;
};

}  // namespace proxenos::testing
