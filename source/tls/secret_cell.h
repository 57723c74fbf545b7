// SecretCell: what a generic secret that a filter names is now; SecretCells: those of the process.
// A filter's configuration is compiled where nothing but its message is at hand, so it names its
// secrets here, and server/secret_store.h finds what was named and publishes what arrives.
//
// Thread: any (locked); names are given, and forgotten, on the main thread.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "source/tls/context_template.h"
#include "source/tls/secret.h"

namespace proxenos::tls {

// Owner: whoever named it, together with SecretCells.
class SecretCell {
 public:
  explicit SecretCell(SecretRef ref) : ref_(std::move(ref)) {}

  const SecretRef& ref() const { return ref_; }
  // Null until the secret is there.
  std::shared_ptr<const GenericValues> Get() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return values_;
  }
  void Publish(std::shared_ptr<const GenericValues> values) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    values_ = std::move(values);
  }

 private:
  const SecretRef ref_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const GenericValues> values_;  // Guarded by mutex_.
};

using SecretCellPtr = std::shared_ptr<const SecretCell>;

class SecretCells {
 public:
  static SecretCells& OfProcess();

  // The one cell of what `ref` names.
  SecretCellPtr Name(const SecretRef& ref);

  // Grows with each call of Name; those that were named since it had a value.
  uint64_t stamp() const;
  std::vector<SecretCellPtr> NamedSince(uint64_t stamp) const;
  // True when nobody holds the cell but the caller, once; then it is none of these any more.
  bool Forget(const SecretCellPtr& cell);

 private:
  struct Key {
    SecretRef::From from;
    std::string name;
    std::string source;
    auto operator<=>(const Key&) const = default;
  };
  struct Named {
    SecretCellPtr cell;
    uint64_t stamp = 0;  // Of the last time.
  };
  static Key KeyOf(const SecretRef& ref) { return {ref.from, ref.name, ref.source}; }

  mutable std::mutex mutex_;
  uint64_t stamp_ = 0;                 // Guarded by mutex_.
  absl::btree_map<Key, Named> cells_;  // Guarded by mutex_.
};

}  // namespace proxenos::tls
