// Counter, Gauge and TextReadout: the words that the data path writes.
//
// Invariant: each object is written by one thread only and may be read by any (a TextReadout only
// by its own thread). So an increment is a plain load, add and store: no lock prefix, no fence. A
// reader sees a value that was true a moment ago, which is all that a scrape promises.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace proxenos::stats {

// Only grows. What `/reset_counters` takes away is subtracted by the reader.
class Counter {
 public:
  void Inc() { Add(1); }
  void Add(uint64_t amount) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Goes up and down. A gauge's instances are summed modulo 2^64, so one worker may count up what
// another counts down.
//
// `usedonly` asks whether a gauge was ever changed, also when it is zero again. One word holds both
// answers: zero as stored means never changed, and a changed gauge that is zero holds a value which
// no real gauge reaches.
class Gauge {
 public:
  void Inc() { Set(value() + 1); }
  void Dec() { Set(value() - 1); }
  void Add(uint64_t amount) { Set(value() + amount); }
  void Sub(uint64_t amount) { Set(value() - amount); }
  void Set(uint64_t value) {
    stored_.store(value == 0 ? kZeroAgain : value, std::memory_order_relaxed);
  }

  uint64_t value() const {
    const uint64_t stored = stored_.load(std::memory_order_relaxed);
    return stored == kZeroAgain ? 0 : stored;
  }
  bool used() const { return stored_.load(std::memory_order_relaxed) != 0; }

 private:
  static constexpr uint64_t kZeroAgain = 0x8f3a'61c5'0be4'97d3;

  std::atomic<uint64_t> stored_{0};
};

// A string shown among the stats, such as the version of a resource.
// Thread: main, both to write and to read.
class TextReadout {
 public:
  void Set(absl::string_view text) {
    text_.assign(text.data(), text.size());
    used_ = true;
  }
  const std::string& text() const { return text_; }
  bool used() const { return used_; }

 private:
  std::string text_;
  bool used_ = false;
};

}  // namespace proxenos::stats
