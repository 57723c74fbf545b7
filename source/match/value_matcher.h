// ValueMatcher, MetadataMatcher: envoy.type.matcher.v3.ValueMatcher and MetadataMatcher, compiled:
// patterns of JSON values, and of one value in the metadata of a stream or a route.
// Thread: any (immutable).
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "source/json/value.h"
#include "source/match/string_matcher.h"

namespace proxenos::match {

class ValueMatcher {
 public:
  struct Null {};
  struct Present {
    bool wanted = true;  // False matches nothing, as in Envoy.
  };
  struct Range {  // [start, end)
    double start = 0;
    double end = 0;
  };
  struct AnyElement {  // Of a list; one matcher.
    std::vector<ValueMatcher> matcher;
  };
  struct AnyOf {
    std::vector<ValueMatcher> matchers;
  };
  using Pattern =
      std::variant<Null, Present, bool, double, Range, StringMatcher, AnyElement, AnyOf>;

  explicit ValueMatcher(Pattern pattern) : pattern_(std::move(pattern)) {}

  // `value` may be null, which is no value at all; JSON's null is one.
  bool Matches(const json::Value* value) const;

 private:
  Pattern pattern_;
};

struct MetadataMatcher {
  std::vector<std::string> path;  // The namespace first.
  ValueMatcher value;
  bool invert = false;

  // `spaces`: metadata by namespace; null: there is none.
  bool Matches(const json::Object* spaces) const;
};

}  // namespace proxenos::match
