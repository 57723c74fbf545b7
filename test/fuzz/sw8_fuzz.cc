// SkyWalking's header on any bytes. What could be read is written such that it is read again as it
// was, and makes a segment that can be taken apart.
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "source/base/check.h"
#include "source/buffer/arena.h"
#include "source/rpc/wire.h"
#include "source/tracing/skywalking.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace proxenos::tracing;
  const absl::string_view value(reinterpret_cast<const char*>(data), size);
  proxenos::buffer::Arena arena;
  proxenos::http::HeaderMap headers(arena);
  headers.Add("sw8", value);
  const auto parent = ExtractSw8(headers);
  if (!parent.has_value()) return 0;
  CHECK(size <= kMaxSw8Bytes && !parent->trace_id.empty() && !parent->segment_id.empty());
  Segment segment;
  segment.trace_id = parent->trace_id;
  segment.id = parent->segment_id;
  segment.parent = parent;
  const SegmentNames names{parent->service, parent->instance};
  InjectSw8(segment, {parent->span, parent->endpoint, parent->address}, names, headers);
  const auto again = ExtractSw8(headers);
  // What was written with less padding may have become too long.
  if (again.has_value()) {
    CHECK(again->trace_id == parent->trace_id && again->segment_id == parent->segment_id);
    CHECK(again->service == parent->service && again->address == parent->address);
    CHECK(again->span == parent->span && again->endpoint == parent->endpoint);
  }
  Span entry;
  entry.name = "/";
  const std::string message = SegmentMessage(segment, entry, names);
  proxenos::rpc::WireReader reader(message);
  while (reader.Next()) {
  }
  CHECK(reader.ok());
  return 0;
}
