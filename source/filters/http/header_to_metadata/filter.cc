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

const HeaderToMetadata::Direction HeaderToMetadata::kRequest{
    &HeaderToMetadataStats::request_rules_processed, &HeaderToMetadataStats::request_metadata_added,
    &HeaderToMetadataStats::request_header_not_found};
const HeaderToMetadata::Direction HeaderToMetadata::kResponse{
    &HeaderToMetadataStats::response_rules_processed,
    &HeaderToMetadataStats::response_metadata_added,
    &HeaderToMetadataStats::response_header_not_found};

bool HeaderToMetadata::Keep(const Entry& entry, absl::string_view found) {
  std::string value = entry.value.empty() ? std::string(found) : entry.value;
  if (entry.value.empty() && entry.rewrite.has_value()) {
    value = entry.rewrite->Apply(value).value_or("");
    if (value.empty() && !found.empty()) Count(&HeaderToMetadataStats::regex_substitution_failed);
  }
  if (value.empty()) return false;
  if (value.size() > kMaxValueBytes) {
    Count(&HeaderToMetadataStats::header_value_too_long);
    return false;
  }
  if (entry.base64 && !absl::Base64Unescape(std::string(value), &value)) {
    Count(&HeaderToMetadataStats::base64_decode_failed);
    return false;
  }
  json::Value kept(value);
  double number;
  if (entry.number) {
    if (!absl::SimpleAtod(value, &number)) return false;
    kept = json::Value(number);
  }
  stream_.info.metadata.Set(entry.space, entry.key, std::move(kept));
  return true;
}

void HeaderToMetadata::Apply(const Direction& direction, const Rule& rule,
                             const std::optional<std::string>& found, http::HeaderMap& headers) {
  Count(direction.processed);
  if (found.has_value()) {
    if (rule.present.has_value() && Keep(*rule.present, *found)) Count(direction.added);
    if (rule.remove && rule.cookie.empty()) headers.Remove(absl::string_view(rule.header));
  } else if (rule.missing.has_value()) {
    Count(direction.not_found);
    if (Keep(*rule.missing, "")) Count(direction.added);
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
      // As in Envoy, one of nothing is not there.
      absl::string_view value;
      http::FindCookie(head.headers, rule.cookie, &value);
      if (!value.empty()) found = std::string(value);
    }
    Apply(kRequest, rule, found, head.headers);
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
    Apply(kResponse, rule, found, head.headers);
  }
  return Verdict::kContinue;
}

}  // namespace proxenos::filters::header_to_metadata
