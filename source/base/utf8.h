// UTF-8 (RFC 3629): bytes of others told from text, and text made.
//
// Every function is total on hostile bytes. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace proxenos::base {

// How many bytes the character at the start of `text` has; 0: it is none, or `text` is empty.
inline size_t Utf8Size(absl::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t size = lead >= 0xc2 && lead <= 0xdf   ? 2
                      : lead >= 0xe0 && lead <= 0xef ? 3
                      : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                     : 0;
  if (size == 0 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // No overlong forms, no surrogates, nothing beyond U+10FFFF.
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;
  if (lead == 0xed && byte(1) > 0x9f) return 0;
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;
  return size;
}

// Whether all of it is text.
bool IsUtf8(absl::string_view bytes);

// The bytes as text: `replacement` for each byte that is none. Whoever reads a message of strings
// throws all of it away where one is not UTF-8, so nothing of a client's goes into one as it is.
void AppendAsUtf8(absl::string_view bytes, char replacement, std::string& out);
std::string AsUtf8(absl::string_view bytes, char replacement);

// The character of a code point. REQUIRES: it is no surrogate.
void AppendUtf8(uint32_t code, std::string& out);

}  // namespace proxenos::base
