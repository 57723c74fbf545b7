// Whatever the format: compiling fails with a message, or the line can be written.
#include <cstddef>
#include <cstdint>
#include <string>

#include "source/access_log/formatter.h"
#include "source/base/check.h"
#include "test/access_log/stream_fixture.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using proxenos::access_log::Formatter;
  static const proxenos::access_log::StreamFixture fixture;
  const absl::string_view format(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<Formatter> formatter = Formatter::Compile(format);
  if (!formatter.ok()) {
    CHECK(!formatter.status().message().empty());
    return 0;
  }
  std::string line;
  formatter->Format(fixture.Input(), line);
  CHECK(!formatter->is_constant() || line == formatter->prefix());
  return 0;
}
