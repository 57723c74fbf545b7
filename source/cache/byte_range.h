// Range (RFC 9110, section 14): one range of bytes out of a representation whose length is known.
//
// Several ranges in one request are not obeyed, as section 14.2 allows: what they cost would be the
// client's to choose.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace proxenos::cache {

struct ByteRange {
  enum class Kind : uint8_t {
    kWhole,          // Nothing that is obeyed: answer with all of it.
    kPart,           // 206
    kUnsatisfiable,  // 416
  };
  Kind kind = Kind::kWhole;
  uint64_t first = 0;
  uint64_t size = 0;
};

// The Content-Range of a 206: bytes of a representation whose length is told.
struct ContentRange {
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t length = 0;
  bool whole() const { return first == 0 && last + 1 == length; }
};
// nullopt: it is none, or says no length, or makes no sense. Total on hostile bytes.
std::optional<ContentRange> ReadContentRange(absl::string_view value);

// `value`: of the Range field; `length`: of the representation. Total on hostile bytes.
ByteRange ReadRange(absl::string_view value, uint64_t length);

}  // namespace proxenos::cache
