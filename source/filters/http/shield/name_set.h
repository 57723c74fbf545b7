// Sets of field names, in which one may stand for all that begin alike. Names that the proxy knows
// by number cost no hash. Thread: any (immutable once they are made).
#pragma once

#include <bitset>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "source/http/header_map.h"

namespace proxenos::filters::shield {

// The package of the filter's messages has a namespace of that name nearer by.
namespace http = ::proxenos::http;

class NameSet {
 public:
  // In lower case. One that ends in "*" stands for all that begin with what is before it.
  void Add(absl::string_view name) {
    if (!name.empty() && name.back() == '*') {
      prefixes_.emplace_back(name.substr(0, name.size() - 1));
      for (size_t id = 1; id < known_.size(); ++id) {
        const absl::string_view known = http::HeaderName(static_cast<http::HeaderId>(id));
        if (absl::StartsWith(known, prefixes_.back())) known_.set(id);
      }
      return;
    }
    const http::HeaderId id = http::LookUpHeader(name);
    if (id != http::HeaderId::kUnknown) {
      known_.set(static_cast<size_t>(id));
    } else {
      names_.emplace(name);
    }
  }

  bool Has(const http::Header& header) const {
    if (header.id != http::HeaderId::kUnknown) return known_.test(static_cast<size_t>(header.id));
    if (names_.contains(header.name())) return true;
    for (const std::string& prefix : prefixes_) {
      if (absl::StartsWith(header.name(), prefix)) return true;
    }
    return false;
  }

 private:
  std::bitset<static_cast<size_t>(http::HeaderId::kCount)> known_;  // By HeaderId.
  absl::flat_hash_set<std::string> names_;                          // Of those without a number.
  std::vector<std::string> prefixes_;                               // Few.
};

// The names of one set that are not in another.
struct ChosenNames {
  NameSet names;
  NameSet kept;

  bool Has(const http::Header& header) const { return names.Has(header) && !kept.Has(header); }
};

}  // namespace proxenos::filters::shield
