// Snapshot: the runtime: keys with values in layers of which the last one that has a key wins.
// Features ask by key while they serve (setting.h), so a value changes without a new configuration.
//
// Invariant: immutable. A change of any layer is a new Snapshot, which the main thread publishes to
// every worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace proxenos::runtime {

// A share of requests.
struct Fraction {
  uint32_t numerator = 0;
  uint32_t denominator = 100;

  bool Holds(uint64_t random) const { return random % denominator < numerator; }
  bool operator==(const Fraction&) const = default;
};

// What a key says, in each of the ways in which it may be asked for. A value that cannot be read in
// a way leaves the feature that asks so with its default.
struct Value {
  std::string text;  // As /runtime shows it.
  std::optional<double> number;
  std::optional<uint64_t> integer;
  std::optional<bool> boolean;
  std::optional<Fraction> fraction;
};

struct Layer {
  std::string name;
  absl::btree_map<std::string, Value> values;
};

class Snapshot {
 public:
  // The last layer wins.
  explicit Snapshot(std::vector<std::shared_ptr<const Layer>> layers);
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // Null where no layer has the key.
  const Value* Find(absl::string_view key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : found->second;
  }
  size_t size() const { return values_.size(); }
  const std::vector<std::shared_ptr<const Layer>>& layers() const { return layers_; }
  // All keys, in their order.
  std::vector<absl::string_view> Keys() const;

 private:
  const std::vector<std::shared_ptr<const Layer>> layers_;
  absl::flat_hash_map<absl::string_view, const Value*> values_;  // They live in layers_.
};

// Switches of Envoy's own code: nothing here can ask for them. They are accepted, since control
// planes send them to every Envoy, and counted.
bool IsSwitchOfEnvoy(absl::string_view key);

}  // namespace proxenos::runtime
