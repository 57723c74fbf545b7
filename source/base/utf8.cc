// What is longer than one character.
#include "source/base/utf8.h"

namespace proxenos::base {

bool IsUtf8(absl::string_view bytes) {
  while (!bytes.empty()) {
    const size_t size = Utf8Size(bytes);
    if (size == 0) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

void AppendAsUtf8(absl::string_view bytes, char replacement, std::string& out) {
  while (!bytes.empty()) {
    const size_t size = Utf8Size(bytes);
    if (size == 0) {
      out += replacement;
      bytes.remove_prefix(1);
    } else {
      out.append(bytes.data(), size);
      bytes.remove_prefix(size);
    }
  }
}

std::string AsUtf8(absl::string_view bytes, char replacement) {
  std::string text;
  text.reserve(bytes.size());
  AppendAsUtf8(bytes, replacement, text);
  return text;
}

void AppendUtf8(uint32_t code, std::string& out) {
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | (code >> 6));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3f));
  } else {
    put(0xf0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3f));
    put(0x80 | ((code >> 6) & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

}  // namespace proxenos::base
