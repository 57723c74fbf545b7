// Percent-encoding (RFC 3986, section 2.1).
#pragma once

#include <cstddef>
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

enum class Plus : bool { kStays, kIsSpace };  // kIsSpace: in forms.

// With each escape as what it stands for; what is none stays as it is.
std::string PercentDecoded(absl::string_view text, Plus plus = Plus::kStays);

}  // namespace proxenos::http
