// The nearest name, lists of names, and UTF-8.
#include "source/config/names.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "source/config/concat.h"

namespace proxenos::config {
namespace {

// Letters only, in lower case: routeConfig and route_config are the same word.
std::string Fold(std::string_view name) {
  constexpr size_t kMaxCompared = 64;
  std::string folded;
  for (const char c : name.substr(0, kMaxCompared)) {
    if (c != '_') folded += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  return folded;
}

// Levenshtein's distance, one row at a time.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

// Length of the UTF-8 sequence that starts `text`, 0 where it is malformed (RFC 3629 section 4).
size_t SequenceLength(std::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto continued = [&](size_t from, size_t to) {
    if (text.size() < to) return false;
    for (size_t i = from; i < to; ++i) {
      if ((byte(i) & 0xC0) != 0x80) return false;
    }
    return true;
  };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continued(1, 2) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF && continued(1, 3)) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4 && continued(1, 4)) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool beyond = first == 0xF4 && byte(1) > 0x8F;
    return overlong || beyond ? 0 : 4;
  }
  return 0;
}

}  // namespace

std::string_view NearestName(std::string_view name, const std::vector<std::string_view>& known) {
  const std::string folded = Fold(name);
  // A third of the letters may differ; more is another word.
  size_t best_distance = folded.size() / 3 + 1;
  std::string_view best;
  for (const std::string_view candidate : known) {
    const size_t distance = EditDistance(folded, Fold(candidate));
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string JoinNames(const std::vector<std::string_view>& names) {
  constexpr size_t kMaxShown = 20;
  std::string text;
  const size_t shown = std::min(names.size(), kMaxShown);
  for (size_t i = 0; i < shown; ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  if (shown < names.size()) Append(text, " and ", names.size() - shown, " more");
  return text;
}

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace proxenos::config
