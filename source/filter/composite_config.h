// From envoy.extensions.filters.http.composite.v3.Composite, bare or behind the matcher of an
// ExtensionWithMatcher, to the filters that it chooses among: each becomes one of the chain, behind
// a gate that runs it where the matcher says so.
#pragma once

#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/any.pb.h"
#include "source/config/errors.h"
#include "source/filter/filter_place_config.h"

namespace proxenos::filter {

inline constexpr absl::string_view kComposite =
    "envoy.extensions.filters.http.composite.v3.Composite";

// Of CompositePerRoute.
extern const route::OverrideKind kCompositeOverride;

// FilterKind::create of a Composite where there is room for one filter alone.
std::unique_ptr<FilterFactory> RefuseComposite(const google::protobuf::Any& config,
                                               const config::Path& path, config::Errors& errors);

// The filter of one place, or all of those that a composite there chooses among, whose indices
// follow one another; none, with every error named, when the configuration is wrong.
std::vector<std::unique_ptr<FilterFactory>> CreateFilters(const FilterKind& kind,
                                                          const google::protobuf::Any& config,
                                                          const FilterPlace& place,
                                                          const config::Path& path,
                                                          config::Errors& errors);

}  // namespace proxenos::filter
