// Reading of Range.
#include "source/cache/byte_range.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "source/http/chars.h"

namespace proxenos::cache {
namespace {

// A position; larger ones than any length count as the largest. False when it is no number.
bool ReadPosition(absl::string_view text, uint64_t* position) {
  uint64_t value = 0;
  for (const char c : text) {
    if (!http::IsDigit(c)) return false;
    const uint64_t digit = static_cast<uint64_t>(c - '0');
    value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
  }
  *position = value;
  return !text.empty();
}

}  // namespace

std::optional<ContentRange> ReadContentRange(absl::string_view value) {
  constexpr absl::string_view kUnit = "bytes ";
  const size_t dash = value.find('-');
  const size_t slash = value.find('/');
  if (!absl::StartsWithIgnoreCase(value, kUnit) || slash == absl::string_view::npos ||
      dash > slash) {
    return std::nullopt;
  }
  ContentRange range;
  if (!ReadPosition(value.substr(kUnit.size(), dash - kUnit.size()), &range.first) ||
      !ReadPosition(value.substr(dash + 1, slash - dash - 1), &range.last) ||
      !ReadPosition(value.substr(slash + 1), &range.length)) {
    return std::nullopt;
  }
  if (range.first > range.last || range.last >= range.length) return std::nullopt;
  return range;
}

ByteRange ReadRange(absl::string_view value, uint64_t length) {
  ByteRange range;
  range.size = length;
  constexpr absl::string_view kUnit = "bytes=";
  if (!absl::StartsWithIgnoreCase(value, kUnit)) return range;
  value = absl::StripAsciiWhitespace(value.substr(kUnit.size()));
  const size_t dash = value.find('-');
  if (dash == absl::string_view::npos || value.find(',') != absl::string_view::npos) return range;
  const absl::string_view from = value.substr(0, dash);
  const absl::string_view to = value.substr(dash + 1);
  const ByteRange none{ByteRange::Kind::kUnsatisfiable, 0, 0};
  uint64_t first, last;
  if (from.empty()) {  // The last so many.
    uint64_t suffix;
    if (!ReadPosition(to, &suffix)) return range;
    if (suffix == 0 || length == 0) return none;
    const uint64_t size = std::min(suffix, length);
    return ByteRange{ByteRange::Kind::kPart, length - size, size};
  }
  if (!ReadPosition(from, &first)) return range;
  if (to.empty()) {
    last = UINT64_MAX;
  } else if (!ReadPosition(to, &last) || last < first) {
    return range;
  }
  if (first >= length) return none;
  return ByteRange{ByteRange::Kind::kPart, first, std::min(last, length - 1) - first + 1};
}

}  // namespace proxenos::cache
