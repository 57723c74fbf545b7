// What a store that a fleet shares holds for one response: a stamp with a checksum, then what a
// file of the disk store has (disk_format.h).
//
//   magic 8 | stamp 16 | checksum of these 8 | preamble | head | body
//
// And the names that it is found by. Reading is total on any bytes. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/buffer/buffer.h"
#include "source/cache/key.h"
#include "source/cache/purge_log.h"
#include "source/cache/stored_response.h"
#include "source/http/header_map.h"

namespace proxenos::cache {

inline constexpr size_t kStampBytes = 32;

struct SharedEntry {
  LogId stamp;  // The position in the log of purges by which it was judged.
  std::string url;
  StoredResponse response;
};

// The body's bytes are not copied.
buffer::Buffer EncodeShared(absl::string_view url, const StoredResponse& response, LogId stamp);
// How many bytes that makes, at least.
uint64_t SharedSize(const StoredResponse& response);
// nullopt: it is not what was written. `now`: nothing came later than that, whatever the clock of
// who wrote it said.
std::optional<SharedEntry> DecodeShared(absl::string_view bytes, base::WallTime now);

// Names of what is kept for a URL, below `prefix`. They are short, and not those of that URL alone
// by an adversary's doing: an entry says itself whose it is.
struct SharedNames {
  SharedNames(absl::string_view prefix, const Key& key);
  std::string plain;   // Of a response without Vary.
  std::string varies;  // Of the set of lists of fields (VaryText) that responses vary by.
  // Of the response with this list to a request with these values of its fields.
  std::string Variant(absl::string_view vary_text, absl::string_view selecting) const;
};

// "accept-encoding,accept-language"; and back. nullopt: it is no such list.
std::string VaryText(const std::vector<std::string>& names);
std::optional<std::vector<std::string>> ReadVaryText(absl::string_view text);

}  // namespace proxenos::cache
