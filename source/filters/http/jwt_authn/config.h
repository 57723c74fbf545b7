// From envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication and PerRouteConfig to the
// filter's factory and settings.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::jwt_authn {

extern const route::OverrideKind kJwtAuthnOverride;

std::unique_ptr<filter::FilterFactory> CreateJwtAuthn(const google::protobuf::Any& config,
                                                      const config::Path& path,
                                                      config::Errors& errors);

}  // namespace proxenos::filters::jwt_authn
