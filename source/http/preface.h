// What a client begins HTTP/2 with, and how it is told from a request of HTTP/1 (RFC 9113, section
// 3.4).
#pragma once

#include <algorithm>
#include <cstddef>

#include "absl/strings/string_view.h"

namespace proxenos::http {

inline constexpr absl::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum class Beginning { kHttp1, kUndecided, kHttp2 };

// The first bytes of a connection. The method PRI is HTTP/2's alone, so that four bytes tell.
inline Beginning BeginningOf(absl::string_view bytes) {
  const size_t size = std::min(bytes.size(), kHttp2Preface.size());
  if (bytes.substr(0, size) != kHttp2Preface.substr(0, size)) return Beginning::kHttp1;
  return size >= 4 ? Beginning::kHttp2 : Beginning::kUndecided;
}

}  // namespace proxenos::http
