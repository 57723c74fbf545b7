// Reading, bounds first.
#include "source/filters/listener/tls_inspector/client_hello.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace proxenos::filters::tls_inspector {
namespace {

constexpr uint8_t kHandshakeRecord = 22;
constexpr uint8_t kClientHello = 1;
constexpr size_t kRecordHeader = 5;
constexpr size_t kMessageHeader = 4;
constexpr size_t kMaxRecord = 16 * 1024;
constexpr uint16_t kServerName = 0;
constexpr uint16_t kProtocols = 16;
constexpr size_t kMaxServerName = 255;

uint32_t ByteAt(absl::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

// Takes numbers and counted parts from the front of a message. Once anything is missing, ok() is
// false and all that follows is empty.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool empty() const { return rest_.empty(); }

  uint32_t Number(size_t size) {
    const absl::string_view bytes = Take(size);
    uint32_t value = 0;
    for (size_t i = 0; i < bytes.size(); ++i) value = value << 8 | ByteAt(bytes, i);
    return value;
  }
  absl::string_view Take(size_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      rest_ = absl::string_view();
      return rest_;
    }
    const absl::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  // A part whose size stands before it, in that many bytes.
  absl::string_view Counted(size_t size_of_size) { return Take(Number(size_of_size)); }

 private:
  absl::string_view rest_;
  bool ok_ = true;
};

bool ReadServerName(absl::string_view extension, ClientHello* hello) {
  Reader reader(extension);
  Reader names(reader.Counted(2));
  if (!reader.ok() || names.empty()) return false;
  while (!names.empty()) {
    const uint32_t type = names.Number(1);
    const absl::string_view name = names.Counted(2);
    if (!names.ok()) return false;
    if (type != 0 || !hello->server_name.empty()) continue;
    if (name.empty() || name.size() > kMaxServerName) return false;
    // RFC 6066, 3: ASCII. What is not could only confuse whoever compares or logs it.
    if (!std::all_of(name.begin(), name.end(), absl::ascii_isgraph)) return false;
    hello->server_name = absl::AsciiStrToLower(name);
  }
  return true;
}

bool ReadProtocols(absl::string_view extension, ClientHello* hello) {
  Reader reader(extension);
  Reader names(reader.Counted(2));
  if (!reader.ok()) return false;
  while (!names.empty()) {
    const absl::string_view name = names.Counted(1);
    if (!names.ok() || name.empty()) return false;
    hello->protocols.emplace_back(name);
  }
  return true;
}

// Appends what the records hold of the message to `message`, until it has `size` bytes.
Hello Gather(absl::string_view records, size_t size, std::string& message) {
  while (message.size() < size) {
    if (records.empty()) return Hello::kMore;
    if (ByteAt(records, 0) != kHandshakeRecord) return Hello::kBroken;
    if (records.size() >= 2 && ByteAt(records, 1) != 3) return Hello::kBroken;
    if (records.size() < kRecordHeader) return Hello::kMore;
    const size_t length = ByteAt(records, 3) << 8 | ByteAt(records, 4);
    // RFC 8446, 5.1: handshake records are never empty.
    if (length == 0 || length > kMaxRecord) return Hello::kBroken;
    records.remove_prefix(kRecordHeader);
    const absl::string_view part = records.substr(0, length);
    message.append(part.data(), std::min(part.size(), size - message.size()));
    if (part.size() < length && message.size() < size) return Hello::kMore;
    records.remove_prefix(part.size());
  }
  return Hello::kFound;
}

Hello ReadBody(absl::string_view body, ClientHello* hello) {
  Reader reader(body);
  reader.Take(2 + 32);  // legacy_version, random
  reader.Counted(1);    // legacy_session_id
  reader.Counted(2);    // cipher_suites
  reader.Counted(1);    // legacy_compression_methods
  if (!reader.ok()) return Hello::kBroken;
  if (reader.empty()) return Hello::kFound;  // TLS 1.2 without extensions.
  Reader extensions(reader.Counted(2));
  if (!reader.ok() || !reader.empty()) return Hello::kBroken;
  while (!extensions.empty()) {
    const uint32_t type = extensions.Number(2);
    const absl::string_view extension = extensions.Counted(2);
    if (!extensions.ok()) return Hello::kBroken;
    if (type == kServerName && !ReadServerName(extension, hello)) return Hello::kBroken;
    if (type == kProtocols && !ReadProtocols(extension, hello)) return Hello::kBroken;
  }
  return Hello::kFound;
}

}  // namespace

Hello ReadClientHello(absl::string_view bytes, ClientHello* hello) {
  // The first record's header alone tells whether it is TLS at all.
  if (bytes.empty()) return Hello::kMore;
  if (ByteAt(bytes, 0) != kHandshakeRecord) return Hello::kNotTls;
  if (bytes.size() >= 2 && ByteAt(bytes, 1) != 3) return Hello::kNotTls;
  std::string message;
  const Hello begun = Gather(bytes, kMessageHeader, message);
  if (!message.empty() && ByteAt(message, 0) != kClientHello) return Hello::kBroken;
  if (begun != Hello::kFound) return begun;
  const size_t size =
      kMessageHeader + (ByteAt(message, 1) << 16 | ByteAt(message, 2) << 8 | ByteAt(message, 3));
  if (size > kMaxClientHello) return Hello::kTooLarge;
  message.clear();
  message.reserve(std::min(size, bytes.size()));
  const Hello gathered = Gather(bytes, size, message);
  if (gathered != Hello::kFound) return gathered;
  ClientHello read;
  const Hello result = ReadBody(absl::string_view(message).substr(kMessageHeader), &read);
  if (result == Hello::kFound) *hello = std::move(read);
  return result;
}

}  // namespace proxenos::filters::tls_inspector
