// StatsConfig to StatView.
#include "source/server/stats_config.h"

#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "source/match/match_config.h"

namespace proxenos::server {
namespace {

using envoy::config::metrics::v3::StatsConfig;
using envoy::config::metrics::v3::StatsMatcher;
using envoy::config::metrics::v3::TagSpecifier;

// Each shows as a line of its own for every histogram.
constexpr int kMaxBounds = 256;

void AddTag(const TagSpecifier& proto, config::Errors& errors, const config::Path& path,
            stats::TagRules& to) {
  if (proto.has_fixed_value()) return to.AddFixed(proto.tag_name(), proto.fixed_value());
  // Without a regex it names one of the default tags.
  const absl::Status status = proto.regex().empty() ? to.ShowDefault(proto.tag_name())
                                                    : to.AddRegex(proto.tag_name(), proto.regex());
  if (!status.ok()) errors.Add(path.Field("regex"), std::string(status.message()));
}

void SetMatcher(const StatsMatcher& proto, config::Errors& errors, const config::Path& path,
                stats::StatView& to) {
  if (proto.has_reject_all()) {
    if (proto.reject_all()) to.exists = [](absl::string_view) { return false; };
    return;
  }
  const bool wanted = proto.has_inclusion_list();
  if (!wanted && !proto.has_exclusion_list()) return;
  auto patterns =
      match::CompileStringMatchers(wanted ? proto.inclusion_list() : proto.exclusion_list(), errors,
                                   path.Field(wanted ? "inclusion_list" : "exclusion_list"));
  to.exists = [patterns = std::move(patterns), wanted](absl::string_view name) {
    return patterns.Matches(name) == wanted;
  };
}

void AddBuckets(const StatsConfig& proto, config::Errors& errors, const config::Path& path,
                stats::StatView& to) {
  for (int i = 0; i < proto.histogram_bucket_settings_size(); ++i) {
    const auto& settings = proto.histogram_bucket_settings(i);
    const config::Path at = path.Index(i);
    if (settings.buckets_size() > kMaxBounds) {
      errors.Add(at.Field("buckets"), absl::StrCat("has more than ", kMaxBounds, " bounds"));
      continue;
    }
    for (int k = 0; k < settings.buckets_size(); ++k) {
      if (std::isfinite(settings.buckets(k))) continue;
      errors.Add(at.Field("buckets").Index(k), "expected a finite number");
    }
    std::optional<match::StringMatcher> matcher =
        match::CompileStringMatcher(settings.match(), errors, at.Field("match"));
    if (!matcher.has_value()) continue;
    to.buckets.Add(
        [matcher = *std::move(matcher)](absl::string_view name) { return matcher.Matches(name); },
        {settings.buckets().begin(), settings.buckets().end()});
  }
}

}  // namespace

stats::StatView CompileStatView(const StatsConfig& proto, config::Errors& errors,
                                const config::Path& path) {
  stats::StatView view;
  view.tags.ShowDefaults(!proto.has_use_all_default_tags() || proto.use_all_default_tags().value());
  for (int i = 0; i < proto.stats_tags_size(); ++i) {
    AddTag(proto.stats_tags(i), errors, path.Field("stats_tags").Index(i), view.tags);
  }
  AddBuckets(proto, errors, path.Field("histogram_bucket_settings"), view);
  SetMatcher(proto.stats_matcher(), errors, path.Field("stats_matcher"), view);
  return view;
}

}  // namespace proxenos::server
