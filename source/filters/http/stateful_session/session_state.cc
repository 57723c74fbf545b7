// Reading and writing of cookies and headers.
#include "source/filters/http/stateful_session/session_state.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/http/cookie.h"
#include "source/rpc/wire.h"

namespace proxenos::filters::stateful_session {
namespace {

// The fields of the cookie's message.
constexpr uint32_t kAddress = 1;
constexpr uint32_t kExpires = 2;  // Seconds since 1970.
// "[ffff:…]:65535" and more: what is longer is no address.
constexpr size_t kMaxValueBytes = 512;

}  // namespace

std::string EncodeSession(absl::string_view address, uint64_t expires) {
  std::string bytes;
  rpc::WireWriter writer(bytes);
  writer.Text(kAddress, address);
  if (expires != 0) writer.Number(kExpires, expires);
  return bytes;
}

std::string DecodeSession(absl::string_view bytes, uint64_t unix_seconds) {
  absl::string_view address;
  rpc::WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.field() == kAddress && reader.has_bytes()) {
      address = reader.bytes();
    } else if (reader.field() == kExpires && !reader.has_bytes()) {
      if (reader.number() != 0 && reader.number() < unix_seconds) return std::string();
    } else {
      return std::string(bytes);  // No such message.
    }
  }
  return std::string(reader.ok() ? address : bytes);
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
