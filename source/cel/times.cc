// Parts of timestamps and durations, and time zones.
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/time/civil_time.h"
#include "source/cel/function.h"

namespace proxenos::cel {
namespace {

// Of a duration the whole of it, in that unit.
Value PartOfDuration(absl::Duration duration, TimePart part) {
  switch (part) {
    case TimePart::kHours:
      return Value::Int(absl::ToInt64Hours(duration));
    case TimePart::kMinutes:
      return Value::Int(absl::ToInt64Minutes(duration));
    case TimePart::kSeconds:
      return Value::Int(absl::ToInt64Seconds(duration));
    case TimePart::kMilliseconds:
      // The part of a second, as of timestamps.
      return Value::Int(absl::ToInt64Milliseconds(duration) % 1000);
    default:
      return Value::Error(kNoSuchOverload);
  }
}

}  // namespace

std::optional<TimePart> FindTimePart(absl::string_view function) {
  static constexpr std::pair<absl::string_view, TimePart> kParts[] = {
      {"getFullYear", TimePart::kYear},       {"getMonth", TimePart::kMonth},
      {"getDate", TimePart::kDate},           {"getDayOfMonth", TimePart::kDayOfMonth},
      {"getDayOfWeek", TimePart::kDayOfWeek}, {"getDayOfYear", TimePart::kDayOfYear},
      {"getHours", TimePart::kHours},         {"getMinutes", TimePart::kMinutes},
      {"getSeconds", TimePart::kSeconds},     {"getMilliseconds", TimePart::kMilliseconds},
  };
  for (const auto& [name, part] : kParts) {
    if (name == function) return part;
  }
  return std::nullopt;
}

Value PartOf(const Value& value, TimePart part, const absl::TimeZone& zone) {
  if (value.kind == Value::Kind::kDuration) return PartOfDuration(value.duration(), part);
  if (value.kind != Value::Kind::kTimestamp) return Value::Error(kNoSuchOverload);
  const absl::TimeZone::CivilInfo info = zone.At(value.timestamp());
  const absl::CivilSecond civil = info.cs;
  switch (part) {
    case TimePart::kYear:
      return Value::Int(civil.year());
    case TimePart::kMonth:
      return Value::Int(civil.month() - 1);
    case TimePart::kDate:
      return Value::Int(civil.day());
    case TimePart::kDayOfMonth:
      return Value::Int(civil.day() - 1);
    case TimePart::kDayOfWeek:  // absl's week begins on Monday, the language's on Sunday.
      return Value::Int((static_cast<int>(absl::GetWeekday(civil)) + 1) % 7);
    case TimePart::kDayOfYear:
      return Value::Int(absl::GetYearDay(absl::CivilDay(civil)) - 1);
    case TimePart::kHours:
      return Value::Int(civil.hour());
    case TimePart::kMinutes:
      return Value::Int(civil.minute());
    case TimePart::kSeconds:
      return Value::Int(civil.second());
    case TimePart::kMilliseconds:
      return Value::Int(absl::ToInt64Milliseconds(info.subsecond));
  }
  return Value::Error(kNoSuchOverload);
}

std::optional<absl::TimeZone> FindZone(absl::string_view name) {
  absl::TimeZone zone;
  if (!name.empty() && absl::LoadTimeZone(name, &zone)) return zone;
  const bool negative = !name.empty() && name[0] == '-';
  if (negative || (!name.empty() && name[0] == '+')) name.remove_prefix(1);
  int hours;
  int minutes;
  if (name.size() != 5 || name[2] != ':' || !absl::SimpleAtoi(name.substr(0, 2), &hours) ||
      !absl::SimpleAtoi(name.substr(3), &minutes) || hours < 0 || hours > 23 || minutes < 0 ||
      minutes > 59) {
    return std::nullopt;
  }
  const int offset = hours * 3600 + minutes * 60;
  return absl::FixedTimeZone(negative ? -offset : offset);
}

}  // namespace proxenos::cel
