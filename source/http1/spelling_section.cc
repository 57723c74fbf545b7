// A look ahead over field lines.
#include "source/http1/spelling_section.h"

#include <cstring>

namespace proxenos::http1 {

void KeepSpellings(FieldSection& section, const char* end, uint32_t max_fields,
                   const http::NameSpellings& spellings, buffer::Arena& arena) {
  if (!section.HasLine(end)) return;
  const char* line = section.line();
  const auto find = [&end](const char* from, char byte, const char* to) {
    return static_cast<const char*>(std::memchr(from, byte, static_cast<size_t>(to - from)));
  };
  for (uint32_t count = section.fields(); count < max_fields; ++count) {
    if (line == end || *line == '\r') return;
    const char* const line_feed = find(line, '\n', end);
    if (line_feed == nullptr) return;
    const char* const colon = find(line, ':', line_feed);
    if (colon == nullptr) return;  // The section is wrong.
    spellings.Keep(absl::string_view(line, static_cast<size_t>(colon - line)), arena);
    line = line_feed + 1;
  }
}

}  // namespace proxenos::http1
