// TimeFormat: a time pattern of %START_TIME(...)%, compiled once: strftime's conversions, and the
// fractions that Envoy adds (%3f, %6f, %9f, %f, %E3S, %E6S …).
//
// Thread: any (immutable after construction; its cache is per thread).
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "source/base/clock.h"

namespace proxenos::access_log {

class TimeFormat {
 public:
  // Longer patterns are refused: they are mistakes.
  static constexpr size_t kMaxPatternBytes = 128;

  // An empty pattern means ISO 8601 with milliseconds. Times are in UTC, or in the zone of the
  // process when `local`.
  static absl::StatusOr<TimeFormat> Compile(absl::string_view pattern, bool local);

  // Writes `time` to `out`, which has room for `size` bytes; what does not fit is left out.
  size_t Format(base::WallTime time, char* out, size_t size) const;

 private:
  struct Piece {
    enum Kind { kStrftime, kFraction, kSecondsWithFraction, kEpochSeconds, kZoneName };
    Kind kind;
    int digits = 0;    // Of the fraction.
    std::string text;  // Of kStrftime.
  };

  TimeFormat() = default;
  absl::Status Parse(absl::string_view pattern);
  size_t FormatPiece(const Piece& piece, const struct tm& when, base::WallTime time, char* out,
                     size_t size) const;

  bool iso_ = false;
  bool local_ = false;
  std::vector<Piece> pieces_;
};

}  // namespace proxenos::access_log
