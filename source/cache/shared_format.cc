// Writing, reading, naming.
#include "source/cache/shared_format.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "source/base/xxhash64.h"
#include "source/cache/disk_format.h"
#include "source/cache/vary.h"
#include "source/http/chars.h"

namespace proxenos::cache {
namespace {

constexpr absl::string_view kMagic = "PXSHARE1";

std::string Number(uint64_t value) {
  std::string bytes(8, '\0');
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  return bytes;
}

uint64_t NumberAt(absl::string_view bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  }
  return value;
}

// Two hashes with different seeds: 128 bits.
std::string Digest(absl::string_view text) {
  constexpr uint64_t kSeed = 0x70726f78656e6f73;
  return absl::StrCat(absl::Hex(base::XxHash64(text), absl::kZeroPad16),
                      absl::Hex(base::XxHash64(text, kSeed), absl::kZeroPad16));
}

}  // namespace

buffer::Buffer EncodeShared(absl::string_view url, const StoredResponse& response, LogId stamp) {
  const std::string front = absl::StrCat(kMagic, Number(stamp.ms), Number(stamp.number));
  buffer::Buffer out;
  out.Append(front);
  out.Append(Number(base::XxHash64(front)));
  out.Append(EncodeFront(url, response));
  response.body->AppendTo(out, 0, response.body->size());
  return out;
}

uint64_t SharedSize(const StoredResponse& response) {
  uint64_t size = kStampBytes + kPreambleBytes + response.body->size();
  for (const http::Header& field : response.head->fields()) {
    size += field.name().size() + field.value().size();
  }
  return size;
}

std::optional<SharedEntry> DecodeShared(absl::string_view bytes, base::WallTime now) {
  if (bytes.size() < kStampBytes + kPreambleBytes || bytes.substr(0, 8) != kMagic ||
      NumberAt(bytes, 24) != base::XxHash64(bytes.substr(0, 24))) {
    return std::nullopt;
  }
  SharedEntry entry;
  entry.stamp = {NumberAt(bytes, 8), NumberAt(bytes, 16)};
  bytes.remove_prefix(kStampBytes);
  const std::optional<Preamble> preamble = DecodePreamble(bytes);
  if (!preamble) return std::nullopt;
  bytes.remove_prefix(kPreambleBytes);
  if (preamble->head_bytes > bytes.size()) return std::nullopt;
  std::optional<DiskHead> read = DecodeHead(*preamble, bytes.substr(0, preamble->head_bytes));
  const absl::string_view content = bytes.substr(preamble->head_bytes);
  if (!read || !IsBody(*preamble, content)) return std::nullopt;
  entry.url = std::move(read->url);
  ResponsePolicy& policy = read->head->policy;
  policy.response_time = std::min(policy.response_time, now);
  BodyBuilder builder(content.size());
  builder.Append(content);
  entry.response = {std::move(read->head), std::make_shared<const Body>(builder.body())};
  return entry;
}

SharedNames::SharedNames(absl::string_view prefix, const Key& key) {
  // No URL has a blank in it.
  const std::string digest = Digest(absl::StrCat(key.url(), " ", key.extra()));
  plain = absl::StrCat(prefix, "e:", digest);
  varies = absl::StrCat(prefix, "v:", digest);
}

std::string SharedNames::Variant(absl::string_view vary_text, absl::string_view selecting) const {
  return absl::StrCat(plain, ":", Digest(absl::StrCat(vary_text, "\n", selecting)));
}

std::string VaryText(const std::vector<std::string>& names) { return absl::StrJoin(names, ","); }

std::optional<std::vector<std::string>> ReadVaryText(absl::string_view text) {
  std::vector<std::string> names = absl::StrSplit(text, ',');
  if (names.size() > kMaxVaryFields) return std::nullopt;
  for (const std::string& name : names) {
    if (name.empty()) return std::nullopt;
    for (const char c : name) {
      if (http::TokenLower(c) != c || c == '\0') return std::nullopt;
    }
  }
  return names;
}

}  // namespace proxenos::cache
