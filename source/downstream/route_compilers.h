// All that routes may hold and layers above them compile, for the routes of listeners and of RDS.
#pragma once

#include "source/route/tree_config.h"

namespace proxenos::downstream {

route::UpperCompilers RouteCompilers();

}  // namespace proxenos::downstream
