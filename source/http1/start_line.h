// Request line and status line (RFC 9112, 3 and 4): cut into their parts and checked.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/http/codec.h"
#include "source/http/message.h"
#include "source/http1/field_line.h"

namespace proxenos::http1 {

// Longer than any registered method; a longer token is refused.
inline constexpr uint32_t kMaxMethodBytes = 32;
// What a request line has beside its target: method, two spaces, version and line end.
inline constexpr uint32_t kRequestLineOverhead = kMaxMethodBytes + 12;

struct RequestLine {
  absl::string_view method_text;
  http::Method method = http::Method::kOther;
  absl::string_view target;  // Target characters only, not empty.
  http::Version version = http::Version::kHttp11;
  http::CodecError error = http::CodecError::kNone;  // When kBad.
  char* next = nullptr;                              // Behind the line, when kField.
};

// kField, kPartial or kBad (which may also mean that the rest of the line is not there yet).
LineStatus ReadRequestLine(char* p, char* end, RequestLine& line);

struct StatusLine {
  http::Version version = http::Version::kHttp11;
  uint16_t status = 0;
  absl::string_view reason;
  http::CodecError error = http::CodecError::kNone;
  char* next = nullptr;
};

LineStatus ReadStatusLine(char* p, char* end, StatusLine& line);

}  // namespace proxenos::http1
