// The heaviest of all, in memory that does not grow with them.
#include "source/downstream/heavy_streams.h"

#include <algorithm>
#include <functional>

#include "source/downstream/stream.h"

namespace proxenos::downstream {

void HeavyStreams::Add(Stream& stream) {
  if (stream.over()) return;
  const uint64_t bytes = stream.buffered_bytes();
  if (bytes < least_) return;
  if (entries_.size() == kMost) {
    if (bytes <= entries_.front().first) return;
    std::pop_heap(entries_.begin(), entries_.end(), std::greater<>());
    entries_.pop_back();
  }
  entries_.emplace_back(bytes, &stream);
  std::push_heap(entries_.begin(), entries_.end(), std::greater<>());
}

size_t HeavyStreams::Reset() {
  for (const auto& [bytes, stream] : entries_) stream->Abort("overload", filter::kOverload);
  return entries_.size();
}

}  // namespace proxenos::downstream
