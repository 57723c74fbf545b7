// The list of stores.
#include "source/cache/stores.h"

#include <algorithm>
#include <memory>
#include <mutex>

namespace proxenos::cache {
namespace {

// The one list of the process: a filter's configuration is compiled with nobody beside it who could
// hand one down, and a cache that forgot everything with each update of its listener would be none.
struct List {
  std::mutex mutex;
  std::vector<std::unique_ptr<NamedStore>> stores;  // Guarded by mutex.
};

List& TheList() {
  static List* const list = new List;  // Handles may outlive statics.
  return *list;
}

}  // namespace

StoreHandle::StoreHandle(const StoreHandle& other) : store_(other.store_) {
  if (store_ == nullptr) return;
  const std::lock_guard<std::mutex> lock(TheList().mutex);
  ++store_->handles_;
}

StoreHandle::~StoreHandle() {
  if (store_ == nullptr) return;
  std::unique_ptr<NamedStore> last;  // Dies outside of the lock.
  List& list = TheList();
  const std::lock_guard<std::mutex> lock(list.mutex);
  if (--store_->handles_ > 0) return;
  const auto it = std::find_if(list.stores.begin(), list.stores.end(),
                               [this](const auto& one) { return one.get() == store_; });
  last = std::move(*it);
  list.stores.erase(it);
}

bool NamedStore::Keep(const Fill& fill, StoredResponse response) {
  if (disk == nullptr) return memory.Store(fill, std::move(response));
  const uint64_t decided = disk->Now();
  if (!memory.Store(fill, response)) return false;
  disk->Save(fill.key(), std::move(response), decided);
  return true;
}

bool NamedStore::Update(const Key& key, const StoredHead* old, StoredResponse response) {
  if (disk == nullptr) return memory.Replace(key, old, std::move(response));
  const uint64_t decided = disk->Now();
  if (!memory.Replace(key, old, response)) return false;
  disk->Save(key, std::move(response), decided);
  return true;
}

uint64_t NamedStore::Forget(const Key& key) {
  const uint64_t count = memory.Erase(key);
  return disk == nullptr ? count : std::max(count, disk->Erase(key));
}

uint64_t NamedStore::ForgetIf(
    absl::FunctionRef<bool(absl::string_view, const std::vector<std::string>&)> matches) {
  const uint64_t count = memory.EraseIf(
      [matches](absl::string_view url, const StoredHead& head) { return matches(url, head.tags); });
  return disk == nullptr ? count : std::max(count, disk->EraseIf(matches));
}

uint64_t NamedStore::Purge(PurgeRecord record) {
  PurgeTable one;
  const LogId id{1, 0};
  one.Add(id, record);
  const uint64_t count =
      record.by == PurgeRecord::By::kUrl
          ? Forget(Key(record.text))
          : ForgetIf([&one, id](absl::string_view url, const std::vector<std::string>& tags) {
              return one.Latest(url, tags) == id;
            });
  if (log != nullptr) log->Publish(std::move(record));
  return count;
}

void NamedStore::Apply(const PurgeLog::Batch& batch) {
  PurgeTable wide;  // Of what has to be looked for.
  bool any = batch.empty();
  for (const auto& [id, record] : batch) {
    if (record.by == PurgeRecord::By::kUrl) {
      Forget(Key(record.text));
    } else if (record.by != PurgeRecord::By::kNothing) {
      wide.Add(id, record);
      any = true;
    }
  }
  if (!any) return;
  ForgetIf([&batch, &wide](absl::string_view url, const std::vector<std::string>& tags) {
    return batch.empty() || wide.Latest(url, tags) != LogId();
  });
}

StoreHandle StoreHandle::Open(absl::string_view name, const StoreOptions& options,
                              std::string* error) {
  List& list = TheList();
  const std::lock_guard<std::mutex> lock(list.mutex);
  for (const auto& store : list.stores) {
    if (store->name == name && store->options == options) return StoreHandle(store.get());
    // Two would take each other's files for rubbish.
    if (!options.disk.path.empty() && store->options.disk.path == options.disk.path) {
      *error = "another store has this path, or this one with other limits";
      return StoreHandle();
    }
  }
  auto made = std::make_unique<NamedStore>(std::string(name), options);
  if (!options.disk.path.empty()) {
    made->disk = DiskStore::Open(options.disk, error);
    if (made->disk == nullptr) return StoreHandle();
  }
  if (!options.shared.cluster.empty()) {
    made->log = std::make_unique<PurgeLog>(
        [store = made.get()](const PurgeLog::Batch& batch) { store->Apply(batch); });
  }
  list.stores.push_back(std::move(made));
  return StoreHandle(list.stores.back().get());
}

std::vector<StoreHandle> StoreHandle::All() {
  List& list = TheList();
  const std::lock_guard<std::mutex> lock(list.mutex);
  std::vector<StoreHandle> handles;
  for (const auto& store : list.stores) handles.push_back(StoreHandle(store.get()));
  return handles;
}

}  // namespace proxenos::cache
