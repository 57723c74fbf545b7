// HTTP/1.1 messages as tests see them: read from a blocking socket, kept as text. Written apart
// from the proxy's codec, so that a test does not believe what the code under test believes.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "test/support/socket.h"

namespace proxenos::testing {

using Fields = std::vector<std::pair<std::string, std::string>>;

// A message; `start_line` empty means that none came.
struct Message {
  std::string start_line;
  Fields headers;  // Names as they were sent.
  std::string body;
  Fields trailers;
  std::string head;       // All of it, as it came, with the empty line.
  bool complete = false;  // False: the connection ended, or nothing came, before its end.

  // Status of a response, 0 when there is none.
  int status() const;
  // "GET" and "/path" of a request.
  std::string method() const;
  std::string target() const;
  // The first value of that name in any case, or "".
  std::string Header(absl::string_view name) const;
  bool Has(absl::string_view name) const;
  int Count(absl::string_view name) const;
};

std::string FieldValue(const Fields& fields, absl::string_view name);

// Reads messages from a socket one after another. Owner: whoever owns the socket too.
class MessageReader {
 public:
  explicit MessageReader(Socket& socket) : socket_(&socket) {}

  // Start line and headers; false when the connection ends before.
  bool ReadHead(Message& message);
  // The rest, framed as RFC 9112, section 6 says. `response_to` is the method of the request that a
  // response answers; empty for requests.
  void ReadBody(Message& message, absl::string_view response_to = "");
  Message ReadRequest();
  // Skips 1xx but for 101; those skipped are appended to `informational`, if given.
  Message ReadResponse(absl::string_view method, std::vector<Message>* informational = nullptr);

  // Bytes that were read but belong to no message yet.
  const std::string& rest() const { return buffer_; }
  std::string TakeRest() { return std::exchange(buffer_, std::string()); }
  // Exactly `size` bytes, fewer when the connection ends.
  std::string ReadBytes(size_t size);

 private:
  bool Fill() { return socket_->ReadSome(buffer_) == Socket::Read::kBytes; }
  // A line without its CRLF; false at the end of the connection.
  bool ReadLine(std::string& line);
  bool ReadFields(Fields& fields, std::string* raw);
  bool ReadChunks(Message& message);

  Socket* socket_;
  std::string buffer_;
};

}  // namespace proxenos::testing
