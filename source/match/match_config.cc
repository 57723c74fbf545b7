// Compilation of text matchers.
#include "source/match/match_config.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace proxenos::match {
namespace {

using StringMatcherConfig = envoy::type::matcher::v3::StringMatcher;
using Kind = StringMatcher::Kind;

}  // namespace

std::optional<Regex> CompileRegex(const envoy::type::matcher::v3::RegexMatcher& config,
                                  config::Errors& errors, const config::Path& path) {
  absl::StatusOr<Regex> regex = Regex::Compile(config.regex());
  if (!regex.ok()) {
    errors.Add(path.Field("regex"), std::string(regex.status().message()));
    return std::nullopt;
  }
  if (config.google_re2().has_max_program_size() &&
      static_cast<uint32_t>(regex->program_size()) >
          config.google_re2().max_program_size().value()) {
    errors.Add(path.Field("regex"), absl::StrCat("program size ", regex->program_size(),
                                                 " is larger than max_program_size ",
                                                 config.google_re2().max_program_size().value()));
    return std::nullopt;
  }
  return *std::move(regex);
}

std::optional<StringMatcher> CompileStringMatcher(const StringMatcherConfig& config,
                                                  config::Errors& errors,
                                                  const config::Path& path) {
  switch (config.match_pattern_case()) {
    case StringMatcherConfig::kExact:
      return StringMatcher(Kind::kExact, config.exact(), config.ignore_case());
    case StringMatcherConfig::kPrefix:
      return StringMatcher(Kind::kPrefix, config.prefix(), config.ignore_case());
    case StringMatcherConfig::kSuffix:
      return StringMatcher(Kind::kSuffix, config.suffix(), config.ignore_case());
    case StringMatcherConfig::kContains:
      return StringMatcher(Kind::kContains, config.contains(), config.ignore_case());
    case StringMatcherConfig::kSafeRegex: {
      if (config.ignore_case()) {
        errors.Add(path.Field("ignore_case"),
                   "has no effect on safe_regex: write (?i) in the regex");
        return std::nullopt;
      }
      auto regex = CompileRegex(config.safe_regex(), errors, path.Field("safe_regex"));
      if (!regex.has_value()) return std::nullopt;
      return StringMatcher(*std::move(regex));
    }
    case StringMatcherConfig::kCustom:
      errors.Add(path.Field("custom"), "is not implemented by proxenos");
      return std::nullopt;
    case StringMatcherConfig::MATCH_PATTERN_NOT_SET:
      errors.Add(path, "expected one of exact, prefix, suffix, contains, safe_regex");
      return std::nullopt;
  }
  return std::nullopt;
}

StringMatchers CompileStringMatchers(const envoy::type::matcher::v3::ListStringMatcher& config,
                                     config::Errors& errors, const config::Path& path) {
  StringMatchers matchers;
  for (int i = 0; i < config.patterns_size(); ++i) {
    auto pattern = CompileStringMatcher(config.patterns(i), errors,
                                        path.Field("patterns").Index(static_cast<size_t>(i)));
    if (pattern.has_value()) matchers.patterns.push_back(*std::move(pattern));
  }
  return matchers;
}

}  // namespace proxenos::match
