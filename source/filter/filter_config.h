// FilterKinds: the table of HTTP filters that configurations may name: passed down, not registered.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/any.pb.h"
#include "source/config/errors.h"
#include "source/filter/http_filter.h"
#include "source/route/filter_override_config.h"

namespace proxenos::filter {

struct FilterKind;
using FilterKinds = absl::Span<const FilterKind>;

struct FilterKind {
  absl::string_view type;  // Full name of the configuration's message type.
  bool terminal = false;   // May only stand last; exactly one does.
  // Null, with every error named, when the configuration is wrong.
  std::unique_ptr<FilterFactory> (*create)(const google::protobuf::Any& config,
                                           const config::Path& path, config::Errors& errors);
  // Of its typed_per_filter_config; null: it has none.
  const route::OverrideKind* override_kind = nullptr;
  // Where it may stand: in the chain of a connection manager, between the router and a host.
  enum class Place : uint8_t { kDownstream, kUpstream, kBoth };
  Place place = Place::kDownstream;
  // Used in the place of `create` by kinds that hold others: `kinds` are all that there are.
  std::unique_ptr<FilterFactory> (*create_among)(const google::protobuf::Any& config,
                                                 FilterKinds kinds, const config::Path& path,
                                                 config::Errors& errors) = nullptr;

  bool may_be_upstream() const { return place != Place::kDownstream; }
  bool may_be_downstream() const { return place != Place::kUpstream; }
};

// What routes may hold for these filters.
inline std::vector<const route::OverrideKind*> OverridesOf(FilterKinds kinds) {
  std::vector<const route::OverrideKind*> overrides;
  for (const FilterKind& kind : kinds) {
    if (kind.override_kind != nullptr) overrides.push_back(kind.override_kind);
  }
  return overrides;
}

}  // namespace proxenos::filter
