// The rules of validate.proto, one function for each kind of value.
#include "source/config/constraint_rules.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "absl/strings/str_format.h"
#include "source/config/concat.h"
#include "source/config/string_formats.h"

namespace proxenos::config {
namespace {

using google::protobuf::Duration;
using google::protobuf::Timestamp;

// How a rule's value is written in an expectation.
std::string Show(double value) { return absl::StrFormat("%g", value); }
std::string Show(int64_t value) { return std::to_string(value); }
std::string Show(uint64_t value) { return std::to_string(value); }
std::string Show(int32_t value) { return std::to_string(value); }
std::string Show(uint32_t value) { return std::to_string(value); }
std::string Show(float value) { return Show(static_cast<double>(value)); }
std::string Show(const std::string& value) { return Concat("\"", value, "\""); }

template <typename Time>
std::string ShowTime(const Time& time, std::string_view unit) {
  std::string text = std::to_string(time.seconds());
  if (time.nanos() != 0) {
    std::string fraction = absl::StrFormat("%09d", std::abs(time.nanos()));
    fraction.erase(fraction.find_last_not_of('0') + 1);
    const std::string_view sign = time.seconds() == 0 && time.nanos() < 0 ? "-" : "";
    text = Concat(sign, text, ".", fraction);
  }
  return Concat(text, unit);
}
std::string Show(const Duration& value) { return ShowTime(value, "s"); }
std::string Show(const Timestamp& value) { return ShowTime(value, "s since 1970"); }

template <typename T>
bool Less(const T& a, const T& b) {
  return a < b;
}
bool Less(const Duration& a, const Duration& b) {
  return a.seconds() != b.seconds() ? a.seconds() < b.seconds() : a.nanos() < b.nanos();
}
bool Less(const Timestamp& a, const Timestamp& b) {
  return a.seconds() != b.seconds() ? a.seconds() < b.seconds() : a.nanos() < b.nanos();
}

bool Same(const Duration& a, const Duration& b) { return !Less(a, b) && !Less(b, a); }

template <typename T>
bool IsNumber(const T&) {
  return true;
}
bool IsNumber(double value) { return !std::isnan(value); }
bool IsNumber(float value) { return !std::isnan(value); }

// The bounds of lt, lte, gt and gte. A NaN is within no bound, as no comparison with it holds.
template <typename Rules, typename T>
std::string BrokenRange(const Rules& rules, const T& value) {
  const bool upper = rules.has_lt() || rules.has_lte();
  const bool lower = rules.has_gt() || rules.has_gte();
  if (!upper && !lower) return {};
  const T top = rules.has_lt() ? T(rules.lt()) : T(rules.lte());
  const T bottom = rules.has_gt() ? T(rules.gt()) : T(rules.gte());
  const bool below = Less(value, top) || (!rules.has_lt() && !Less(top, value) && IsNumber(value));
  const bool above =
      Less(bottom, value) || (!rules.has_gt() && !Less(value, bottom) && IsNumber(value));
  const std::string_view at_most = rules.has_lt() ? "less than " : "at most ";
  const std::string_view at_least = rules.has_gt() ? "more than " : "at least ";
  if (!lower) return below ? std::string() : Concat(at_most, Show(top));
  if (!upper) return above ? std::string() : Concat(at_least, Show(bottom));
  // With the lower bound above the upper one, what lies between them is what is excluded.
  if (Less(top, bottom)) {
    return below || above ? std::string()
                          : Concat(at_most, Show(top), " or ", at_least, Show(bottom));
  }
  return below && above ? std::string()
                        : Concat(at_least, Show(bottom), " and ", at_most, Show(top));
}

template <typename List>
std::string JoinValues(const List& list) {
  constexpr int kMaxShown = 20;
  std::string text;
  for (int i = 0; i < std::min(list.size(), kMaxShown); ++i) {
    Append(text, i == 0 ? "" : ", ", Show(list.Get(i)));
  }
  if (list.size() > kMaxShown) text += ", ...";
  return text;
}

template <typename List, typename T>
bool Holds(const List& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

template <typename Rules, typename T>
std::string BrokenList(const Rules& rules, const T& value) {
  if (rules.in_size() > 0 && !Holds(rules.in(), value)) {
    return Concat("one of ", JoinValues(rules.in()));
  }
  if (rules.not_in_size() > 0 && Holds(rules.not_in(), value)) {
    return Concat("none of ", JoinValues(rules.not_in()));
  }
  return {};
}

template <typename Rules, typename T>
std::string BrokenNumber(const Rules& rules, T value) {
  if (rules.ignore_empty() && value == 0) return {};
  if (rules.has_const_() && value != rules.const_()) return Show(rules.const_());
  std::string range = BrokenRange(rules, value);
  return range.empty() ? BrokenList(rules, value) : range;
}

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}
bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}
bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string Amount(std::string_view relation, uint64_t count, std::string_view unit) {
  return Concat(relation, count, " ", unit, count == 1 ? "" : "s");
}

std::string BrokenLength(const validate::StringRules& rules, std::string_view value) {
  const bool by_characters = rules.has_len() || rules.has_min_len() || rules.has_max_len();
  const size_t characters = by_characters ? CountCodePoints(value) : 0;
  const size_t bytes = value.size();
  if (rules.has_len() && characters != rules.len()) return Amount("", rules.len(), "character");
  if (rules.has_min_len() && characters < rules.min_len()) {
    return Amount("at least ", rules.min_len(), "character");
  }
  if (rules.has_max_len() && characters > rules.max_len()) {
    return Amount("at most ", rules.max_len(), "character");
  }
  if (rules.has_len_bytes() && bytes != rules.len_bytes()) {
    return Amount("", rules.len_bytes(), "byte");
  }
  if (rules.has_min_bytes() && bytes < rules.min_bytes()) {
    return Amount("at least ", rules.min_bytes(), "byte");
  }
  if (rules.has_max_bytes() && bytes > rules.max_bytes()) {
    return Amount("at most ", rules.max_bytes(), "byte");
  }
  return {};
}

std::string BrokenLength(const validate::BytesRules& rules, std::string_view value) {
  if (rules.has_len() && value.size() != rules.len()) return Amount("", rules.len(), "byte");
  if (rules.has_min_len() && value.size() < rules.min_len()) {
    return Amount("at least ", rules.min_len(), "byte");
  }
  if (rules.has_max_len() && value.size() > rules.max_len()) {
    return Amount("at most ", rules.max_len(), "byte");
  }
  return {};
}

std::string BrokenFormat(const validate::StringRules& rules, std::string_view value) {
  using Rules = validate::StringRules;
  const auto is_ip = [&value] { return IsIpv4(value) || IsIpv6(value); };
  switch (rules.well_known_case()) {
    case Rules::kEmail:
      return !rules.email() || IsEmail(value) ? "" : "an email address";
    case Rules::kHostname:
      return !rules.hostname() || IsHostname(value) ? "" : "a hostname";
    case Rules::kIp:
      return !rules.ip() || is_ip() ? "" : "an IP address";
    case Rules::kIpv4:
      return !rules.ipv4() || IsIpv4(value) ? "" : "an IPv4 address";
    case Rules::kIpv6:
      return !rules.ipv6() || IsIpv6(value) ? "" : "an IPv6 address";
    case Rules::kUri:
      return !rules.uri() || IsUri(value) ? "" : "an absolute URI";
    case Rules::kUriRef:
      return !rules.uri_ref() || IsUriReference(value) ? "" : "a URI";
    case Rules::kAddress:
      return !rules.address() || is_ip() || IsHostname(value) ? "" : "a hostname or an IP address";
    case Rules::kUuid:
      return !rules.uuid() || IsUuid(value) ? "" : "a UUID";
    case Rules::kWellKnownRegex:
      if (rules.well_known_regex() == validate::HTTP_HEADER_NAME) {
        return IsHeaderName(value, rules.strict()) ? "" : "an HTTP header name";
      }
      if (rules.well_known_regex() == validate::HTTP_HEADER_VALUE) {
        return IsHeaderValue(value, rules.strict()) ? "" : "an HTTP header value";
      }
      return {};
    case Rules::WELL_KNOWN_NOT_SET:
      return {};
  }
  return {};
}

// What string and bytes rules have in common.
template <typename Rules>
std::string BrokenContent(const Rules& rules, const re2::RE2* pattern, std::string_view value) {
  if (rules.has_const_() && value != rules.const_()) return Show(rules.const_());
  if (rules.has_prefix() && !StartsWith(value, rules.prefix())) {
    return Concat("to start with ", Show(rules.prefix()));
  }
  if (rules.has_suffix() && !EndsWith(value, rules.suffix())) {
    return Concat("to end with ", Show(rules.suffix()));
  }
  if (rules.has_contains() && !Contains(value, rules.contains())) {
    return Concat("to contain ", Show(rules.contains()));
  }
  if (pattern != nullptr && !re2::RE2::FullMatch({value.data(), value.size()}, *pattern)) {
    return Concat("to match the pattern ", rules.pattern());
  }
  return BrokenList(rules, value);
}

}  // namespace

std::string BrokenRule(const validate::FloatRules& rules, float value) {
  return BrokenNumber(rules, value);
}
std::string BrokenRule(const validate::DoubleRules& rules, double value) {
  return BrokenNumber(rules, value);
}
std::string BrokenRule(const validate::Int32Rules& rules, int32_t value) {
  return BrokenNumber(rules, value);
}
std::string BrokenRule(const validate::Int64Rules& rules, int64_t value) {
  return BrokenNumber(rules, value);
}
std::string BrokenRule(const validate::UInt32Rules& rules, uint32_t value) {
  return BrokenNumber(rules, value);
}
std::string BrokenRule(const validate::UInt64Rules& rules, uint64_t value) {
  return BrokenNumber(rules, value);
}
std::string BrokenRule(const validate::SInt32Rules& rules, int32_t value) {
  return BrokenNumber(rules, value);
}
std::string BrokenRule(const validate::SInt64Rules& rules, int64_t value) {
  return BrokenNumber(rules, value);
}
std::string BrokenRule(const validate::Fixed32Rules& rules, uint32_t value) {
  return BrokenNumber(rules, value);
}
std::string BrokenRule(const validate::Fixed64Rules& rules, uint64_t value) {
  return BrokenNumber(rules, value);
}
std::string BrokenRule(const validate::SFixed32Rules& rules, int32_t value) {
  return BrokenNumber(rules, value);
}
std::string BrokenRule(const validate::SFixed64Rules& rules, int64_t value) {
  return BrokenNumber(rules, value);
}

std::string BrokenRule(const validate::BoolRules& rules, bool value) {
  if (!rules.has_const_() || rules.const_() == value) return {};
  return rules.const_() ? "true" : "false";
}

std::string BrokenRule(const validate::StringRules& rules, const re2::RE2* pattern,
                       std::string_view value) {
  if (rules.ignore_empty() && value.empty()) return {};
  std::string broken = BrokenLength(rules, value);
  if (broken.empty()) broken = BrokenContent(rules, pattern, value);
  if (broken.empty() && rules.has_not_contains() && Contains(value, rules.not_contains())) {
    broken = Concat("not to contain ", Show(rules.not_contains()));
  }
  return broken.empty() ? BrokenFormat(rules, value) : broken;
}

std::string BrokenRule(const validate::BytesRules& rules, const re2::RE2* pattern,
                       std::string_view value) {
  constexpr size_t kIpv4Bytes = 4;
  constexpr size_t kIpv6Bytes = 16;
  if (rules.ignore_empty() && value.empty()) return {};
  const size_t size = value.size();
  std::string broken = BrokenLength(rules, value);
  if (broken.empty()) broken = BrokenContent(rules, pattern, value);
  if (!broken.empty()) return broken;
  if (rules.ip() && size != kIpv4Bytes && size != kIpv6Bytes) return "the bytes of an IP address";
  if (rules.ipv4() && size != kIpv4Bytes) return "the 4 bytes of an IPv4 address";
  if (rules.ipv6() && size != kIpv6Bytes) return "the 16 bytes of an IPv6 address";
  return {};
}

std::string BrokenRule(const validate::EnumRules& rules, int value, bool defined) {
  if (rules.has_const_() && value != rules.const_()) return Show(rules.const_());
  if (rules.defined_only() && !defined) return "a defined value of the enum";
  return BrokenList(rules, value);
}

std::string BrokenRule(const validate::AnyRules& rules, const google::protobuf::Any& value) {
  if (rules.in_size() > 0 && !Holds(rules.in(), value.type_url())) {
    return Concat("one of ", JoinValues(rules.in()));
  }
  if (Holds(rules.not_in(), value.type_url())) {
    return Concat("none of ", JoinValues(rules.not_in()));
  }
  return {};
}

std::string BrokenRule(const validate::DurationRules& rules, const Duration& value) {
  if (rules.has_const_() && !Same(value, rules.const_())) return Show(rules.const_());
  std::string range = BrokenRange(rules, value);
  if (!range.empty()) return range;
  const auto same = [&value](const Duration& other) { return Same(value, other); };
  if (rules.in_size() > 0 && std::none_of(rules.in().begin(), rules.in().end(), same)) {
    return Concat("one of ", JoinValues(rules.in()));
  }
  if (std::any_of(rules.not_in().begin(), rules.not_in().end(), same)) {
    return Concat("none of ", JoinValues(rules.not_in()));
  }
  return {};
}

std::string BrokenRule(const validate::TimestampRules& rules, const Timestamp& value,
                       base::WallTime now) {
  constexpr int64_t kMicros = 1'000'000;
  if (rules.has_const_() && (Less(value, rules.const_()) || Less(rules.const_(), value))) {
    return Show(rules.const_());
  }
  std::string range = BrokenRange(rules, value);
  if (!range.empty()) return range;
  const int64_t micros = value.seconds() * kMicros + value.nanos() / 1000;
  if (rules.lt_now() && micros >= now) return "a time in the past";
  if (rules.gt_now() && micros <= now) return "a time in the future";
  if (rules.has_within()) {
    const int64_t within = rules.within().seconds() * kMicros + rules.within().nanos() / 1000;
    if (std::abs(micros - now) > within) return Concat("within ", Show(rules.within()), " of now");
  }
  return {};
}

}  // namespace proxenos::config
