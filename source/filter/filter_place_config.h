// Compiles the filter of one place in a chain: by its kind, which may stand behind a matcher.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/any.pb.h"
#include "source/config/errors.h"
#include "source/filter/filter_config.h"

namespace proxenos::filter {

// Where in the chain a filter stands.
struct FilterPlace {
  FilterKinds kinds;  // All that there are.
  std::string name;   // HttpFilter.name
  uint32_t index = 0;
  bool disabled = false;
  // The chain is that of requests on their way to a cluster's hosts.
  bool upstream = false;
};

// Of one chain: it counts them in a byte.
inline constexpr int kMaxFilters = 128;

// Null: no filter has this type of configuration.
const FilterKind* FindKind(FilterKinds kinds, absl::string_view type);

// "HTTP filter 'name' of type 'type' " and what is wrong with it.
std::string FilterError(absl::string_view name, absl::string_view type, absl::string_view what);
inline constexpr absl::string_view kNotImplemented = "is not implemented by proxenos";

// Null, with every error named, when the configuration is wrong.
std::unique_ptr<FilterFactory> CreateFilter(const FilterKind& kind,
                                            const google::protobuf::Any& config,
                                            const FilterPlace& place, const config::Path& path,
                                            config::Errors& errors);

}  // namespace proxenos::filter
