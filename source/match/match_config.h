// Protos of text matchers to their compiled forms, for every converter that meets one. Each
// function adds an error at `path` and returns nothing when the message is wrong.
#pragma once

#include <optional>

#include "envoy/type/matcher/v3/regex.pb.h"
#include "envoy/type/matcher/v3/string.pb.h"
#include "source/config/errors.h"
#include "source/match/regex.h"
#include "source/match/string_matcher.h"
#include "source/match/string_matchers.h"

namespace proxenos::match {

std::optional<Regex> CompileRegex(const envoy::type::matcher::v3::RegexMatcher& config,
                                  config::Errors& errors, const config::Path& path);
std::optional<StringMatcher> CompileStringMatcher(
    const envoy::type::matcher::v3::StringMatcher& config, config::Errors& errors,
    const config::Path& path);
// What is wrong with a pattern is an error at its place; the others are in the result.
StringMatchers CompileStringMatchers(const envoy::type::matcher::v3::ListStringMatcher& config,
                                     config::Errors& errors, const config::Path& path);

}  // namespace proxenos::match
