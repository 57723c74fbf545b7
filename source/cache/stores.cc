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

StoreHandle StoreHandle::Open(absl::string_view name, const StoreOptions& options) {
  List& list = TheList();
  const std::lock_guard<std::mutex> lock(list.mutex);
  for (const auto& store : list.stores) {
    if (store->name == name && store->options == options) return StoreHandle(store.get());
  }
  list.stores.push_back(std::make_unique<NamedStore>(std::string(name), options));
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
