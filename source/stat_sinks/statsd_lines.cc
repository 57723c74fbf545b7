// (https://github.com/statsd/statsd/blob/master/docs/metric_types.md)
#include "source/stat_sinks/statsd_lines.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "source/stats/stat_list.h"

namespace proxenos::stat_sinks {
namespace {

using stats::StatType;

// Appends `text` without what would end its part of a line: parts of names come from peers too.
void AppendClean(std::string& to, absl::string_view text, absl::string_view marks) {
  for (const char c : text) {
    const bool mark = static_cast<unsigned char>(c) <= ' ' || marks.find(c) != marks.npos;
    to += mark ? '_' : c;
  }
}

constexpr absl::string_view kPlainMarks = ":|@#";
constexpr absl::string_view kDogMarks = "|#,";
constexpr absl::string_view kGraphiteMarks = ":|@#;=~";

}  // namespace

void StatsdLines::SetName(const stats::ScopeReading& reading, const stats::Stat& stat,
                          const std::string& name) {
  head_.clear();
  tail_.clear();
  absl::StrAppend(&head_, prefix_, ".");
  if (form_ == StatsdForm::kPlain) {
    AppendClean(head_, name, kPlainMarks);
    head_ += ':';
    return;
  }
  const stats::TaggedStat tagged = view_.tags.Take(reading.name, stat);
  const bool dog = form_ == StatsdForm::kDog;
  AppendClean(head_, tagged.family, dog ? kPlainMarks : kGraphiteMarks);
  const auto add = [this, dog](const stats::Tag& tag) {
    std::string& to = dog ? tail_ : head_;
    if (dog) {
      to += tail_.empty() ? "|#" : ",";
    } else {
      to += ';';
    }
    AppendClean(to, tag.name, dog ? absl::string_view("|#,:") : kGraphiteMarks);
    to += dog ? ':' : '=';
    AppendClean(to, tag.value, dog ? kDogMarks : kGraphiteMarks);
  };
  for (const stats::Tag& tag : tagged.tags) add(tag);
  for (const stats::Tag& tag : view_.tags.fixed()) add(tag);
  head_ += ':';
}

void StatsdLines::AddLine(uint64_t value, absl::string_view type, uint64_t count, Take take) {
  line_ = head_;
  absl::StrAppend(&line_, value, "|", type);
  if (count > 1) {
    line_ += "|@";
    stats::AppendDouble(line_, 1 / static_cast<double>(count));
  }
  line_ += tail_;
  take(line_);
}

void StatsdLines::AddHistogram(const stats::HistogramData& data, Take take) {
  for (const stats::HistogramData::Bucket& bucket : data.buckets()) {
    const uint64_t middle =
        stats::Buckets::Upper(bucket.index) - stats::Buckets::Width(bucket.index) / 2;
    AddLine(middle, "ms", bucket.count, take);
  }
}

void StatsdLines::AddStat(const stats::ScopeReading& reading, const stats::Stat& stat, Take take) {
  if (!stat.used || stat.type == StatType::kTextReadout) return;
  if (stat.type == StatType::kHistogram && stat.interval->empty()) return;
  const std::string name = absl::StrCat(reading.name.prefix(), stat.name);
  if (view_.exists != nullptr && !view_.exists(name)) return;
  SetName(reading, stat, name);
  if (stat.type == StatType::kHistogram) {
    AddHistogram(*stat.interval, take);
  } else if (stat.type == StatType::kCounter) {
    AddLine(counts_.Take(name, stat.value), "c", 1, take);
  } else {
    AddLine(stat.value, "g", 1, take);
  }
}

void StatsdLines::Encode(absl::Span<const stats::ScopeReading> readings, Take take) {
  for (const stats::ScopeReading& reading : readings) {
    for (uint32_t spec = 0; spec < reading.schema->stats.size(); ++spec) {
      stats::ForEachStat(reading, spec, [this, &reading, take](const stats::Stat& stat) {
        AddStat(reading, stat, take);
      });
    }
  }
}

}  // namespace proxenos::stat_sinks
