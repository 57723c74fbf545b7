// Responses from a hostile origin. The first byte chooses the requests that they answer, the rest
// is the conversation.
//
// Invariant: how the input is cut never changes what is said of it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/http1/decoder.h"
#include "test/http1/replay.h"

namespace proxenos::http1 {
namespace {

constexpr size_t kMaxMovedBytes = 1024;

std::vector<Expectation> Expectations(uint8_t choice) {
  constexpr http::Method kMethods[] = {http::Method::kGet, http::Method::kHead,
                                       http::Method::kConnect, http::Method::kPost};
  return {Expectation{kMethods[choice & 3], (choice & 4) != 0},
          Expectation{kMethods[choice >> 3 & 3], false}};
}

ResponseDecoderOptions Options(uint8_t choice) {
  ResponseDecoderOptions options;
  options.enable_trailers = (choice & 32) != 0;
  if ((choice & 64) != 0) {
    options.max_head_bytes = 200;
    options.max_headers = 5;
    options.max_trailer_bytes = 40;
  }
  return options;
}

}  // namespace
}  // namespace proxenos::http1

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proxenos::http1;
  if (size == 0) return 0;
  const ResponseDecoderOptions options = Options(data[0]);
  using proxenos::http::NameStyle;
  const NameStyle names = (data[0] & 128) != 0 ? NameStyle::kPreserve : NameStyle::kLowerCase;
  const std::vector<Expectation> expected = Expectations(data[0]);
  const absl::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = ReplayResponses(input, options, expected, Cut::Whole(), names);
  const Cut drip = Cut::ByteByByte(size < kMaxMovedBytes);
  CHECK(ReplayResponses(input, options, expected, drip, names) == whole);
  const uint32_t seed = static_cast<uint32_t>(size) * 31 + data[0] + data[size - 1] * 257u;
  CHECK(ReplayResponses(input, options, expected, Cut::Random(seed, 20), names) == whole);
  return 0;
}
