"""Filters that give a request what routes match by besides its fields: metadata by x-arm, filter state by x-tenant."""

import bootstrap

LUA = """
function envoy_on_request(handle)
  local arm = handle:headers():get("x-arm")
  if arm ~= nil then
    handle:streamInfo():dynamicMetadata():set("lab", "arm", arm)
    handle:clearRouteCache()
  end
end
"""
FILTERS = [
    {"name": "state", "typed_config": {
        "@type": bootstrap.TYPE + "envoy.extensions.filters.http.set_filter_state.v3.Config", "clear_route_cache": True,
        "on_request_headers": [{"object_key": "tenant", "factory_key": "envoy.string", "skip_if_empty": True, "format_string": {
            "text_format_source": {"inline_string": "%REQ(x-tenant)%"}, "omit_empty_values": True}}]}},
    {"name": "lua", "typed_config": {
        "@type": bootstrap.TYPE + "envoy.extensions.filters.http.lua.v3.Lua", "default_source_code": {"inline_string": LUA}}},
    {"name": "envoy.filters.http.router", "typed_config": {"@type": bootstrap.ROUTER}},
]
