// From the parameters of a request to a page of stats. See stats_handler.h.
#include "source/admin/stats_handler.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "re2/re2.h"
#include "source/stats/render.h"

namespace proxenos::admin {
namespace {

template <class T>
struct Choice {
  absl::string_view name;
  T value;
};

template <class T, size_t kCount>
const T* Find(const Choice<T> (&choices)[kCount], absl::string_view name) {
  for (const Choice<T>& choice : choices) {
    if (choice.name == name) return &choice.value;
  }
  return nullptr;
}

using stats::HistogramView;
using stats::StatType;

// "none" and "" leave it at the default.
constexpr Choice<std::optional<HistogramView>> kHistogramViews[] = {
    {"", std::nullopt},
    {"none", std::nullopt},
    {"summary", HistogramView::kSummary},
    {"cumulative", HistogramView::kCumulative},
    {"disjoint", HistogramView::kDisjoint},
    {"detailed", HistogramView::kDetailed}};

constexpr Choice<std::optional<StatType>> kTypes[] = {{"", std::nullopt},
                                                      {"All", std::nullopt},
                                                      {"Counters", StatType::kCounter},
                                                      {"Gauges", StatType::kGauge},
                                                      {"Histograms", StatType::kHistogram},
                                                      {"TextReadouts", StatType::kTextReadout}};

// Whether only those are asked for that are not to be seen. There are none.
constexpr Choice<bool> kHidden[] = {
    {"", false}, {"include", false}, {"exclude", false}, {"only", true}};

// What a page is asked for.
struct Wanted {
  stats::RenderOptions options;
  // What every name begins with that the filter matches. Of ten thousand clusters' scopes each then
  // costs a comparison.
  std::string begin = {};

  // Whether a name that begins with `prefix` may match.
  bool MayBegin(absl::string_view prefix) const {
    return absl::StartsWith(prefix, begin) || absl::StartsWith(begin, prefix);
  }
};

// The literal text after a leading ^; empty when there is none, or it is not that simple.
std::string LiteralBegin(absl::string_view pattern) {
  std::string begin;
  if (!absl::ConsumePrefix(&pattern, "^") || absl::StrContains(pattern, '|')) return begin;
  while (!pattern.empty()) {
    const bool escaped =
        pattern[0] == '\\' && pattern.size() > 1 && absl::ascii_ispunct(pattern[1]);
    if (escaped) pattern.remove_prefix(1);
    const char c = pattern[0];
    const bool literal = absl::ascii_isalnum(c) || absl::StrContains("_-:/ ", c) || escaped;
    pattern.remove_prefix(1);
    const bool optional = !pattern.empty() && absl::StrContains("*?{", pattern[0]);
    if (!literal || optional) break;
    begin += c;
  }
  return begin;
}

// `exists` says which stats there are at all; null: all of them.
using Exists = absl::AnyInvocable<bool(absl::string_view) const>;

absl::Status ReadFilter(const Params& params, const Exists& exists, Wanted& read) {
  const std::string* pattern = params.Find("filter");
  if (pattern == nullptr || pattern->empty()) {
    if (exists != nullptr) {
      read.options.accepts = [&exists](absl::string_view name) { return exists(name); };
    }
    return absl::OkStatus();
  }
  auto regex = std::make_unique<RE2>(*pattern, RE2::Quiet);
  if (!regex->ok()) {
    return absl::InvalidArgumentError(absl::StrCat("Invalid re2 regex: ", regex->error()));
  }
  const bool wanted = !params.Has("invert_filter");
  if (wanted) read.begin = LiteralBegin(*pattern);
  read.options.accepts = [regex = std::move(regex), wanted, &exists](absl::string_view name) {
    return RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *regex) == wanted &&
           (exists == nullptr || exists(name));
  };
  return absl::OkStatus();
}

// What both pages take.
absl::StatusOr<Wanted> ReadOptions(const Params& params, const stats::StatView& view) {
  Wanted wanted;
  stats::RenderOptions& options = wanted.options;
  // As in Envoy its value does not matter: `usedonly=0` is usedonly.
  options.used_only = params.Has("usedonly");
  const auto* type = Find(kTypes, params.Get("type"));
  if (type == nullptr) return absl::InvalidArgumentError("invalid &type= param");
  options.type = *type;
  options.buckets = &view.buckets;
  if (absl::Status read = ReadFilter(params, view.exists, wanted); !read.ok()) return read;
  const bool* hidden = Find(kHidden, params.Get("hidden"));
  if (hidden == nullptr) {
    return absl::InvalidArgumentError("usage: /stats?hidden=(include|only|exclude)\n");
  }
  if (*hidden) options.accepts = [](absl::string_view) { return false; };
  return wanted;
}

std::vector<stats::ScopeReading> ReadFor(stats::Registry& registry, const Wanted& wanted) {
  return registry.Read([&wanted](const stats::ScopeName& scope, const stats::Schema& schema) {
    return wanted.MayBegin(scope.prefix()) && stats::MayShow(wanted.options, scope, schema);
  });
}

Response Refusal(const absl::Status& status) {
  return Response::Error(400, absl::StrCat(status.message(), "\n"));
}

Response ResetCounters(stats::Registry& registry) {
  registry.ResetCounters();
  return Response::Text("OK\n");
}

std::vector<ParamHelp> CommonParams() {
  return {
      {"usedonly", "Only include stats that have been written by system since restart"},
      {"filter", "Regular expression (Google re2) for filtering stats"},
      {"invert_filter", "Invert the filter regex"},
      {"type", "Stat types to include; One of (All, Counters, Histograms, Gauges, TextReadouts)"},
      {"hidden", "Hidden stats to include; One of (include, only, exclude). There are none"}};
}

}  // namespace

Response StatsPage(stats::Registry& registry, const Params& params, const stats::StatView& view) {
  const std::string format = params.Get("format");
  if (format == "prometheus") return PrometheusPage(registry, params, view);
  if (!format.empty() && format != "text" && format != "json") {
    return Response::Error(400, "usage: /stats?format=(json|prometheus|text)\n\n");
  }
  absl::StatusOr<Wanted> wanted = ReadOptions(params, view);
  if (!wanted.ok()) return Refusal(wanted.status());
  const auto* buckets = Find(kHistogramViews, params.Get("histogram_buckets"));
  if (buckets == nullptr) {
    return Response::Error(
        400, "usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary)\n");
  }
  wanted->options.histograms = buckets->value_or(HistogramView::kSummary);
  const std::vector<stats::ScopeReading> readings = ReadFor(registry, *wanted);
  if (format == "json") return Response::Json(stats::RenderJson(readings, wanted->options));
  return Response::Text(stats::RenderText(readings, wanted->options));
}

Response PrometheusPage(stats::Registry& registry, const Params& params,
                        const stats::StatView& view) {
  absl::StatusOr<Wanted> common = ReadOptions(params, view);
  if (!common.ok()) return Refusal(common.status());
  const auto* buckets = Find(kHistogramViews, params.Get("histogram_buckets"));
  const HistogramView shown =
      buckets == nullptr ? HistogramView::kDetailed : buckets->value_or(HistogramView::kCumulative);
  if (shown != HistogramView::kCumulative && shown != HistogramView::kSummary) {
    return Response::Error(400, "unsupported prometheus histogram bucket mode\n");
  }
  const std::vector<stats::ScopeReading> readings = ReadFor(registry, *common);
  stats::PrometheusOptions options;
  options.common = std::move(common->options);
  options.summaries = shown == HistogramView::kSummary;
  options.text_readouts = params.Has("text_readouts");
  options.tags = &view.tags;
  return Response::Text(stats::RenderPrometheus(readings, options));
}

void AddStatsEndpoints(EndpointTable& table, stats::Registry& registry,
                       const stats::StatView& view) {
  Endpoint page;
  page.path = "/stats";
  page.help = "print server stats";
  page.params = CommonParams();
  page.params.push_back({"format", "Format to use; One of (text, json, prometheus)"});
  page.params.push_back(
      {"histogram_buckets",
       "Histogram bucket display mode; One of (cumulative, disjoint, detailed, summary)"});
  page.handler = [&registry, &view](const Request& request) {
    return StatsPage(registry, request.params, view);
  };
  table.Add(std::move(page));

  Endpoint prometheus;
  prometheus.path = "/stats/prometheus";
  prometheus.help = "print server stats in prometheus format";
  prometheus.params = CommonParams();
  prometheus.params.push_back({"text_readouts", "Render text_readouts as new gauges with value 0"});
  prometheus.params.push_back(
      {"histogram_buckets", "Histogram bucket display mode; One of (cumulative, summary)"});
  prometheus.handler = [&registry, &view](const Request& request) {
    return PrometheusPage(registry, request.params, view);
  };
  table.Add(std::move(prometheus));

  Endpoint reset;
  reset.path = "/reset_counters";
  reset.method = Endpoint::Method::kPost;
  reset.help = "reset all counters to zero";
  reset.handler = [&registry](const Request&) { return ResetCounters(registry); };
  table.Add(std::move(reset));
}

}  // namespace proxenos::admin
