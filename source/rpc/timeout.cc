// TimeoutValue and TimeoutUnit of PROTOCOL-HTTP2.md.
#include "source/rpc/timeout.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace proxenos::rpc {
namespace {

constexpr size_t kMaxDigits = 8;
constexpr int64_t kMaxValue = 99'999'999;

struct Unit {
  char name;
  base::Nanos length;
};
constexpr Unit kUnits[] = {
    {'n', 1},
    {'u', 1000},
    {'m', base::kMillisecond},
    {'S', base::kSecond},
    {'M', 60 * base::kSecond},
    {'H', 3600 * base::kSecond},
};
// 99999999 hours are more than an int64 of nanoseconds holds; who asks for that sets no limit.
constexpr base::Nanos kCentury = base::Nanos{100} * 365 * 86400 * base::kSecond;

}  // namespace

std::optional<base::Nanos> ParseTimeout(absl::string_view text) {
  if (text.size() < 2 || text.size() > kMaxDigits + 1) return std::nullopt;
  int64_t value = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  for (const Unit& unit : kUnits) {
    if (unit.name != text.back()) continue;
    return value > kCentury / unit.length ? kCentury : value * unit.length;
  }
  return std::nullopt;
}

std::string FormatTimeout(base::Nanos timeout) {
  // A millisecond is as fine as timers are; a timeout of less than that is still one.
  if (timeout > 0) timeout = std::max(timeout, base::kMillisecond);
  for (const Unit& unit : kUnits) {
    if (unit.length < base::kMillisecond) continue;
    const int64_t value = timeout / unit.length;
    if (value <= kMaxValue) return absl::StrCat(value, absl::string_view(&unit.name, 1));
  }
  return absl::StrCat(kMaxValue, "H");
}

}  // namespace proxenos::rpc
