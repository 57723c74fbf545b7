// Reading and filling of patterns.
#include "source/base/log_pattern.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace proxenos::base {
namespace {

// As spdlog has it; more digits would be a way to fill a disk.
constexpr size_t kMaxWidth = 64;

constexpr absl::string_view kLetters = "aAbBcCYDxmdHIMSeFEfprRTXztPlLnv_jgs@#%^$";

constexpr std::array<absl::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};
constexpr std::array<absl::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

enum class Align : uint8_t { kNone, kRight, kLeft, kMiddle };

struct Flag {
  Align align = Align::kNone;
  bool cut = false;
  size_t width = 0;
  char letter = 0;  // 0: the pattern ends before it.
  size_t end = 0;   // Of the pattern, behind the letter.
};

// `at` is behind the %.
Flag ReadFlag(absl::string_view pattern, size_t at) {
  Flag flag;
  size_t i = at;
  if (i < pattern.size() && (pattern[i] == '-' || pattern[i] == '=')) {
    flag.align = pattern[i] == '-' ? Align::kLeft : Align::kMiddle;
    ++i;
  }
  const size_t digits = i;
  for (; i < pattern.size() && absl::ascii_isdigit(pattern[i]); ++i) {
    flag.width = std::min(flag.width * 10 + static_cast<size_t>(pattern[i] - '0'), kMaxWidth);
  }
  if (i == digits && flag.align != Align::kNone) return flag;  // A side without a width.
  if (i > digits && flag.align == Align::kNone) flag.align = Align::kRight;
  if (i > digits && i < pattern.size() && pattern[i] == '!') {
    flag.cut = true;
    ++i;
  }
  if (i < pattern.size()) flag.letter = pattern[i++];
  flag.end = i;
  return flag;
}

void AppendJsonEscaped(absl::string_view text, std::string& out) {
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
}

// Line breaks inside a message would let a peer forge log lines.
void AppendOneLine(absl::string_view text, std::string& out) {
  for (char c : text) {
    if (c == '\n') {
      out.append("\\n");
    } else {
      out.push_back(c);
    }
  }
}

absl::string_view Day(const tm& utc) { return kDays[static_cast<size_t>(utc.tm_wday)]; }
absl::string_view Month(const tm& utc) { return kMonths[static_cast<size_t>(utc.tm_mon)]; }
int HourOfTwelve(const tm& utc) { return utc.tm_hour % 12 == 0 ? 12 : utc.tm_hour % 12; }
absl::string_view HalfOfDay(const tm& utc) { return utc.tm_hour >= 12 ? "PM" : "AM"; }

// Flags that are one number of at least so many digits.
struct Number {
  int64_t value;
  int digits;
};

Number NumberOf(char letter, const LogLine& line) {
  const tm& utc = line.utc;
  const int64_t nanos = line.now.tv_nsec;
  switch (letter) {
    case 'Y':
      return {utc.tm_year + 1900, 4};
    case 'C':
      return {utc.tm_year % 100, 2};
    case 'm':
      return {utc.tm_mon + 1, 2};
    case 'd':
      return {utc.tm_mday, 2};
    case 'H':
      return {utc.tm_hour, 2};
    case 'I':
      return {HourOfTwelve(utc), 2};
    case 'M':
      return {utc.tm_min, 2};
    case 'S':
      return {utc.tm_sec, 2};
    case 'e':
      return {nanos / 1000000, 3};
    case 'f':
      return {nanos / 1000, 6};
    case 'F':
      return {nanos, 9};
    case 'E':
      return {line.now.tv_sec, 1};
    case 't':
      return {static_cast<int64_t>(syscall(SYS_gettid)), 1};
    case 'P':
      return {getpid(), 1};
    case '#':
      return {line.line, 1};
    default:
      return {0, 0};
  }
}

// Flags that are several of the others.
absl::string_view Written(char letter) {
  switch (letter) {
    case 'c':
      return "%a %b %d %T %Y";
    case 'D':
    case 'x':
      return "%m/%d/%C";
    case 'R':
      return "%H:%M";
    case 'T':
    case 'X':
      return "%H:%M:%S";
    case 'r':
      return "%I:%M:%S %p";
    case '@':
      return "%g:%#";
    default:
      return "";
  }
}

void AppendText(char letter, const LogLine& line, std::string& out) {
  switch (letter) {
    case 'a':
      return absl::StrAppend(&out, Day(line.utc).substr(0, 3));
    case 'A':
      return absl::StrAppend(&out, Day(line.utc));
    case 'b':
      return absl::StrAppend(&out, Month(line.utc).substr(0, 3));
    case 'B':
      return absl::StrAppend(&out, Month(line.utc));
    case 'p':
      return absl::StrAppend(&out, HalfOfDay(line.utc));
    case 'z':
      return absl::StrAppend(&out, "+00:00");
    case 'l':
      return absl::StrAppend(&out, line.level);
    case 'L':
      return out.push_back(absl::ascii_toupper(line.level[0]));
    case 'n':
      return absl::StrAppend(&out, line.component);
    case 'v':
      return absl::StrAppend(&out, line.message);
    case '_':
      return AppendOneLine(line.message, out);
    case 'j':
      return AppendJsonEscaped(line.message, out);
    case 'g':
      return absl::StrAppend(&out, line.file);
    case 's':
      return absl::StrAppend(&out, line.file.substr(line.file.rfind('/') + 1));
    case '%':
      return out.push_back('%');
    default:
      return;  // ^ and $ say where colours begin and end on terminals.
  }
}

void AppendFlag(char letter, const LogLine& line, std::string& out) {
  const Number number = NumberOf(letter, line);
  if (number.digits > 0) {
    absl::StrAppendFormat(&out, "%0*d", number.digits, number.value);
    return;
  }
  const absl::string_view written = Written(letter);
  for (size_t i = 0; i < written.size(); ++i) {
    if (written[i] == '%') {
      AppendFlag(written[++i], line, out);  // What is written holds only flags of one part.
    } else {
      out.push_back(written[i]);
    }
  }
  if (written.empty()) AppendText(letter, line, out);
}

// Pads what `out` has from `start` on.
void Fit(const Flag& flag, size_t start, std::string& out) {
  const size_t size = out.size() - start;
  if (flag.cut && size > flag.width) out.resize(start + flag.width);
  if (flag.align == Align::kNone || size >= flag.width) return;
  const size_t missing = flag.width - size;
  const size_t before = flag.align == Align::kRight    ? missing
                        : flag.align == Align::kMiddle ? missing / 2
                                                       : 0;
  out.insert(start, before, ' ');
  out.append(missing - before, ' ');
}

}  // namespace

absl::Status CheckLogPattern(absl::string_view pattern) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    const Flag flag = ReadFlag(pattern, i + 1);
    if (flag.letter == 0 || !absl::StrContains(kLetters, flag.letter)) {
      return absl::InvalidArgumentError(
          absl::StrCat("log format '", pattern, "': unknown flag at position ", i + 1));
    }
    i = flag.end - 1;
  }
  return absl::OkStatus();
}

std::string RenderLogLine(absl::string_view pattern, const LogLine& line) {
  std::string out;
  out.reserve(pattern.size() + line.message.size() + 64);
  for (size_t i = 0; i < pattern.size();) {
    if (pattern[i] != '%') {
      out.push_back(pattern[i++]);
      continue;
    }
    const Flag flag = ReadFlag(pattern, i + 1);
    const size_t start = out.size();
    AppendFlag(flag.letter, line, out);
    Fit(flag, start, out);
    i = flag.end;
  }
  out.push_back('\n');
  return out;
}

}  // namespace proxenos::base
