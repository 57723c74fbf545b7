"""What is sent to both proxies about the connection manager's own rules: local replies, Proxy-Status, internal requests."""

from bootstrap import ROUTER, TYPE, bootstrap, cluster, direct, to
from h1_requests import get, raw


def when(case, **mapper):
    """A mapper of the requests whose x-how says so."""
    return {"filter": {"header_filter": {"header": {"name": "x-how", "string_match": {"exact": case}}}}, **mapper}


def add(key, value, action="APPEND_IF_EXISTS_OR_ADD"):
    return {"header": {"key": key, "value": value}, "append_action": action}


def text(value, **more):
    return {"text_format_source": {"inline_string": value}, **more}


JSON = {"json_format": {"said": "%LOCAL_REPLY_BODY%", "code": "%RESPONSE_CODE%", "none": "%REQ(nope)%", "list": [],
                        "deep": {"none": "%REQ(nope)%"}}}
MAPPERS = [
    when("all", status_code=418, body={"inline_string": "tea"}, headers_to_add=[
        add("x-code", "%RESPONSE_CODE%/%RESP(:status)%"), add("x-body", "%LOCAL_REPLY_BODY%"),
        add("x-why", "%RESPONSE_FLAGS%/%RESPONSE_CODE_DETAILS%"), add("content-type", "text/html")]),
    when("json", body={"inline_string": "new"}, body_format_override=JSON),
    when("omit", body_format_override={**JSON, "omit_empty_values": True}),
    when("html", body_format_override=text("<b>%LOCAL_REPLY_BODY%</b>%REQ(nope)%", content_type="text/html; x=y")),
    when("empty", body={"inline_string": ""}),
    when("typed", headers_to_add=[add("content-type", "a/b", "OVERWRITE_IF_EXISTS_OR_ADD"), add("x-none", "%REQ(nope)%")]),
    when("body", body={"inline_string": "new"}),
    {"filter": {"status_code_filter": {"comparison": {"op": "GE", "value": {"default_value": 500, "runtime_key": "x"}}}},
     "headers_to_add": [add("x-server-error", "1")]},
]
ROUTES = [
    direct({"path": "/direct"}, "hello"),
    {**direct({"path": "/typed"}, "hello"), "response_headers_to_add": [add("content-type", "x/y")]},
    {"match": {"path": "/redirect"}, "redirect": {"path_redirect": "/to"}},
    {"match": {"path": "/refused"}, "route": {"cluster": "refused"}},
    {"match": {"prefix": "/origin"}, "route": {"cluster": "origin", "prefix_rewrite": "/"}},
]
CASES = ("all", "json", "omit", "html", "empty", "typed", "body", "other")
PATHS = ("/direct", "/typed", "/redirect", "/refused", "/none", "/origin404")
REQUESTS = [(f"{case} {path}", get(path, "x-how: " + case)) for case in CASES for path in PATHS]
REQUESTS += [(f"head {case}", get("/direct", "x-how: " + case, method="HEAD")) for case in CASES]
REQUESTS += [(f"grpc {case}", get("/none", "x-how: " + case, "content-type: application/grpc")) for case in CASES]
REQUESTS.append(("no request", raw("GET / HTTP/1.1\r\nHo st: h\r\n\r\n")))

OURS = {"internal_address_config": {"cidr_ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8},
                                                    {"address_prefix": "127.0.0.0", "prefix_len": 8}]}}
STEERING = ("x-envoy-internal: false", "x-envoy-max-retries: 2", "x-envoy-decorator-operation: op",
            "x-envoy-external-address: 9.9.9.9")
INTERNAL = [(name, get("/", *STEERING, *fields)) for name, *fields in (
    ("none",), ("ours", "x-forwarded-for: 10.1.1.1"), ("two", "x-forwarded-for: 10.1.1.1, 10.2.2.2"),
    ("outside", "x-forwarded-for: 8.8.8.8"), ("garbage", "x-forwarded-for: garbage"))]

# What routes say of responses holds for the proxy's own too.
CHANGES = {"response_headers_to_add": [
    add("x-add", "a"), add("x-flags", "%RESPONSE_FLAGS%"), add("x-code", "%RESPONSE_CODE%"), add("x-host", "%UPSTREAM_HOST%"),
    add("content-type", "x/y"), add("x-envoy-overloaded", "not", "OVERWRITE_IF_EXISTS_OR_ADD"), add("grpc-message", "mine"),
    add("x-if", "1", "OVERWRITE_IF_EXISTS")], "response_headers_to_remove": ["x-envoy-overloaded"]}
PLAIN_CHANGES = {"response_headers_to_add": [add("x-add", "a"), add("x-cluster", "%UPSTREAM_CLUSTER%")],
                 "response_headers_to_remove": ["content-type"]}
FULL = {"circuit_breakers": {"thresholds": [{"max_requests": 0}]}}
FAULT = {"name": "envoy.filters.http.fault", "typed_config": {
    "@type": TYPE + "envoy.extensions.filters.http.fault.v3.HTTPFault", "headers": [{"name": "x-fault", "present_match": True}],
    "abort": {"http_status": 418, "percentage": {"numerator": 100}}}}
CHANGED = {name: {"match": {"path": "/" + name}, "route": {"cluster": name, "timeout": "0.2s"}, **changes} for name, changes in (
    ("refused", CHANGES), ("full", CHANGES), ("empty", PLAIN_CHANGES), ("silent", PLAIN_CHANGES), ("origin", PLAIN_CHANGES))}
CHANGED["unknown"] = {"match": {"path": "/unknown"}, "route": {"cluster_header": "x-to"}, **PLAIN_CHANGES}
CHANGED["weighted"] = {"match": {"path": "/weighted"}, **PLAIN_CHANGES, "route": {"weighted_clusters": {"clusters": [
    {"name": "refused", "weight": 100, "response_headers_to_add": [add("x-weighted", "w")]}]}}}
CHANGED["direct"] = {"match": {"path": "/direct"}, "direct_response": {"status": 403}, **PLAIN_CHANGES}
CHANGED_BY = {"name": "v", "domains": ["*"], "routes": list(CHANGED.values()), "response_headers_to_add": [
    add("x-of-host", "h"), add("x-add", "b", "OVERWRITE_IF_EXISTS_OR_ADD")]}
CHANGED_REQUESTS = [request for name in [*CHANGED, "nothing"] for request in (
    (name, get("/" + name)), (name + " faulty", get("/" + name, "x-fault: 1")), (name + " head", get("/" + name, method="HEAD")),
    (name + " grpc", get("/" + name, "content-type: application/grpc")), (name + " mapped", get("/" + name, "x-how: all")))]

# A direct response that has a format of its own: the body within it, what is not known yet, content types, nothing at all.
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
FORMATTED = [{"match": {"path": f"/{name}"}, "name": "route-" + name, "direct_response": {"status": status, **response}}
             for name, status, response in (
    ("text", 502, {"body": {"inline_string": "inner"}, "body_format": text(
        "%LOCAL_REPLY_BODY% %RESPONSE_CODE% %REQ(:PATH)% %REQ(nope)% %RESPONSE_CODE_DETAILS% %RESP(x)% %ROUTE_NAME% %RESPONSE_FLAGS%")}),
    ("old", 200, {"body_format": {"text_format": "%REQ(x-how)%"}}),
    ("typed", 200, {"body_format": text("<b>%PROTOCOL%</b>", content_type="text/html; charset=utf-8")}),
    ("json", 200, {"body": {"inline_string": "in\"ner"}, "body_format": JSON}),
    ("problem", 404, {"body_format": {"json_format": {"a": 1}, "content_type": "application/problem+json"}}),
    ("nothing", 200, {"body_format": text("%REQ(nope)%", omit_empty_values=True, content_type="a/b")}),
    ("created", 201, {"body_format": text("made")}),
    ("picture", 200, {"body_format": {"text_format_source": {"inline_bytes": PICTURE}, "content_type": "image/png"}}),
    ("own", 200, {"body_format": text("x"), "body": {"inline_string": "dropped"}}))]
FORMATTED[-1]["response_headers_to_add"] = [add("content-type", "x/y", "OVERWRITE_IF_EXISTS_OR_ADD")]
FORMATTED_REQUESTS = [request for route in FORMATTED for path in (route["match"]["path"],) for request in (
    (path, get(path, "x-how: asked")), (path + " head", get(path, method="HEAD")),
    (path + " grpc", get(path, "content-type: application/grpc")))]

CLUSTERS = [cluster("origin", "ORIGIN"), cluster("refused", "CLOSED")]
GROUPS = {
    "local replies of routes": (bootstrap(
        hosts=[CHANGED_BY], clusters=[*CLUSTERS, cluster("full", "ORIGIN", **FULL), cluster("empty"), cluster("silent", "SILENT")],
        manager={"http_filters": [FAULT, {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}],
                 "local_reply_config": {"mappers": [when("all", status_code=419, headers_to_add=[add("x-add", "m")])]}}),
        CHANGED_REQUESTS),
    "local replies": (bootstrap(ROUTES, clusters=CLUSTERS, manager={"local_reply_config": {"mappers": MAPPERS}}), REQUESTS),
    "local replies with a format": (bootstrap(ROUTES, clusters=CLUSTERS, manager={"local_reply_config": {
        "mappers": MAPPERS, "body_format": JSON}}), REQUESTS),
    "direct responses with a format": (bootstrap(FORMATTED, clusters=CLUSTERS), FORMATTED_REQUESTS),
    "direct responses with two": (bootstrap(FORMATTED, clusters=CLUSTERS, manager={"local_reply_config": {
        "body_format": text("[%LOCAL_REPLY_BODY%]")}}), FORMATTED_REQUESTS),
    "proxy status": (bootstrap(ROUTES, clusters=CLUSTERS, manager={"proxy_status_config": {}, "server_name": "edge"}), [
        (path, get(path)) for path in PATHS if path != "/typed"]),
    "proxy status in short": (bootstrap(ROUTES, clusters=CLUSTERS, manager={"proxy_status_config": {
        "remove_details": True, "set_recommended_response_code": True, "literal_proxy_name": "p"}}), [
        (path, get(path)) for path in PATHS if path != "/typed"]),
    "internal at the edge": (bootstrap([to()], manager={"use_remote_address": True, **OURS}), INTERNAL),
    "internal behind a proxy": (bootstrap([to()], manager=OURS), INTERNAL),
    "internal behind two": (bootstrap([to()], manager={"xff_num_trusted_hops": 1, **OURS}), INTERNAL),
}
