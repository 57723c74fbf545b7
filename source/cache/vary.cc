// Selecting fields.
#include "source/cache/vary.h"

#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/cache/directives.h"
#include "source/http/chars.h"

namespace proxenos::cache {
namespace {

bool IsFieldName(absl::string_view text) {
  for (const char c : text) {
    if (!http::IsTokenChar(c)) return false;
  }
  return !text.empty();
}

// Lists of alternatives: RFC 9110, section 12.5 gives weight to `q` alone.
bool IsUnorderedList(absl::string_view name) {
  return name == "accept" || name == "accept-charset" || name == "accept-encoding" ||
         name == "accept-language";
}

// A member without blanks around its semicolons, in lower case.
std::string Canonical(absl::string_view member) {
  std::string text;
  text.reserve(member.size());
  for (const char c : member) {
    if (!http::IsBlank(c)) text.push_back(http::LowerLetter(c));
  }
  return text;
}

}  // namespace

VaryFields ReadVary(const http::HeaderMap& response) {
  VaryFields fields;
  for (const http::Header& header : response) {
    if (header.id != http::HeaderId::kVary) continue;
    ForEachMember(header.value(), [&](absl::string_view member) {
      if (member == "*" || !IsFieldName(member)) fields.usable = false;
      fields.names.push_back(absl::AsciiStrToLower(member));
      if (fields.names.size() > 4 * kMaxVaryFields) fields.usable = false;
      return fields.usable;
    });
    if (!fields.usable) break;
  }
  std::sort(fields.names.begin(), fields.names.end());
  fields.names.erase(std::unique(fields.names.begin(), fields.names.end()), fields.names.end());
  if (fields.names.size() > kMaxVaryFields) fields.usable = false;
  if (!fields.usable) fields.names.clear();
  return fields;
}

std::string SelectingValues(const std::vector<std::string>& names, const http::HeaderMap& request) {
  std::string values;
  for (const std::string& name : names) {
    const http::HeaderId id = http::LookUpHeader(name);
    const bool unordered = IsUnorderedList(name);
    absl::InlinedVector<std::string, 4> members;
    bool present = false;
    for (const http::Header& header : request) {
      if (header.id != id || (id == http::HeaderId::kUnknown && header.name() != name)) continue;
      present = true;
      ForEachMember(header.value(), [&](absl::string_view member) {
        members.push_back(unordered ? Canonical(member) : std::string(member));
        return true;
      });
    }
    if (!present) {
      values.append("-;");
      continue;
    }
    if (unordered) std::sort(members.begin(), members.end());
    for (const std::string& member : members) absl::StrAppend(&values, member.size(), ":", member);
    values.push_back(';');
  }
  return values;
}

}  // namespace proxenos::cache
