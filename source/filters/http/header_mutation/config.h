// From envoy.extensions.filters.http.header_mutation.v3.HeaderMutation and HeaderMutationPerRoute
// to the filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::header_mutation {

extern const route::OverrideKind kHeaderMutationOverride;

std::unique_ptr<filter::FilterFactory> CreateHeaderMutation(const google::protobuf::Any& config,
                                                            const config::Path& path,
                                                            config::Errors& errors);

}  // namespace proxenos::filters::header_mutation
