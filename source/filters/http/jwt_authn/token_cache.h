// TokenCache: tokens whose signature was verified, by their text; the one least recently used goes
// first.
//
// Owner: the filter's part of the worker. Thread: the worker's.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "source/filters/http/jwt_authn/token.h"

namespace proxenos::filters::jwt_authn {

class TokenCache {
 public:
  TokenCache(uint32_t most, uint32_t max_bytes) : most_(most), max_bytes_(max_bytes) {}

  bool enabled() const { return most_ > 0; }
  size_t size() const { return by_text_.size(); }

  // Null when it is not here. `version` is that of the keys: with other keys all is forgotten.
  std::shared_ptr<const Token> Find(absl::string_view text, uint64_t version) {
    if (version != version_) Clear();
    version_ = version;
    const auto it = by_text_.find(text);
    if (it == by_text_.end()) return nullptr;
    order_.splice(order_.begin(), order_, it->second);
    return it->second->second;
  }
  // REQUIRES: Find with the same version came before.
  void Insert(absl::string_view text, std::shared_ptr<const Token> token) {
    if (most_ == 0 || text.size() > max_bytes_ || by_text_.contains(text)) return;
    if (by_text_.size() == most_) Drop(std::prev(order_.end()));
    order_.emplace_front(std::string(text), std::move(token));
    by_text_.emplace(order_.front().first, order_.begin());
  }
  void Remove(absl::string_view text) {
    const auto it = by_text_.find(text);
    if (it != by_text_.end()) Drop(it->second);
  }

 private:
  using Order = std::list<std::pair<std::string, std::shared_ptr<const Token>>>;

  void Clear() {
    by_text_.clear();
    order_.clear();
  }
  void Drop(Order::iterator entry) {
    by_text_.erase(entry->first);
    order_.erase(entry);
  }

  const uint32_t most_;
  const uint32_t max_bytes_;
  uint64_t version_ = 0;
  Order order_;  // The most recently used first.
  absl::flat_hash_map<absl::string_view, Order::iterator> by_text_;  // Keys live in order_.
};

}  // namespace proxenos::filters::jwt_authn
