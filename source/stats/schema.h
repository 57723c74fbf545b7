// Schema: what stats a group has. One line a stat, known at compile time.
//
// A list macro names them, and PX_STATS(ListenerStats, PX_LISTENER_STATS) with the list
//
//     X(Counter, downstream_cx_total)
//     X(Gauge, downstream_cx_active)
//     X(Histogram, downstream_cx_length_ms)
//
// makes `struct ListenerStats` with a member for each line and its schema beside it. A member's
// name is the last part of the stat's dotted name; what stands before it is the group's scope
// (scope.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/stats/counter.h"
#include "source/stats/histogram.h"
#include "source/stats/response_codes.h"

namespace proxenos::stats {

enum class Kind : uint8_t { kCounter, kGauge, kHistogram, kResponseCodes, kTextReadout };

struct StatSpec {
  absl::string_view name;
  Kind kind;
  uint32_t offset;  // of the member, in the struct
};

// Identity matters: a schema is the one static object of its struct.
struct Schema {
  absl::Span<const StatSpec> stats;
};

// The member that a spec speaks of. REQUIRES: `block` is a struct of the spec's schema, T its kind.
template <class T>
const T& StatAt(const void* block, const StatSpec& spec) {
  return *reinterpret_cast<const T*>(static_cast<const std::byte*>(block) + spec.offset);
}

}  // namespace proxenos::stats

#define PX_STATS_MEMBER(type, name) ::proxenos::stats::type name;
#define PX_STATS_SPEC(type, name) \
  {#name, ::proxenos::stats::Kind::k##type, static_cast<uint32_t>(offsetof(Self, name))},

#define PX_STATS(Type, LIST)                                                           \
  struct Type {                                                                        \
    LIST(PX_STATS_MEMBER)                                                              \
    static const ::proxenos::stats::Schema& schema() {                                 \
      using Self = Type;                                                               \
      static constexpr ::proxenos::stats::StatSpec kStats[] = {LIST(PX_STATS_SPEC)};   \
      static constexpr ::proxenos::stats::Schema kSchema{{kStats, std::size(kStats)}}; \
      return kSchema;                                                                  \
    }                                                                                  \
  }
