// The pattern of process log lines (--log-format): spdlog's flags, as Envoy documents them.
//
// A flag is % and a letter, with a width before it where it is to be padded: %8l to the right,
// %-8l to the left, %=8l in the middle, and %-8!l cut to that width too. Times are of UTC.
#pragma once

#include <ctime>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace proxenos::base {

// What one line is made of. Views are good during the call.
struct LogLine {
  absl::string_view component;
  absl::string_view level;
  absl::string_view file;
  int line = 0;
  absl::string_view message;
  timespec now = {};
  tm utc = {};
};

// Error: a flag that there is not. %! is none: which function speaks is not kept.
absl::Status CheckLogPattern(absl::string_view pattern);

// REQUIRES: CheckLogPattern has found nothing. Ends with a line break.
std::string RenderLogLine(absl::string_view pattern, const LogLine& line);

}  // namespace proxenos::base
