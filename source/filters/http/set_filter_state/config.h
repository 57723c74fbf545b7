// From envoy.extensions.filters.http.set_filter_state.v3.Config to the filter's factory and
// settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::set_filter_state {

extern const route::OverrideKind kSetFilterStateOverride;

std::unique_ptr<filter::FilterFactory> CreateSetFilterState(const google::protobuf::Any& config,
                                                            const config::Path& path,
                                                            config::Errors& errors);

}  // namespace proxenos::filters::set_filter_state
