// Range (RFC 9110, section 14): one range of bytes out of a representation whose length is known.
//
// Several ranges in one request are not obeyed, as section 14.2 allows: what they cost would be the
// client's to choose.
#pragma once

#include <cstdint>

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

// `value`: of the Range field; `length`: of the representation. Total on hostile bytes.
ByteRange ReadRange(absl::string_view value, uint64_t length);

}  // namespace proxenos::cache
