// Tags, as collectors can read them.
#include "source/tracing/span.h"

#include "source/json/utf8.h"

namespace proxenos::tracing {
namespace {

// Bytes come from clients, but the texts of messages must be UTF-8: what is none becomes '?'.
std::string Utf8(absl::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const size_t size = json::Utf8Size(bytes);
    if (size == 0) {
      text += '?';
      bytes.remove_prefix(1);
    } else {
      text.append(bytes.data(), size);
      bytes.remove_prefix(size);
    }
  }
  return text;
}

}  // namespace

void Span::SetTag(absl::string_view tag, absl::string_view value) {
  if (tag.empty()) return;
  std::string text = Utf8(value.substr(0, kMaxValueBytes));
  for (auto& [known, old] : tags) {
    if (known != tag) continue;
    old = std::move(text);
    return;
  }
  tags.emplace_back(std::string(tag), std::move(text));
}

void Span::SetName(absl::string_view text) { name = Utf8(text.substr(0, kMaxValueBytes)); }

}  // namespace proxenos::tracing
