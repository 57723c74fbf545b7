// Replay: gives input to a decoder in pieces, the way a connection does, and returns the
// transcript. What the decoder leaves is kept, moved to another slab where the plan says so (and
// the old one freed, so that the address sanitizer sees a view that was left behind), and offered
// again with more bytes behind it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/http/name_spellings.h"
#include "source/http1/decoder.h"

namespace proxenos::http1 {

// How input is cut: sizes of the pieces, the last of which repeats.
struct Cut {
  std::vector<uint32_t> sizes = {UINT32_MAX};
  bool move = true;  // Each piece makes the bytes kept move to a new slab.

  static Cut Whole() { return Cut{}; }
  static Cut ByteByByte(bool move) { return Cut{{1}, move}; }
  // Pieces of random sizes.
  static Cut Random(uint32_t seed, uint32_t max_piece);
};

// A request that a response is expected to.
struct Expectation {
  http::Method method = http::Method::kGet;
  bool upgrade = false;
};

// The transcript ends with "error NAME", or with "eof ..." when the end of input was not silent.
std::string ReplayRequests(absl::string_view input, const RequestDecoderOptions& options,
                           const Cut& cut, http::NameStyle names = http::NameStyle::kLowerCase);
std::string ReplayResponses(absl::string_view input, const ResponseDecoderOptions& options,
                            const std::vector<Expectation>& expected, const Cut& cut,
                            http::NameStyle names = http::NameStyle::kLowerCase);

}  // namespace proxenos::http1
