// HeavyStreams: those streams of a worker that hold the most of bodies, to be reset when memory
// runs short: reset_high_memory_stream of the overload manager. They are looked for when they are
// needed; nothing is kept of a stream for it.
//
// Owner: whoever looks, for one turn. Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace proxenos::downstream {

class Stream;

class HeavyStreams {
 public:
  // At most so many at a time: the next look is not far.
  static constexpr size_t kMost = 50;

  // Of streams that hold less than `least` bytes none is taken.
  explicit HeavyStreams(uint64_t least) : least_(least) {}

  void Add(Stream& stream);
  // Resets those that hold the most. Returns how many.
  size_t Reset();

 private:
  using Entry = std::pair<uint64_t, Stream*>;

  const uint64_t least_;
  std::vector<Entry> entries_;  // A heap, the lightest first.
};

}  // namespace proxenos::downstream
