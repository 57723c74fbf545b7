// Compilation: what the parts of one route table share while they are compiled: where errors go,
// and the lists of clusters and formats that compiled parts refer to by index.
//
// Owner: CompileRoutes, on its stack. Thread: main.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "google/protobuf/duration.pb.h"
#include "source/base/clock.h"
#include "source/config/errors.h"
#include "source/route/filter_override_config.h"
#include "source/route/rate_limit_config.h"
#include "source/route/route_table.h"
#include "source/route/tree_config.h"

namespace proxenos::route {

class Compilation {
 public:
  Compilation(config::Errors& errors, RouteTableParts& parts, OverrideKinds overrides,
              const UpperCompilers& upper_compilers = kNoUpperCompilers)
      : override_kinds(overrides), upper(upper_compilers), errors_(errors), parts_(parts) {}

  config::Errors& errors() { return errors_; }
  ClusterRef Cluster(const std::string& name);
  uint32_t Format(const std::string& text, const config::Path& path);
  // Not negative; what int64 nanoseconds cannot hold becomes a century.
  base::Nanos Duration(const google::protobuf::Duration& duration, const config::Path& path);
  // A text that goes into a request target or a Location: no space, no controls.
  void CheckTargetText(const std::string& text, const config::Path& path);

  const OverrideKinds override_kinds;
  const UpperCompilers& upper;
  // RouteConfiguration.cluster_specifier_plugins by name; null: its errors are told already.
  absl::flat_hash_map<std::string, std::shared_ptr<const ClusterSpecifier>> specifiers;
  uint32_t max_direct_response_bytes = 4096;

 private:
  config::Errors& errors_;
  RouteTableParts& parts_;
  absl::flat_hash_map<std::string, uint32_t> clusters_;
  absl::flat_hash_map<std::string, uint32_t> formats_;
};

// Limits whose formats are the table's. `path` is that of the list.
RateLimits CompileTableRateLimits(const RateLimitProtos& config, Compilation& compilation,
                                  const config::Path& path);

// The typed_per_filter_config of any message that has it.
template <typename Config>
FilterOverrides CompileOverrides(const Config& config, Compilation& compilation,
                                 const config::Path& path) {
  return CompileFilterOverrides(config.typed_per_filter_config(), compilation.override_kinds,
                                compilation.errors(), path.Field("typed_per_filter_config"));
}

}  // namespace proxenos::route
