// google.protobuf.Duration to nanoseconds.
#pragma once

#include "google/protobuf/duration.pb.h"
#include "source/base/clock.h"
#include "source/config/errors.h"

namespace proxenos::upstream {

// What does not fit (some 292 years) is cut to the longest that does. A negative duration is an
// error and counts as zero.
inline base::Nanos CompileDuration(const google::protobuf::Duration& proto, config::Errors& errors,
                                   const config::Path& path) {
  constexpr int64_t kLongestSeconds = int64_t{100} * 365 * 24 * 3600;
  if (proto.seconds() < 0 || proto.nanos() < 0) {
    errors.Add(path, "expected a duration that is not negative");
    return 0;
  }
  if (proto.seconds() > kLongestSeconds) return kLongestSeconds * base::kSecond;
  return proto.seconds() * base::kSecond + proto.nanos();
}

}  // namespace proxenos::upstream
