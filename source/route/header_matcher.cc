// Matching of header fields and query parameters.
#include "source/route/header_matcher.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "source/http/path.h"

namespace proxenos::route {

FieldName::FieldName(absl::string_view name) : name_(absl::AsciiStrToLower(name)) {
  struct Control {
    absl::string_view name;
    Source source;
  };
  static constexpr Control kControls[] = {
      {":method", Source::kMethod},        {":path", Source::kPath},
      {":authority", Source::kAuthority},  {"host", Source::kAuthority},
      {":scheme", Source::kScheme},        {"upgrade", Source::kUpgrade},
      {"connection", Source::kConnection}, {"te", Source::kTe},
  };
  for (const Control& control : kControls) {
    if (name_ == control.name) source_ = control.source;
  }
  if (source_ == Source::kHeader) id_ = http::LookUpHeader(name_.data(), name_.size());
}

bool FieldName::Control(const http::RequestHead& head, absl::string_view* value) const {
  switch (source_) {
    case Source::kHeader:
      return false;
    case Source::kMethod:
      *value = head.method_text;
      break;
    case Source::kPath:
      *value = head.path;
      break;
    case Source::kAuthority:
      *value = head.authority;
      break;
    case Source::kScheme:
      *value = head.scheme;
      break;
    case Source::kUpgrade:
      *value = head.upgrade;
      break;
    case Source::kConnection:
      *value = head.upgrade.empty() ? absl::string_view() : absl::string_view("upgrade");
      break;
    case Source::kTe:
      *value = head.te_trailers ? absl::string_view("trailers") : absl::string_view();
      break;
  }
  return !value->empty();
}

bool FieldName::First(const http::RequestHead& head, absl::string_view* value) const {
  bool found = false;
  ForEach(head, [&](absl::string_view each) {
    if (!found) *value = each;
    found = true;
  });
  return found;
}

HeaderMatcher::HeaderMatcher(FieldName name, Pattern pattern, bool invert, bool missing_is_empty)
    : name_(std::move(name)),
      invert_(invert),
      missing_is_empty_(missing_is_empty),
      pattern_(std::move(pattern)) {}

bool HeaderMatcher::Holds(absl::string_view value) const {
  if (const auto* matcher = std::get_if<StringMatcher>(&pattern_)) return matcher->Matches(value);
  if (const auto* range = std::get_if<Range>(&pattern_)) {
    int64_t number = 0;
    return absl::SimpleAtoi(value, &number) && number >= range->start && number < range->end;
  }
  return true;  // AnyValue; presence is Evaluate's affair.
}

template <typename ForEachValue>
bool HeaderMatcher::Evaluate(const ForEachValue& for_each_value) const {
  uint32_t count = 0;
  bool any = false;
  absl::string_view first;
  std::string joined;
  const bool present_only = std::holds_alternative<Present>(pattern_);
  for_each_value([&](absl::string_view value) {
    ++count;
    if (present_only) return;
    if (count == 1) {
      first = value;
    } else {
      if (count == 2) joined.assign(first.data(), first.size());
      joined.push_back(',');
      joined.append(value.data(), value.size());
    }
    if (!any) any = Holds(value);
  });
  if (const auto* present = std::get_if<Present>(&pattern_)) {
    const bool there = missing_is_empty_ || count > 0;
    return (there == present->wanted) != invert_;
  }
  if (count == 0) {
    if (!missing_is_empty_) return false;
    any = Holds(absl::string_view());
  }
  if (count > 1 && !any) any = Holds(joined);
  return any != invert_;
}

bool HeaderMatcher::Matches(const http::RequestHead& head) const {
  return Evaluate([this, &head](auto visit) { name_.ForEach(head, visit); });
}

bool HeaderMatcher::Matches(const http::ResponseHead& head) const {
  return Evaluate([this, &head](auto visit) {
    if (name_.name() == ":status") {
      char digits[8];
      const auto end = std::to_chars(digits, digits + sizeof(digits), head.status).ptr;
      visit(absl::string_view(digits, static_cast<size_t>(end - digits)));
      return;
    }
    for (const http::Header& header : head.headers) {
      if (header.name() == name_.name()) visit(header.value());
    }
  });
}

QueryMatcher::QueryMatcher(std::string name, Pattern pattern)
    : name_(std::move(name)), pattern_(std::move(pattern)) {}

bool QueryMatcher::Matches(absl::string_view path) const {
  absl::string_view value;
  const bool found = http::FindQueryParameter(path, name_, &value);
  if (const auto* present = std::get_if<Present>(&pattern_)) return found == present->wanted;
  return found && std::get_if<StringMatcher>(&pattern_)->Matches(value);
}

bool AllMatch(const std::vector<HeaderMatcher>& matchers, const http::RequestHead& head) {
  return std::all_of(matchers.begin(), matchers.end(),
                     [&head](const HeaderMatcher& matcher) { return matcher.Matches(head); });
}

}  // namespace proxenos::route
