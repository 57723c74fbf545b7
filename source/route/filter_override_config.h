// OverrideKind: how the typed_per_filter_config of one kind of filter is compiled, and the
// compilation of a level's map of them.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/map.h"
#include "source/config/errors.h"
#include "source/route/filter_override.h"

namespace proxenos::route {

// Identity matters: a filter knows its own settings by the address of their kind.
struct OverrideKind {
  absl::string_view type;  // Full name of the configuration's message type.
  // Null, with every error named, when the configuration is wrong.
  std::shared_ptr<const void> (*create)(const google::protobuf::Any& config,
                                        const config::Path& path, config::Errors& errors);
};

using OverrideKinds = absl::Span<const OverrideKind* const>;

FilterOverrides CompileFilterOverrides(
    const google::protobuf::Map<std::string, google::protobuf::Any>& configs, OverrideKinds kinds,
    config::Errors& errors, const config::Path& path);

// The deprecated `cors` of virtual hosts and routes, which the CORS filter reads where it finds no
// override of its own name.
void CompileCorsField(const envoy::config::route::v3::CorsPolicy& policy, OverrideKinds kinds,
                      FilterOverrides* overrides, config::Errors& errors, const config::Path& path);
// The name under which it stands: no filter's, as those are not empty.
inline FilterName CorsFieldName() { return FilterName(""); }

}  // namespace proxenos::route
