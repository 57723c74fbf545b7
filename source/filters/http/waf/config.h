// From proxenos.filters.http.waf.v3.Waf and WafPerRoute to the filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::waf {

extern const route::OverrideKind kWafOverride;

std::unique_ptr<filter::FilterFactory> CreateWaf(const google::protobuf::Any& config,
                                                 const config::Path& path, config::Errors& errors);

}  // namespace proxenos::filters::waf
