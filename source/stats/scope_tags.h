// The tags of a scope as whoever shows them needs them, the innermost first, as Envoy has them.
//
// A shape may name two tags in one place, with a space between ("service method"): the first has
// what stands before the value's last dot, the second what stands behind it. So a gRPC method's
// scope tells its package from its method, whatever dots there are.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"
#include "source/stats/scope.h"

namespace proxenos::stats {

// take(name, value); both live as long as the scope.
template <typename Take>
void ForEachTag(const ScopeName& scope, Take take) {
  for (size_t i = scope.tag_count(); i > 0; --i) {
    const absl::string_view tag = scope.shape().tags[i - 1];
    const absl::string_view value = scope.tag_value(i - 1);
    const size_t space = tag.find(' ');
    const size_t dot = value.rfind('.');
    if (space == tag.npos || dot == value.npos) {
      take(tag.substr(0, space), value);
      continue;
    }
    take(tag.substr(space + 1), value.substr(dot + 1));
    take(tag.substr(0, space), value.substr(0, dot));
  }
}

}  // namespace proxenos::stats
