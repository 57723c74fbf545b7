// Whatever the authority: it is refused, or it is one name in one spelling, of bytes that may go to
// a resolver.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/upstream/dynamic_name.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace upstream = proxenos::upstream;
  const absl::string_view authority(reinterpret_cast<const char*>(data), size);
  const std::optional<upstream::DynamicName> name = upstream::ParseDynamicName(authority, 80);
  if (!name.has_value()) return 0;
  CHECK(!name->host.empty() && name->host.size() <= upstream::kMaxDynamicHost);
  CHECK(name->port != 0);
  CHECK(std::all_of(name->host.begin(), name->host.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
           absl::ascii_islower(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' ||
           c == ':';
  }));
  CHECK(upstream::ParseDynamicName(name->Key(), 1) == name);
  return 0;
}
