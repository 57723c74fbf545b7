"""What is sent to both proxies about the connection manager's own rules: local replies, Proxy-Status, internal requests."""

from bootstrap import bootstrap, cluster, direct, to
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

CLUSTERS = [cluster("origin", "ORIGIN"), cluster("refused", "CLOSED")]
GROUPS = {
    "local replies": (bootstrap(ROUTES, clusters=CLUSTERS, manager={"local_reply_config": {"mappers": MAPPERS}}), REQUESTS),
    "local replies with a format": (bootstrap(ROUTES, clusters=CLUSTERS, manager={"local_reply_config": {
        "mappers": MAPPERS, "body_format": JSON}}), REQUESTS),
    "proxy status": (bootstrap(ROUTES, clusters=CLUSTERS, manager={"proxy_status_config": {}, "server_name": "edge"}), [
        (path, get(path)) for path in PATHS if path != "/typed"]),
    "proxy status in short": (bootstrap(ROUTES, clusters=CLUSTERS, manager={"proxy_status_config": {
        "remove_details": True, "set_recommended_response_code": True, "literal_proxy_name": "p"}}), [
        (path, get(path)) for path in PATHS if path != "/typed"]),
    "internal at the edge": (bootstrap([to()], manager={"use_remote_address": True, **OURS}), INTERNAL),
    "internal behind a proxy": (bootstrap([to()], manager=OURS), INTERNAL),
    "internal behind two": (bootstrap([to()], manager={"xff_num_trusted_hops": 1, **OURS}), INTERNAL),
}
