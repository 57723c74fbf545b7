// Formatting of HTTP dates, whatever the locale.
#include "source/downstream/date.h"

#include <cstring>
#include <ctime>

#include "absl/strings/str_format.h"

namespace proxenos::downstream {

void DateCache::Make(int64_t second) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const time_t time = second;
  tm utc;
  gmtime_r(&time, &utc);
  absl::SNPrintF(text_, sizeof(text_), "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[utc.tm_wday],
                 utc.tm_mday, kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min,
                 utc.tm_sec);
  second_ = second;
}

}  // namespace proxenos::downstream
