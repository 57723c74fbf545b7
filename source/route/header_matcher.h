// HeaderMatcher, QueryMatcher: envoy.config.route.v3.HeaderMatcher and QueryParameterMatcher,
// compiled. Also used by whatever else the API lets match on headers (retries, access log filters).
//
// Several fields of one name: the matcher sees each value and also all of them joined by "," (the
// only thing Envoy looks at), and its pattern holds when any of these does. invert_match is the
// exact opposite of that. So a duplicate can neither hide a value from a matcher nor, by making the
// joined text differ, slip past an inverted one. A missing header matches nothing, inverted or not,
// unless the matcher asks for presence or treats the missing as empty. Thread: any (immutable).
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/http/message.h"
#include "source/match/string_matcher.h"

namespace proxenos::route {

using match::StringMatcher;

// Names a part of a request head as configuration does: a header, or a pseudo header. `host` means
// :authority; `upgrade`, `connection` and `te`, which codecs keep out of the headers, are answered
// from what they became.
class FieldName {
 public:
  FieldName() = default;
  explicit FieldName(absl::string_view name);  // Any case.

  const std::string& name() const { return name_; }
  bool empty() const { return name_.empty(); }
  // The first value; false when the request has none.
  bool First(const http::RequestHead& head, absl::string_view* value) const;
  // Calls visit(value) for each value; returns how many there were.
  template <typename Visit>
  uint32_t ForEach(const http::RequestHead& head, Visit visit) const;

 private:
  enum class Source : uint8_t {
    kHeader,
    kMethod,
    kPath,
    kAuthority,
    kScheme,
    kUpgrade,
    kConnection,
    kTe,
  };
  // The value of a source other than kHeader; false when the request lacks it.
  bool Control(const http::RequestHead& head, absl::string_view* value) const;

  Source source_ = Source::kHeader;
  http::HeaderId id_ = http::HeaderId::kUnknown;
  std::string name_;  // Lower case.
};

class HeaderMatcher {
 public:
  struct Present {
    bool wanted = true;
  };
  struct Range {  // [start, end)
    int64_t start = 0;
    int64_t end = 0;
  };
  struct AnyValue {};  // The deprecated exact_match: "".
  using Pattern = std::variant<Present, Range, AnyValue, StringMatcher>;

  HeaderMatcher(FieldName name, Pattern pattern, bool invert, bool missing_is_empty);

  bool Matches(const http::RequestHead& head) const;
  // Of response headers (or trailers): pseudo headers other than :status do not exist there.
  bool Matches(const http::ResponseHead& head) const;

 private:
  template <typename ForEachValue>
  bool Evaluate(const ForEachValue& for_each_value) const;
  bool Holds(absl::string_view value) const;

  FieldName name_;
  bool invert_;
  bool missing_is_empty_;
  Pattern pattern_;
};

class QueryMatcher {
 public:
  struct Present {
    bool wanted = true;
  };
  using Pattern = std::variant<Present, StringMatcher>;

  QueryMatcher(std::string name, Pattern pattern);

  // `path` with its query. Of repeated parameters the first counts, not percent-decoded.
  bool Matches(absl::string_view path) const;

 private:
  std::string name_;
  Pattern pattern_;
};

bool AllMatch(const std::vector<HeaderMatcher>& matchers, const http::RequestHead& head);

template <typename Visit>
uint32_t FieldName::ForEach(const http::RequestHead& head, Visit visit) const {
  if (source_ != Source::kHeader) {
    absl::string_view value;
    if (!Control(head, &value)) return 0;
    visit(value);
    return 1;
  }
  uint32_t n = 0;
  for (const http::Header& header : head.headers) {
    if (header.id != id_ || (id_ == http::HeaderId::kUnknown && header.name() != name_)) continue;
    visit(header.value());
    ++n;
  }
  return n;
}

}  // namespace proxenos::route
