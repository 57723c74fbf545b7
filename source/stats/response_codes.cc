// ResponseCodes: a chain of small blocks. See response_codes.h.
#include "source/stats/response_codes.h"

#include <memory>

#include "source/stats/request_origin.h"

namespace proxenos::stats {

ResponseCodes::~ResponseCodes() {
  Block* block = first_.load(std::memory_order_relaxed);
  while (block != nullptr) {
    std::unique_ptr<Block> dead(block);
    block = block->next.load(std::memory_order_relaxed);
  }
}

void ResponseCodes::Inc(uint32_t status) {
  const uint32_t origin = status & ~kStatusMask;
  const bool known = origin <= static_cast<uint32_t>(RequestOrigin::kRetried);
  status = known ? StatusOf(static_cast<RequestOrigin>(origin), status & kStatusMask) : kOther;
  const auto key = static_cast<uint16_t>(status + 1);
  std::atomic<Block*>* place = &first_;
  while (true) {
    Block* block = place->load(std::memory_order_relaxed);
    if (block == nullptr) {
      block = std::make_unique<Block>().release();
      place->store(block, std::memory_order_release);
    }
    for (size_t i = 0; i < kPerBlock; ++i) {
      const uint16_t found = block->keys[i].load(std::memory_order_relaxed);
      if (found != 0 && found != key) continue;
      block->counts[i].Inc();
      if (found == 0) block->keys[i].store(key, std::memory_order_release);
      return;
    }
    place = &block->next;
  }
}

std::vector<std::pair<uint32_t, uint64_t>> ResponseCodes::Read() const {
  std::vector<std::pair<uint32_t, uint64_t>> codes;
  const Block* block = first_.load(std::memory_order_acquire);
  for (; block != nullptr; block = block->next.load(std::memory_order_acquire)) {
    for (size_t i = 0; i < kPerBlock; ++i) {
      const uint16_t key = block->keys[i].load(std::memory_order_acquire);
      if (key == 0) return codes;
      codes.emplace_back(key - 1, block->counts[i].value());
    }
  }
  return codes;
}

}  // namespace proxenos::stats
