// Reading and writing of dates.
#include "source/http/date.h"

#include <cstring>
#include <ctime>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "source/http/chars.h"

namespace proxenos::http {
namespace {

constexpr absl::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
constexpr absl::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Takes what it reads from the front; once something was not there, `ok` stays false.
struct Reader {
  absl::string_view rest;
  bool ok = true;

  void Expect(absl::string_view literal) {
    if (ok && absl::StartsWithIgnoreCase(rest, literal)) {
      rest.remove_prefix(literal.size());
    } else {
      ok = false;
    }
  }
  int Digits(size_t count) {
    int value = 0;
    if (rest.size() < count) ok = false;
    for (size_t i = 0; ok && i < count; ++i) {
      if (!IsDigit(rest[i])) ok = false;
      value = value * 10 + (rest[i] - '0');
    }
    if (ok) rest.remove_prefix(count);
    return value;
  }
  void Day(bool whole) {
    for (const absl::string_view day : kDays) {
      const absl::string_view name = whole ? day : day.substr(0, 3);
      if (absl::StartsWithIgnoreCase(rest, name)) return Expect(name);
    }
    ok = false;
  }
  int Month() {
    for (int i = 0; i < 12; ++i) {
      if (!absl::StartsWithIgnoreCase(rest, kMonths[i])) continue;
      rest.remove_prefix(3);
      return i + 1;
    }
    ok = false;
    return 1;
  }
};

struct Civil {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
};

void ReadTime(Reader& in, Civil& time) {
  time.hour = in.Digits(2);
  in.Expect(":");
  time.minute = in.Digits(2);
  in.Expect(":");
  time.second = in.Digits(2);
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
bool ReadFixdate(Reader in, Civil& time) {
  in.Day(/*whole=*/false);
  in.Expect(", ");
  time.day = in.Digits(2);
  in.Expect(" ");
  time.month = in.Month();
  in.Expect(" ");
  time.year = in.Digits(4);
  in.Expect(" ");
  ReadTime(in, time);
  in.Expect(" GMT");
  return in.ok && in.rest.empty();
}

// "Sunday, 06-Nov-94 08:49:37 GMT"; the year is of this century, until it is told which.
bool ReadRfc850(Reader in, Civil& time) {
  in.Day(/*whole=*/true);
  in.Expect(", ");
  time.day = in.Digits(2);
  in.Expect("-");
  time.month = in.Month();
  in.Expect("-");
  time.year = in.Digits(2);
  in.Expect(" ");
  ReadTime(in, time);
  in.Expect(" GMT");
  return in.ok && in.rest.empty();
}

// "Sun Nov  6 08:49:37 1994"
bool ReadAsctime(Reader in, Civil& time) {
  in.Day(/*whole=*/false);
  in.Expect(" ");
  time.month = in.Month();
  in.Expect(" ");
  if (!in.rest.empty() && in.rest[0] == ' ') {
    in.Expect(" ");
    time.day = in.Digits(1);
  } else {
    time.day = in.Digits(2);
  }
  in.Expect(" ");
  ReadTime(in, time);
  in.Expect(" ");
  time.year = in.Digits(4);
  return in.ok && in.rest.empty();
}

int DaysOf(int year, int month) {
  static constexpr int kDaysOf[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return kDaysOf[month - 1] + (month == 2 && leap ? 1 : 0);
}

// Days since the epoch of a date of the Gregorian calendar.
int64_t DaysSinceEpoch(int year, int month, int day) {
  // Years begin with March, so that the leap day is the last of a year.
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t m = month <= 2 ? month + 9 : month - 3;
  return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

std::optional<int64_t> SecondsOf(const Civil& time) {
  if (time.day < 1 || time.day > DaysOf(time.year, time.month) || time.hour > 23 ||
      time.minute > 59 || time.second > 60) {
    return std::nullopt;
  }
  return DaysSinceEpoch(time.year, time.month, time.day) * 86400 + time.hour * 3600 +
         time.minute * 60 + time.second;
}

}  // namespace

void FormatDate(int64_t seconds, char* out) {
  const time_t time = seconds;
  tm utc;
  gmtime_r(&time, &utc);
  char text[kDateSize + 16];
  absl::SNPrintF(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                 kDays[utc.tm_wday].substr(0, 3), utc.tm_mday, kMonths[utc.tm_mon],
                 utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  std::memcpy(out, text, kDateSize);
}

std::optional<int64_t> ParseDate(absl::string_view text, int64_t now) {
  Civil time;
  if (ReadFixdate(Reader{text}, time) || ReadAsctime(Reader{text}, time)) return SecondsOf(time);
  if (!ReadRfc850(Reader{text}, time)) return std::nullopt;
  const time_t present = now;
  tm utc;
  gmtime_r(&present, &utc);
  const int this_year = utc.tm_year + 1900;
  time.year += this_year - this_year % 100;
  // What seems to be more than 50 years ahead is the most recent past year with those digits.
  if (time.year > this_year + 50) time.year -= 100;
  return SecondsOf(time);
}

}  // namespace proxenos::http
