// From envoy.extensions.filters.http.credential_injector.v3.CredentialInjector to the filter's
// factory.
#pragma once

#include <memory>

#include "source/filter/filter_config.h"

namespace proxenos::filters::credential_injector {

std::unique_ptr<filter::FilterFactory> CreateCredentialInjector(const google::protobuf::Any& config,
                                                                const config::Path& path,
                                                                config::Errors& errors);

}  // namespace proxenos::filters::credential_injector
