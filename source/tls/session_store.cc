// The list of resumable sessions.
#include "source/tls/session_store.h"

#include <algorithm>
#include <utility>

namespace proxenos::tls {

void SessionStore::Add(absl::string_view key, bssl::UniquePtr<SSL_SESSION> session) {
  if (capacity_ == 0) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_.push_front(Entry{std::string(key), std::move(session)});
  if (entries_.size() > capacity_) entries_.pop_back();
}

bssl::UniquePtr<SSL_SESSION> SessionStore::Find(absl::string_view key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [key](const Entry& entry) { return entry.key == key; });
  if (found == entries_.end()) return nullptr;
  if (SSL_SESSION_should_be_single_use(found->session.get()) == 0) {
    return bssl::UpRef(found->session);
  }
  bssl::UniquePtr<SSL_SESSION> session = std::move(found->session);
  entries_.erase(found);
  return session;
}

}  // namespace proxenos::tls
