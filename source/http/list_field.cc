// From the last line back.
#include "source/http/list_field.h"

#include <cstddef>
#include <cstdint>

namespace proxenos::http {
namespace {

void AppendTo(Header& line, absl::string_view separator, absl::string_view element,
              buffer::Arena& arena) {
  const absl::string_view old = line.value();
  if (old.empty()) separator = absl::string_view();
  const size_t size = old.size() + separator.size() + element.size();
  char* const joined = static_cast<char*>(arena.Allocate(size));
  old.copy(joined, old.size());
  separator.copy(joined + old.size(), separator.size());
  element.copy(joined + old.size() + separator.size(), element.size());
  line.value_data = joined;
  line.value_size = static_cast<uint32_t>(size);
}

template <typename IsLine>
Header* LastLine(HeaderMap& headers, IsLine is_line) {
  for (uint32_t i = headers.size(); i > 0; --i) {
    Header& line = headers.begin()[i - 1];
    if (is_line(line)) return &line;
  }
  return nullptr;
}

}  // namespace

void AppendToList(HeaderMap& headers, HeaderId id, absl::string_view separator,
                  absl::string_view element) {
  Header* const last = LastLine(headers, [id](const Header& line) { return line.id == id; });
  if (last == nullptr) {
    headers.Add(id, element);
  } else {
    AppendTo(*last, separator, element, headers.arena());
  }
}

void AppendToList(HeaderMap& headers, absl::string_view name, absl::string_view separator,
                  absl::string_view element) {
  const HeaderId id = LookUpHeader(name);
  if (id != HeaderId::kUnknown) return AppendToList(headers, id, separator, element);
  Header* const last = LastLine(headers, [name](const Header& line) {
    return line.id == HeaderId::kUnknown && line.name() == name;
  });
  if (last == nullptr) {
    headers.Add(name, element);
  } else {
    AppendTo(*last, separator, element, headers.arena());
  }
}

}  // namespace proxenos::http
