// Compilation of value and metadata matchers.
#include "source/match/value_matcher_config.h"

#include <utility>

#include "source/match/match_config.h"

namespace proxenos::match {
namespace {

using Config = envoy::type::matcher::v3::ValueMatcher;
using Pattern = ValueMatcher::Pattern;

std::optional<Pattern> CompileNumber(const envoy::type::matcher::v3::DoubleMatcher& config) {
  if (config.has_range()) {
    return Pattern(ValueMatcher::Range{config.range().start(), config.range().end()});
  }
  return Pattern(config.exact());
}

std::optional<Pattern> CompilePattern(const Config& config, config::Errors& errors,
                                      const config::Path& path) {
  switch (config.match_pattern_case()) {
    case Config::kNullMatch:
      return Pattern(ValueMatcher::Null{});
    case Config::kDoubleMatch:
      return CompileNumber(config.double_match());
    case Config::kStringMatch: {
      auto text = CompileStringMatcher(config.string_match(), errors, path.Field("string_match"));
      if (!text) return std::nullopt;
      return Pattern(*std::move(text));
    }
    case Config::kBoolMatch:
      return Pattern(config.bool_match());
    case Config::kPresentMatch:
      return Pattern(ValueMatcher::Present{config.present_match()});
    case Config::kListMatch: {
      auto one = CompileValueMatcher(config.list_match().one_of(), errors,
                                     path.Field("list_match").Field("one_of"));
      if (!one) return std::nullopt;
      ValueMatcher::AnyElement any;
      any.matcher.push_back(*std::move(one));
      return Pattern(std::move(any));
    }
    case Config::kOrMatch: {
      ValueMatcher::AnyOf any;
      const auto& all = config.or_match().value_matchers();
      const config::Path at = path.Field("or_match").Field("value_matchers");
      for (int i = 0; i < all.size(); ++i) {
        auto one = CompileValueMatcher(all[i], errors, at.Index(static_cast<size_t>(i)));
        if (one) any.matchers.push_back(*std::move(one));
      }
      if (any.matchers.size() != static_cast<size_t>(all.size())) return std::nullopt;
      return Pattern(std::move(any));
    }
    case Config::MATCH_PATTERN_NOT_SET:
      break;
  }
  errors.Add(path, "expected a pattern");
  return std::nullopt;
}

}  // namespace

std::optional<ValueMatcher> CompileValueMatcher(const Config& config, config::Errors& errors,
                                                const config::Path& path) {
  auto pattern = CompilePattern(config, errors, path);
  if (!pattern) return std::nullopt;
  return ValueMatcher(*std::move(pattern));
}

std::optional<MetadataMatcher> CompileMetadataMatcher(
    const envoy::type::matcher::v3::MetadataMatcher& config, config::Errors& errors,
    const config::Path& path) {
  auto value = CompileValueMatcher(config.value(), errors, path.Field("value"));
  if (!value) return std::nullopt;
  MetadataMatcher matcher{{config.filter()}, *std::move(value), config.invert()};
  for (const auto& segment : config.path()) matcher.path.push_back(segment.key());
  return matcher;
}

}  // namespace proxenos::match
