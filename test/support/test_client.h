// TestClient: a blocking HTTP/1.1 client on one connection: exactly the bytes a test wants, and
// whatever comes back, taken apart.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "test/support/http_text.h"
#include "test/support/socket.h"

namespace proxenos::testing {

class TestClient {
 public:
  // Connects to 127.0.0.1; connected() tells whether anybody listened.
  explicit TestClient(uint16_t port);
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool connected() const { return socket_.valid(); }

  // A request with "Host: test.example" (unless among the headers) and the response to it. A body
  // is sent with its Content-Length.
  Message Request(absl::string_view method, absl::string_view target, const Fields& headers = {},
                  absl::string_view body = "");
  Message Get(absl::string_view target, const Fields& headers = {});

  // The parts of the above.
  bool Send(absl::string_view bytes) { return socket_.Send(bytes); }
  Message ReadResponse(absl::string_view method = "GET",
                       std::vector<Message>* informational = nullptr) {
    return reader_.ReadResponse(method, informational);
  }
  // Sends raw bytes and reads one response.
  Message Exchange(absl::string_view bytes, absl::string_view method = "GET");

  // True when the peer closes in an orderly way without sending more.
  bool SeesClose();

  Socket& socket() { return socket_; }
  MessageReader& reader() { return reader_; }

  // The text of such a request.
  static std::string Text(absl::string_view method, absl::string_view target,
                          const Fields& headers = {}, absl::string_view body = "");

 private:
  Socket socket_;
  MessageReader reader_;
};

}  // namespace proxenos::testing
