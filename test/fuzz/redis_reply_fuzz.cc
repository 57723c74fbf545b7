// Replies of Redis on any bytes: whole and in pieces they are the same, and within their limits.
#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "source/base/check.h"
#include "source/redis/reply.h"

namespace proxenos::redis {
namespace {

constexpr ReplyReader::Limits kLimits{4096, 64};

void Show(const Reply& reply, int depth, std::string* out, size_t* items) {
  CHECK(depth <= 8);
  absl::StrAppend(out, static_cast<int>(reply.kind), "/", reply.integer, "/", reply.text.size(),
                  ":", reply.text, reply.push ? ">" : "", "[");
  *items += reply.items.size();
  for (const Reply& item : reply.items) Show(item, depth + 1, out, items);
  absl::StrAppend(out, "]");
}

std::string Read(absl::string_view input, size_t piece) {
  ReplyReader reader(kLimits);
  std::string seen;
  while (!input.empty()) {
    absl::string_view bytes = input.substr(0, piece);
    input.remove_prefix(bytes.size());
    for (;;) {
      Reply reply;
      const size_t before = bytes.size();
      const ReplyReader::Status status = reader.Next(&bytes, &reply);
      CHECK(bytes.size() <= before);
      if (status == ReplyReader::Status::kBroken) return seen + " broken";
      if (status == ReplyReader::Status::kMore) break;
      size_t items = 0;
      Show(reply, 0, &seen, &items);
      CHECK(items <= kLimits.max_items);
    }
    CHECK(bytes.empty());
  }
  return seen;
}

}  // namespace
}  // namespace proxenos::redis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string whole = proxenos::redis::Read(input, std::max<size_t>(size, 1));
  CHECK(whole == proxenos::redis::Read(input, 1));
  CHECK(whole == proxenos::redis::Read(input, 7));
  return 0;
}
