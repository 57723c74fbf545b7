// Decoding of query strings and forms.
#include <cstdint>
#include <utility>

#include "absl/strings/str_split.h"
#include "source/admin/endpoint.h"

namespace proxenos::admin {
namespace {

// A request's line is bounded; this bounds what it can make of it.
constexpr size_t kMaxParams = 1000;

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs ParsePairs(absl::string_view text, bool plus_is_space) {
  Pairs pairs;
  for (absl::string_view part : absl::StrSplit(text, '&', absl::SkipEmpty())) {
    if (pairs.size() == kMaxParams) break;
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    pairs.emplace_back(PercentDecoded(halves.first, plus_is_space),
                       PercentDecoded(halves.second, plus_is_space));
  }
  return pairs;
}

}  // namespace

std::string PercentDecoded(absl::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
        HexValue(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2])));
      i += 2;
    } else if (plus_is_space && text[i] == '+') {
      out.push_back(' ');
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

Params::Params(absl::string_view query) : all_(ParsePairs(query, /*plus_is_space=*/false)) {}

Params Params::FromForm(absl::string_view body) {
  Params params;
  params.all_ = ParsePairs(body, /*plus_is_space=*/true);
  return params;
}

const std::string* Params::Find(absl::string_view name) const {
  for (const auto& [key, value] : all_) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string Params::Get(absl::string_view name) const {
  const std::string* value = Find(name);
  return value == nullptr ? std::string() : *value;
}

void Params::Append(Params other) {
  for (auto& pair : other.all_) all_.push_back(std::move(pair));
}

}  // namespace proxenos::admin
