// From envoy.extensions.filters.http.on_demand.v3.OnDemand to the filter's factory.
//
// The filter holds a request until what it needs has been discovered: a virtual host of a
// configuration with `vhds`, or a cluster where `odcds` is given. Both are refused by name (the
// fields table), so there is nothing that it could wait for: it steps aside in every stream, as
// Envoy's does for such routes.
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
