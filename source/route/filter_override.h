// FilterOverrides: typed_per_filter_config of one level of a route table (weighted cluster, route,
// virtual host, the table itself): what it says to single filters of the connection manager.
//
// The route table does not know filters: what an override holds is of the type that its kind says,
// and only a filter of that kind may look at it. Thread: any (immutable once compiled).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace proxenos::route {

struct OverrideKind;  // filter_override_config.h

// HttpFilter.name. Hashed when it is configured, so that a stream compares numbers.
class FilterName {
 public:
  FilterName() = default;
  explicit FilterName(std::string text)
      : hash_(absl::Hash<absl::string_view>()(text)), text_(std::move(text)) {}

  const std::string& text() const { return text_; }
  friend bool operator==(const FilterName& a, const FilterName& b) {
    return a.hash_ == b.hash_ && a.text_ == b.text_;
  }

 private:
  size_t hash_ = 0;
  std::string text_;
};

struct FilterOverride {
  FilterName filter;
  // Whose type `settings` has; null: it only switches the filter on or off.
  const OverrideKind* kind = nullptr;
  std::shared_ptr<const void> settings;
  bool disabled = false;
};

class FilterOverrides {
 public:
  void Add(FilterOverride one) { list_.push_back(std::move(one)); }
  bool empty() const { return list_.empty(); }

  // Few have more than a handful.
  const FilterOverride* Find(const FilterName& filter) const {
    for (const FilterOverride& one : list_) {
      if (one.filter == filter) return &one;
    }
    return nullptr;
  }

 private:
  std::vector<FilterOverride> list_;
};

}  // namespace proxenos::route
