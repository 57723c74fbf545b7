// Decoding of query strings and forms.
#include <cstdint>
#include <utility>

#include "absl/strings/str_split.h"
#include "source/admin/endpoint.h"
#include "source/http/percent.h"

namespace proxenos::admin {
namespace {

// A request's line is bounded; this bounds what it can make of it.
constexpr size_t kMaxParams = 1000;

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs ParsePairs(absl::string_view text, http::Plus plus) {
  Pairs pairs;
  for (absl::string_view part : absl::StrSplit(text, '&', absl::SkipEmpty())) {
    if (pairs.size() == kMaxParams) break;
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    pairs.emplace_back(http::PercentDecoded(halves.first, plus),
                       http::PercentDecoded(halves.second, plus));
  }
  return pairs;
}

}  // namespace

Params::Params(absl::string_view query) : all_(ParsePairs(query, http::Plus::kStays)) {}

Params Params::FromForm(absl::string_view body) {
  Params params;
  params.all_ = ParsePairs(body, http::Plus::kIsSpace);
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
