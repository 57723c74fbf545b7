// Printing, kind by kind.
#include "source/cel/print.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "source/cel/function.h"

namespace proxenos::cel {

std::string Print(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull:
      return "NULL";
    case Value::Kind::kString:
    case Value::Kind::kBytes:
      return std::string(value.text());
    case Value::Kind::kDouble:
      return absl::StrCat(value.real);
    case Value::Kind::kDuration:
      return absl::FormatDuration(value.duration());
    case Value::Kind::kTimestamp:
      return absl::FormatTime(value.timestamp(), absl::UTCTimeZone());
    case Value::Kind::kList:
    case Value::Kind::kJsonList:
      return "CelList value";
    case Value::Kind::kMap:
    case Value::Kind::kJsonMap:
      return "CelMap value";
    default:
      return ToText(value).value_or("");
  }
}

}  // namespace proxenos::cel
