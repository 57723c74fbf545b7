// FilterPredicate: ListenerFilter.filter_disabled: for which connections a listener filter is left
// out, by the port that they are for.
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <vector>

#include "source/net/address.h"

namespace proxenos::downstream {

// ListenerFilterChainMatchPredicate
class FilterPredicate {
 public:
  enum class Kind : uint8_t { kAny, kNot, kAnd, kOr, kPorts };

  Kind kind = Kind::kAny;
  std::vector<FilterPredicate> of = {};  // kNot: one; kAnd, kOr: all of them.
  // kPorts: from `begin` to before `end`.
  uint32_t begin = 0;
  uint32_t end = 0;

  // `local`: where the client believes to be connected to, as far as the filters before have found
  // that out.
  bool Holds(const net::Address& local) const;
};

}  // namespace proxenos::downstream
