// The file of one stored response: a preamble of fixed size, the head, the body; each with a
// checksum, so that what a crash or a disk left behind is told from what was written.
//
//   magic 8 | head bytes 8 | body bytes 8 | checksum of the head 8 | of the body 8 | of the
//   preamble 8 | head | body
//
// Numbers are little-endian. Reading is total on any bytes. Thread: any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "source/cache/stored_response.h"

namespace proxenos::cache {

inline constexpr size_t kPreambleBytes = 48;
inline constexpr uint64_t kMaxDiskHeadBytes = uint64_t{1} << 20;

struct Preamble {
  uint64_t head_bytes = 0;
  uint64_t body_bytes = 0;
  uint64_t head_sum = 0;
  uint64_t body_sum = 0;
};

// What stands before the body.
std::string EncodeFront(absl::string_view url, const StoredResponse& response);
std::optional<Preamble> DecodePreamble(absl::string_view bytes);

struct DiskHead {
  std::string url;
  std::unique_ptr<StoredHead> head;
};
// nullopt: it is not what the preamble speaks of, or no head at all.
std::optional<DiskHead> DecodeHead(const Preamble& preamble, absl::string_view bytes);
bool IsBody(const Preamble& preamble, absl::string_view bytes);

}  // namespace proxenos::cache
