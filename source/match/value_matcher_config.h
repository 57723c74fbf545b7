// Protos of value and metadata matchers to their compiled forms. Each function adds an error at
// `path` and returns nothing when the message is wrong.
#pragma once

#include <optional>

#include "envoy/type/matcher/v3/metadata.pb.h"
#include "envoy/type/matcher/v3/value.pb.h"
#include "source/config/errors.h"
#include "source/match/value_matcher.h"

namespace proxenos::match {

std::optional<ValueMatcher> CompileValueMatcher(
    const envoy::type::matcher::v3::ValueMatcher& config, config::Errors& errors,
    const config::Path& path);
std::optional<MetadataMatcher> CompileMetadataMatcher(
    const envoy::type::matcher::v3::MetadataMatcher& config, config::Errors& errors,
    const config::Path& path);

}  // namespace proxenos::match
