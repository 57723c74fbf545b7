// Compiling time patterns and writing times.
#include "source/access_log/time_format.h"

#include <algorithm>
#include <cstring>
#include <ctime>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace proxenos::access_log {
namespace {

constexpr int64_t kMicrosPerSecond = 1000000;

int64_t SecondsOf(base::WallTime time) {
  const int64_t seconds = time / kMicrosPerSecond;
  return time % kMicrosPerSecond < 0 ? seconds - 1 : seconds;
}

// The first `digits` digits (1 to 9) of the fraction of a second.
size_t WriteFraction(base::WallTime time, int digits, char* out, size_t size) {
  int64_t nanos = (time - SecondsOf(time) * kMicrosPerSecond) * 1000;
  char text[9];
  for (int i = 8; i >= 0; --i, nanos /= 10) text[i] = static_cast<char>('0' + nanos % 10);
  const size_t length = std::min<size_t>(size, static_cast<size_t>(digits));
  std::memcpy(out, text, length);
  return length;
}

// "2026-11-22T04:11:41.173Z". The part before the dot changes once a second, so it is kept.
size_t WriteIso(base::WallTime time, char* out, size_t size) {
  constexpr size_t kSecondsSize = 20;  // With the dot.
  if (size < kSecondsSize + 4) return 0;
  struct Cache {
    int64_t second = INT64_MIN;
    char text[kSecondsSize + 1];
  };
  thread_local Cache cache;
  const int64_t second = SecondsOf(time);
  if (cache.second != second) {
    const time_t when = second;
    struct tm parts;
    gmtime_r(&when, &parts);
    if (std::strftime(cache.text, sizeof(cache.text), "%Y-%m-%dT%H:%M:%S.", &parts) == 0) return 0;
    cache.second = second;
  }
  std::memcpy(out, cache.text, kSecondsSize);
  WriteFraction(time, 3, out + kSecondsSize, 3);
  out[kSecondsSize + 3] = 'Z';
  return kSecondsSize + 4;
}

}  // namespace

absl::StatusOr<TimeFormat> TimeFormat::Compile(absl::string_view pattern, bool local) {
  TimeFormat format;
  format.local_ = local;
  if (pattern.empty() && !local) {
    format.iso_ = true;
    return format;
  }
  if (pattern.empty()) pattern = "%Y-%m-%dT%H:%M:%E3S%z";
  if (pattern.size() > kMaxPatternBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("time pattern longer than ", kMaxPatternBytes, " bytes"));
  }
  absl::Status status = format.Parse(pattern);
  if (!status.ok()) return status;
  return format;
}

absl::Status TimeFormat::Parse(absl::string_view pattern) {
  std::string plain;  // Collects what strftime will handle.
  const auto add = [&](Piece::Kind kind, int digits) {
    if (!plain.empty()) pieces_.push_back({Piece::kStrftime, 0, std::move(plain)});
    plain.clear();
    pieces_.push_back({kind, digits, {}});
  };
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(pattern[i]))) {
      return absl::InvalidArgumentError("time pattern with a control character");
    }
    if (pattern[i] != '%') {
      plain += pattern[i];
      continue;
    }
    const absl::string_view rest = pattern.substr(i + 1);
    if (rest.empty()) return absl::InvalidArgumentError("time pattern ends in a lone '%'");
    const bool digit = rest[0] >= '1' && rest[0] <= '9';
    if (rest[0] == 'f') {
      add(Piece::kFraction, 9);
      i += 1;
    } else if (digit && rest.size() > 1 && rest[1] == 'f') {
      add(Piece::kFraction, rest[0] - '0');
      i += 2;
    } else if (rest.size() > 2 && rest[0] == 'E' && rest[1] >= '1' && rest[1] <= '9' &&
               rest[2] == 'S') {
      add(Piece::kSecondsWithFraction, rest[1] - '0');
      i += 3;
    } else if (rest[0] == 's') {
      add(Piece::kEpochSeconds, 0);
      i += 1;
    } else if (rest[0] == 'Z') {
      add(Piece::kZoneName, 0);
      i += 1;
    } else if (rest[0] == 'n' || rest[0] == 't') {
      // A header value or a log line may hold neither.
      return absl::InvalidArgumentError(absl::StrCat("time pattern with %", rest.substr(0, 1)));
    } else if (absl::ascii_isalpha(static_cast<unsigned char>(rest[0])) || rest[0] == '%') {
      plain.append(pattern.data() + i, 2);
      i += 1;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("time pattern with an unknown conversion at '%", rest.substr(0, 2), "'"));
    }
  }
  if (!plain.empty()) pieces_.push_back({Piece::kStrftime, 0, std::move(plain)});
  return absl::OkStatus();
}

size_t TimeFormat::FormatPiece(const Piece& piece, const struct tm& when, base::WallTime time,
                               char* out, size_t size) const {
  switch (piece.kind) {
    case Piece::kStrftime:
      return std::strftime(out, size, piece.text.c_str(), &when);
    case Piece::kFraction:
      return WriteFraction(time, piece.digits, out, size);
    case Piece::kSecondsWithFraction: {
      size_t used = std::strftime(out, size, "%S.", &when);
      return used + WriteFraction(time, piece.digits, out + used, size - used);
    }
    case Piece::kEpochSeconds: {
      const std::string seconds =
          absl::StrCat(SecondsOf(time));  // Short: in place, not on the heap.
      const size_t length = std::min(size, seconds.size());
      std::memcpy(out, seconds.data(), length);
      return length;
    }
    case Piece::kZoneName: {
      const char* name = local_ ? when.tm_zone : "UTC";
      const size_t length = std::min(size, std::strlen(name));
      std::memcpy(out, name, length);
      return length;
    }
  }
  return 0;
}

size_t TimeFormat::Format(base::WallTime time, char* out, size_t size) const {
  if (iso_) return WriteIso(time, out, size);
  const time_t seconds = SecondsOf(time);
  struct tm when;
  if (local_) {
    localtime_r(&seconds, &when);
  } else {
    gmtime_r(&seconds, &when);
  }
  size_t used = 0;
  for (const Piece& piece : pieces_) {
    used += FormatPiece(piece, when, time, out + used, size - used);
  }
  return used;
}

}  // namespace proxenos::access_log
