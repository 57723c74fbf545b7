// The stats of a reading one by one, as every renderer sees them: names complete, response codes
// spread out into codes, classes and their total.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "source/stats/reading.h"
#include "source/stats/render.h"

namespace proxenos::stats {

// Views point into the reading, its schema, or (of response codes) into what lives during the call.
struct Stat {
  absl::string_view name;    // without the scope's prefix: "upstream_rq_503"
  absl::string_view family;  // the same without its tag: "upstream_rq"
  absl::string_view tag;     // "envoy.response_code", or empty
  absl::string_view tag_value;
  StatType type = StatType::kCounter;
  bool used = false;
  uint64_t value = 0;
  const HistogramData* total = nullptr;     // of a histogram; never null there
  const HistogramData* interval = nullptr;  // of a histogram; never null there
  const std::string* text = nullptr;        // of a text readout; never null there
};

// What stands before the names of response codes that were told with their RequestOrigin, from
// kExternal on.
inline constexpr std::array<absl::string_view, 3> kOriginPrefixes = {"external.", "internal.",
                                                                     "retry."};

// Calls `visit` with each stat that one line of the schema shows as.
void ForEachStat(const ScopeReading& reading, uint32_t spec,
                 absl::FunctionRef<void(const Stat&)> visit);

// Whether the options let a stat of this name be shown.
bool Shows(const RenderOptions& options, const Stat& stat, absl::string_view full_name);

// A stat with its full name, outliving the call that made it. Only what text and JSON show.
struct NamedStat {
  std::string name;
  StatType type;
  uint64_t value;
  const HistogramData* total;
  const HistogramData* interval;
  const std::string* text;
};

// Calls `visit` with each stat that the options show, by rising full name.
// REQUIRES: `readings` are by rising prefix.
void ForEachStatByName(absl::Span<const ScopeReading> readings, const RenderOptions& options,
                       absl::FunctionRef<void(const NamedStat&)> visit);

// The bounds of the buckets that a histogram is shown in.
absl::Span<const double> BoundsOf(const RenderOptions& options, absl::string_view full_name);

// A number in the fewest digits that read back as the same; "nan" for none.
void AppendDouble(std::string& out, double value);

// Quoted and escaped.
void AppendJsonString(std::string& out, absl::string_view text);

}  // namespace proxenos::stats
