// Looking for a cookie.
#include "source/http/cookie.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace proxenos::http {

bool FindCookie(const HeaderMap& headers, absl::string_view name, absl::string_view* value) {
  for (const Header& field : headers) {
    if (field.id != HeaderId::kCookie) continue;
    for (absl::string_view pair : absl::StrSplit(field.value(), ';')) {
      pair = absl::StripAsciiWhitespace(pair);
      const size_t equals = pair.find('=');
      if (equals == absl::string_view::npos || pair.substr(0, equals) != name) continue;
      *value = pair.substr(equals + 1);
      if (value->size() >= 2 && value->front() == '"' && value->back() == '"') {
        *value = value->substr(1, value->size() - 2);
      }
      return true;
    }
  }
  return false;
}

}  // namespace proxenos::http
