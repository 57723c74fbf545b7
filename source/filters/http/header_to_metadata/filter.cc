// From fields to values.
#include "source/filters/http/header_to_metadata/filter.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "source/http/cookie.h"

namespace proxenos::filters::header_to_metadata {
namespace {

using filter::Verdict;

// As in Envoy, what is longer is nobody's metadata.
constexpr size_t kMaxValueBytes = 8 * 1024;

std::string Joined(const route::FieldName& name, const http::RequestHead& head, bool* found) {
  std::string joined;
  *found = name.ForEach(head, [&joined](absl::string_view value) {
    absl::StrAppend(&joined, joined.empty() ? "" : ",", value);
  }) > 0;
  return joined;
}

std::string Joined(absl::string_view name, const http::HeaderMap& headers, bool* found) {
  std::string joined;
  *found = false;
  for (const http::Header& field : headers) {
    if (field.name() != name) continue;
    absl::StrAppend(&joined, *found ? "," : "", field.value());
    *found = true;
  }
  return joined;
}

}  // namespace

void HeaderToMetadata::Keep(const Entry& entry, absl::string_view found) {
  std::string value = entry.value.empty() ? std::string(found) : entry.value;
  if (entry.value.empty() && entry.rewrite.has_value()) {
    value = entry.rewrite->Apply(value).value_or("");
  }
  if (value.empty() || value.size() > kMaxValueBytes) return;
  if (entry.base64 && !absl::Base64Unescape(std::string(value), &value)) return;
  json::Value kept(value);
  double number;
  if (entry.number) {
    if (!absl::SimpleAtod(value, &number)) return;
    kept = json::Value(number);
  }
  stream_.info.metadata.Set(entry.space, entry.key, std::move(kept));
}

void HeaderToMetadata::Apply(const Rule& rule, const std::optional<std::string>& found,
                             http::HeaderMap& headers) {
  if (found.has_value()) {
    if (rule.present.has_value()) Keep(*rule.present, *found);
    if (rule.remove && rule.cookie.empty()) headers.Remove(absl::string_view(rule.header));
  } else if (rule.missing.has_value()) {
    Keep(*rule.missing, "");
  }
}

Verdict HeaderToMetadata::OnRequestHeaders(http::RequestHead& head, bool) {
  for (const Rule& rule : settings_.request) {
    std::optional<std::string> found;
    bool is_there = false;
    if (rule.cookie.empty()) {
      std::string value = Joined(rule.field, head, &is_there);
      if (is_there) found = std::move(value);
    } else {
      absl::string_view value;
      if (http::FindCookie(head.headers, rule.cookie, &value)) found = std::string(value);
    }
    Apply(rule, found, head.headers);
  }
  return Verdict::kContinue;
}

Verdict HeaderToMetadata::OnResponseHeaders(http::ResponseHead& head, bool) {
  for (const Rule& rule : settings_.response) {
    std::optional<std::string> found;
    bool is_there = false;
    std::string value = Joined(absl::string_view(rule.header), head.headers, &is_there);
    if (rule.header == ":status") {
      is_there = true;
      value = absl::StrCat(head.status);
    }
    if (is_there) found = std::move(value);
    Apply(rule, found, head.headers);
  }
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::header_to_metadata
