// Reading HTTP/1.1 messages.
#include "test/support/http_text.h"

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace proxenos::testing {
namespace {

std::string Word(const std::string& line, size_t index) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ');
  return index < words.size() ? words[index] : "";
}

}  // namespace

std::string FieldValue(const Fields& fields, absl::string_view name) {
  for (const auto& [field, value] : fields) {
    if (absl::EqualsIgnoreCase(field, name)) return value;
  }
  return "";
}

int Message::status() const {
  int value = 0;
  return absl::StartsWith(start_line, "HTTP/") && absl::SimpleAtoi(Word(start_line, 1), &value)
             ? value
             : 0;
}

std::string Message::method() const { return Word(start_line, 0); }
std::string Message::target() const { return Word(start_line, 1); }

std::string Message::Header(absl::string_view name) const { return FieldValue(headers, name); }

bool Message::Has(absl::string_view name) const { return Count(name) > 0; }

int Message::Count(absl::string_view name) const {
  int count = 0;
  for (const auto& [field, value] : headers) count += absl::EqualsIgnoreCase(field, name);
  return count;
}

bool MessageReader::ReadLine(std::string& line) {
  size_t end;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (!Fill()) return false;
  }
  line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  return true;
}

bool MessageReader::ReadFields(Fields& fields, std::string* raw) {
  std::string line;
  while (ReadLine(line)) {
    if (raw != nullptr) *raw += line + "\r\n";
    if (line.empty()) return true;
    const size_t colon = line.find(':');
    fields.emplace_back(line.substr(0, colon),
                        colon == std::string::npos
                            ? ""
                            : std::string(absl::StripAsciiWhitespace(line.substr(colon + 1))));
  }
  return false;
}

bool MessageReader::ReadHead(Message& message) {
  std::string line;
  if (!ReadLine(line)) return false;
  message.start_line = line;
  message.head = line + "\r\n";
  return ReadFields(message.headers, &message.head);
}

std::string MessageReader::ReadBytes(size_t size) {
  while (buffer_.size() < size && Fill()) {
  }
  std::string bytes = buffer_.substr(0, size);
  buffer_.erase(0, bytes.size());
  return bytes;
}

bool MessageReader::ReadChunks(Message& message) {
  std::string line;
  while (ReadLine(line)) {
    const unsigned long size = std::strtoul(line.c_str(), nullptr, 16);
    if (size == 0) return ReadFields(message.trailers, nullptr);
    const std::string chunk = ReadBytes(size + 2);
    message.body += chunk.substr(0, size);
    if (chunk.size() < size + 2) return false;
  }
  return false;
}

void MessageReader::ReadBody(Message& message, absl::string_view response_to) {
  const int status = message.status();
  if (status != 0) {
    const bool bodiless = status < 200 || status == 204 || status == 304 || response_to == "HEAD" ||
                          (response_to == "CONNECT" && status < 300);
    if (bodiless) {
      message.complete = true;
      return;
    }
  }
  uint64_t length = 0;
  if (absl::EqualsIgnoreCase(message.Header("transfer-encoding"), "chunked")) {
    message.complete = ReadChunks(message);
  } else if (absl::SimpleAtoi(message.Header("content-length"), &length)) {
    message.body = ReadBytes(length);
    message.complete = message.body.size() == length;
  } else if (status != 0) {
    Socket::Read how = Socket::Read::kEnd;
    message.body = TakeRest() + socket_->ReadAll(&how);
    message.complete = how == Socket::Read::kEnd;
  } else {
    message.complete = true;
  }
}

Message MessageReader::ReadRequest() {
  Message message;
  if (ReadHead(message)) ReadBody(message);
  return message;
}

Message MessageReader::ReadResponse(absl::string_view method, std::vector<Message>* informational) {
  for (;;) {
    Message message;
    if (!ReadHead(message)) return message;
    ReadBody(message, method);
    const int status = message.status();
    if (status >= 200 || status == 101 || status < 100) return message;
    if (informational != nullptr) informational->push_back(std::move(message));
  }
}

}  // namespace proxenos::testing
