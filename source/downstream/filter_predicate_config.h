// ListenerFilterChainMatchPredicate to FilterPredicate. Room 3 of an update.
#pragma once

#include "envoy/config/listener/v3/listener_components.pb.h"
#include "source/config/errors.h"
#include "source/downstream/filter_predicate.h"

namespace proxenos::downstream {

// What it gives back is of no use when there were errors.
FilterPredicate CompileFilterPredicate(
    const envoy::config::listener::v3::ListenerFilterChainMatchPredicate& proto,
    const config::Path& path, config::Errors& errors);

}  // namespace proxenos::downstream
