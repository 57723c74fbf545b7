// Settings of the configuration that a runtime key may override, each by the way in which it asks:
// a share of requests, a number, a switch.
//
// Thread: any (immutable). A setting without a key costs a comparison; with one, a look-up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "source/runtime/snapshot.h"

namespace proxenos::runtime {

// The value of `key`; null where there is no key, no snapshot, or no such entry.
inline const Value* Find(const Snapshot* snapshot, const std::string& key) {
  return key.empty() || snapshot == nullptr ? nullptr : snapshot->Find(key);
}

// RuntimeFractionalPercent: an integer in the key's place is a percentage.
struct FractionSetting {
  Fraction otherwise;
  std::string key = {};

  Fraction Get(const Snapshot* snapshot) const {
    const Value* value = Find(snapshot, key);
    if (value == nullptr) return otherwise;
    if (value->fraction) return *value->fraction;
    if (!value->integer) return otherwise;
    return {static_cast<uint32_t>(std::min<uint64_t>(*value->integer, 100)), 100};
  }
  bool Holds(const Snapshot* snapshot, uint64_t random) const {
    return Get(snapshot).Holds(random);
  }
  // True whatever the runtime says.
  bool always() const { return key.empty() && otherwise.numerator >= otherwise.denominator; }
};

// RuntimeUInt32, and shares whose key holds the numerator alone.
struct IntegerSetting {
  uint64_t otherwise = 0;
  std::string key = {};

  uint64_t Get(const Snapshot* snapshot) const {
    const Value* value = Find(snapshot, key);
    return value == nullptr ? otherwise : value->integer.value_or(otherwise);
  }
};

// RuntimeDouble and RuntimePercent.
struct NumberSetting {
  double otherwise = 0;
  std::string key = {};

  double Get(const Snapshot* snapshot) const {
    const Value* value = Find(snapshot, key);
    return value == nullptr ? otherwise : value->number.value_or(otherwise);
  }
};

// RuntimeFeatureFlag
struct FlagSetting {
  bool otherwise = false;
  std::string key = {};

  bool Get(const Snapshot* snapshot) const {
    const Value* value = Find(snapshot, key);
    return value == nullptr ? otherwise : value->boolean.value_or(otherwise);
  }
};

}  // namespace proxenos::runtime
