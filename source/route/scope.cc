// Keys out of headers.
#include "source/route/scope.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace proxenos::route {
namespace {

// No header's value holds it.
constexpr absl::string_view kBetween("\0", 1);

std::optional<absl::string_view> ValueOf(const ScopeKeyBuilder::Fragment::Pair& pair,
                                         absl::string_view element) {
  const size_t at = element.find(pair.separator);
  if (element.substr(0, at) != pair.key) return std::nullopt;
  // An element without separator is a key without value.
  if (at == absl::string_view::npos) return absl::string_view();
  return element.substr(at + pair.separator.size());
}

std::optional<absl::string_view> Extract(const ScopeKeyBuilder::Fragment& fragment,
                                         absl::string_view value) {
  uint32_t index = 0;
  const auto take = [&](absl::string_view element) -> std::optional<absl::string_view> {
    if (fragment.pair) return ValueOf(*fragment.pair, element);
    return index++ == fragment.index ? std::optional(element) : std::nullopt;
  };
  if (fragment.element_separator.empty()) return take(value);
  for (const absl::string_view element : absl::StrSplit(value, fragment.element_separator)) {
    if (const auto found = take(element)) return found;
  }
  return std::nullopt;
}

}  // namespace

std::optional<absl::string_view> ScopeKeyBuilder::Build(const http::RequestHead& head,
                                                        std::string& room) const {
  room.clear();
  for (const Fragment& fragment : fragments_) {
    absl::string_view value;
    if (!fragment.header.First(head, &value)) return std::nullopt;
    const std::optional<absl::string_view> part = Extract(fragment, value);
    if (!part) return std::nullopt;
    if (fragments_.size() == 1) return part;
    if (&fragment != &fragments_.front()) absl::StrAppend(&room, kBetween);
    absl::StrAppend(&room, *part);
  }
  return room;
}

std::string ScopeKeyBuilder::Join(absl::Span<const std::string> fragments) {
  return absl::StrJoin(fragments, kBetween);
}

}  // namespace proxenos::route
