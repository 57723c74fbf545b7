// The filters that this binary has: explicit tables.
#pragma once

#include "source/downstream/listener_config.h"
#include "source/filter/filter_config.h"
#include "source/filter/listener_filter_config.h"

namespace proxenos::server {

filter::FilterKinds BuiltinFilters();
filter::ListenerFilterKinds BuiltinListenerFilters();
downstream::NetworkKinds BuiltinNetworkFilters();

}  // namespace proxenos::server
