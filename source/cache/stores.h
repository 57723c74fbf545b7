// The caches of the process, by name: filters of several listeners that name the same one share it,
// and it outlives the update of a listener that goes on to name it.
//
// Owner: the handles; the last one gone, the store goes. Thread: any; the list is locked, which
// nothing on a request's path does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "source/cache/disk_store.h"
#include "source/cache/memory_store.h"
#include "source/cache/purge_log.h"

namespace proxenos::cache {

// A store in Redis that a fleet shares, below the one in memory.
struct SharedOptions {
  std::string cluster;  // Empty: there is none.
  std::string username;
  std::string password;
  uint32_t database = 0;
  std::string key_prefix = "proxenos";
  base::Nanos timeout = 100 * base::kMillisecond;
  uint64_t max_entry_bytes = uint64_t{1} << 20;
  friend bool operator==(const SharedOptions&, const SharedOptions&) = default;
};

struct StoreOptions {
  MemoryStore::Options memory;
  DiskStore::Options disk;  // Without a path: there is none.
  SharedOptions shared;
  KeyOptions keys;  // What purges have to know of its keys.
  friend bool operator==(const StoreOptions& a, const StoreOptions& b) {
    return a.memory.max_bytes == b.memory.max_bytes &&
           a.memory.max_variants == b.memory.max_variants && a.disk.path == b.disk.path &&
           a.disk.max_bytes == b.disk.max_bytes && a.shared == b.shared &&
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
  std::unique_ptr<DiskStore> disk;  // Below it; or null.

  std::unique_ptr<PurgeLog> log;  // Of the shared one; or null.

  // Of memory and disk, in the order that leaves no way for what is erased to come back.
  bool Keep(const Fill& fill, StoredResponse response);
  bool Update(const Key& key, const StoredHead* old, StoredResponse response);
  // How many responses were known, in memory or on disk, whichever are more.
  uint64_t Forget(const Key& key);
  uint64_t ForgetIf(
      absl::FunctionRef<bool(absl::string_view, const std::vector<std::string>&)> matches);
  // Forgets what the record names, here and, by and by, wherever the store is shared. Thread: not a
  // worker's.
  uint64_t Purge(PurgeRecord record);

 private:
  friend class StoreHandle;
  void Apply(const PurgeLog::Batch& batch);
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

  // The store of that name and with these options, made when there is none. None, and `error` says
  // why, when its disk cannot be used.
  static StoreHandle Open(absl::string_view name, const StoreOptions& options,
                          std::string* error = nullptr);
  // All that there are, for administration.
  static std::vector<StoreHandle> All();

  NamedStore* operator->() const { return store_; }
  explicit operator bool() const { return store_ != nullptr; }

 private:
  explicit StoreHandle(NamedStore* store) : store_(store) { ++store_->handles_; }
  NamedStore* store_ = nullptr;
};

}  // namespace proxenos::cache
