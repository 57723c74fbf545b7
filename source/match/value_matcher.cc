// Kind by kind.
#include "source/match/value_matcher.h"

#include <algorithm>

namespace proxenos::match {
namespace {

struct Visitor {
  const json::Value* value;

  bool operator()(const ValueMatcher::Null&) const { return value != nullptr && value->is_null(); }
  bool operator()(const ValueMatcher::Present& present) const {
    return present.wanted && value != nullptr;
  }
  bool operator()(const bool& wanted) const {
    const bool* boolean = value == nullptr ? nullptr : value->boolean();
    return boolean != nullptr && *boolean == wanted;
  }
  bool operator()(const double& wanted) const {
    const auto number = value == nullptr ? std::nullopt : value->number();
    return number.has_value() && *number == wanted;
  }
  bool operator()(const ValueMatcher::Range& range) const {
    const auto number = value == nullptr ? std::nullopt : value->number();
    return number.has_value() && *number >= range.start && *number < range.end;
  }
  bool operator()(const StringMatcher& matcher) const {
    const std::string* text = value == nullptr ? nullptr : value->text();
    return text != nullptr && matcher.Matches(*text);
  }
  bool operator()(const ValueMatcher::AnyElement& any) const {
    const json::List* list = value == nullptr ? nullptr : value->list();
    return list != nullptr && std::any_of(list->begin(), list->end(), [&](const json::Value& one) {
             return any.matcher.front().Matches(&one);
           });
  }
  bool operator()(const ValueMatcher::AnyOf& any) const {
    return std::any_of(any.matchers.begin(), any.matchers.end(),
                       [this](const ValueMatcher& one) { return one.Matches(value); });
  }
};

}  // namespace

bool ValueMatcher::Matches(const json::Value* value) const {
  return std::visit(Visitor{value}, pattern_);
}

bool MetadataMatcher::Matches(const json::Object* spaces) const {
  const json::Value* found = spaces == nullptr ? nullptr : json::FindPath(*spaces, path);
  return value.Matches(found) != invert;
}

}  // namespace proxenos::match
