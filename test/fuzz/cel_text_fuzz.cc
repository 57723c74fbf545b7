// Whatever the expression and whatever a request says: compiling fails with a message, or
// evaluating ends within its limits, twice with the same outcome.
#include <cstddef>
#include <cstdint>
#include <string>

#include "source/base/check.h"
#include "source/cel/expression.h"
#include "test/cel/table_attributes.h"

// The expression, a zero, and what the request's path is.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proxenos::cel;  // NOLINT: the target is all there is here.
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t zero = input.find('\0');
  const absl::string_view text = input.substr(0, zero);
  const auto expression = Expression::Compile(text, Options{true, true, true});
  if (!expression.ok()) {
    CHECK(!expression.status().message().empty());
    return 0;
  }
  TableAttributes attributes;
  if (zero != absl::string_view::npos) {
    attributes.values[Attribute::kRequestPath] = Value::String(input.substr(zero + 1));
  }
  std::string shown[2];
  for (std::string& one : shown) {
    Memory memory;
    const Value value = (*expression)->Evaluate(attributes, memory);
    one = value.IsError() ? value.bytes : ToText(value).value_or("");
    CHECK(one.size() <= Memory::kMaxBytes + 64);
  }
  CHECK(shown[0] == shown[1]);
  return 0;
}
