// Bytes as a value of the runtime, and as a layer of it: whatever they are, those who ask get an
// answer that they can use.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "source/base/check.h"
#include "source/config/text.h"
#include "source/runtime/layer_config.h"
#include "source/runtime/setting.h"

namespace {

using namespace proxenos::runtime;

void Ask(const Snapshot& snapshot, const std::string& key) {
  const Fraction fraction = FractionSetting{{1, 100}, key}.Get(&snapshot);
  CHECK(fraction.denominator == 100 || fraction.denominator == 10'000 ||
        fraction.denominator == 1'000'000);
  fraction.Holds(UINT64_MAX);
  IntegerSetting{1, key}.Get(&snapshot);
  FlagSetting{true, key}.Get(&snapshot);
  const double number = NumberSetting{1, key}.Get(&snapshot);
  CHECK(number == number);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  proxenos::config::ParseLimits limits;
  limits.max_bytes = 1 << 20;
  limits.max_alias_nodes = 10'000;
  google::protobuf::Struct proto;
  proxenos::config::Errors errors;
  proxenos::config::ParseYaml(text, proto, errors, {}, limits);
  auto typed = std::make_unique<Layer>();
  typed->values["value"] = ParseValue(absl::string_view(text.data(), text.size()));
  const Snapshot snapshot({CompileLayer("fuzz", proto, errors, {}), std::move(typed)});
  for (const absl::string_view key : snapshot.Keys()) {
    CHECK(snapshot.Find(key) != nullptr);
    Ask(snapshot, std::string(key));
  }
  return 0;
}
