// Listener.filter_chain_matcher to a ChainTree. Room 3 of an update.
#pragma once

#include <memory>

#include "envoy/config/listener/v3/listener.pb.h"
#include "source/config/errors.h"
#include "source/downstream/chain_tree.h"

namespace proxenos::downstream {

// Null, with every error named, when it is wrong. REQUIRES: listener.has_filter_chain_matcher();
// the chains of the ListenerConfig are those of `listener` in order, the default one last.
std::shared_ptr<const ChainTree> CompileChainTree(
    const envoy::config::listener::v3::Listener& listener, const config::Path& path,
    config::Errors& errors);

}  // namespace proxenos::downstream
