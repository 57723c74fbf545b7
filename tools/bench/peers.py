"""The configurations of origin and proxies: equal work for all: one worker, connections to the origin
kept, no access log, no header added that can be left out, TLS 1.3 without resumption."""

import dataclasses
import json
import os
import resource

BODY_BYTES = 1024  # Of what has no other size; larger ones are files, which the origin sends by sendfile.
LARGE = (102400, 1048576)
# Client connections that the peers allow: each may need two descriptors, and some are for other things.
MAX_CONNECTIONS = max(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 100)
TYPE = "type.googleapis.com/"
MANAGER = TYPE + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = TYPE + "envoy.extensions.filters.http.router.v3.Router"
PROTOCOL_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
DOWNSTREAM_TLS = TYPE + "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"


@dataclasses.dataclass
class Place:
    """What a proxy is put into: its folder and port, the origin's port (of HTTP/1.1 or HTTP/2), a certificate."""

    folder: str
    port: int
    origin: int
    tls: bool = False
    http2: bool = False  # Of the clients.
    origin_http2: bool = False
    large: bool = False  # Bodies: each proxy gets the buffers that suit it best.

    def path(self, name):
        return f"{self.folder}/{name}"


# OpenSSL's programs take the one cipher and group that BoringSSL would choose.
OPENSSL = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = default
[default]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_128_GCM_SHA256
Groups = X25519
"""


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


def path_of(body_bytes):
    return "/" if body_bytes == BODY_BYTES else f"/large/{body_bytes}"


def origin(folder, port, http2_port):
    body = "x" * BODY_BYTES
    os.makedirs(f"{folder}/large", exist_ok=True)
    for size in LARGE:
        with open(f"{folder}/large/{size}", "w", encoding="ascii") as out:
            out.write("x" * size)
    return nginx(folder, f"""
  http2_max_concurrent_streams 1000;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    listen 127.0.0.1:{http2_port} http2 backlog=4096;
    location / {{ default_type text/plain; add_header X-Origin yes; return 200 "{body}"; }}
    location /large/ {{ root {folder}; add_header X-Origin yes; sendfile on; tcp_nopush on; open_file_cache max=9; }}
  }}""")


def nginx_proxy(place):
    tls = f"""ssl_certificate {place.path('chain.pem')};
    ssl_certificate_key {place.path('key.pem')};
    ssl_protocols TLSv1.3;
    ssl_session_tickets off;
    ssl_session_cache off;""" if place.tls else ""
    listen = f"127.0.0.1:{place.port} backlog=4096{' ssl' * place.tls}{' http2' * place.http2}"
    return nginx(place.folder, f"""
  upstream origin {{ server 127.0.0.1:{place.origin}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen {listen};
    {tls}
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      {'proxy_buffers 16 16k; proxy_max_temp_file_size 0;' * place.large}
    }}
  }}""")


def haproxy(place):
    tls = f" ssl crt {place.path('both.pem')} alpn h2,http/1.1" if place.tls else ""
    return f"""
global
  nbthread 1
  tune.bufsize {65536 if place.large else 16384}
  maxconn {min(MAX_CONNECTIONS, 32768)}
  tune.ssl.cachesize 0
  ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
defaults
  mode http
  timeout connect 5s
  timeout client 3600s
  timeout server 3600s
  http-reuse always
frontend in
  bind 127.0.0.1:{place.port} backlog 4096{tls}
  default_backend origin
backend origin
  server one 127.0.0.1:{place.origin}{' proto h2' * place.origin_http2} pool-purge-delay 300s
"""


def nghttpx(place):
    tls = f"""private-key-file={place.path('key.pem')}
certificate-file={place.path('chain.pem')}
tls-min-proto-version=TLSv1.3
tls-max-proto-version=TLSv1.3
no-ocsp=yes
""" if place.tls else ""
    return f"""frontend=127.0.0.1,{place.port}{'' if place.tls else ';no-tls'}
backend=127.0.0.1,{place.origin};;proto={'h2' if place.origin_http2 else 'http/1.1'}
workers=1
backlog=4096
errorlog-file={place.path('error.log')}
no-via=yes
no-server-rewrite=yes
no-add-x-forwarded-proto=yes
no-strip-incoming-x-forwarded-proto=yes
frontend-keep-alive-timeout=1h
frontend-http2-read-timeout=1h
frontend-read-timeout=1h
backend-keep-alive-timeout=1h
{tls}"""


def h2o(place):
    listen = {"host": "127.0.0.1", "port": place.port}
    if place.tls:
        listen["ssl"] = {"certificate-file": place.path("chain.pem"), "key-file": place.path("key.pem"),
                         "minimum-version": "TLSv1.3", "ocsp-update-interval": 0}
    # JSON is YAML.
    return json.dumps({
        "user": "root", "num-threads": 1, "num-name-resolution-threads": 1, "max-connections": min(MAX_CONNECTIONS, 16384),
        "http1-request-timeout": 3600, "http2-idle-timeout": 3600, "ssl-session-resumption": {"mode": "off"},
        "proxy.emit-via-header": "OFF", "proxy.emit-x-forwarded-headers": "OFF", "listen": listen,
        "error-log": place.path("error.log"),
        "hosts": {"default": {"paths": {"/": {
            "proxy.reverse.url": f"http://127.0.0.1:{place.origin}/", "proxy.preserve-host": "ON",
            "proxy.timeout.keepalive": 60000}}}}})


def envoy(place):
    """For Envoy and for proxenos alike."""

    def address(number):
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    routes = [{"match": {"prefix": "/"}, "route": {"cluster": "origin", "timeout": "0s"}}]
    manager = {
        "@type": MANAGER, "stat_prefix": "bench", "generate_request_id": False,
        "route_config": {"name": "local", "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
            "@type": ROUTER, "suppress_envoy_headers": True}}]}
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    if place.tls:
        chain["transport_socket"] = {"name": "envoy.transport_sockets.tls", "typed_config": {
            "@type": DOWNSTREAM_TLS, "disable_stateless_session_resumption": True, "disable_stateful_session_resumption": True,
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
                "tls_certificates": [{"certificate_chain": {"filename": place.path("chain.pem")},
                                      "private_key": {"filename": place.path("key.pem")}}]}}}
    options = {"typed_extension_protocol_options": {PROTOCOL_OPTIONS: {
        "@type": TYPE + PROTOCOL_OPTIONS, "explicit_http_config": {"http2_protocol_options": {}}}}} if place.origin_http2 else {}
    return json.dumps({
        "admin": {"address": address(0)},
        "static_resources": {
            "listeners": [{"name": "in", "address": address(place.port), "filter_chains": [chain]}],
            "clusters": [{
                "name": "origin", "connect_timeout": "5s", **options,
                "circuit_breakers": {"thresholds": [{"max_connections": 65536, "max_pending_requests": 65536,
                                                     "max_requests": 65536}]},
                "load_assignment": {"cluster_name": "origin", "endpoints": [{"lb_endpoints": [
                    {"endpoint": {"address": address(place.origin)}}]}]}}]}})
