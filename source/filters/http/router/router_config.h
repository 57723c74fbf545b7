// From envoy.extensions.filters.http.router.v3.Router to the router's factory.
#pragma once

#include <memory>

#include "google/protobuf/any.pb.h"
#include "source/config/errors.h"
#include "source/filter/http_filter.h"

namespace proxenos::filters::router {

std::unique_ptr<filter::FilterFactory> CreateRouter(const google::protobuf::Any& config,
                                                    const config::Path& path,
                                                    config::Errors& errors);

}  // namespace proxenos::filters::router
