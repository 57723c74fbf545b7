// RouteTracing: what a route says of the traces of its requests: Route.decorator and Route.tracing;
// and CustomTag, which connection managers have too. Plain data: source/tracing reads it.
//
// Formats are named by an index into the formats of whoever compiled them: RouteTable::formats() of
// a route, those of the connection manager's own configuration there.
// Thread: any (immutable).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/runtime/setting.h"

namespace proxenos::route {

inline constexpr uint32_t kNoFormat = UINT32_MAX;

// type.tracing.v3.CustomTag. Which field of a span it fills, and with what.
struct CustomTag {
  enum class Kind : uint8_t { kFixed, kRequestHeader, kRequestMetadata, kRouteMetadata, kFormat };

  std::string tag;
  Kind kind = Kind::kFixed;
  std::string name;               // kRequestHeader: lower case. Metadata: the namespace.
  std::vector<std::string> path;  // Within the namespace.
  std::string otherwise;          // kFixed: the value. Else where nothing is found; empty: no tag.
  uint32_t format = kNoFormat;    // kFormat
};

// Which requests are traced (the three steps of sampling).
struct Sampling {
  static runtime::FractionSetting All(const char* key) { return {{1, 1}, key}; }

  // Of those whose client asks for it by x-client-trace-id.
  runtime::FractionSetting client = All("tracing.client_enabled");
  // Of the others.
  runtime::FractionSetting random = All("tracing.random_sampling");
  // Of those that the other two (or x-envoy-force-trace) have chosen.
  runtime::FractionSetting overall = All("tracing.global_enabled");
};

struct RouteTracing {
  std::string decorator;  // Decorator.operation; empty: no decorator.
  bool propagate = true;  // Decorator.propagate

  bool configured = false;  // Route.tracing is there; else what follows means nothing.
  Sampling sampling;
  std::vector<CustomTag> tags;
  uint32_t operation = kNoFormat;
  uint32_t upstream_operation = kNoFormat;
};

}  // namespace proxenos::route
