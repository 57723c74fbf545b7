// LiteralMap: a map that an expression writes out.
//
// Owner: the Expression, or Memory. Thread: any (immutable).
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "source/cel/value.h"

namespace proxenos::cel {

class LiteralMap final : public Map {
 public:
  // Keys and values by turns.
  explicit LiteralMap(Items pairs) : pairs_(std::move(pairs)) {}

  static bool IsKey(const Value& value) {
    return value.kind == Value::Kind::kBool || value.kind == Value::Kind::kInt ||
           value.kind == Value::Kind::kUint || value.kind == Value::Kind::kString;
  }

  size_t size() const override { return pairs_.size() / 2; }
  std::optional<Value> Find(const Value& key, Memory& memory) const override {
    for (size_t i = 0; i + 1 < pairs_.size(); i += 2) {
      if (Equal(pairs_[i], key, memory)) return pairs_[i + 1];
    }
    return std::nullopt;
  }
  void AppendKeys(Items& keys) const override {
    for (size_t i = 0; i < pairs_.size(); i += 2) keys.push_back(pairs_[i]);
  }

 private:
  const Items pairs_;
};

}  // namespace proxenos::cel
