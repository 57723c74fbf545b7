// From envoy.extensions.filters.http.on_demand.v3.OnDemand to the filter's factory.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::on_demand {

// PerRouteConfig.
extern const route::OverrideKind kOnDemandOverride;

std::unique_ptr<filter::FilterFactory> CreateOnDemand(const google::protobuf::Any& config,
                                                      const config::Path& path,
                                                      config::Errors& errors);

}  // namespace proxenos::filters::on_demand
