// Span: one piece of a trace while it is under way: who it is, when, and what is to be told of it.
//
// Owner: the stream's trace, on the worker. Thread: the worker's. It becomes bytes when it ends.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/base/clock.h"
#include "source/tracing/trace_context.h"

namespace proxenos::tracing {

struct Span {
  enum class Kind : uint8_t { kServer, kClient };
  struct Event {
    base::WallTime at = 0;
    absl::string_view what;  // Static.
  };
  // Of a tag's value and of a name: what is longer is cut. No collector shows more.
  static constexpr size_t kMaxValueBytes = 4096;

  TraceContext context;
  std::string name;
  Kind kind = Kind::kServer;
  bool shared = false;  // It has the id of its client's span (Zipkin).
  base::WallTime start = 0;
  base::WallTime end = 0;
  // Each name once. Few enough to be searched in order.
  std::vector<std::pair<std::string, std::string>> tags;
  std::vector<Event> events;

  // In the place of what the tag had. A tag without a name is none.
  void SetTag(absl::string_view tag, absl::string_view value);
  void SetName(absl::string_view text);
};

}  // namespace proxenos::tracing
