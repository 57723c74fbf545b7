// Texts with their quotes.
#include "source/json/quoted.h"

#include "absl/strings/str_cat.h"
#include "source/base/utf8.h"

namespace proxenos::json {

void AppendQuoted(absl::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (size_t at = 0; at < text.size();) {
    const size_t size = base::Utf8Size(text.substr(at));
    if (size == 0) {
      out += "\xef\xbf\xbd";
      ++at;
      continue;
    }
    const char c = text[at];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[c & 15];
    } else {
      absl::StrAppend(&out, text.substr(at, size));
    }
    at += size;
  }
  out += '"';
}

}  // namespace proxenos::json
