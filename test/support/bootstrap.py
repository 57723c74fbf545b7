"""Bootstraps, put together from the parts that a test is about. In them ports may stand as names, which
`fill_ports` replaces."""

TYPE = "type.googleapis.com/"
MANAGER = TYPE + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = TYPE + "envoy.extensions.filters.http.router.v3.Router"
PROTOCOL_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
DOWNSTREAM_TLS = TYPE + "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
UPSTREAM_TLS = TYPE + "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"


def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def cluster(name, *ports, **more):
    endpoints = [{"endpoint": {"address": address(port)}} for port in ports]
    return {"name": name, "connect_timeout": "5s",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}, **more}


def protocol(**options):
    """A cluster's field that holds HttpProtocolOptions."""
    return {"typed_extension_protocol_options": {
        PROTOCOL_OPTIONS: {"@type": TYPE + PROTOCOL_OPTIONS, **options}}}


def http2(**options):
    """A cluster's field: HTTP/2 to it, by prior knowledge."""
    return protocol(explicit_http_config={"http2_protocol_options": options})


def to(name="origin", **more):
    return {"match": {"prefix": "/"}, "route": {"cluster": name, **more}}


def direct(match, text, status=200):
    return {"match": match, "direct_response": {"status": status, "body": {"inline_string": text}}}


def certificate(pair):
    """Of a certificates.Pair."""
    return {"certificate_chain": {"filename": pair.chain}, "private_key": {"filename": pair.key}}


def downstream_tls(*pairs, alpn=("h2", "http/1.1"), common=None, **more):
    """A filter chain's transport socket that shows these certificates."""
    return {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": DOWNSTREAM_TLS,
        "common_tls_context": {"tls_certificates": [certificate(pair) for pair in pairs],
                               "alpn_protocols": list(alpn), **(common or {})}, **more}}


def upstream_tls(authority, alpn=(), common=None, **more):
    """A cluster's transport socket that trusts one authority (a certificates.Pair)."""
    return {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": UPSTREAM_TLS,
        "common_tls_context": {"validation_context": {"trusted_ca": {"filename": authority.chain}},
                               "alpn_protocols": list(alpn), **(common or {})}, **more}}


def listener(name="main", manager=None, routes=None, hosts=None, transport=None, **more):
    """One listener of one filter chain; `transport` is its transport socket."""
    hosts = hosts or [{"name": "all", "domains": ["*"], "routes": routes or [to()]}]
    chain = {"filters": [{
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": MANAGER, "stat_prefix": name, "delayed_close_timeout": "0.1s",
            "route_config": {"name": "local", "virtual_hosts": hosts},
            "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}],
            **(manager or {})}}]}
    if transport:
        chain["transport_socket"] = transport
    return {"name": name, "address": address(0), "filter_chains": [chain], **more}


def of(listeners, clusters):
    return {"admin": {"address": address(0)},
            "static_resources": {"listeners": listeners, "clusters": clusters}}


def bootstrap(routes=None, manager=None, clusters=None, hosts=None, transport=None):
    """One listener, "main"; all to the cluster "origin" unless told otherwise."""
    return of([listener("main", manager, routes, hosts, transport)], clusters or [cluster("origin", "ORIGIN")])


def fill_ports(value, ports):
    if isinstance(value, dict):
        return {key: fill_ports(child, ports) for key, child in value.items()}
    if isinstance(value, list):
        return [fill_ports(child, ports) for child in value]
    return ports.get(value, value) if isinstance(value, str) else value
