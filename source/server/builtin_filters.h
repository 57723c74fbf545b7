// The HTTP filters that this binary has: one explicit table.
#pragma once

#include "source/filter/filter_config.h"

namespace proxenos::server {

filter::FilterKinds BuiltinFilters();

}  // namespace proxenos::server
