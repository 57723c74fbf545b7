// Rendering of Cache-Status.
#include "source/cache/cache_status.h"

#include "absl/strings/str_cat.h"
#include "source/http/chars.h"

namespace proxenos::cache {
namespace {

absl::string_view Name(Forwarded forwarded) {
  switch (forwarded) {
    case Forwarded::kNo:
      return "";
    case Forwarded::kBypass:
      return "bypass";
    case Forwarded::kMethod:
      return "method";
    case Forwarded::kUriMiss:
      return "uri-miss";
    case Forwarded::kVaryMiss:
      return "vary-miss";
    case Forwarded::kRequest:
      return "request";
    case Forwarded::kStale:
      return "stale";
  }
  return "";
}

// sf-token or sf-string (RFC 9651, section 3.3).
void AppendName(absl::string_view name, std::string* out) {
  const char first = name.empty() ? '\0' : http::LowerLetter(name.front());
  bool token = (first >= 'a' && first <= 'z') || first == '*';
  for (const char c : name) token = token && (http::IsTokenChar(c) || c == ':' || c == '/');
  if (token) {
    absl::StrAppend(out, name);
    return;
  }
  out->push_back('"');
  for (const char c : name) {
    if (c == '"' || c == '\\') out->push_back('\\');
    if (c >= 0x20 && c < 0x7f) out->push_back(c);
  }
  out->push_back('"');
}

}  // namespace

std::string Render(absl::string_view name, const CacheStatus& status) {
  std::string text;
  AppendName(name, &text);
  if (status.hit) absl::StrAppend(&text, "; hit");
  if (status.forwarded != Forwarded::kNo) absl::StrAppend(&text, "; fwd=", Name(status.forwarded));
  if (status.forward_status) absl::StrAppend(&text, "; fwd-status=", *status.forward_status);
  if (status.ttl) absl::StrAppend(&text, "; ttl=", *status.ttl);
  if (status.stored) absl::StrAppend(&text, "; stored");
  if (status.collapsed) absl::StrAppend(&text, "; collapsed");
  if (!status.detail.empty()) absl::StrAppend(&text, "; detail=", status.detail);
  return text;
}

void AppendCacheStatus(absl::string_view member, http::HeaderMap& headers) {
  std::string list;
  for (const http::Header& header : headers) {
    if (header.name() == "cache-status" && !header.value().empty()) {
      absl::StrAppend(&list, header.value(), ", ");
    }
  }
  absl::StrAppend(&list, member);
  headers.Set("cache-status", list);
}

}  // namespace proxenos::cache
