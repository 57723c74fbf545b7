// Hostile tokens against hostile key sets: the input is a token, a newline, and a key set. Whatever
// JSON was read must be written and read back as the same.
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/filters/http/jwt_authn/key_set.h"
#include "source/filters/http/jwt_authn/token.h"
#include "source/json/parse.h"

namespace proxenos::filters::jwt_authn {
namespace {

void CheckRoundTrip(absl::string_view text) {
  const auto value = json::Parse(text);
  if (!value.has_value()) return;
  const auto again = json::Parse(json::ToJson(*value));
  CHECK(again.has_value());
  CHECK(*again == *value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\n');
  const absl::string_view text = input.substr(0, end);
  const absl::string_view set = end == absl::string_view::npos ? "" : input.substr(end + 1);
  CheckRoundTrip(set);
  Token token;
  const Failure parsed = ParseToken(text, &token);
  Failure failure;
  const auto keys = KeySet::Parse(set, &failure);
  CHECK((keys == nullptr) == (failure != Failure::kNone));
  if (keys == nullptr || parsed != Failure::kNone) return 0;
  CHECK(!token.alg.empty());
  (void)keys->Verify(token);
  (void)CheckTime(token, 1'800'000'000, 60);
  return 0;
}

}  // namespace proxenos::filters::jwt_authn
