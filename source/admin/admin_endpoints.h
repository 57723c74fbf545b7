// AddEndpoints: every page of the admin interface, in one table.
#pragma once

#include "source/admin/admin_source.h"
#include "source/admin/endpoint.h"

namespace proxenos::admin {

// Adds all pages to `table`. `source` outlives it.
void AddEndpoints(EndpointTable& table, AdminSource& source);

}  // namespace proxenos::admin
