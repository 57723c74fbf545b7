// FilterKinds: the table of HTTP filters that configurations may name: passed down, not registered.
#pragma once

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/any.pb.h"
#include "source/config/errors.h"
#include "source/filter/http_filter.h"
#include "source/route/filter_override_config.h"

namespace proxenos::filter {

struct FilterKind {
  absl::string_view type;  // Full name of the configuration's message type.
  bool terminal = false;   // May only stand last; exactly one does.
  // Null, with every error named, when the configuration is wrong.
  std::unique_ptr<FilterFactory> (*create)(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors);
  // Of its typed_per_filter_config; null: it has none.
  const route::OverrideKind* override_kind = nullptr;
};

using FilterKinds = absl::Span<const FilterKind>;

// What routes may hold for these filters.
inline std::vector<const route::OverrideKind*> OverridesOf(FilterKinds kinds) {
  std::vector<const route::OverrideKind*> overrides;
  for (const FilterKind& kind : kinds) {
    if (kind.override_kind != nullptr) overrides.push_back(kind.override_kind);
  }
  return overrides;
}

}  // namespace proxenos::filter
