// Tags, as collectors can read them.
#include "source/tracing/span.h"

#include "source/base/utf8.h"

namespace proxenos::tracing {
void Span::SetTag(absl::string_view tag, absl::string_view value) {
  if (tag.empty()) return;
  std::string text = base::AsUtf8(value.substr(0, kMaxValueBytes), '?');
  for (auto& [known, old] : tags) {
    if (known != tag) continue;
    old = std::move(text);
    return;
  }
  tags.emplace_back(std::string(tag), std::move(text));
}

void Span::SetName(absl::string_view text) {
  name = base::AsUtf8(text.substr(0, kMaxValueBytes), '?');
}

}  // namespace proxenos::tracing
