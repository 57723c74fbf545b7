// Descriptor: what a rate limit is about, as one request has it: an ordered list of keys and values
// that the route's actions made of it.
//
// Owner: whoever asks. Thread: the stream's worker. Keys live in the route table, values there or
// in the stream's arena.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "source/filter/stream_context.h"
#include "source/route/rate_limit.h"

namespace proxenos::filter {

struct Descriptor {
  struct Entry {
    absl::string_view key;
    absl::string_view value;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  absl::InlinedVector<Entry, 2> entries;
  const route::RateLimit* limit = nullptr;  // That it was made by.
};

// How limits of a route and of its virtual host go together.
enum class HostLimits : uint8_t { kOverride, kInclude, kIgnore };

// Renders a format for the stream; the result lives as long as the stream.
using RenderFormat = absl::FunctionRef<absl::string_view(const route::RateLimitFormat&)>;

struct DescriptorsWanted {
  uint32_t stage = 0;
  bool without_disabled = false;  // A limit with a disable_key is left out.
  RenderFormat render;            // Of values that have a format.
};

// Appends a descriptor for each of `limits` that makes one of this request.
void AppendDescriptors(const route::RateLimits& limits, const DescriptorsWanted& wanted,
                       StreamContext& stream, std::vector<Descriptor>* out);

// Those of the stream's route and its virtual host.
std::vector<Descriptor> DescriptorsOfRoute(uint32_t stage, HostLimits host_limits,
                                           bool without_disabled, StreamContext& stream);

}  // namespace proxenos::filter
