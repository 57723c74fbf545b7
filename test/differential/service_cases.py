"""What is sent to both proxies through filters that ask services: groups as in cases.py. SERVICE is the port of a
service of HTTP, GRPC that of one that answers as `decide` says."""

import base64
import re

from bootstrap import TYPE, bootstrap, cluster, http2, to
from filter_cases import exact, filters, is_header, route, shown, typed
from h1_requests import get, post, raw
from protobuf_wire import fields
from services import field, message, option, tree

SERVICES = [cluster("origin", "ORIGIN"), cluster("service", "SERVICE"), cluster("grpc", "GRPC", **http2()),
            cluster("refused", "CLOSED", **http2())]
ASKS = {"grpc_service": {"envoy_grpc": {"cluster_name": "grpc"}, "timeout": "5s"}}
ADD, ABSENT, SET, ONLY = range(4)  # HeaderAppendAction


def asking(kind, name, routes=None, more=None, **config):
    """A bootstrap with one filter and all services."""
    return bootstrap(routes, manager={**filters((kind, name, config)), **(more or {})}, clusters=SERVICES)


def options(number, *those):
    return [(number, one) for one in those]


def status(code, text=""):
    return (1, message((1, code), (2, text)))


def struct(**values):
    return message(*((1, message((1, key), (2, field(3, value)))) for key, value in values.items()))


# By the first word that is found in a CheckRequest.
CHECKS = {
    b"/deny": message(status(7), (2, message((1, field(1, 403)), *options(
        2, option("x-reason", "no"), option("x-twice", "1", ADD), option("x-twice", "2", ADD), option("content-type", "text/html")), (3, "<no>")))),
    b"/unknown": message(status(16), (2, message((1, field(1, 401)), *options(2, option("www-authenticate", "Basic"))))),
    b"/bare": message(status(7)), b"/internal": message(status(13, "oops")), b"/garbage": b"\xff\xff\xff", b"/empty": b"",
    b"/denied-ok": message(status(0), (2, message((1, field(1, 403))))),
    b"/ok-denied": message(status(7), (3, message(*options(2, option("x-a", "b"))))),
    b"/deny-200": message(status(7), (2, message((1, field(1, 200)), (3, "fine")))),
    b"/deny-odd": message(status(7), (2, message((1, field(1, 299))))),
    b"/invalid": message(status(0), (3, message(*options(2, option("x-bad", "a\nb"), option("x bad", "c"), option("x-good", "d"))))),
    b"/pseudo": message(status(0), (3, message(*options(2, option(":path", "/other"), option("host", "new.example"), option(":method", "PUT"))))),
    b"/lengths": message(status(0), (3, message(*options(2, option("content-length", "7"), option("transfer-encoding", "x"), option("connection", "close"))))),
    b"/remove": message(status(0), (3, message(*options(5, "x-gone", "host", ":path", "X-Upper")))),
    b"/answers": message(status(0), (3, message(*options(6, option("x-added", "1"), option("x-added", "2", ADD), option("server", "authz", SET))))),
    b"/query": message(status(0), (3, message(*options(7, message((1, "a"), (2, "new")), message((1, "b"), (2, "x y"))), *options(8, "c")))),
    b"/metadata": message(status(0), (3, b""), (4, struct(user="me"))),
    b"/actions": message(status(0), (3, message(*options(
        2, option("x-set", "new", SET), option("x-add", "new", ADD), option("x-absent", "new", ABSENT), option("x-only", "new", ONLY),
        option("x-append", "new", append=True), option("x-no-append", "new", append=False), option("x-none", "new"))))),
    # Of a path that a header names: by the limits of response headers.
    b"limit-add": message(status(0), (3, message(*options(6, *(option(f"x-{i}", "1", ADD) for i in range(120)))))),
    b"limit-set": message(status(0), (3, message(*options(6, *(option(f"x-{i}", "1", SET) for i in range(120)))))),
    b"limit-few": message(status(0), (3, message(*options(6, *(option(f"x-{i}", "1", SET) for i in range(50)))))),
    b"limit-same": message(status(0), (3, message(*options(6, *(option("x-same", str(i), SET) for i in range(120)))))),
    b"limit-deny": message(status(7), (2, message((1, field(1, 403)), *options(2, *(option(f"x-{i}", "1") for i in range(120)))))),
    b"": message(status(0), (3, message(*options(2, option("x-user", "me"))))),
}
CHECK_ROUTES = [
    route("/off", "ext_authz", typed("ext_authz.v3", "ExtAuthzPerRoute", disabled=True)),
    route("/extended", "ext_authz", typed("ext_authz.v3", "ExtAuthzPerRoute", check_settings={"context_extensions": {"k": "v", "a": "b"}})),
    {**to(), "response_headers_to_add": shown("envoy.filters.http.ext_authz:user")}]
PRESENT = ("x-set: old", "x-add: old", "x-absent: old", "x-only: old", "x-append: old", "x-no-append: old", "x-none: old")
CHECK_REQUESTS = [(path, get(path, "x-gone: 1", "x-upper: 2")) for path in sorted(word.decode() for word in CHECKS if word.startswith(b"/"))]
CHECK_REQUESTS += [(name, get(path, *headers)) for name, path, *headers in (
    ("plain", "/a/b?c=d&e"), ("with fields", "/", "x-a: 1", "x-a: 2", "cookie: a=b", "x-user: root", "authorization: secret", "x-high: \xe9"),
    ("off", "/off"), ("extended", "/extended"), ("actions on what is there", "/actions", *PRESENT), ("query", "/query?a=old&b=1&c=2&d"),
    ("forwarded", "/", "x-forwarded-for: 1.2.3.4", "x-forwarded-proto: https"))]
CHECK_REQUESTS += [("head denied", get("/deny", method="HEAD")), ("head", get("/head", method="HEAD")), ("body", post(["Content-Length: 5"], "hello")),
                   ("chunked", post(["Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n")), ("large body", post(["Content-Length: 20"], "h" * 20)),
                   ("grpc denied", raw("POST /deny HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n"))]
FEW = [request for request in CHECK_REQUESTS if request[0] in ("plain", "/deny", "/bare", "/internal", "/garbage", "/invalid", "body", "large body", "chunked", "with fields")]

LOOSE = {"allowed_upstream_headers": {"patterns": [exact("x-user"), {"prefix": "x-t"}]}, "allowed_upstream_headers_to_append": {"patterns": [exact("x-other")]},
         "allowed_client_headers": {"patterns": [exact("x-reason"), exact("location")]}, "allowed_client_headers_on_success": {"patterns": [exact("x-client")]}}
HTTP = {"server_uri": {"uri": "http://authz.example", "cluster": "service", "timeout": "5s"}}
HTTP_REQUESTS = [(name, get(path, *headers)) for name, path, *headers in (
    ("allowed", "/a?b"), ("denied", "/deny"), ("redirected", "/redirect"), ("broken", "/broken"), ("odd", "/odd"),
    ("fields", "/", "x-user: root", "x-team: z", "x-other: theirs", "authorization: secret", "cookie: a=b", "x-forwarded-for: 1.1.1.1"))]
HTTP_REQUESTS += [("head denied", get("/deny", method="HEAD")), ("post", post(["Content-Length: 5"], "hello")), ("put", get("/", method="PUT"))]


# By the first word found in a RateLimitRequest.
def limit_status(code, unit, remaining, reset):
    return (2, message((1, code), (2, message((1, 10), (2, unit), (3, "limit"))), (3, remaining), (4, field(1, reset))))


LIMITS = {
    b"over": message((1, 2), limit_status(2, 2, 0, 42), (3, message((1, "x-limit"), (2, "reached"))), (5, "slow down")),
    b"close": message((1, 1), limit_status(1, 2, 1, 42), limit_status(1, 3, 5, 500), (3, message((1, "x-limit"), (2, "close"))), (4, message((1, "x-rest"), (2, "1")))),
    b"odd": message((1, 0)), b"garbage": b"\xff\xff\xff", b"": message((1, 1)),
}
LIMITED_ROUTES = [{**to(), "match": {"prefix": prefix}, "route": {"cluster": "origin", "rate_limits": [{"actions": actions} for actions in lists]}}
                  for prefix, lists in {
    "/header": [[{"request_headers": {"header_name": "x-kind", "descriptor_key": "kind"}}]],
    "/several": [[{"remote_address": {}}, {"generic_key": {"descriptor_value": "v"}}], [{"destination_cluster": {}}, {"source_cluster": {}}],
                 [{"generic_key": {"descriptor_key": "k", "descriptor_value": "v"}}, {"request_headers": {"header_name": "x-none", "descriptor_key": "n", "skip_if_absent": True}}]],
    "/matched": [[{"header_value_match": {"descriptor_value": "m", "headers": [is_header("x-kind", "a")]}}],
                 [{"header_value_match": {"descriptor_value": "not", "expect_match": False, "headers": [is_header("x-kind", "a")]}}]],
    "/query": [[{"query_parameter_value_match": {"descriptor_value": "q", "query_parameters": [{"name": "k", "string_match": exact("v")}]}}]],
    "/input": [[{"extension": {"name": "of-header", "typed_config": {
        "@type": TYPE + "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", "header_name": "X-Kind"}}}]],
    "/masked": [[{"masked_remote_address": {"v4_prefix_mask_len": 8}}]], "/": []}.items()]
LIMIT_REQUESTS = [(name, get(path, *headers)) for name, path, *headers in (
    ("none", "/"), ("no header", "/header"), ("header", "/header", "x-kind: a"), ("over", "/header", "x-kind: over"), ("close", "/header", "x-kind: close"),
    ("odd", "/header", "x-kind: odd"), ("garbage", "/header", "x-kind: garbage"), ("several", "/several"), ("several and skipped", "/several", "x-none: 1"),
    ("matched", "/matched", "x-kind: a"), ("not matched", "/matched"), ("query", "/query?k=v"), ("other query", "/query?k=w"), ("masked", "/masked"),
    ("input", "/input", "x-kind: a"), ("no input", "/input"),
    ("two values", "/header", "x-kind: a", "x-kind: b"), ("empty value", "/header", "x-kind:"))]
LIMIT_REQUESTS.append(("grpc over", raw("POST /header HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc\r\nX-Kind: over\r\nContent-Length: 0\r\n\r\n")))
LIMIT_REQUESTS.append(("head over", get("/header", "x-kind: over", method="HEAD")))
LIMITED = {"domain": "d", "rate_limit_service": {**ASKS, "transport_api_version": "V3"}, "timeout": "5s"}


# By the first word found in a ProcessingRequest: a CommonResponse.
def raw_option(name, value, action=None):
    return option(name, value, action, raw=True)


def mutation(*sets, removes=()):
    return (2, message(*options(1, *sets), *options(2, *removes)))


COMMON = {
    b"do-set": message(mutation(raw_option("x-set", "new", SET), raw_option("x-add", "new", ADD), raw_option("x-plain", "new"), removes=["x-gone"])),
    b"do-pseudo": message(mutation(raw_option(":path", "/other", SET), raw_option(":method", "PUT", SET), raw_option("host", "new.example", SET), raw_option(":authority", "z", SET))),
    b"do-invalid": message(mutation(raw_option("x-bad", "a\nb", SET), raw_option("x-good", "1", SET))),
    b"do-envoy": message(mutation(raw_option("x-envoy-retry-on", "5xx", SET), raw_option("x-good", "1", SET))),
    b"do-status": message(mutation(raw_option(":status", "201", SET))),
    b"do-replace": message((1, 1), mutation(raw_option("x-set", "new", SET)), (3, field(1, "replaced"))),
    b"do-body": message((3, field(1, "new body"))), b"do-clear": message((3, field(2, 1))), b"do-length": message(mutation(raw_option("content-length", "3", SET))),
    b"do-nothing": b"",
}
IMMEDIATE = message((1, field(1, 403)), (2, message(*options(1, raw_option("x-now", "1"), raw_option("content-type", "text/html")))), (3, "<now>"), (5, "why"))
PROCESSOR_KINDS = {2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6}


def process(asked):
    kind = min(set(fields(asked)) & PROCESSOR_KINDS.keys())
    if b"do-now" in asked:
        return field(7, IMMEDIATE)
    if b"do-wrong" in asked:
        return message((6, b""))
    if b"do-garbage" in asked:
        return b"\xff\xff\xff"
    common = next((common for word, common in COMMON.items() if word in asked), b"")
    if kind in (6, 7):
        return field(PROCESSOR_KINDS[kind], b"")
    return field(PROCESSOR_KINDS[kind], field(1, common))


PROCESSOR_REQUESTS = [(f"request {word}", get("/", f"x-do: {word}", "x-set: old", "x-add: old", "x-plain: old", "x-gone: 1")) for word in (
    *(word.decode() for word in COMMON if word != b"do-status"), "do-now", "do-wrong", "do-garbage")]
PROCESSOR_REQUESTS += [(f"response {word}", get(f"/made?x-set=old&x-add=old&x-plain=old&x-gone=1&:size=20&x-{word}=1")) for word in (
    *(word.decode() for word in COMMON if word not in (b"do-pseudo", b"do-replace", b"do-length")), "do-now", "do-wrong")]
PROCESSOR_REQUESTS += [("post", post(["Content-Length: 5"], "hello")), ("post do-set", post(["Content-Length: 5", "x-do: do-set"], "hello")),
                       ("body do-body", post(["Content-Length: 8"], "do-body!")), ("body do-clear", post(["Content-Length: 8"], "do-clear")),
                       ("chunked body", post(["Transfer-Encoding: chunked"], "8\r\ndo-body!\r\n0\r\n\r\n")), ("head", get("/", method="HEAD")),
                       ("response 404", get("/404")), ("response 204", get("/204")), ("off", get("/off", "x-do: do-now"))]
PROCESSOR_ROUTES = [route("/off", "ext_proc", typed("ext_proc.v3", "ExtProcPerRoute", disabled=True)), to()]
HEADS = {"processing_mode": {"request_header_mode": "SEND", "response_header_mode": "SEND"}, "message_timeout": "5s", **ASKS}
BODIES = {"processing_mode": {"request_body_mode": "BUFFERED", "response_body_mode": "BUFFERED"}, "message_timeout": "5s", **ASKS}
ATTRIBUTES = {
    "request_attributes": ["request.path", "request.url_path", "request.query", "request.host", "request.method", "request.scheme", "request.protocol", "request.size",
                           "request.useragent", "request.headers['x-do']", "request.headers['x-none']", "request.headers", "connection.mtls",
                           "xds.virtual_host_name", "xds.route_name", "request.method == 'GET'"],
    "response_attributes": ["response.code", "response.headers['x-set']", "response.headers", "request.method", "xds.cluster_name"]}

# grpc_json_transcoder: an Item { name, number, inner, tags, color } is answered as it was asked.
def shop():
    """A FileDescriptorSet."""
    kinds = {"name": (9,), "number": (3,), "inner": (11, ".shop.Item"), "tags": (9,), "color": (14, ".shop.Color")}
    parts = [(2, message((1, name), (3, at + 1), (4, 3 if name == "tags" else 1), (5, kind[0]), *[(6, one) for one in kind[1:]], (10, name)))
             for at, (name, kind) in enumerate(kinds.items())]
    colors = message((1, "Color"), (2, message((1, "NONE"), (2, 0))), (2, message((1, "RED"), (2, 1))))
    rules = {
        "Get": message((2, "/items/{name}/{inner.number}"), (11, message((2, "/rest/{name=all/**}"))), (11, message((2, "/pair/{name=*/x}"))),
                       (11, message((2, "/items/{name}:show")))),
        "Put": message((4, "/items/{name}"), (7, "inner"), (11, message((3, "/items"), (7, "*"))), (11, message((4, "/tags"), (7, "tags")))),
        "List": message((2, "/list/{name}"))}
    methods = [(2, message((1, name), (2, ".shop.Item"), (3, ".shop.Item"), (4, field(72295728, rule)), (6, int(name == "List"))))
               for name, rule in rules.items()]
    return message((1, message((1, "shop.proto"), (2, "shop"), (4, message((1, "Item"), *parts)), (5, colors),
                               (6, message((1, "Shop"), *methods)), (12, "proto3"))))


SHOP = {"proto_descriptor_bin": base64.b64encode(shop()).decode(), "services": ["shop.Shop"],
        "request_validation_options": {"reject_unknown_method": True, "reject_unknown_query_parameters": True}}
SHOP_ROUTES = [{"match": {"prefix": "/"}, "route": {"cluster": "grpc"}}]
JSON = "Content-Type: application/json"


def json_post(path, body, method="POST"):
    return raw(f"{method} {path} HTTP/1.1\r\nHost: h\r\n{JSON}\r\nContent-Length: {len(body)}\r\n\r\n{body}")


SHOP_REQUESTS = [(f"get {path}", get(path)) for path in (
    "/items/a/7", "/items/a%20b%2Fc/7", "/items/a/x", "/items/a/7?tags=b&tags=c%20d", "/items/a/7?inner.name=i&number=5", "/items/a/7?none=1",
    "/items/a/7?inner.none=1", "/rest/all/a/b%2Fc%20d", "/rest/all", "/rest/other/a", "/pair/a%2Fb/x", "/items/a:show", "/items/a:hide", "/none", "/items",
    "/list/a", "/list/a?color=RED", "/list/a?color=1", "/list/a?color=red", "/list/a+b?tags=c+d", "/items/a/7?number=", "/items//7", "/items/a/7/")]
SHOP_REQUESTS += [(f"post {path} {body}", json_post(path, body)) for path, body in (
    ("/items/a", '{"name": "b", "number": "5"}'), ("/items/a", "{}"), ("/items/a", "{"), ("/items/a", "[]"), ("/items/a", '{"none": 1}'),
    ("/items/a", '{"tags": ["x", "y"], "inner": {"color": "RED"}}'), ("/tags", '["x", "y"]'))]
SHOP_REQUESTS += [(f"put {body}", json_post("/items", body, "PUT")) for body in (
    '{"name": "b"}', '{"name": "\\u00e9", "color": 1}', '{"number": 9007199254740993}', '{"number": "x"}', '{"color": "GREEN"}')]
SHOP_REQUESTS += [("get without a rule", get("/tags")),
                  ("grpc", raw("POST /items HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n"))]

# oauth2
OAUTH2 = {"config": {
    "token_endpoint": {"uri": "http://idp.example/token", "cluster": "service", "timeout": "5s"}, "authorization_endpoint": "https://idp.example/authorize?x=y",
    "redirect_uri": "%REQ(x-forwarded-proto)%://%REQ(:authority)%/callback", "redirect_path_matcher": {"path": exact("/callback")},
    "signout_path": {"path": exact("/signout")}, "auth_scopes": ["openid", "mail"], "resources": ["https://api.example/a b"],
    "pass_through_matcher": [is_header(":path", "/open")], "deny_redirect_matcher": [is_header("x-requested-with", "XMLHttpRequest")],
    "credentials": {"client_id": "shop", "token_secret": {"name": "token"}, "hmac_secret": {"name": "hmac"}}}}
OAUTH2_REQUESTS = [(name, get(path, *headers)) for name, path, *headers in (
    ("not logged in", "/page?a=b"), ("open", "/open", "authorization: Bearer x"), ("ajax", "/page", "x-requested-with: XMLHttpRequest"), ("signed out", "/signout"),
    ("callback without anything", "/callback"), ("callback with an error", "/callback?error=denied&state=x"), ("callback with a bad state", "/callback?code=1&state=x"),
    ("forged cookies", "/page", "cookie: BearerToken=x; OauthExpires=4000000000; OauthHMAC=AAAA"), ("https", "/page", "x-forwarded-proto: https"))]
OAUTH2_REQUESTS.append(("post", post(["Content-Length: 2"], "hi")))


def secrets():
    config = asking("oauth2.v3", "OAuth2", **OAUTH2)
    config["static_resources"]["secrets"] = [{"name": name, "generic_secret": {"secret": {"inline_string": name * 8}}} for name in ("token", "hmac")]
    return config


def first(table, asked):
    return next(answer for word, answer in table.items() if word in asked)


def decide(path, asked):
    if path.endswith("/Check"):
        return first(CHECKS, asked)
    if path.startswith("/shop."):
        return asked
    return first(LIMITS, asked) if path.endswith("/ShouldRateLimit") else process(asked)


# Of a CheckRequest: the client's port, the time, the stream's id. Of heads: what differs from one run to the next.
VARIES = re.compile(r"1\.1\.1\.1\.3:|1\.4\.1\.|1\.4\.2\.1:|.*(x-request-id|x-envoy-upstream-service-time)")


def lines(value, path=""):
    """A tree as sorted lines of text, by path of field numbers."""
    if isinstance(value, dict):
        if value.keys() <= {"1", "2", "3"} and all(isinstance(part[0], str) for part in value.values()):
            return [f"{path}: {' = '.join(part[0] for part in value.values())}"]
        return sorted(line for key, parts in value.items() for part in parts for line in lines(part, f"{path}.{key}".lstrip(".")))
    return [f"{path}: {value}"]


def normal_calls(seen, ports):
    """What a service of gRPC was asked, up to the probe's part of it; what is empty, or 0, may as well be missing."""
    calls = []
    for path, asked in seen:
        if b"/probe" in asked:
            break
        said = [line for line in lines(tree(asked)) if not VARIES.match(line) and not line.endswith((": ", ": 0"))]
        calls.append({"call": path, "message": [re.sub(r"(?<=: )\d+$", lambda one: ports.get(int(one[0]), one[0]), line) for line in said]})
    return calls


CHECK_ALL = {**ASKS, "transport_api_version": "V3"}
GROUPS = {
    "ext_authz grpc": (asking("ext_authz.v3", "ExtAuthz", CHECK_ROUTES, **CHECK_ALL), CHECK_REQUESTS),
    "ext_authz grpc with bodies": (asking("ext_authz.v3", "ExtAuthz", **CHECK_ALL, with_request_body={"max_request_bytes": 10}, status_on_error={"code": 503},
                                          validate_mutations=True), FEW),
    "ext_authz grpc with partial bodies": (asking(
        "ext_authz.v3", "ExtAuthz", **CHECK_ALL, with_request_body={"max_request_bytes": 10, "allow_partial_message": True, "pack_as_bytes": True},
        failure_mode_allow=True, failure_mode_allow_header_add=True, allowed_headers={"patterns": [{"prefix": "x-"}]},
        disallowed_headers={"patterns": [exact("x-user")]}), FEW),
    "ext_authz grpc with rules": (asking("ext_authz.v3", "ExtAuthz", CHECK_ROUTES, **CHECK_ALL, decoder_header_mutation_rules={
        "disallow_expression": {"google_re2": {}, "regex": "x-user"}}), CHECK_REQUESTS),
    "strict ext_authz grpc": (asking("ext_authz.v3", "ExtAuthz", CHECK_ROUTES, **CHECK_ALL, decoder_header_mutation_rules={"disallow_is_error": True}), CHECK_REQUESTS),
    "shadowing ext_authz grpc": (asking("ext_authz.v3", "ExtAuthz", CHECK_ROUTES, **CHECK_ALL, shadow_mode=True), CHECK_REQUESTS),
    "limiting ext_authz grpc": (asking("ext_authz.v3", "ExtAuthz", CHECK_ROUTES, **CHECK_ALL, enforce_response_header_limits=True), [
        (word, get("/", f"x-do: {word}")) for word in ("limit-add", "limit-set", "limit-few", "limit-same", "limit-deny")]),
    "ext_authz http": (asking("ext_authz.v3", "ExtAuthz", http_service=HTTP), HTTP_REQUESTS),
    "ext_authz http with lists": (asking("ext_authz.v3", "ExtAuthz", http_service={
        **HTTP, "path_prefix": "/auth", "authorization_response": LOOSE,
        "authorization_request": {"headers_to_add": [{"key": "x-key", "value": "proxy"}], "allowed_headers": {"patterns": [exact("cookie"), {"prefix": "x-t"}]}}},
        with_request_body={"max_request_bytes": 3, "allow_partial_message": True}), HTTP_REQUESTS),
    "ratelimit": (asking("ratelimit.v3", "RateLimit", LIMITED_ROUTES, **LIMITED, enable_x_ratelimit_headers="DRAFT_VERSION_03"), LIMIT_REQUESTS),
    "strict ratelimit": (asking("ratelimit.v3", "RateLimit", LIMITED_ROUTES, **LIMITED, failure_mode_deny=True, rate_limited_status={"code": 503},
                                rate_limited_as_resource_exhausted=True, disable_x_envoy_ratelimited_header=True), LIMIT_REQUESTS),
    "ext_proc": (asking("ext_proc.v3", "ExternalProcessor", PROCESSOR_ROUTES, **HEADS), PROCESSOR_REQUESTS),
    "ext_proc with bodies": (asking("ext_proc.v3", "ExternalProcessor", PROCESSOR_ROUTES, **BODIES), PROCESSOR_REQUESTS),
    "ext_proc with rules": (asking("ext_proc.v3", "ExternalProcessor", PROCESSOR_ROUTES, **HEADS, mutation_rules={
        "allow_all_routing": True, "allow_envoy": True, "disallow_expression": {"google_re2": {}, "regex": "x-(add|gone)"}}), PROCESSOR_REQUESTS),
    "strict ext_proc": (asking("ext_proc.v3", "ExternalProcessor", PROCESSOR_ROUTES, **HEADS, mutation_rules={"disallow_is_error": True}), PROCESSOR_REQUESTS),
    "ext_proc with attributes": (asking("ext_proc.v3", "ExternalProcessor", PROCESSOR_ROUTES, **HEADS, **ATTRIBUTES), [
        request for request in PROCESSOR_REQUESTS if request[0] in ("request do-nothing", "response do-nothing", "post", "head", "response 404")]),
    "grpc_json_transcoder": (asking("grpc_json_transcoder.v3", "GrpcJsonTranscoder", SHOP_ROUTES, **SHOP), SHOP_REQUESTS),
    "printing grpc_json_transcoder": (asking("grpc_json_transcoder.v3", "GrpcJsonTranscoder", SHOP_ROUTES, **SHOP, url_unescape_spec="ALL_CHARACTERS", print_options={
        "always_print_primitive_fields": True, "always_print_enums_as_ints": True, "stream_newline_delimited": True}, query_param_unescape_plus=True,
        case_insensitive_enum_parsing=True, match_unregistered_custom_verb=True), SHOP_REQUESTS),
    "oauth2": (secrets(), OAUTH2_REQUESTS),
}
