// Reading, bounds first.
#include "source/filters/listener/tls_inspector/client_hello.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"

namespace proxenos::filters::tls_inspector {
namespace {

constexpr uint8_t kHandshakeRecord = 22;
constexpr uint8_t kClientHello = 1;
constexpr size_t kRecordHeader = 5;
constexpr size_t kMessageHeader = 4;
constexpr size_t kMaxRecord = 16 * 1024;
constexpr uint16_t kServerName = 0;
constexpr uint16_t kSupportedGroups = 10;
constexpr uint16_t kPointFormats = 11;
constexpr uint16_t kSignatureAlgorithms = 13;
constexpr uint16_t kProtocols = 16;
constexpr uint16_t kSupportedVersions = 43;
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

// RFC 8701, section 2: 0x0a0a, 0x1a1a, ... 0xfafa.
bool IsGrease(uint32_t number) {
  return (number & 0x0f0f) == 0x0a0a && number >> 8 == (number & 0xff);
}

// The numbers of two bytes each that `list` is made of; what is left over is left out.
std::vector<uint16_t> AllNumbers(absl::string_view list) {
  std::vector<uint16_t> numbers;
  numbers.reserve(list.size() / 2);
  Reader reader(list.substr(0, list.size() & ~size_t{1}));
  while (!reader.empty()) {
    numbers.push_back(static_cast<uint16_t>(reader.Number(2)));
  }
  return numbers;
}

std::vector<uint16_t> Numbers(absl::string_view list) {
  std::vector<uint16_t> numbers = AllNumbers(list);
  numbers.erase(std::remove_if(numbers.begin(), numbers.end(), &IsGrease), numbers.end());
  return numbers;
}

// A malformed list has no members: whoever shakes hands refuses it.
void NoteExtension(uint32_t type, absl::string_view extension, HelloShape& shape) {
  if (IsGrease(type)) return;
  shape.extensions.push_back(static_cast<uint16_t>(type));
  Reader reader(extension);
  switch (type) {
    case kServerName:
      shape.names_server = true;
      break;
    case kSupportedGroups:
      shape.groups = AllNumbers(reader.Counted(2));
      break;
    case kPointFormats:
      for (const char format : reader.Counted(1)) {
        shape.point_formats.push_back(static_cast<uint8_t>(format));
      }
      break;
    case kSignatureAlgorithms:
      shape.signature_algorithms = AllNumbers(reader.Counted(2));
      break;
    case kSupportedVersions:
      for (const uint16_t version : Numbers(reader.Counted(1))) {
        shape.version = std::max(shape.version, version);
      }
      break;
    default:
      break;
  }
}

Hello ReadExtensions(Reader& extensions, ClientHello* hello, HelloShape* shape) {
  while (!extensions.empty()) {
    const uint32_t type = extensions.Number(2);
    const absl::string_view extension = extensions.Counted(2);
    if (!extensions.ok()) return Hello::kBroken;
    if (type == kServerName && !ReadServerName(extension, hello)) return Hello::kBroken;
    if (type == kProtocols && !ReadProtocols(extension, hello)) return Hello::kBroken;
    if (shape != nullptr) NoteExtension(type, extension, *shape);
  }
  return Hello::kFound;
}

Hello ReadBody(absl::string_view body, ClientHello* hello, HelloShape* shape) {
  Reader reader(body);
  const uint32_t version = reader.Number(2);  // legacy_version
  reader.Take(32);                            // random
  reader.Counted(1);                          // legacy_session_id
  const absl::string_view ciphers = reader.Counted(2);
  reader.Counted(1);  // legacy_compression_methods
  if (!reader.ok()) return Hello::kBroken;
  Hello result = Hello::kFound;  // TLS 1.2 may have no extensions at all.
  if (!reader.empty()) {
    Reader extensions(reader.Counted(2));
    if (!reader.ok() || !reader.empty()) return Hello::kBroken;
    result = ReadExtensions(extensions, hello, shape);
  }
  if (shape == nullptr || result != Hello::kFound) return result;
  shape->legacy_version = static_cast<uint16_t>(version);
  if (shape->version == 0) shape->version = shape->legacy_version;
  shape->ciphers = Numbers(ciphers);
  if (!hello->protocols.empty()) shape->first_protocol = hello->protocols.front();
  return result;
}

}  // namespace

Hello ReadClientHello(absl::string_view bytes, const HelloLimits& limits, ClientHello* hello,
                      HelloShape* shape) {
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
  if (size > limits.most_bytes) return Hello::kTooLarge;
  message.clear();
  message.reserve(std::min(size, bytes.size()));
  const Hello gathered = Gather(bytes, size, message);
  if (gathered != Hello::kFound) return gathered;
  ClientHello read;
  HelloShape seen;
  const absl::string_view body = absl::string_view(message).substr(kMessageHeader);
  const Hello result = ReadBody(body, &read, shape == nullptr ? nullptr : &seen);
  if (result != Hello::kFound) return result;
  *hello = std::move(read);
  if (shape != nullptr) *shape = std::move(seen);
  return result;
}

}  // namespace proxenos::filters::tls_inspector
