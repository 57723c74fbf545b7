// Bytes as configuration: YAML and JSON to a Bootstrap, its constraints, its fields, and its dump.
// The first byte chooses the reader; whatever parses must also print and be checked without harm.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/base/check.h"
#include "source/config/constraints.h"
#include "source/config/fields.h"
#include "source/config/json_output.h"
#include "source/config/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using proxenos::config::Errors;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  proxenos::config::ParseLimits limits;
  limits.max_bytes = 1 << 20;
  limits.max_alias_nodes = 10'000;
  envoy::config::bootstrap::v3::Bootstrap bootstrap;
  Errors errors;
  switch (data[0]) {
    case 'J':
      proxenos::config::ParseJson(text, bootstrap, errors, {}, limits);
      break;
    case 'B':
      proxenos::config::ParseByFileName("b.pb", text, bootstrap, errors, limits);
      break;
    default:
      proxenos::config::ParseYaml(text, bootstrap, errors, {}, limits);
  }
  Errors broken;
  proxenos::config::IgnoredFields ignored;
  proxenos::config::CheckConstraints(bootstrap, broken);
  proxenos::config::CheckFields(bootstrap, broken, ignored);
  CHECK(!proxenos::config::ToJson(bootstrap).empty());
  return 0;
}
