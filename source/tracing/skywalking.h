// SkyWalking: segments as its collectors take them (skywalking.v3.SegmentObject), and how a request
// tells of them: sw8, the propagation header of version 3.
//
// (https://skywalking.apache.org/docs/main/latest/en/api/x-process-propagation-headers-v3/)
// Fields come from clients: what is read from one is no longer than kMaxSw8Bytes. Thread: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "source/http/header_map.h"
#include "source/tracing/span.h"

namespace proxenos::tracing {

inline constexpr size_t kMaxSw8Bytes = 4096;

// The span of another segment that a request comes from.
struct SegmentParent {
  std::string trace_id;
  std::string segment_id;
  uint32_t span = 0;
  std::string service;
  std::string instance;
  std::string endpoint;
  std::string address;  // By which the client knows us.
};

// What a request leaves behind: the span of the request, 0, and those of attempts at hosts, from 1.
// Owner: the stream's trace.
struct Segment {
  std::string trace_id;
  std::string id;
  std::optional<SegmentParent> parent;  // None: the trace begins here.
  uint32_t last_span = 0;
  std::vector<Span> attempts;  // Those that are over.
};

// Nothing where there is no header, or none that can be read: as in Envoy a trace begins anew then.
std::optional<SegmentParent> ExtractSw8(const http::HeaderMap& headers);

// Who reports: of the tracer's configuration. What each is called in a segment and a header.
struct SegmentNames {
  absl::string_view service;
  absl::string_view instance;
};

// The span of a segment that a request to a host belongs to.
struct ExitSpan {
  uint32_t id = 0;
  absl::string_view endpoint;  // The name of the segment's first span.
  absl::string_view peer;      // How the host is addressed.
};

// In the place of what was there.
void InjectSw8(const Segment& segment, const ExitSpan& span, const SegmentNames& names,
               http::HeaderMap& headers);

// The message; `entry` is the span of the request, which is over.
std::string SegmentMessage(const Segment& segment, const Span& entry, const SegmentNames& names);

}  // namespace proxenos::tracing
