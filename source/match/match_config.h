// Protos of text matchers to their compiled forms, for every converter that meets one. Each
// function adds an error at `path` and returns nothing when the message is wrong.
#pragma once

#include <optional>

#include "envoy/type/matcher/v3/regex.pb.h"
#include "envoy/type/matcher/v3/string.pb.h"
#include "source/config/errors.h"
#include "source/match/regex.h"
#include "source/match/string_matcher.h"

namespace proxenos::match {

std::optional<Regex> CompileRegex(const envoy::type::matcher::v3::RegexMatcher& config,
                                  config::Errors& errors, const config::Path& path);
std::optional<StringMatcher> CompileStringMatcher(
    const envoy::type::matcher::v3::StringMatcher& config, config::Errors& errors,
    const config::Path& path);

}  // namespace proxenos::match
