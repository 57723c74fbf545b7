// Reading of the fields.
#include "source/route/rate_limited_back_off.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace proxenos::route {
namespace {

constexpr uint64_t kCenturyS = uint64_t{100} * 365 * 86400;
constexpr base::WallTime kMicros = 1000000;

std::optional<base::Nanos> Wait(absl::string_view text, bool unix_timestamp, base::WallTime now) {
  uint64_t seconds;
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &seconds)) return std::nullopt;
  if (unix_timestamp) {
    const auto present = static_cast<uint64_t>(now / kMicros);
    if (seconds <= present) return std::nullopt;
    seconds -= present;
  }
  if (seconds > kCenturyS) return std::nullopt;
  return static_cast<base::Nanos>(seconds) * base::kSecond;
}

}  // namespace

std::optional<base::Nanos> RateLimitedBackOff::WaitOf(const http::ResponseHead& head,
                                                      base::WallTime now) const {
  for (const Field& field : fields) {
    const http::Header* found = head.headers.Find(field.name);
    if (found == nullptr) continue;
    const std::optional<base::Nanos> wait = Wait(found->value(), field.unix_timestamp, now);
    if (wait.has_value() && *wait <= most) return wait;
  }
  return std::nullopt;
}

}  // namespace proxenos::route
