// `name=value` between "; " (RFC 6265, section 5.4).
#include "source/filters/http/oauth2/cookies.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace proxenos::filters::oauth2 {

Cookies::Cookies(const http::HeaderMap& headers) {
  for (const http::Header& field : headers) {
    if (field.id != http::HeaderId::kCookie) continue;
    for (absl::string_view pair : absl::StrSplit(field.value(), ';')) {
      pair = absl::StripAsciiWhitespace(pair);
      if (pair.empty()) continue;
      const size_t equals = pair.find('=');
      // One without a name is kept as it is, "=" included: else it could become one that has a
      // name.
      if (equals == absl::string_view::npos || equals == 0) {
        all_.push_back({absl::string_view(), pair, "", false});
      } else {
        all_.push_back({pair.substr(0, equals), pair.substr(equals + 1), "", false});
      }
    }
  }
}

absl::string_view Cookies::Get(absl::string_view name) const {
  for (const One& one : all_) {
    if (one.name != name) continue;
    absl::string_view value = one.text();
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    return value;
  }
  return absl::string_view();
}

void Cookies::ForEachName(absl::FunctionRef<void(absl::string_view)> visit) const {
  for (const One& one : all_) visit(one.name);
}

void Cookies::RemoveIf(absl::FunctionRef<bool(absl::string_view name)> gone) {
  const size_t before = all_.size();
  std::erase_if(all_, [gone](const One& one) { return !one.name.empty() && gone(one.name); });
  changed_ |= all_.size() != before;
}

void Cookies::Set(absl::string_view name, std::string value) {
  changed_ = true;
  const auto first =
      std::find_if(all_.begin(), all_.end(), [name](const One& one) { return one.name == name; });
  if (first == all_.end()) {
    all_.push_back({name, absl::string_view(), std::move(value), true});
    return;
  }
  first->set = std::move(value);
  first->is_set = true;
  all_.erase(
      std::remove_if(first + 1, all_.end(), [name](const One& one) { return one.name == name; }),
      all_.end());
}

void Cookies::WriteTo(http::HeaderMap& headers) const {
  if (!changed_) return;
  std::string text;
  for (const One& one : all_) {
    absl::StrAppend(&text, text.empty() ? "" : "; ", one.name, one.name.empty() ? "" : "=",
                    one.text());
  }
  // The text is copied before the fields that its views point into could go: they live in the head.
  headers.Remove(http::HeaderId::kCookie);
  if (!text.empty()) headers.Add(http::HeaderId::kCookie, text);
}

}  // namespace proxenos::filters::oauth2
