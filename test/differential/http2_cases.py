"""What is sent to both proxies over HTTP/2 and TLS. A request is (name, fields[, body[, trailers]]); a
group says which protocol client and origin speak, and whether behind TLS."""

import operators
from bootstrap import bootstrap, cluster, direct, downstream_tls, http2, to, upstream_tls
from certificates import Pair
from h1_requests import RESPONSE_SCRIPTS, get, post

# Paths stand as names, as ports do.
SERVER = Pair("server", "CERTIFICATE", "KEY")
AUTHORITY = Pair("root", "AUTHORITY", "")


def head(*more, method="GET", path="/", scheme="http", authority="test.example"):
    pseudo = [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path)]
    return [field for field in pseudo if field[1] is not None] + list(more)


def body(*more, **pseudo):
    return head(*more, **{"method": "POST", "path": "/p", **pseudo})


REQUESTS = [
    ("get", head()),
    ("query", head(path="/a/b?c=d&e=%20f")),
    ("head", head(method="HEAD")),
    ("delete", head(method="DELETE")),
    ("options star", head(method="OPTIONS", path="*")),
    ("trace", head(method="TRACE")),
    ("custom method", head(method="BREW")),
    ("lower-case method", head(method="get")),
    ("bad method", head(method="G@T")),
    ("empty method", head(method="")),
    ("https scheme", head(scheme="https")),
    ("other scheme", head(scheme="ftp")),
    ("bad scheme", head(scheme="h ttp")),
    ("upper-case scheme", head(scheme="HTTP")),
    ("empty path", head(path="")),
    ("relative path", head(path="a/b")),
    ("absolute path", head(path="http://other.example/x")),
    ("fragment", head(path="/a#b")),
    ("space in path", head(path="/a b")),
    ("control in path", head(path="/\x01")),
    ("high bytes in path", head(path="/\xe9")),
    ("dots", head(path="/a/../b/./c")),
    ("connect", head(method="CONNECT", scheme=None, path=None, authority="h:443")),
    ("connect with path", head(method="CONNECT", authority="h:443")),
    ("extended connect", [(":protocol", "websocket"), *head(method="CONNECT")]),
    ("protocol without connect", [(":protocol", "websocket"), *head()]),
    ("no method", head(method=None)),
    ("no scheme", head(scheme=None)),
    ("no path", head(path=None)),
    ("no authority", head(authority=None)),
    ("no authority but host", head(("host", "h"), authority=None)),
    ("authority and host", head(("host", "test.example"))),
    ("authority and other host", head(("host", "other.example"))),
    ("two hosts", head(("host", "a"), ("host", "b"), authority=None)),
    ("empty authority", head(authority="")),
    ("authority with user", head(authority="u@h")),
    ("authority with port", head(authority="h:8080")),
    ("authority with bad port", head(authority="h:80x")),
    ("authority with path", head(authority="h/x")),
    ("authority with space", head(authority="h i")),
    ("two methods", [(":method", "GET"), *head()]),
    ("two paths", [(":path", "/"), *head()]),
    ("two authorities", [(":authority", "a"), *head()]),
    ("unknown pseudo", [(":unknown", "x"), *head()]),
    ("status in request", [(":status", "200"), *head()]),
    ("pseudo after field", [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("x-a", "b"), (":authority", "h")]),
    ("upper-case name", head(("X-Upper", "v"))),
    ("empty name", head(("", "v"))),
    ("empty value", head(("x-empty", ""))),
    ("name with space", head(("x a", "v"))),
    ("name with colon", head(("x:a", "v"))),
    ("name with control", head(("x\x01a", "v"))),
    ("name with high bytes", head(("x-\xe9", "v"))),
    ("name with underscore", head(("x_a", "v"))),
    ("value with NUL", head(("x-a", "a\0b"))),
    ("value with CR", head(("x-a", "a\rb"))),
    ("value with LF", head(("x-a", "a\nb"))),
    ("value with control", head(("x-a", "a\x02b"))),
    ("value with high bytes", head(("x-a", "\xe9\xff"))),
    ("value with spaces around", head(("x-a", " v "))),
    ("value with tab inside", head(("x-a", "v\tw"))),
    ("connection", head(("connection", "close"))),
    ("keep-alive", head(("keep-alive", "timeout=5"))),
    ("proxy-connection", head(("proxy-connection", "close"))),
    ("transfer-encoding", body(("transfer-encoding", "chunked")), b"abc"),
    ("upgrade", head(("upgrade", "websocket"))),
    ("te trailers", head(("te", "trailers"))),
    ("te gzip", head(("te", "gzip"))),
    ("cookies", head(("cookie", "a=1"), ("cookie", "b=2"), ("x-a", "b"), ("cookie", "c=3"))),
    ("one name twice", head(("x-a", "1"), ("x-b", "2"), ("x-a", "3"))),
    ("expect", body(("expect", "100-continue"), ("content-length", "2")), b"hi"),
    ("expect other", body(("expect", "a-pony"), ("content-length", "2")), b"hi"),
    ("body", body(), b"hello"),
    ("body with length", body(("content-length", "5")), b"hello"),
    ("empty body", body(), b""),
    ("length without body", body(("content-length", "5"))),
    ("length zero", body(("content-length", "0"))),
    ("body shorter than said", body(("content-length", "10")), b"hello"),
    ("body longer than said", body(("content-length", "3")), b"hello"),
    ("length bad", body(("content-length", "5x")), b"hello"),
    ("length with plus", body(("content-length", "+5")), b"hello"),
    ("length negative", body(("content-length", "-5")), b"hello"),
    ("length twice, same", body(("content-length", "5"), ("content-length", "5")), b"hello"),
    ("length twice, other", body(("content-length", "5"), ("content-length", "6")), b"hello"),
    ("length list", body(("content-length", "5, 5")), b"hello"),
    ("large body", body(), b"x" * 300000),
    ("large header", head(("x-l", "x" * 50000))),
    ("get with body", head(), b"hi"),
    ("trailers", body(), b"abc", [("x-sum", "3")]),
    ("trailers without body", body(), b"", [("x-sum", "0")]),
    ("pseudo in trailers", body(), b"abc", [(":path", "/x")]),
    ("upper-case trailer", body(), b"abc", [("X-Sum", "3")]),
    ("length in trailers", body(), b"abc", [("content-length", "3")]),
    ("larger header", head(("x-l", "x" * 70000))),
    ("90 headers", head(*[(f"x-{i}", "v") for i in range(90)])),
    ("130 headers", head(*[(f"x-{i}", "v") for i in range(130)])),
    ("forwarded for", head(("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https"))),
    ("envoy headers from outside", head(("x-envoy-max-retries", "5"), ("x-envoy-internal", "true"))),
    ("request id", head(("x-request-id", "mine"))),
]

# Refused after the head has gone on: whether the origin still saw it is a matter of moments.
UNSETTLED = {"body shorter than said", "body longer than said", "pseudo in trailers", "upper-case trailer",
             "length in trailers", "length without body"}

GRPC = [
    ("trailers only", body(("content-type", "application/grpc"), ("te", "trailers"), path="/trailers-only"), b""),
    ("refused", body(("content-type", "application/grpc"), path="/refused-port"), b""),
    ("no cluster", body(("content-type", "application/grpc"), ("x-cluster", "none"), path="/nowhere"), b""),
    ("direct", body(("content-type", "application/grpc"), path="/direct"), b""),
    ("direct 403", body(("content-type", "application/grpc+proto"), path="/forbidden"), b""),
    ("timeout", body(("content-type", "application/grpc"), path="/silent"), b""),
    ("not grpc", body(("content-type", "application/grpcx"), ("x-cluster", "none"), path="/nowhere"), b""),
    ("grpc timeout", body(("content-type", "application/grpc"), ("grpc-timeout", "100m"), path="/late/silent"), b""),
]
GRPC_ROUTES = [
    {"match": {"prefix": "/refused-port"}, "route": {"cluster": "refused"}},
    {"match": {"prefix": "/nowhere"}, "route": {"cluster_header": "x-cluster"}},
    direct({"prefix": "/direct"}, "text"), direct({"prefix": "/forbidden"}, "text", 403),
    {"match": {"prefix": "/late"}, "route": {"cluster": "origin", "prefix_rewrite": "/",
                                           "max_stream_duration": {"grpc_timeout_header_max": "5s"}}},
    # Only what never answers is waited for so briefly: a busy machine is slow.
    {"match": {"prefix": "/silent"}, "route": {"cluster": "origin", "timeout": "0.2s"}},
    to()]

# What an HTTP/2 origin answers, and what an HTTP/1.1 client sees of it.
HTTP2_SCRIPTS = ("x", "trailers", "trailers-only", "103", "chunked", "cut-body", "short-body", "reset", "refused", "goaway",
                 "upper-case", "connection-header", "no-status", "two-statuses", "bad-status", "bad-value", "204", "304", "404",
                 "cookies", "many-headers", "large-head", "hop")
# What each pair of protocols is tried with.
BASIC = [("get", head()), ("post", body(), b"hello"), ("head", head(method="HEAD")), ("large", body(), b"x" * 200000),
         ("404", head(path="/404")), ("204", head(path="/204")), ("response body", head(path="/chunked")), ("after", head())]
BASIC_HTTP1 = [("get", get()), ("post", post(["Content-Length: 5"], "hello")), ("head", get(method="HEAD")),
               ("chunked", post(["Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n")), ("404", get("/404")),
               ("204", get("/204")), ("response body", get("/chunked")), ("after", get())]


def place(client="h2", tls=False, origin="h1", origin_tls=False, **more):
    """A bootstrap for those protocols, and how to play client and origin."""
    options = http2() if origin == "h2" else {}
    if origin_tls:
        options["transport_socket"] = upstream_tls(AUTHORITY, sni="up.example")
    transport = downstream_tls(SERVER) if tls else None
    # Connections that end in an error linger this long.
    more["manager"] = {"delayed_close_timeout": "0.02s", **more.get("manager", {})}
    kind = {"client": client, "tls": tls, "origin": origin, "origin_tls": origin_tls}
    clusters = [cluster("origin", "ORIGIN", **options), *more.pop("clusters", [])]
    return bootstrap(transport=transport, clusters=clusters, **more), kind


def group(requests, **more):
    config, kind = place(**more)
    return config, requests, kind


GROUPS = {
    "h2": group(REQUESTS),
    "h2 to h2": group(REQUESTS, origin="h2"),
    "h2 streams of errors": group(REQUESTS, manager={
        "http2_protocol_options": {"override_stream_error_on_invalid_http_message": True}}),
    "h2 responses": group([(name, head(path="/" + name)) for name in RESPONSE_SCRIPTS]),
    "h2 to h2 responses": group([(name, head(path="/" + name)) for name in HTTP2_SCRIPTS], origin="h2"),
    "h1 to h2 responses": group([(name, get("/" + name)) for name in HTTP2_SCRIPTS], client="h1", origin="h2"),
    "grpc": group(GRPC, origin="h2", routes=GRPC_ROUTES, clusters=[cluster("refused", "CLOSED")]),
    "h2 edge": group([("get", head()), ("xff", head(("x-forwarded-for", "1.2.3.4"))), ("https", head(scheme="https"))], tls=True,
                     manager={"use_remote_address": True, "via": "edge-1", "server_name": "edge"}),
}
for _client, _request in (("h1", get("/", "x-a: some value")), ("h2", head(("x-a", "some value")))):
    _config, _kind = place(client=_client, tls=True, routes=operators.routes())
    GROUPS[f"{_client} TLS operators"] = operators.inspected(_config), [("get", _request)], _kind
for _client in ("h1", "h2"):
    for _tls in (False, True):
        for _origin in ("h1", "h2"):
            for _origin_tls in (False, True):
                _name = f"{_client}{' TLS' * _tls} to {_origin}{' TLS' * _origin_tls}: basics"
                GROUPS[_name] = group(BASIC if _client == "h2" else BASIC_HTTP1, client=_client, tls=_tls, origin=_origin,
                                      origin_tls=_origin_tls)
