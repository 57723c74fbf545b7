// LineEnds: where the lines of a section end, found ahead of what stands in them.
//
// A block of 64 bytes is turned into a mask of the controls in it. The end of a line then does not
// wait for its name and value to be scanned, which lets the processor work on several lines at
// once: this is worth a third of the time that a head takes.
#pragma once

#include <cstdint>

#include "source/buffer/slab.h"
#include "source/http/chars.h"

namespace proxenos::http1 {

class LineEnds {
 public:
  static constexpr int kBlock = 64;
  // Blocks may begin at any byte of a slab.
  static_assert(kBlock <= buffer::kReadablePadding);

  // For the lines that begin at `line`.
  explicit LineEnds(const char* line) : block_(line), controls_(http::ControlMask64(line)) {}

  // The CR LF that ends the line at hand, if it is there and no other control (nor a tab, which
  // would be all right) stands before it; else nullptr. Then the next line is at hand. REQUIRES:
  // the call before did not give nullptr.
  char* Next(const char* end) {
    while (controls_ == 0) {
      if (end - block_ <= kBlock) return nullptr;
      MoveTo(block_ + kBlock);
    }
    const int place = __builtin_ctzll(controls_);
    const char* cr = block_ + place;
    if (end - cr < 2 || cr[0] != '\r' || cr[1] != '\n') return nullptr;
    if (place < kBlock - 1) {
      controls_ &= controls_ - 1;  // CR
      controls_ &= controls_ - 1;  // LF
    } else {
      MoveTo(cr + 2);
    }
    return const_cast<char*>(cr);
  }

 private:
  void MoveTo(const char* block) {
    block_ = block;
    controls_ = http::ControlMask64(block);
  }

  const char* block_;
  uint64_t controls_;  // A bit for each control in the block that was not passed.
};

}  // namespace proxenos::http1
