// Writing and reading of records.
#include "source/cache/disk_format.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "source/base/xxhash64.h"
#include "source/buffer/buffer.h"
#include "source/http/chars.h"

namespace proxenos::cache {
namespace {

constexpr absl::string_view kMagic = "PXCACHE1";
constexpr uint64_t kMaxList = 4096;  // Of names, tags, fields.

struct Writer {
  std::string out;
  void Number(uint64_t value) {
    for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
  }
  void Text(absl::string_view text) {
    Number(text.size());
    out.append(text.data(), text.size());
  }
  void List(const std::vector<std::string>& list) {
    Number(list.size());
    for (const std::string& text : list) Text(text);
  }
};

// Once something was not there, `ok` stays false.
struct Reader {
  absl::string_view in;
  bool ok = true;
  uint64_t Number() {
    if (in.size() < 8) ok = false;
    if (!ok) return 0;
    uint64_t value = 0;
    for (size_t i = 0; i < 8; ++i) {
      value |= static_cast<uint64_t>(static_cast<uint8_t>(in[i])) << (8 * i);
    }
    in.remove_prefix(8);
    return value;
  }
  absl::string_view Text() {
    const uint64_t size = Number();
    if (size > in.size()) ok = false;
    if (!ok) return absl::string_view();
    const absl::string_view text = in.substr(0, size);
    in.remove_prefix(size);
    return text;
  }
  uint64_t Count() {
    const uint64_t count = Number();
    if (count > kMaxList) ok = false;
    return ok ? count : 0;
  }
  std::vector<std::string> List() {
    std::vector<std::string> list;
    for (uint64_t count = Count(); ok && count > 0; --count) list.emplace_back(Text());
    return list;
  }
};

void WritePolicy(const ResponsePolicy& policy, Writer& to) {
  to.Number(static_cast<uint64_t>(policy.response_time));
  to.Number(static_cast<uint64_t>(policy.initial_age));
  to.Number(static_cast<uint64_t>(policy.lifetime));
  to.Number(static_cast<uint64_t>(policy.stale_while_revalidate));
  to.Number(static_cast<uint64_t>(policy.stale_if_error));
  to.Number((policy.always_validate ? 1u : 0u) | (policy.never_stale ? 2u : 0u) |
            (policy.shared_lifetime ? 4u : 0u) | (policy.heuristic ? 8u : 0u));
}

void ReadPolicy(Reader& from, ResponsePolicy& policy) {
  policy.response_time = static_cast<base::WallTime>(from.Number());
  policy.initial_age = static_cast<int64_t>(from.Number());
  policy.lifetime = static_cast<int64_t>(from.Number());
  policy.stale_while_revalidate = static_cast<int64_t>(from.Number());
  policy.stale_if_error = static_cast<int64_t>(from.Number());
  const uint64_t flags = from.Number();
  policy.always_validate = (flags & 1) != 0;
  policy.never_stale = (flags & 2) != 0;
  policy.shared_lifetime = (flags & 4) != 0;
  policy.heuristic = (flags & 8) != 0;
  const auto in_range = [](int64_t seconds) { return seconds >= 0 && seconds <= kMaxSeconds; };
  // An age may be more than a lifetime can, by what was added on the way.
  from.ok = from.ok && in_range(policy.lifetime) && in_range(policy.stale_while_revalidate) &&
            in_range(policy.stale_if_error) && policy.initial_age >= 0 &&
            policy.initial_age <= 2 * kMaxSeconds && policy.response_time >= 0 && flags < 16;
}

// What codecs would let stand in a head: a file is not trusted more than an origin.
bool IsField(absl::string_view name, absl::string_view value) {
  if (name.empty() || name.size() > UINT16_MAX) return false;
  for (const char c : name) {
    if (http::TokenLower(c) != c || c == '\0') return false;
  }
  for (const char c : value) {
    if (!http::IsValueChar(c)) return false;
  }
  return true;
}

uint64_t SumOf(const Body& body) {
  buffer::Buffer bytes;
  body.AppendTo(bytes, 0, body.size());
  uint64_t sum = 0;
  // Of each piece of fixed size, chained, so that blocks of any size give the same.
  std::string piece;
  constexpr size_t kPiece = 64 * 1024;
  while (!bytes.empty()) {
    buffer::Buffer part;
    part.AppendFrom(bytes, std::min<uint64_t>(bytes.size(), kPiece));
    piece = part.ToString();
    sum = base::XxHash64(piece, sum);
  }
  return sum;
}

}  // namespace

std::string EncodeFront(absl::string_view url, const StoredResponse& response) {
  const StoredHead& head = *response.head;
  Writer of_head;
  of_head.Text(url);
  of_head.Text(head.extra);
  of_head.Number(head.status);
  WritePolicy(head.policy, of_head);
  of_head.List(head.vary);
  of_head.Text(head.selecting);
  of_head.List(head.tags);
  of_head.Number(head.fields().size());
  for (const http::Header& field : head.fields()) {
    of_head.Text(field.name());
    of_head.Text(field.value());
  }
  Writer front;
  front.out = std::string(kMagic);
  front.Number(of_head.out.size());
  front.Number(response.body->size());
  front.Number(base::XxHash64(of_head.out));
  front.Number(SumOf(*response.body));
  front.Number(base::XxHash64(front.out));
  front.out += of_head.out;
  return std::move(front.out);
}

std::optional<Preamble> DecodePreamble(absl::string_view bytes) {
  if (bytes.size() < kPreambleBytes || bytes.substr(0, 8) != kMagic) return std::nullopt;
  Reader from{bytes.substr(8, kPreambleBytes - 8)};
  Preamble preamble;
  preamble.head_bytes = from.Number();
  preamble.body_bytes = from.Number();
  preamble.head_sum = from.Number();
  preamble.body_sum = from.Number();
  const bool whole = from.Number() == base::XxHash64(bytes.substr(0, kPreambleBytes - 8));
  if (!whole || preamble.head_bytes > kMaxDiskHeadBytes) return std::nullopt;
  return preamble;
}

std::optional<DiskHead> DecodeHead(const Preamble& preamble, absl::string_view bytes) {
  if (bytes.size() != preamble.head_bytes || base::XxHash64(bytes) != preamble.head_sum) {
    return std::nullopt;
  }
  Reader from{bytes};
  DiskHead disk;
  disk.url = std::string(from.Text());
  disk.head = std::make_unique<StoredHead>();
  StoredHead& head = *disk.head;
  head.extra = std::string(from.Text());
  const uint64_t status = from.Number();
  if (status < 200 || status > 599) return std::nullopt;
  head.status = static_cast<uint16_t>(status);
  ReadPolicy(from, head.policy);
  head.vary = from.List();
  head.selecting = std::string(from.Text());
  head.tags = from.List();
  HeadBuilder builder;
  for (uint64_t count = from.Count(); from.ok && count > 0; --count) {
    const absl::string_view name = from.Text();
    const absl::string_view value = from.Text();
    if (!from.ok || !IsField(name, value)) return std::nullopt;
    if (IsNeverStored(http::LookUpHeader(name), name)) return std::nullopt;
    builder.Add(name, value);
  }
  if (!from.ok || !from.in.empty()) return std::nullopt;
  builder.Finish(head.policy.response_time / 1000000, head);
  if (head.content_length && *head.content_length != preamble.body_bytes) return std::nullopt;
  return disk;
}

bool IsBody(const Preamble& preamble, absl::string_view bytes) {
  if (bytes.size() != preamble.body_bytes) return false;
  uint64_t sum = 0;
  constexpr size_t kPiece = 64 * 1024;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size()))) {
    sum = base::XxHash64(bytes.substr(0, kPiece), sum);
  }
  return sum == preamble.body_sum;
}

}  // namespace proxenos::cache
