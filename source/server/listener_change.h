// What an update of a listener changes: whether nothing but its filter chains, and which of those.
//
// REQUIRES of all: both were found valid (source/config/fields.h bounds how deep they are).
#pragma once

#include <cstdint>
#include <vector>

#include "envoy/config/listener/v3/listener.pb.h"

namespace proxenos::server {

// filter_chains in order, then default_filter_chain.
std::vector<const envoy::config::listener::v3::FilterChain*> ChainsOf(
    const envoy::config::listener::v3::Listener& listener);

// Whether two versions differ in filter_chains, default_filter_chain and filter_chain_matcher at
// most. The first chain's use_proxy_proto counts as the listener's: it speaks for all connections.
bool SameButForChains(const envoy::config::listener::v3::Listener& before,
                      const envoy::config::listener::v3::Listener& after);

// For each of ChainsOf(after), which of ChainsOf(before) it is, or -1. A default chain is the same
// as a default chain only.
std::vector<int32_t> KeptChains(const envoy::config::listener::v3::Listener& before,
                                const envoy::config::listener::v3::Listener& after);

}  // namespace proxenos::server
