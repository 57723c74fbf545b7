"""The configurations of origin and proxies: equal work for all: one worker, connections to the origin
kept, no access log, no header added that can be left out."""

import json
import resource

BODY_BYTES = 1024
# Client connections that the peers allow: each may need two descriptors, and some are for other things.
MAX_CONNECTIONS = max(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 100)
MANAGER = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


def nginx(folder, http):
    return f"""
worker_processes 1;
daemon off;
master_process off;
error_log {folder}/error.log crit;
pid {folder}/nginx.pid;
events {{ worker_connections {2 * MAX_CONNECTIONS}; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {http}
}}
"""


def origin(folder, port):
    body = "x" * BODY_BYTES
    return nginx(folder, f"""
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ default_type text/plain; add_header X-Origin yes; return 200 "{body}"; }}
  }}""")


def nginx_proxy(folder, port, origin_port):
    return nginx(folder, f"""
  upstream origin {{ server 127.0.0.1:{origin_port}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
    }}
  }}""")


def haproxy(port, origin_port):
    return f"""
global
  nbthread 1
  maxconn {min(MAX_CONNECTIONS, 32768)}
defaults
  mode http
  timeout connect 5s
  timeout client 3600s
  timeout server 3600s
  http-reuse always
frontend in
  bind 127.0.0.1:{port} backlog 4096
  default_backend origin
backend origin
  server one 127.0.0.1:{origin_port}
"""


def envoy(port, origin_port):
    """For Envoy and for proxenos alike."""

    def address(number):
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    routes = [{"match": {"prefix": "/"}, "route": {"cluster": "origin", "timeout": "0s"}}]
    manager = {
        "@type": MANAGER, "stat_prefix": "bench", "generate_request_id": False,
        "route_config": {"name": "local", "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
            "@type": ROUTER, "suppress_envoy_headers": True}}]}
    return json.dumps({
        "admin": {"address": address(0)},
        "static_resources": {
            "listeners": [{"name": "in", "address": address(port), "filter_chains": [{"filters": [
                {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}]}],
            "clusters": [{
                "name": "origin", "connect_timeout": "5s",
                "circuit_breakers": {"thresholds": [{"max_connections": 65536, "max_pending_requests": 65536,
                                                     "max_requests": 65536}]},
                "load_assignment": {"cluster_name": "origin", "endpoints": [{"lb_endpoints": [
                    {"endpoint": {"address": address(origin_port)}}]}]}}]}})
