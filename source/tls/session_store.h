// SessionStore: sessions that a client context may resume, newest first.
//
// Owner: the ClientContext. Thread: any (locked: all workers share it). Bounded by its size.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"
#include "openssl/ssl.h"

namespace proxenos::tls {

class SessionStore {
 public:
  explicit SessionStore(uint32_t capacity) : capacity_(capacity) {}

  // `key` tells which connections may resume it: those that ask for the same name and check it the
  // same way.
  void Add(absl::string_view key, bssl::UniquePtr<SSL_SESSION> session);
  // The newest session of `key`, or null. One that may be used once (TLS 1.3, RFC 8446 appendix
  // C.4) is taken out.
  bssl::UniquePtr<SSL_SESSION> Find(absl::string_view key);

 private:
  struct Entry {
    std::string key;
    bssl::UniquePtr<SSL_SESSION> session;
  };
  const uint32_t capacity_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // Guarded by mutex_. Most stay empty, which costs nothing.
};

}  // namespace proxenos::tls
