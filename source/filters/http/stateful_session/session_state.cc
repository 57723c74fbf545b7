// Reading and writing of cookies and headers.
#include "source/filters/http/stateful_session/session_state.h"

#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/http/cookie.h"

namespace proxenos::filters::stateful_session {
namespace {

constexpr char kAddressTag = 0x0a;  // address = 1, a length and so many bytes
constexpr char kExpiresTag = 0x10;  // expires = 2, a varint
// "[ffff:…]:65535" and more: what is longer is no address.
constexpr size_t kMaxValueBytes = 512;

void AppendVarint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

std::optional<uint64_t> TakeVarint(absl::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const uint8_t byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= uint64_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

}  // namespace

std::string EncodeSession(absl::string_view address, uint64_t expires) {
  std::string bytes(1, kAddressTag);
  AppendVarint(address.size(), bytes);
  absl::StrAppend(&bytes, address);
  if (expires == 0) return bytes;
  bytes.push_back(kExpiresTag);
  AppendVarint(expires, bytes);
  return bytes;
}

std::string DecodeSession(absl::string_view bytes, uint64_t unix_seconds) {
  std::string address;
  absl::string_view rest = bytes;
  while (!rest.empty()) {
    const char tag = rest.front();
    rest.remove_prefix(1);
    const std::optional<uint64_t> value = TakeVarint(rest);
    if (!value.has_value() || (tag != kAddressTag && tag != kExpiresTag)) {
      return std::string(bytes);  // No such message.
    }
    if (tag == kExpiresTag) {
      if (*value != 0 && *value < unix_seconds) return std::string();
      continue;
    }
    if (*value > rest.size()) return std::string(bytes);
    address = std::string(rest.substr(0, *value));
    rest.remove_prefix(*value);
  }
  return address;
}

bool SessionState::Covers(absl::string_view request_path) const {
  if (kind != Kind::kCookie || path.empty() || path == "/") return true;
  if (!absl::StartsWith(request_path, path)) return false;
  // RFC 6265, section 5.1.4: whole segments.
  if (path.back() == '/' || request_path.size() == path.size()) return true;
  const char next = request_path[path.size()];
  return next == '/' || next == '?' || next == '#';
}

std::string SessionState::Read(const http::RequestHead& head, uint64_t unix_seconds) const {
  absl::string_view value;
  if (kind == Kind::kCookie) {
    if (!http::FindCookie(head.headers, name, &value)) return std::string();
  } else if (const http::Header* header = head.headers.Find(name)) {
    value = header->value();
  }
  std::string bytes;
  if (value.empty() || value.size() > kMaxValueBytes || !absl::Base64Unescape(value, &bytes)) {
    return std::string();
  }
  return kind == Kind::kCookie ? DecodeSession(bytes, unix_seconds) : bytes;
}

void SessionState::Write(absl::string_view address, uint64_t unix_seconds,
                         http::ResponseHead& head) const {
  if (kind == Kind::kHeader) {
    head.headers.Set(name, absl::Base64Escape(address));
    return;
  }
  const uint64_t seconds = static_cast<uint64_t>(ttl / base::kSecond);
  const std::string value =
      absl::Base64Escape(EncodeSession(address, seconds == 0 ? 0 : unix_seconds + seconds));
  std::string text = absl::StrCat(name, "=\"", value, "\"");
  if (seconds != 0) absl::StrAppend(&text, "; Max-Age=", seconds);
  if (!path.empty()) absl::StrAppend(&text, "; Path=", path);
  for (const auto& [key, attribute] : attributes) {
    absl::StrAppend(&text, "; ", key, attribute.empty() ? "" : "=", attribute);
  }
  head.headers.Add("set-cookie", absl::StrCat(text, "; HttpOnly"));
}

}  // namespace proxenos::filters::stateful_session
