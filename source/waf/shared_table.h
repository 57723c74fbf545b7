// SharedTable: one immutable thing for all who ask for it by an equal key, such as compiled rules
// that several listeners and routes are configured with.
//
// What nobody else holds any more goes when the table is next asked for something: so the last
// holder, which may be a worker, never pays for its destruction. Thread: any.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"

namespace proxenos::waf {

template <class Key, class T>
class SharedTable {
 public:
  // Null when `make`, which is called while others wait, gives null.
  std::shared_ptr<const T> FindOrMake(const Key& key,
                                      absl::FunctionRef<std::shared_ptr<const T>()> make) {
    const std::lock_guard<std::mutex> lock(mutex_);
    absl::erase_if(entries_, [&key](const auto& entry) {
      return entry.second.use_count() == 1 && !(entry.first == key);
    });
    const auto it = entries_.find(key);
    if (it != entries_.end()) return it->second;
    std::shared_ptr<const T> made = make();
    if (made != nullptr) entries_.emplace(key, made);
    return made;
  }

  void ForEach(absl::FunctionRef<void(const T&)> visit) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& entry : entries_) visit(*entry.second);
  }

  size_t size() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return entries_.size();
  }

 private:
  std::mutex mutex_;
  absl::flat_hash_map<Key, std::shared_ptr<const T>> entries_;  // Guarded by mutex_.
};

}  // namespace proxenos::waf
