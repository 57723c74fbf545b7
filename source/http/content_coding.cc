// Lists of tokens between commas, in one field or several.
#include "source/http/content_coding.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace proxenos::http {
namespace {

// The last field of content-encoding; null: there is none.
const Header* LastCodings(const HeaderMap& headers) {
  const Header* last = nullptr;
  for (const Header& header : headers) {
    if (header.id == HeaderId::kContentEncoding) last = &header;
  }
  return last;
}

}  // namespace

bool HasElement(const HeaderMap& headers, HeaderId id, absl::string_view lower_case) {
  for (const Header& header : headers) {
    if (header.id != id) continue;
    absl::string_view rest = header.value();
    while (true) {
      const size_t comma = rest.find(',');
      const absl::string_view element = absl::StripAsciiWhitespace(rest.substr(0, comma));
      if (absl::EqualsIgnoreCase(element, lower_case)) return true;
      if (comma == absl::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

void ForgetLength(Framing& framing, HeaderMap& headers) {
  headers.Remove(HeaderId::kContentLength);
  if (framing.kind == Framing::kLength) framing = Framing{Framing::kChunked, 0};
}

bool ForbidsTransform(const HeaderMap& headers) {
  return HasElement(headers, HeaderId::kCacheControl, "no-transform");
}

void AddVary(absl::string_view lower_case_name, absl::string_view name, HeaderMap& headers) {
  if (HasElement(headers, HeaderId::kVary, "*") ||
      HasElement(headers, HeaderId::kVary, lower_case_name)) {
    return;
  }
  const Header* first = headers.Find(HeaderId::kVary);
  if (first == nullptr || headers.Count(HeaderId::kVary) > 1) {
    headers.Add(HeaderId::kVary, name);
  } else {
    headers.Set(HeaderId::kVary, absl::StrCat(first->value(), ", ", name));
  }
}

absl::string_view OutermostCoding(const HeaderMap& headers) {
  const Header* last = LastCodings(headers);
  if (last == nullptr) return absl::string_view();
  const size_t comma = last->value().rfind(',');
  return absl::StripAsciiWhitespace(
      last->value().substr(comma == absl::string_view::npos ? 0 : comma + 1));
}

void RemoveOutermostCoding(HeaderMap& headers) {
  const Header* last = LastCodings(headers);
  if (last == nullptr) return;
  const size_t comma = last->value().rfind(',');
  if (comma == absl::string_view::npos) {
    headers.RemoveIf([last](const Header& header) { return &header == last; });
    return;
  }
  for (Header& header : headers) {
    if (&header == last) header.value_size = static_cast<uint32_t>(comma);
  }
}

}  // namespace proxenos::http
