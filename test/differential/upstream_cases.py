"""What is sent to both proxies through upstream HTTP filters of the origin's cluster: groups as in cases.py."""

from bootstrap import ROUTER, TYPE, bootstrap, cluster, protocol, to
from filter_cases import ANY, COMPRESSOR, GZIP, append, policies, route, typed
from h1_requests import get, post, raw
from service_cases import BODIES, HEADS, PROCESSOR_REQUESTS, SERVICES

# What gateways name to tell the processor which of their backends was chosen.
METADATA = ["xds.upstream_host_metadata.filter_metadata['gateway']['backend']", "xds.upstream_host_metadata.filter_metadata['gateway']['none']",
            "xds.upstream_host_metadata.filter_metadata['gateway']['flags']", "xds.upstream_host_metadata.filter_metadata",
            "xds.cluster_metadata.filter_metadata['gateway']['name']", "xds.upstream_host_metadata", "xds.cluster_metadata", "xds.route_metadata",
            "xds.route_name", "xds.cluster_name", "xds.virtual_host_name"]
OF_HOST = {"filter_metadata": {"gateway": {"backend": "b", "weight": 2.5, "flags": [1, "x", True, None, {"a": "\"\n"}]}, "envoy.lb": {"v": "1"}}}
CODEC = {"name": "codec", "typed_config": typed("upstream_codec.v3", "UpstreamCodec")}
GENERIC = {"name": "envoy.http.injected_credentials.generic", "typed_config": {
    "@type": TYPE + "envoy.extensions.http.injected_credentials.generic.v3.Generic", "header": "x-token",
    "credential": {"name": "token"}}}


def listed(*kinds):
    """A list: those filters (name, message, config), then the codec."""
    return [*({"name": f"envoy.filters.http.{kind.partition('.')[0]}", "typed_config": typed(kind, message, **config)}
              for kind, message, config in kinds), CODEC]


def through(*kinds, routes=None, router=None):
    """A bootstrap whose cluster has those upstream filters; `router`: whose router has these instead, or as well."""
    own = protocol(explicit_http_config={"http_protocol_options": {}}, http_filters=listed(*kinds)) if kinds else {}
    services = SERVICES[1:]
    manager = {"http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
        "@type": ROUTER, **({"upstream_http_filters": listed(*router)} if router else {})}}]}
    config = bootstrap(routes, manager=manager, clusters=[cluster("origin", "ORIGIN", **own), *services])
    config["static_resources"]["secrets"] = [{"name": "token", "generic_secret": {"secret": {"inline_string": "xyz"}}}]
    return config


def told(of_host, of_cluster, **more):
    """A bootstrap whose cluster's processor is told metadata."""
    config = through(("ext_proc.v3", "ExternalProcessor", {**HEADS, "request_attributes": METADATA}), routes=[{**to(), **more}])
    origin = config["static_resources"]["clusters"][0]
    origin.update(of_cluster)
    origin["load_assignment"]["endpoints"][0]["lb_endpoints"][0].update(of_host)
    return config


MUTATION = ("header_mutation.v3", "HeaderMutation", {"mutations": {
    "request_mutations": [append("x-up", "%REQ(x-a)%"), {"remove": "x-gone"}],
    "response_mutations": [append("x-down", "%RESP(x-a)%-"), {"remove": "x-private"}]}})
BUFFER = ("buffer.v3", "Buffer", {"max_request_bytes": 10})
CREDENTIAL = ("credential_injector.v3", "CredentialInjector", {"credential": GENERIC})
RBAC = ("rbac.v3", "RBAC", {"rules": policies("DENY", no=([{"url_path": {"path": {"prefix": "/no"}}}], [ANY]))})
RETRY = {"retry_on": "5xx", "num_retries": 2, "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.002s"}}
REQUESTS = [("plain", get("/", "x-a: 1", "x-gone: 1")), ("with a body", post(["Content-Length: 5"], "hello")),
            ("head", get("/", method="HEAD")), ("404", get("/404")), ("chunked", get("/chunked")), ("204", get("/204")), ("304", get("/304")),
            ("not modified with a length", get("/304-length")), ("until close", get("/until-close")),
            ("cut in the body", get("/cut-body")),
            ("upgrade", get("/upgrade", "Connection: Upgrade", "Upgrade: websocket"))]
GROUPS = {
    "upstream header_mutation": (through(MUTATION, routes=[to(retry_policy={"retry_on": "connect-failure"})]), REQUESTS),
    "upstream header_mutation by route": (through(MUTATION, routes=[
        route("/off", "header_mutation", {"@type": TYPE + "envoy.config.route.v3.FilterConfig", "disabled": True}),
        route("/more", "header_mutation", typed("header_mutation.v3", "HeaderMutationPerRoute", mutations={
            "request_mutations": [append("x-route", "1")]})), to()]), [
                ("off", get("/off", "x-a: 1")), ("more", get("/more", "x-a: 1"))]),
    "upstream buffer": (through(BUFFER), [
        ("fits", post(["Content-Length: 5"], "hello")), ("too large", post(["Content-Length: 11"], "hello world")),
        ("chunked", post(["Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n")),
        ("chunked, too large", post(["Transfer-Encoding: chunked"], "b\r\nhello world\r\n0\r\n\r\n")), ("no body", get())]),
    "upstream credential_injector": (through(CREDENTIAL, routes=[to(retry_policy=RETRY)]), [
        ("gets one", get()), ("has one", get("/", "x-token: mine")), ("retried", get("/503"))]),
    "upstream rbac": (through(RBAC, MUTATION, routes=[to(retry_policy=RETRY)]), [
        ("denied", get("/no")), ("allowed", get("/yes")), ("denied with a body", raw("POST /no HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"))]),
    "upstream ext_proc": (through(("ext_proc.v3", "ExternalProcessor", HEADS)), PROCESSOR_REQUESTS[:-1]),
    "upstream ext_proc with bodies": (through(("ext_proc.v3", "ExternalProcessor", BODIES)), PROCESSOR_REQUESTS[:-1]),
    "upstream ext_proc with metadata": (told({"metadata": OF_HOST}, {"metadata": {"filter_metadata": {"gateway": {"name": "c"}}}}, name="named", metadata={
        "filter_metadata": {"r": {"b": "1"}}}), [("plain", get())]),
    "upstream ext_proc without metadata": (told({}, {}), [("plain", get())]),
    "upstream compressor": (through((*COMPRESSOR, GZIP)), [
        ("gzip", get("/made?content-type=text/html", "Accept-Encoding: gzip")), ("none", get("/made?content-type=text/html"))]),
    "upstream filters of the router": (through(router=[MUTATION, BUFFER]), [
        ("plain", get("/", "x-a: 1")), ("too large", post(["Content-Length: 11"], "hello world"))]),
    "upstream filters of both": (through(RBAC, router=[MUTATION]), [("plain", get("/", "x-a: 1")), ("denied", get("/no"))]),
}
