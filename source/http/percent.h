// Percent-encoding (RFC 3986, section 2.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/http/chars.h"

namespace proxenos::http {

// The byte that the escape ("%41") at `at` stands for; -1 where there is no whole one.
inline int EscapedByte(absl::string_view text, size_t at) {
  if (at + 2 >= text.size() || text[at] != '%') return -1;
  const int high = HexValue(text[at + 1]);
  const int low = HexValue(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Writes "%41" for 'A' at `to`; where it ends.
inline char* WriteEscape(char* to, char c) {
  constexpr char kHex[] = "0123456789ABCDEF";
  const uint8_t byte = static_cast<uint8_t>(c);
  *to++ = '%';
  *to++ = kHex[byte >> 4];
  *to++ = kHex[byte & 15];
  return to;
}

// Writes `text` with an escape for each character that keep(c) refuses; where it ends. At most
// three times the size of `text`.
template <typename Keep>
char* WritePercentEncoded(char* to, absl::string_view text, Keep keep) {
  for (const char c : text) {
    if (keep(c)) {
      *to++ = c;
    } else {
      to = WriteEscape(to, c);
    }
  }
  return to;
}

template <typename Keep>
void AppendPercentEncoded(absl::string_view text, Keep keep, std::string& out) {
  for (const char c : text) {
    if (keep(c)) {
      out += c;
    } else {
      char escape[3];
      out.append(escape, WriteEscape(escape, c));
    }
  }
}

template <typename Keep>
std::string PercentEncoded(absl::string_view text, Keep keep) {
  std::string out;
  out.reserve(text.size());
  AppendPercentEncoded(text, keep, out);
  return out;
}

enum class Plus : bool { kStays, kIsSpace };  // kIsSpace: in forms.

// With each escape as what it stands for; what is none stays as it is.
std::string PercentDecoded(absl::string_view text, Plus plus = Plus::kStays);

}  // namespace proxenos::http
