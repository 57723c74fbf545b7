// Listing the stats of readings. See stat_list.h.
#include "source/stats/stat_list.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "source/stats/bucket_rules.h"
#include "source/stats/request_origin.h"

namespace proxenos::stats {
namespace {

constexpr double kBounds[] = {0.5,   1,      5,      10,      25,     50,    100,
                              250,   500,    1000,   2500,    5000,   10000, 30000,
                              60000, 300000, 600000, 1800000, 3600000};
constexpr double kQuantiles[] = {0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1};

constexpr absl::string_view kCodeTag = "envoy.response_code";
constexpr absl::string_view kClassTag = "envoy.response_code_class";

const HistogramData kNothing;
const std::string kNoText;

const HistogramData& FindDistribution(const std::vector<StatValues::Distribution>& among,
                                      uint32_t stat) {
  for (const StatValues::Distribution& entry : among) {
    if (entry.stat == stat) return entry.data;
  }
  return kNothing;
}

// downstream_rq_5xx is of the family downstream_rq_xx, class 5.
bool IsResponseClass(absl::string_view name) {
  if (name.size() < 4 || !absl::EndsWith(name, "xx")) return false;
  const char digit = name[name.size() - 3];
  return digit >= '1' && digit <= '5' && name[name.size() - 4] == '_';
}

void VisitPlain(const StatSpec& spec, Stat stat, absl::FunctionRef<void(const Stat&)> visit) {
  stat.name = spec.name;
  stat.family = spec.name;
  if (!IsResponseClass(spec.name)) return visit(stat);
  const std::string family = absl::StrCat(spec.name.substr(0, spec.name.size() - 3), "xx");
  stat.family = family;
  stat.tag = kClassTag;
  stat.tag_value = spec.name.substr(spec.name.size() - 3, 1);
  visit(stat);
}

// Statuses and their counts, in no order, each status once.
using Statuses = std::vector<std::pair<uint32_t, uint64_t>>;

void VisitClasses(absl::string_view base, const Statuses& statuses,
                  absl::FunctionRef<void(const Stat&)> visit) {
  std::array<uint64_t, 6> counts = {};
  std::array<bool, 6> seen = {};
  for (const auto& [status, count] : statuses) {
    counts[status / 100] += count;
    seen[status / 100] = true;
  }
  const std::string family = absl::StrCat(base, "_xx");
  // The first are those of no class.
  for (size_t i = 1; i < counts.size(); ++i) {
    if (!seen[i]) continue;
    const std::string digit = absl::StrCat(i);
    const std::string name = absl::StrCat(base, "_", digit, "xx");
    Stat stat;
    stat.name = name;
    stat.family = family;
    stat.tag = kClassTag;
    stat.tag_value = digit;
    stat.used = true;
    stat.value = counts[i];
    visit(stat);
  }
}

void VisitStatuses(absl::string_view base, const Statuses& statuses,
                   absl::FunctionRef<void(const Stat&)> visit) {
  uint64_t completed = 0;
  for (const auto& [code, count] : statuses) {
    completed += count;
    if (code == ResponseCodes::kOther) continue;
    const std::string status = absl::StrCat(code);
    const std::string name = absl::StrCat(base, "_", status);
    Stat stat;
    stat.name = name;
    stat.family = base;
    stat.tag = kCodeTag;
    stat.tag_value = status;
    stat.used = true;
    stat.value = count;
    visit(stat);
  }
  VisitClasses(base, statuses, visit);
  const std::string name = absl::StrCat(base, "_completed");
  Stat stat;
  stat.name = name;
  stat.family = name;
  stat.used = !statuses.empty();
  stat.value = completed;
  visit(stat);
}

void AddStatus(Statuses& among, uint32_t status, uint64_t count) {
  for (auto& [known, sum] : among) {
    if (known != status) continue;
    sum += count;
    return;
  }
  among.emplace_back(status, count);
}

void VisitCodes(const ScopeReading& reading, uint32_t spec,
                absl::FunctionRef<void(const Stat&)> visit) {
  Statuses all;
  std::array<Statuses, kOriginPrefixes.size()> apart;
  for (const StatValues::Code& code : reading.total.codes) {
    if (code.stat != spec) continue;
    const uint32_t status = code.status & kStatusMask;
    const auto origin = static_cast<RequestOrigin>(code.status & ~kStatusMask);
    if (origin != RequestOrigin::kRetried) AddStatus(all, status, code.count);
    if (origin == RequestOrigin::kUntold) continue;
    const size_t place = static_cast<uint32_t>(origin) / (kStatusMask + 1) - 1;
    apart[place].emplace_back(status, code.count);
  }
  std::sort(all.begin(), all.end());
  const absl::string_view base = reading.schema->stats[spec].name;
  VisitStatuses(base, all, visit);
  for (size_t i = 0; i < apart.size(); ++i) {
    if (apart[i].empty()) continue;
    VisitStatuses(absl::StrCat(kOriginPrefixes[i], base), apart[i], visit);
  }
}

// Names of scopes whose prefixes contain one another mix (`cluster.a.upstream_...` and
// `cluster.a.http1....`); such scopes stand together, and no others' names fall between theirs.
size_t EndOfFamily(absl::Span<const ScopeReading> readings, size_t start) {
  size_t end = start + 1;
  while (end < readings.size() &&
         absl::StartsWith(readings[end].name.prefix(), readings[start].name.prefix())) {
    ++end;
  }
  return end;
}

void Collect(const ScopeReading& reading, const RenderOptions& options,
             std::vector<NamedStat>& into) {
  for (uint32_t i = 0; i < reading.schema->stats.size(); ++i) {
    ForEachStat(reading, i, [&reading, &options, &into](const Stat& stat) {
      if (options.used_only && !stat.used) return;
      std::string name = absl::StrCat(reading.name.prefix(), stat.name);
      if (!Shows(options, stat, name)) return;
      into.push_back(
          {std::move(name), stat.type, stat.value, stat.total, stat.interval, stat.text});
    });
  }
}

}  // namespace

absl::Span<const double> DefaultBounds() { return kBounds; }

absl::Span<const double> BoundsOf(const RenderOptions& options, absl::string_view full_name) {
  return options.buckets == nullptr ? DefaultBounds() : options.buckets->BoundsOf(full_name);
}
absl::Span<const double> DefaultQuantiles() { return kQuantiles; }

void ForEachStat(const ScopeReading& reading, uint32_t spec,
                 absl::FunctionRef<void(const Stat&)> visit) {
  const StatSpec& line = reading.schema->stats[spec];
  Stat stat;
  switch (line.kind) {
    case Kind::kResponseCodes:
      return VisitCodes(reading, spec, visit);
    case Kind::kCounter:
    case Kind::kGauge:
      stat.type = line.kind == Kind::kCounter ? StatType::kCounter : StatType::kGauge;
      stat.used = reading.total.used[spec];
      stat.value = reading.total.values[spec];
      break;
    case Kind::kHistogram:
      stat.type = StatType::kHistogram;
      stat.total = &FindDistribution(reading.total.histograms, spec);
      stat.interval = &FindDistribution(reading.intervals, spec);
      stat.used = !stat.total->empty();
      break;
    case Kind::kTextReadout:
      stat.type = StatType::kTextReadout;
      stat.text = &kNoText;
      for (const StatValues::Text& entry : reading.total.texts) {
        if (entry.stat == spec) stat.text = &entry.text;
      }
      stat.used = stat.text != &kNoText;
      break;
  }
  VisitPlain(line, stat, visit);
}

bool MayShow(const RenderOptions& options, const ScopeName& scope, const Schema& schema) {
  if (options.accepts == nullptr) return true;
  return std::any_of(schema.stats.begin(), schema.stats.end(), [&](const StatSpec& spec) {
    // Which codes there are, the scope alone knows.
    return spec.kind == Kind::kResponseCodes ||
           options.accepts(absl::StrCat(scope.prefix(), spec.name));
  });
}

bool Shows(const RenderOptions& options, const Stat& stat, absl::string_view full_name) {
  if (options.used_only && !stat.used) return false;
  if (options.type.has_value() && *options.type != stat.type) return false;
  return options.accepts == nullptr || options.accepts(full_name);
}

void ForEachStatByName(absl::Span<const ScopeReading> readings, const RenderOptions& options,
                       absl::FunctionRef<void(const NamedStat&)> visit) {
  std::vector<NamedStat> family;
  for (size_t start = 0; start < readings.size();) {
    const size_t end = EndOfFamily(readings, start);
    family.clear();
    for (; start < end; ++start) Collect(readings[start], options, family);
    std::sort(family.begin(), family.end(),
              [](const NamedStat& a, const NamedStat& b) { return a.name < b.name; });
    for (const NamedStat& stat : family) visit(stat);
  }
}

void AppendDouble(std::string& out, double value) {
  char digits[32];
  const auto result = std::to_chars(std::begin(digits), std::end(digits), value);
  out.append(digits, result.ptr);
}

void AppendJsonString(std::string& out, absl::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppend(&out, "\\u", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad4));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace proxenos::stats
