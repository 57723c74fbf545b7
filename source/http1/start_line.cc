// Reading of start lines. Loads of 4 and 8 bytes may go behind `end`, into the slab's padding; what
// they find there is checked against `end` before it counts.
#include "source/http1/start_line.h"

#include <cstring>

#include "source/http/chars.h"

namespace proxenos::http1 {
namespace {

using http::CodecError;
using http::Method;
using http::Version;

template <size_t N>
bool Matches(const char* p, const char (&text)[N]) {
  return std::memcmp(p, text, N - 1) == 0;  // A constant size: one load and one compare.
}

// The size of the method at `p`; 0 when none of the frequent ones stands there.
size_t FrequentMethod(const char* p, Method& method) {
  if (Matches(p, "GET ")) {
    method = Method::kGet;
    return 3;
  }
  if (Matches(p, "POST ")) {
    method = Method::kPost;
    return 4;
  }
  return 0;
}

// Why `p`, where a version should stand, holds none that we speak.
CodecError VersionError(const char* p, const char* end) {
  if (end - p < 9 || !Matches(p, "HTTP/") || !http::IsDigit(p[5]) || p[6] != '.' ||
      !http::IsDigit(p[7])) {
    return CodecError::kBadStartLine;
  }
  if (p[8] == '\n') return CodecError::kBareLineFeed;
  if (p[8] == '\r') {
    return end - p > 9 && p[9] != '\n' ? CodecError::kBareCarriageReturn : CodecError::kBadVersion;
  }
  return CodecError::kBadStartLine;
}

template <typename Line>
LineStatus Bad(Line& line, CodecError error) {
  line.error = error;
  return LineStatus::kBad;
}

}  // namespace

LineStatus ReadRequestLine(char* p, char* end, RequestLine& line) {
  size_t method_size = FrequentMethod(p, line.method);
  if (method_size == 0) {
    while (p + method_size < end && http::IsTokenChar(p[method_size])) ++method_size;
  }
  char* const target = p + method_size + 1;
  if (target > end) return LineStatus::kPartial;
  if (method_size == 0 || method_size > kMaxMethodBytes) return Bad(line, CodecError::kBadMethod);
  if (target[-1] != ' ') {
    const bool lone = target[-1] == '\n';
    return Bad(line, lone ? CodecError::kBadStartLine : CodecError::kBadMethod);
  }
  line.method_text = absl::string_view(p, method_size);
  if (line.method == Method::kOther) line.method = http::ParseMethod(line.method_text);

  char* const target_end = http::FindTargetEnd(target, end);
  if (target_end >= end) return LineStatus::kPartial;
  if (*target_end != ' ' || target_end == target) {
    const bool ends = *target_end == '\r' || *target_end == '\n';
    return Bad(line, ends ? CodecError::kBadStartLine : CodecError::kBadTarget);
  }
  line.target = absl::string_view(target, static_cast<size_t>(target_end - target));

  const char* const version = target_end + 1;
  if (end - version < 10) return Bad(line, VersionError(version, end));
  const bool crlf = version[8] == '\r' && version[9] == '\n';
  if (crlf && Matches(version, "HTTP/1.1")) {
    line.version = Version::kHttp11;
  } else if (crlf && Matches(version, "HTTP/1.0")) {
    line.version = Version::kHttp10;
  } else {
    return Bad(line, VersionError(version, end));
  }
  line.next = target_end + 11;
  return LineStatus::kField;
}

namespace {

// "HTTP/1.1 200\r\n": some servers leave out the space before an empty phrase.
constexpr int kMinStatusLineBytes = 14;

LineStatus ReadLongStatusLine(char* p, char* end, StatusLine& line) {
  if (!Matches(p, "HTTP/") || !http::IsDigit(p[5]) || p[6] != '.' || !http::IsDigit(p[7]) ||
      p[8] != ' ') {
    return Bad(line, CodecError::kBadStartLine);
  }
  if (p[5] != '1' || p[7] > '1') return Bad(line, CodecError::kBadVersion);
  line.version = p[7] == '1' ? Version::kHttp11 : Version::kHttp10;
  if (!http::IsDigit(p[9]) || !http::IsDigit(p[10]) || !http::IsDigit(p[11])) {
    return Bad(line, CodecError::kBadStatus);
  }
  line.status = static_cast<uint16_t>((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
  if (line.status < 100 || line.status > 599) return Bad(line, CodecError::kBadStatus);
  if (p[12] != ' ' && p[12] != '\r' && p[12] != '\n') return Bad(line, CodecError::kBadStatus);
  char* const phrase = p[12] == ' ' ? p + 13 : p + 12;
  char* const stop = http::FindValueEnd(phrase, end);
  if (stop >= end) return LineStatus::kPartial;
  if (*stop != '\r') {
    return Bad(line, *stop == '\n' ? CodecError::kBareLineFeed : CodecError::kBadStartLine);
  }
  if (stop + 1 == end) return LineStatus::kPartial;
  if (stop[1] != '\n') return Bad(line, CodecError::kBareCarriageReturn);
  line.reason = absl::string_view(phrase, static_cast<size_t>(stop - phrase));
  line.next = stop + 2;
  return LineStatus::kField;
}

}  // namespace

LineStatus ReadStatusLine(char* p, char* end, StatusLine& line) {
  constexpr char kUsual[] = "HTTP/1.1 200 OK\r\n";
  if (end - p >= static_cast<ptrdiff_t>(sizeof(kUsual) - 1) && Matches(p, kUsual)) {
    line.version = Version::kHttp11;
    line.status = 200;
    line.reason = absl::string_view(p + 13, 2);
    line.next = p + sizeof(kUsual) - 1;
    return LineStatus::kField;
  }
  if (end - p < kMinStatusLineBytes) return Bad(line, CodecError::kBadStartLine);
  const LineStatus status = ReadLongStatusLine(p, end, line);
  // A line that ends too soon was compared with what follows it: judge it by itself.
  if (status == LineStatus::kBad && std::memchr(p, '\n', kMinStatusLineBytes - 1) != nullptr) {
    line.error = CodecError::kBadStartLine;
  }
  return status;
}

}  // namespace proxenos::http1
