// Writing of JSON, as little of it as events need.
#include "source/health/event_line.h"

#include <ctime>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "source/json/quoted.h"

namespace proxenos::health {
void EventLine::Name(absl::string_view name) {
  if (line_.back() != '{') line_.push_back(',');
  absl::StrAppend(&line_, "\"", name, "\":");
}

EventLine& EventLine::Text(absl::string_view name, absl::string_view value) {
  Name(name);
  json::AppendQuoted(value, line_);
  return *this;
}

EventLine& EventLine::Number(absl::string_view name, uint64_t value) {
  Name(name);
  absl::StrAppend(&line_, value);
  return *this;
}

EventLine& EventLine::Flag(absl::string_view name, bool value) {
  Name(name);
  absl::StrAppend(&line_, value ? "true" : "false");
  return *this;
}

EventLine& EventLine::Time(absl::string_view name, base::WallTime value) {
  constexpr base::WallTime kPerSecond = 1'000'000;
  const time_t seconds = static_cast<time_t>(value / kPerSecond);
  const int milliseconds = static_cast<int>(value % kPerSecond / 1000);
  struct tm when;
  gmtime_r(&seconds, &when);
  return Text(name, absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", when.tm_year + 1900,
                                    when.tm_mon + 1, when.tm_mday, when.tm_hour, when.tm_min,
                                    when.tm_sec, milliseconds));
}

EventLine& EventLine::Address(absl::string_view name, const net::Address& value) {
  Open(name);
  if (value.is_ip()) {
    Open("socket_address").Text("protocol", "TCP").Text("address", value.IpString());
    Number("port_value", value.port()).Close();
  } else {
    Open("pipe").Text("path", value.ToString()).Number("mode", 0).Close();
  }
  return Close();
}

EventLine& EventLine::Open(absl::string_view name) {
  Name(name);
  line_.push_back('{');
  return *this;
}

EventLine& EventLine::Close() {
  line_.push_back('}');
  return *this;
}

std::string EventLine::Finish() {
  absl::StrAppend(&line_, "}\n");
  return std::move(line_);
}

}  // namespace proxenos::health
