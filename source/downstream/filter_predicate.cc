// Ports, and what combines them.
#include "source/downstream/filter_predicate.h"

#include <algorithm>

namespace proxenos::downstream {

bool FilterPredicate::Holds(const net::Address& local) const {
  const auto holds = [&local](const FilterPredicate& each) { return each.Holds(local); };
  switch (kind) {
    case Kind::kAny:
      return true;
    case Kind::kNot:
      return !of.front().Holds(local);
    case Kind::kAnd:
      return std::all_of(of.begin(), of.end(), holds);
    case Kind::kOr:
      return std::any_of(of.begin(), of.end(), holds);
    case Kind::kPorts:
      return local.is_ip() && local.port() >= begin && local.port() < end;
  }
  return false;
}

}  // namespace proxenos::downstream
