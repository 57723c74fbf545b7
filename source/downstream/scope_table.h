// ScopeTable: which routes the requests of each scope are served by.
//
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/route/scope.h"

namespace proxenos::downstream {

struct RouteSnapshot;

struct Scope : route::Scope {
  std::shared_ptr<const RouteSnapshot> written;  // route_configuration; null: routes by name.
};

class ScopeTable {
 public:
  // Where a scope's routes come from: exactly one of the two.
  struct Origin {
    std::string name;
    std::shared_ptr<const RouteSnapshot> written;
  };

  // REQUIRES: keys are unique.
  explicit ScopeTable(const std::vector<Scope>& scopes) {
    for (const Scope& scope : scopes) {
      by_key_.emplace(scope.key, static_cast<uint32_t>(origins_.size()));
      origins_.push_back({scope.routes, scope.written});
    }
  }

  // Find gives their places.
  const std::vector<Origin>& origins() const { return origins_; }
  std::optional<uint32_t> Find(absl::string_view key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? std::nullopt : std::optional<uint32_t>(found->second);
  }

 private:
  std::vector<Origin> origins_;
  absl::flat_hash_map<std::string, uint32_t> by_key_;
};

}  // namespace proxenos::downstream
