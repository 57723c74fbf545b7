// The nearest name, lists of names, and UTF-8.
#include "source/config/names.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "source/base/utf8.h"
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

bool IsValidUtf8(std::string_view text) { return base::IsUtf8({text.data(), text.size()}); }

}  // namespace proxenos::config
