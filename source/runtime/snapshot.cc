// Which layer wins, once for each snapshot.
#include "source/runtime/snapshot.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"

namespace proxenos::runtime {

Snapshot::Snapshot(std::vector<std::shared_ptr<const Layer>> layers) : layers_(std::move(layers)) {
  for (const auto& layer : layers_) {
    for (const auto& [key, value] : layer->values) values_[key] = &value;
  }
}

std::vector<absl::string_view> Snapshot::Keys() const {
  std::vector<absl::string_view> keys;
  keys.reserve(values_.size());
  for (const auto& [key, value] : values_) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

bool IsSwitchOfEnvoy(absl::string_view key) {
  for (const absl::string_view prefix :
       {"envoy.reloadable_features.", "envoy.restart_features.", "envoy.deprecated_features",
        "envoy.features.", "re2.max_program_size."}) {
    if (absl::StartsWith(key, prefix)) return true;
  }
  return false;
}

}  // namespace proxenos::runtime
