// Compilation of matchers.
#include "source/route/matcher_config.h"

#include <utility>

namespace proxenos::route {
namespace {

using match::CompileRegex;
using match::CompileStringMatcher;

using envoy::config::route::v3::QueryParameterMatcher;
using HeaderMatcherConfig = envoy::config::route::v3::HeaderMatcher;
using Kind = StringMatcher::Kind;

// What header_match_specifier says; nothing after an error.
std::optional<HeaderMatcher::Pattern> CompilePattern(const HeaderMatcherConfig& config,
                                                     config::Errors& errors,
                                                     const config::Path& path) {
  switch (config.header_match_specifier_case()) {
    case HeaderMatcherConfig::kExactMatch:
      if (config.exact_match().empty()) return HeaderMatcher::AnyValue{};
      return StringMatcher(Kind::kExact, config.exact_match(), false);
    case HeaderMatcherConfig::kPrefixMatch:
      return StringMatcher(Kind::kPrefix, config.prefix_match(), false);
    case HeaderMatcherConfig::kSuffixMatch:
      return StringMatcher(Kind::kSuffix, config.suffix_match(), false);
    case HeaderMatcherConfig::kContainsMatch:
      return StringMatcher(Kind::kContains, config.contains_match(), false);
    case HeaderMatcherConfig::kSafeRegexMatch: {
      auto regex = CompileRegex(config.safe_regex_match(), errors, path.Field("safe_regex_match"));
      if (!regex.has_value()) return std::nullopt;
      return StringMatcher(*std::move(regex));
    }
    case HeaderMatcherConfig::kStringMatch: {
      auto matcher =
          CompileStringMatcher(config.string_match(), errors, path.Field("string_match"));
      if (!matcher.has_value()) return std::nullopt;
      return *std::move(matcher);
    }
    case HeaderMatcherConfig::kRangeMatch:
      return HeaderMatcher::Range{config.range_match().start(), config.range_match().end()};
    case HeaderMatcherConfig::kPresentMatch:
      return HeaderMatcher::Present{config.present_match()};
    case HeaderMatcherConfig::HEADER_MATCH_SPECIFIER_NOT_SET:
      return HeaderMatcher::Present{true};
  }
  return std::nullopt;
}

}  // namespace

std::optional<RegexRewrite> CompileRegexRewrite(
    const envoy::type::matcher::v3::RegexMatchAndSubstitute& config, config::Errors& errors,
    const config::Path& path) {
  std::optional<match::Regex> pattern =
      CompileRegex(config.pattern(), errors, path.Field("pattern"));
  if (!pattern.has_value()) return std::nullopt;
  const absl::Status status = pattern->CheckSubstitution(config.substitution());
  if (!status.ok()) {
    errors.Add(path.Field("substitution"), std::string(status.message()));
    return std::nullopt;
  }
  return RegexRewrite{*std::move(pattern), config.substitution()};
}

std::optional<HeaderMatcher> CompileHeaderMatcher(const HeaderMatcherConfig& config,
                                                  config::Errors& errors,
                                                  const config::Path& path) {
  auto pattern = CompilePattern(config, errors, path);
  if (!pattern.has_value()) return std::nullopt;
  return HeaderMatcher(FieldName(config.name()), *std::move(pattern), config.invert_match(),
                       config.treat_missing_header_as_empty());
}

std::optional<QueryMatcher> CompileQueryMatcher(const QueryParameterMatcher& config,
                                                config::Errors& errors, const config::Path& path) {
  switch (config.query_parameter_match_specifier_case()) {
    case QueryParameterMatcher::kStringMatch: {
      auto matcher =
          CompileStringMatcher(config.string_match(), errors, path.Field("string_match"));
      if (!matcher.has_value()) return std::nullopt;
      return QueryMatcher(config.name(), *std::move(matcher));
    }
    case QueryParameterMatcher::kPresentMatch:
      return QueryMatcher(config.name(), QueryMatcher::Present{config.present_match()});
    case QueryParameterMatcher::QUERY_PARAMETER_MATCH_SPECIFIER_NOT_SET:
      return QueryMatcher(config.name(), QueryMatcher::Present{true});
  }
  return std::nullopt;
}

}  // namespace proxenos::route
