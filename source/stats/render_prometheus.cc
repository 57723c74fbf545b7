// Prometheus's text exposition format, with Envoy's names and labels. See render.h.
//
// A family (one `# TYPE` line) gathers what the scopes of one shape count under one name, so the
// output goes by family, then scope; the readings come by scope. Rows turn one into the other.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "source/stats/render.h"
#include "source/stats/scope_tags.h"
#include "source/stats/stat_list.h"
#include "source/stats/tag_rules.h"

namespace proxenos::stats {
namespace {

// The readings of one shape and schema: they have the same families.
using Table = std::vector<uint32_t>;

// One line of a schema, or of a response code's line one of its families.
struct Row {
  StatType type;
  std::string family;  // "cluster.upstream_rq_xx"
  std::string suffix;  // "upstream_rq_xx"
  const Table* table;
  uint32_t spec;
};

// A metric's name: what is not a letter, digit or '_' becomes '_'.
std::string MetricName(absl::string_view family) {
  std::string name = absl::StrCat("envoy_", family);
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != ':') c = '_';
  }
  return name;
}

using Families = std::vector<std::pair<StatType, std::string>>;

// Those that response codes may show as.
void AddCodeFamilies(absl::string_view name, Families& into) {
  const auto add = [name, &into](absl::string_view origin) {
    for (const absl::string_view ending : {"", "_xx", "_completed"}) {
      into.emplace_back(StatType::kCounter, absl::StrCat(origin, name, ending));
    }
  };
  add("");
  for (const absl::string_view origin : kOriginPrefixes) add(origin);
}

// `envoy_cluster_name="foo"`
void AppendLabel(std::string& out, absl::string_view tag, absl::string_view value) {
  if (!out.empty()) out.push_back(',');
  for (const char c : tag) {
    out.push_back(absl::ascii_isalnum(static_cast<unsigned char>(c)) ? c : '_');
  }
  out.append("=\"");
  for (const char c : value) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (c == '\n') {
      out.append("\\n");
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

// Counters, gauges, text readouts, histograms.
int RankOf(StatType type) {
  return type == StatType::kCounter       ? 0
         : type == StatType::kGauge       ? 1
         : type == StatType::kTextReadout ? 2
                                          : 3;
}

// A stat whose labels the configuration says.
struct Moved {
  StatType type;
  std::string family;
  std::string labels;
  uint32_t reading;
  uint32_t spec;
  std::string name;  // Which of those of the line.

  std::tuple<int, const std::string&> key() const { return {RankOf(type), family}; }
};

void AppendLabels(std::string& out, absl::Span<const Tag> tags) {
  for (const Tag& tag : tags) AppendLabel(out, tag.name, tag.value);
}

std::string ScopeLabels(const ScopeName& name) {
  std::string labels;
  ForEachTag(name, [&labels](absl::string_view tag, absl::string_view value) {
    AppendLabel(labels, tag, value);
  });
  return labels;
}

class Writer {
 public:
  Writer(absl::Span<const ScopeReading> readings, const PrometheusOptions& options)
      : readings_(readings), options_(options) {
    labels_.reserve(readings.size());
    for (uint32_t i = 0; i < readings.size(); ++i) {
      const ScopeReading& reading = readings[i];
      tables_[{&reading.name.shape(), reading.schema}].push_back(i);
      labels_.push_back(ScopeLabels(reading.name));
      if (options.tags != nullptr) AppendLabels(labels_.back(), options.tags->fixed());
    }
    MakeRows();
    if (Moves()) FindMoved();
  }

  std::string Write() {
    size_t moved = 0;
    for (size_t start = 0; start < rows_.size();) {
      size_t end = start + 1;
      while (end < rows_.size() && rows_[end].type == rows_[start].type &&
             rows_[end].family == rows_[start].family) {
        ++end;
      }
      const std::tuple<int, const std::string&> key(RankOf(rows_[start].type), rows_[start].family);
      while (moved < moved_.size() && moved_[moved].key() < key) moved = WriteMovedFamily(moved);
      WriteFamily(absl::MakeConstSpan(rows_).subspan(start, end - start));
      if (moved < moved_.size() && moved_[moved].key() == key) moved = WriteMoved(moved);
      start = end;
    }
    while (moved < moved_.size()) moved = WriteMovedFamily(moved);
    return std::move(out_);
  }

 private:
  void MakeRows();
  void WriteFamily(absl::Span<const Row> rows);
  void WriteRow(const Row& row, uint32_t reading);
  void WriteStat(const Stat& stat, uint32_t reading);
  void WriteLabelled(const Stat& stat, const std::string& labels);
  bool Wanted(StatType type) const {
    if (type == StatType::kTextReadout && !options_.text_readouts) return false;
    return !options_.common.type.has_value() || *options_.common.type == type;
  }
  // Whether the labels of some stats are not those of their scope.
  bool Moves() const { return options_.tags != nullptr && !options_.tags->plain(); }
  void FindMoved();
  void BeginFamily(const std::string& family);
  // Both return where the next family begins.
  size_t WriteMovedFamily(size_t start);
  size_t WriteMoved(size_t start);
  void FindBounds(uint32_t reading, const Stat& stat);
  void WriteBuckets(const Stat& stat, const std::string& labels);
  void WriteQuantiles(const Stat& stat, const std::string& labels);

  const absl::Span<const ScopeReading> readings_;
  const PrometheusOptions& options_;
  std::map<std::pair<const ScopeShape*, const Schema*>, Table> tables_;
  std::vector<std::string> labels_;  // by reading
  std::vector<Row> rows_;
  std::vector<Moved> moved_;  // By family.
  std::string out_;

  // Of the family being written.
  std::string metric_;
  bool has_type_line_ = false;
  // Of the stat being written, where it is a histogram.
  absl::Span<const double> bounds_;
};

void Writer::MakeRows() {
  for (const auto& [key, table] : tables_) {
    const absl::string_view prefix = key.first->family;
    const absl::Span<const StatSpec> stats = key.second->stats;
    for (uint32_t i = 0; i < stats.size(); ++i) {
      Families suffixes;
      if (stats[i].kind == Kind::kResponseCodes) {
        AddCodeFamilies(stats[i].name, suffixes);
      } else {
        ForEachStat(readings_[table.front()], i, [&suffixes](const Stat& stat) {
          suffixes.emplace_back(stat.type, std::string(stat.family));
        });
      }
      for (auto& [type, suffix] : suffixes) {
        rows_.push_back({type, absl::StrCat(prefix, suffix), suffix, &table, i});
      }
    }
  }
  const auto order = [](const Row& row) {
    return std::tuple<int, const std::string&, uint32_t>(RankOf(row.type), row.family, row.spec);
  };
  std::sort(rows_.begin(), rows_.end(),
            [order](const Row& a, const Row& b) { return order(a) < order(b); });
}

void Writer::WriteFamily(absl::Span<const Row> rows) {
  if (!Wanted(rows[0].type)) return;
  BeginFamily(rows[0].family);
  if (rows.size() == 1) {
    for (const uint32_t reading : *rows[0].table) WriteRow(rows[0], reading);
    return;
  }
  std::vector<std::pair<uint32_t, const Row*>> series;
  for (const Row& row : rows) {
    for (const uint32_t reading : *row.table) series.emplace_back(reading, &row);
  }
  // Rows of a family are neighbours, by rising line of the schema: their addresses order them.
  std::sort(series.begin(), series.end());
  for (const auto& [reading, row] : series) WriteRow(*row, reading);
}

void Writer::BeginFamily(const std::string& family) {
  metric_ = MetricName(family);
  has_type_line_ = false;
}

void Writer::FindMoved() {
  std::string name;
  for (uint32_t i = 0; i < readings_.size(); ++i) {
    const ScopeReading& reading = readings_[i];
    for (uint32_t spec = 0; spec < reading.schema->stats.size(); ++spec) {
      ForEachStat(reading, spec, [&](const Stat& stat) {
        if (!Wanted(stat.type) || (options_.common.used_only && !stat.used)) return;
        name = reading.name.prefix();
        absl::StrAppend(&name, stat.name);
        if (!options_.tags->MayConcern(name)) return;
        if (options_.common.accepts != nullptr && !options_.common.accepts(name)) return;
        TaggedStat taken = options_.tags->Take(reading.name, stat);
        std::string labels;
        AppendLabels(labels, taken.tags);
        AppendLabels(labels, options_.tags->fixed());
        moved_.push_back({stat.type, std::move(taken.family), std::move(labels), i, spec,
                          std::string(stat.name)});
      });
    }
  }
  std::stable_sort(moved_.begin(), moved_.end(),
                   [](const Moved& a, const Moved& b) { return a.key() < b.key(); });
}

size_t Writer::WriteMovedFamily(size_t start) {
  BeginFamily(moved_[start].family);
  return WriteMoved(start);
}

size_t Writer::WriteMoved(size_t start) {
  size_t end = start;
  for (; end < moved_.size() && moved_[end].key() == moved_[start].key(); ++end) {
    const Moved& moved = moved_[end];
    ForEachStat(readings_[moved.reading], moved.spec, [this, &moved](const Stat& stat) {
      if (stat.name != moved.name) return;
      FindBounds(moved.reading, stat);
      WriteLabelled(stat, moved.labels);
    });
  }
  return end;
}

void Writer::WriteRow(const Row& row, uint32_t reading) {
  ForEachStat(readings_[reading], row.spec, [this, &row, reading](const Stat& stat) {
    if (stat.family != row.suffix) return;
    if (options_.common.used_only && !stat.used) return;
    if (options_.common.accepts != nullptr || Moves()) {
      const std::string name = absl::StrCat(readings_[reading].name.prefix(), stat.name);
      if (options_.common.accepts != nullptr && !options_.common.accepts(name)) return;
      if (Moves() && options_.tags->MayConcern(name)) return;
    }
    FindBounds(reading, stat);
    WriteStat(stat, reading);
  });
}

void Writer::FindBounds(uint32_t reading, const Stat& stat) {
  if (stat.type != StatType::kHistogram) return;
  bounds_ = BoundsOf(options_.common, absl::StrCat(readings_[reading].name.prefix(), stat.name));
}

void Writer::WriteStat(const Stat& stat, uint32_t reading) {
  const std::string& scope = labels_[reading];
  if (stat.tag.empty()) return WriteLabelled(stat, scope);
  std::string labels;
  AppendLabel(labels, stat.tag, stat.tag_value);
  if (!scope.empty()) labels.push_back(',');
  labels += scope;
  WriteLabelled(stat, labels);
}

void Writer::WriteLabelled(const Stat& stat, const std::string& labels) {
  if (!has_type_line_) {
    const absl::string_view type = stat.type == StatType::kCounter     ? "counter"
                                   : stat.type != StatType::kHistogram ? "gauge"
                                   : options_.summaries                ? "summary"
                                                                       : "histogram";
    absl::StrAppend(&out_, "# TYPE ", metric_, " ", type, "\n");
    has_type_line_ = true;
  }
  if (stat.type == StatType::kHistogram) {
    options_.summaries ? WriteQuantiles(stat, labels) : WriteBuckets(stat, labels);
    absl::StrAppend(&out_, metric_, "_sum{", labels, "} ", stat.total->sum(), "\n");
    absl::StrAppend(&out_, metric_, "_count{", labels, "} ", stat.total->count(), "\n");
    return;
  }
  if (stat.type != StatType::kTextReadout) {
    absl::StrAppend(&out_, metric_, "{", labels, "} ", stat.value, "\n");
    return;
  }
  std::string with_text = labels;
  AppendLabel(with_text, "text_value", *stat.text);
  absl::StrAppend(&out_, metric_, "{", with_text, "} ", stat.value, "\n");
}

void Writer::WriteBuckets(const Stat& stat, const std::string& labels) {
  const absl::string_view comma = labels.empty() ? "" : ",";
  for (const double bound : bounds_) {
    absl::StrAppend(&out_, metric_, "_bucket{", labels, comma, "le=\"");
    // Prometheus's custom is to write whole numbers out in full.
    if (bound > static_cast<double>(Buckets::kMax) || bound != std::floor(bound)) {
      AppendDouble(out_, bound);
    } else {
      absl::StrAppend(&out_, static_cast<uint64_t>(bound));
    }
    absl::StrAppend(&out_, "\"} ", stat.total->CountAtMost(bound), "\n");
  }
  absl::StrAppend(&out_, metric_, "_bucket{", labels, comma, "le=\"+Inf\"} ", stat.total->count(),
                  "\n");
}

void Writer::WriteQuantiles(const Stat& stat, const std::string& labels) {
  const absl::string_view comma = labels.empty() ? "" : ",";
  for (const double quantile : DefaultQuantiles()) {
    absl::StrAppend(&out_, metric_, "{", labels, comma, "quantile=\"", quantile, "\"} ");
    AppendDouble(out_, stat.interval->Quantile(quantile));
    out_.push_back('\n');
  }
}

}  // namespace

std::string RenderPrometheus(absl::Span<const ScopeReading> readings,
                             const PrometheusOptions& options) {
  return Writer(readings, options).Write();
}

}  // namespace proxenos::stats
