// From envoy.extensions.common.matching.v3.ExtensionWithMatcher to the filter in it and its gate.
#pragma once

#include <memory>

#include "absl/strings/string_view.h"
#include "envoy/config/core/v3/extension.pb.h"
#include "envoy/extensions/common/matching/v3/extension_matcher.pb.h"
#include "source/config/errors.h"
#include "source/filter/filter_config.h"
#include "source/filter/http_filter.h"

namespace proxenos::filter {

inline constexpr absl::string_view kExtensionWithMatcher =
    "envoy.extensions.common.matching.v3.ExtensionWithMatcher";

// Of ExtensionWithMatcherPerRoute.
extern const route::OverrideKind kMatcherGateOverride;

// Null, with every error named, when it is wrong. `name`: of the place in the chain.
std::unique_ptr<const FilterGate> CompileMatcherGate(
    const envoy::extensions::common::matching::v3::ExtensionWithMatcher& proto,
    const route::FilterName& name, const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filter
