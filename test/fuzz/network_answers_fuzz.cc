// Answers of the services that network filters ask, on any bytes: read without a fault, and no
// metadata comes with what is broken.
#include <cstdint>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/filters/network/ext_authz/check.h"
#include "source/filters/network/ratelimit/answer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace f = proxenos::filters;
  const absl::string_view message(reinterpret_cast<const char*>(data), size);
  const auto check = f::network_ext_authz::ReadAnswer(message);
  CHECK(check.verdict != f::network_ext_authz::Answer::Verdict::kError || check.metadata.empty());
  f::network_ratelimit::ReadAnswer(message);
  return 0;
}
