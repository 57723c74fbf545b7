// From envoy.config.listener.v3.FilterChainMatch to ChainMatch::Criteria.
#pragma once

#include "envoy/config/listener/v3/listener_components.pb.h"
#include "source/config/errors.h"
#include "source/downstream/chain_match.h"

namespace proxenos::downstream {

ChainMatch::Criteria CompileCriteria(const envoy::config::listener::v3::FilterChainMatch& proto,
                                     const config::Path& path, config::Errors& errors);

}  // namespace proxenos::downstream
