// Entries of a store that a fleet shares, and its lists of fields, on any bytes: what is believed
// can be written again and comes out the same.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "source/base/check.h"
#include "source/cache/shared_format.h"

namespace proxenos::cache {
namespace {

constexpr base::WallTime kNow = 1'000'000'000'000'000;

void Run(absl::string_view input) {
  if (const auto names = ReadVaryText(input)) CHECK(VaryText(*names) == input);
  if (const auto id = LogId::Parse(input)) CHECK(LogId::Parse(id->Text()) == id);
  const std::optional<SharedEntry> entry = DecodeShared(input, kNow);
  if (!entry) return;
  CHECK(entry->response.head->policy.response_time <= kNow);
  const std::string again = EncodeShared(entry->url, entry->response, entry->stamp).ToString();
  CHECK(again.size() >= SharedSize(entry->response));
  const std::optional<SharedEntry> twice = DecodeShared(again, kNow);
  CHECK(twice.has_value() && twice->url == entry->url && twice->stamp == entry->stamp);
  CHECK(twice->response.body->size() == entry->response.body->size());
}

}  // namespace
}  // namespace proxenos::cache

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::cache::Run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
