// One line a filter.
#include "source/server/builtin_filters.h"

#include "source/filters/http/router/router_config.h"

namespace proxenos::server {

filter::FilterKinds BuiltinFilters() {
  static constexpr filter::FilterKind kKinds[] = {
      {"envoy.extensions.filters.http.router.v3.Router", true, filters::router::CreateRouter},
  };
  return kKinds;
}

}  // namespace proxenos::server
