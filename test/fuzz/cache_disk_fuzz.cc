// The files of the disk store on any bytes. What is believed can be written again and comes out the
// same.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "source/base/check.h"
#include "source/base/xxhash64.h"
#include "source/cache/disk_format.h"

namespace proxenos::cache {
namespace {

void CheckHead(const Preamble& preamble, absl::string_view bytes) {
  auto decoded = DecodeHead(preamble, bytes);
  if (!decoded) return;
  CHECK(decoded->head->status >= 200 && decoded->head->status <= 599);
  for (const http::Header& field : decoded->head->fields()) {
    CHECK(!field.name().empty() && !IsNeverStored(field.id, field.name()));
    CHECK(field.value().find('\n') == absl::string_view::npos);
  }
  StoredResponse response{std::move(decoded->head), std::make_shared<const Body>()};
  if (response.head->content_length.value_or(0) != 0) return;
  const std::string again = EncodeFront(decoded->url, response);
  const auto front = DecodePreamble(again);
  CHECK(front.has_value() && front->body_bytes == 0 && IsBody(*front, ""));
  const auto twice = DecodeHead(*front, absl::string_view(again).substr(kPreambleBytes));
  CHECK(twice.has_value() && twice->url == decoded->url);
  CHECK(twice->head->fields().size() == response.head->fields().size());
}

void Run(absl::string_view input) {
  const auto preamble = DecodePreamble(input);
  if (preamble) {
    const absl::string_view rest = input.substr(kPreambleBytes);
    CheckHead(*preamble, rest.substr(0, preamble->head_bytes));
    IsBody(*preamble, rest.substr(std::min<uint64_t>(rest.size(), preamble->head_bytes)));
  }
  // With sums that are right, so that what lies behind them is reached.
  Preamble matching;
  matching.head_bytes = input.size();
  matching.head_sum = base::XxHash64(input);
  CheckHead(matching, input);
}

}  // namespace
}  // namespace proxenos::cache

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  proxenos::cache::Run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
