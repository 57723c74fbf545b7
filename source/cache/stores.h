// The caches of the process, by name: filters of several listeners that name the same one share it,
// and it outlives the update of a listener that goes on to name it.
//
// Owner: the handles; the last one gone, the store goes. Thread: any; the list is locked, which
// nothing on a request's path does.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/cache/memory_store.h"

namespace proxenos::cache {

struct StoreOptions {
  MemoryStore::Options memory;
  KeyOptions keys;  // What purges have to know of its keys.
  friend bool operator==(const StoreOptions& a, const StoreOptions& b) {
    return a.memory.max_bytes == b.memory.max_bytes &&
           a.memory.max_variants == b.memory.max_variants &&
           a.keys.without_scheme == b.keys.without_scheme &&
           a.keys.without_host == b.keys.without_host;
  }
};

struct NamedStore {
  NamedStore(std::string its_name, const StoreOptions& its_options)
      : name(std::move(its_name)), options(its_options), memory(options.memory) {}
  const std::string name;
  const StoreOptions options;
  MemoryStore memory;

 private:
  friend class StoreHandle;
  uint64_t handles_ = 0;  // Guarded by the list's lock.
};

class StoreHandle {
 public:
  StoreHandle() = default;
  StoreHandle(const StoreHandle& other);
  StoreHandle(StoreHandle&& other) noexcept : store_(std::exchange(other.store_, nullptr)) {}
  StoreHandle& operator=(StoreHandle other) noexcept {
    std::swap(store_, other.store_);
    return *this;
  }
  ~StoreHandle();

  // The store of that name and with these options, made when there is none.
  static StoreHandle Open(absl::string_view name, const StoreOptions& options);
  // All that there are, for administration.
  static std::vector<StoreHandle> All();

  NamedStore* operator->() const { return store_; }
  explicit operator bool() const { return store_ != nullptr; }

 private:
  explicit StoreHandle(NamedStore* store) : store_(store) { ++store_->handles_; }
  NamedStore* store_ = nullptr;
};

}  // namespace proxenos::cache
