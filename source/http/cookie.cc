// Looking for a cookie.
#include "source/http/cookie.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace proxenos::http {

void ForEachCookie(const HeaderMap& headers, absl::string_view name,
                   absl::FunctionRef<bool(absl::string_view)> visit) {
  for (const Header& field : headers) {
    if (field.id != HeaderId::kCookie) continue;
    for (absl::string_view pair : absl::StrSplit(field.value(), ';')) {
      pair = absl::StripAsciiWhitespace(pair);
      const size_t equals = pair.find('=');
      if (equals == absl::string_view::npos || pair.substr(0, equals) != name) continue;
      absl::string_view value = pair.substr(equals + 1);
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
      }
      if (!visit(value)) return;
    }
  }
}

bool FindCookie(const HeaderMap& headers, absl::string_view name, absl::string_view* value) {
  bool found = false;
  ForEachCookie(headers, name, [&](absl::string_view one) {
    *value = one;
    found = true;
    return false;
  });
  return found;
}

}  // namespace proxenos::http
