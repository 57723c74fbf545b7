// From envoy.extensions.filters.http.stateful_session.v3.StatefulSession, and what routes say, to
// the filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::stateful_session {

extern const route::OverrideKind kStatefulSessionOverride;

std::unique_ptr<filter::FilterFactory> CreateStatefulSession(const google::protobuf::Any& config,
                                                             const config::Path& path,
                                                             config::Errors& errors);

}  // namespace proxenos::filters::stateful_session
