"""What is sent to both proxies: groups of one bootstrap and many requests.

A request is (name, bytes[, method]); the method tells how to read the response when it is not the
first word of the bytes. In bootstraps ORIGIN, CLOSED and SILENT stand for ports.
"""

from bootstrap import TYPE, bootstrap, cluster, direct, to


def get(path="/", *headers, host="test.example", method="GET"):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def raw(text):
    return text.encode("latin-1")


def post(headers, body):
    return raw("POST /p HTTP/1.1\r\nHost: h\r\n" + "".join(h + "\r\n" for h in headers) + "\r\n" + body)


REQUESTS = [
    ("get", get()),
    ("query", get("/a/b?c=d&e=%20f")),
    ("fragment", get("/a#b")),
    ("percent", get("/%41%2f%2e")),
    ("dots", get("/a/../b/./c")),
    ("slashes", get("//a///b")),
    ("high bytes in path", get("/\xe9")),
    ("control in path", get("/\x01")),
    ("space in path", get("/a b")),
    ("head", get(method="HEAD")),
    ("delete", get(method="DELETE")),
    ("options star", get("*", method="OPTIONS")),
    ("get star", get("*")),
    ("custom method", get(method="BREW")),
    ("lower-case method", get(method="get")),
    ("bad method", get(method="G@T")),
    ("long method", get(method="X" * 100)),
    ("trace", get(method="TRACE")),
    ("connect", get("h:443", method="CONNECT")),
    ("absolute form", get("http://other.example/x?y", host="h")),
    ("absolute https", get("https://other.example/x")),
    ("absolute without path", get("http://other.example")),
    ("absolute bad scheme", get("ftp://other.example/")),
    ("absolute with user", get("http://u@other.example/")),
    ("relative path", get("a/b")),
    ("length", post(["Content-Length: 5"], "hello")),
    ("length zero", post(["Content-Length: 0"], "")),
    ("length with plus", post(["Content-Length: +5"], "hello")),
    ("length with space inside", post(["Content-Length: 5 5"], "hello")),
    ("length hex", post(["Content-Length: 0x5"], "hello")),
    ("length negative", post(["Content-Length: -5"], "hello")),
    ("length empty", post(["Content-Length:"], "")),
    ("length huge", post(["Content-Length: 99999999999999999999"], "hello")),
    ("length leading zeros", post(["Content-Length: 005"], "hello")),
    ("length twice, same", post(["Content-Length: 5", "Content-Length: 5"], "hello")),
    ("length twice, other", post(["Content-Length: 5", "Content-Length: 6"], "hello!")),
    ("length list", post(["Content-Length: 5, 5"], "hello")),
    ("no length", post([], "")),
    ("chunked", post(["Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\n\r\n")),
    ("chunked upper case", post(["Transfer-Encoding: CHUNKED"], "A\r\n0123456789\r\n0\r\n\r\n")),
    ("chunk extension", post(["Transfer-Encoding: chunked"], "3;a=b;c\r\nabc\r\n0;x\r\n\r\n")),
    ("chunk leading zeros", post(["Transfer-Encoding: chunked"], "0003\r\nabc\r\n000\r\n\r\n")),
    ("chunk size with space", post(["Transfer-Encoding: chunked"], "3 \r\nabc\r\n0\r\n\r\n")),
    ("chunk size with 0x", post(["Transfer-Encoding: chunked"], "0x3\r\nabc\r\n0\r\n\r\n")),
    ("chunk size empty", post(["Transfer-Encoding: chunked"], "\r\nabc\r\n0\r\n\r\n")),
    ("chunk size bad", post(["Transfer-Encoding: chunked"], "zz\r\nabc\r\n0\r\n\r\n")),
    ("chunk size huge", post(["Transfer-Encoding: chunked"], "fffffffffffffffff\r\nabc\r\n0\r\n\r\n")),
    ("chunk longer than said", post(["Transfer-Encoding: chunked"], "3\r\nabcdef\r\n0\r\n\r\n")),
    ("chunk with bare LF", post(["Transfer-Encoding: chunked"], "3\nabc\n0\n\n")),
    ("request trailers", post(["Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n")),
    ("length and chunked", post(["Content-Length: 3", "Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\n\r\n")),
    ("chunked twice", post(["Transfer-Encoding: chunked, chunked"], "0\r\n\r\n")),
    ("chunked in two fields", post(["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "0\r\n\r\n")),
    ("gzip, chunked", post(["Transfer-Encoding: gzip, chunked"], "0\r\n\r\n")),
    ("chunked, gzip", post(["Transfer-Encoding: chunked, gzip"], "0\r\n\r\n")),
    ("identity", post(["Transfer-Encoding: identity"], "")),
    ("unknown coding", post(["Transfer-Encoding: nonsense"], "")),
    ("coding with vertical tab", post(["Transfer-Encoding: \x0bchunked"], "0\r\n\r\n")),
    ("get with body", raw("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")),
    ("expect", post(["Content-Length: 2", "Expect: 100-continue"], "hi")),
    ("expect other", post(["Content-Length: 2", "Expect: a-pony"], "hi")),
    ("header names kept lower", get("/", "X-MiXeD: V")),
    ("header twice", get("/", "X-A: 1", "X-B: 2", "X-A: 3")),
    ("header empty value", get("/", "X-Empty:")),
    ("header no colon", get("/", "nonsense")),
    ("header empty name", get("/", ": v")),
    ("header space in name", get("/", "X A: v")),
    ("header space before colon", get("/", "X-A : v")),
    ("header leading space", get("/", " X-A: v")),
    ("header fold", raw("GET / HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\tc\r\n\r\n")),
    ("header value spaces", get("/", "X-A:  \t v w \t ")),
    ("header value NUL", get("/", "X-A: a\0b")),
    ("header value control", get("/", "X-A: a\x02b")),
    ("header value DEL", get("/", "X-A: a\x7fb")),
    ("header value high bytes", get("/", "X-A: \xe9\xff")),
    ("header value bare CR", get("/", "X-A: a\rb")),
    ("header name bad char", get("/", "X(A): v")),
    ("header name underscore", get("/", "x_a: v")),
    ("header name high bytes", get("/", "X-\xe9: v")),
    ("hop by hop", get("/", "Connection: keep-alive, X-Secret", "X-Secret: s", "Keep-Alive: timeout=5", "Proxy-Connection: close")),
    ("connection names host", get("/", "Connection: host")),
    ("connection names length", post(["Connection: content-length", "Content-Length: 2"], "hi")),
    ("te trailers", get("/", "TE: trailers")),
    ("te gzip", get("/", "TE: gzip")),
    ("proxy authorization", get("/", "Proxy-Authorization: Basic x")),
    ("upgrade refused", get("/", "Connection: Upgrade", "Upgrade: websocket")),
    ("upgrade without connection", get("/", "Upgrade: websocket")),
    ("upgrade h2c", get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")),
    ("connection close", get("/", "Connection: close")),
    ("connection close upper", get("/", "Connection: CLOSE")),
    ("no host", raw("GET / HTTP/1.1\r\n\r\n")),
    ("empty host", get(host="")),
    ("two hosts", raw("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")),
    ("two equal hosts", raw("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")),
    ("host with port", get(host="h:8080")),
    ("host with bad port", get(host="h:80x")),
    ("host IPv6", get(host="[::1]:80")),
    ("host with path", get(host="h/x")),
    ("host with user", get(host="u@h")),
    ("host with space", get(host="h i")),
    ("host upper case", get(host="TEST.Example")),
    ("http/1.0", raw("GET / HTTP/1.0\r\nHost: h\r\n\r\n")),
    ("http/1.0 keep-alive", raw("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n")),
    ("http/0.9", raw("GET /\r\n\r\n")),
    ("http/1.2", raw("GET / HTTP/1.2\r\nHost: h\r\n\r\n")),
    ("http/2.0", raw("GET / HTTP/2.0\r\nHost: h\r\n\r\n")),
    ("http lower case", raw("GET / http/1.1\r\nHost: h\r\n\r\n")),
    ("bare LF", raw("GET / HTTP/1.1\nHost: h\n\n")),
    ("leading CRLF", raw("\r\n") + get()),
    ("two leading CRLFs", raw("\r\n\r\n") + get()),
    ("two spaces", raw("GET  / HTTP/1.1\r\nHost: h\r\n\r\n")),
    ("tab for space", raw("GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n")),
    ("trailing space in line", raw("GET / HTTP/1.1 \r\nHost: h\r\n\r\n")),
    ("garbage", raw("hello\r\n\r\n")),
    ("tls hello", b"\x16\x03\x01\x00\x05hello\r\n\r\n"),
    ("pipelined", get("/1") + get("/2") + get("/3")),
    ("pipelined after post", post(["Content-Length: 2"], "hi") + get("/2")),
    ("long target", get("/" + "x" * 10000)),
    ("longer target", get("/" + "x" * 70000)),
    ("large header", get("/", "X-L: " + "x" * 50000)),
    ("larger header", get("/", "X-L: " + "x" * 70000)),
    ("100 headers", get("/", *[f"x-{i}: v" for i in range(90)])),
    ("too many headers", get("/", *[f"x-{i}: v" for i in range(130)])),
    ("request id kept out", get("/", "X-Request-Id: mine")),
    ("envoy headers from outside", get("/", "X-Envoy-Max-Retries: 5", "X-Envoy-Internal: true", "X-Envoy-Retry-On: 5xx")),
    ("timeout from outside", get("/", "X-Envoy-Upstream-Rq-Timeout-Ms: 50000")),
    ("forwarded for", get("/", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https")),
]

RESPONSES = [(name, get("/" + name)) for name in (
    "chunked", "trailers", "204", "304", "304-length", "404", "500", "503", "until-close", "says-close", "http10",
    "103", "100", "close", "reset", "cut-head", "cut-body", "cut-chunk", "two-lengths", "same-lengths",
    "length-and-chunked", "bad-status", "no-reason", "no-reason-space", "bad-chunk", "fold", "nul", "bare-lf",
    "garbage", "extra", "many-headers", "large-head", "hop", "cookies", "server", "upgrade")]
RESPONSES += [("head of " + name, get("/" + name, method="HEAD")) for name in ("x", "chunked", "404", "until-close")]

ROUTES = [
    direct({"path": "/exact"}, "exact"),
    direct({"path": "/CASE", "case_sensitive": False}, "case"),
    direct({"path_separated_prefix": "/sep"}, "sep"),
    direct({"safe_regex": {"regex": "/re/[0-9]+"}}, "regex"),
    direct({"prefix": "/h", "headers": [{"name": "x-a", "string_match": {"exact": "b"}}]}, "exact header"),
    direct({"prefix": "/h", "headers": [{"name": "x-a", "string_match": {"contains": "long", "ignore_case": True}}]}, "contains"),
    direct({"prefix": "/h", "headers": [{"name": "x-r", "range_match": {"start": 1, "end": 10}}]}, "range"),
    direct({"prefix": "/h", "headers": [{"name": "x-i", "string_match": {"exact": "y"}, "invert_match": True}]}, "inverted"),
    direct({"prefix": "/h", "headers": [{"name": "x-p", "present_match": True}]}, "present"),
    direct({"prefix": "/h", "headers": [{"name": ":method", "string_match": {"exact": "PUT"}}]}, "method"),
    direct({"prefix": "/h"}, "no header"),
    direct({"prefix": "/q", "query_parameters": [{"name": "k", "string_match": {"exact": "v"}}]}, "query exact"),
    direct({"prefix": "/q", "query_parameters": [{"name": "p", "present_match": True}]}, "query present"),
    direct({"prefix": "/created"}, "made", 201),
    direct({"prefix": "/empty"}, "", 204),
    {"match": {"path": "/r-https"}, "redirect": {"https_redirect": True}},
    {"match": {"path": "/r-host"}, "redirect": {"host_redirect": "new.example", "response_code": "FOUND"}},
    {"match": {"path": "/r-port"}, "redirect": {"port_redirect": 8443, "scheme_redirect": "https"}},
    {"match": {"prefix": "/r-prefix"}, "redirect": {"prefix_rewrite": "/to", "response_code": "TEMPORARY_REDIRECT"}},
    {"match": {"prefix": "/r-strip"}, "redirect": {"path_redirect": "/x", "strip_query": True}},
    {"match": {"prefix": "/r-regex"}, "redirect": {"regex_rewrite": {
        "pattern": {"regex": "/r-regex/(.*)"}, "substitution": "/got/\\1"}}},
    {"match": {"prefix": "/w-prefix/"}, "route": {"cluster": "origin", "prefix_rewrite": "/"}},
    {"match": {"safe_regex": {"regex": "/w-regex/.*"}}, "route": {"cluster": "origin", "regex_rewrite": {
        "pattern": {"regex": "^/w-regex/([^/]+)"}, "substitution": "/\\1/again"}}},
    {"match": {"prefix": "/w-host"}, "route": {"cluster": "origin", "host_rewrite_literal": "up.example"}},
    {"match": {"prefix": "/w-header"}, "route": {"cluster": "origin", "host_rewrite_header": "x-to"}},
    {"match": {"prefix": "/w-xfh"}, "route": {"cluster": "origin", "host_rewrite_literal": "up.example",
                                            "append_x_forwarded_host": True}},
    {"match": {"prefix": "/nowhere"}, "route": {"cluster_header": "x-cluster"}},
    {"match": {"prefix": "/add"}, "route": {"cluster": "origin"},
     "request_headers_to_add": [
         {"header": {"key": "x-add", "value": "%PROTOCOL%-%REQ(:method)%"}},
         {"header": {"key": "x-over", "value": "new"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"},
         {"header": {"key": "x-once", "value": "mine"}, "append_action": "ADD_IF_ABSENT"},
         {"header": {"key": "x-only", "value": "mine"}, "append_action": "OVERWRITE_IF_EXISTS"},
         {"header": {"key": "x-none", "value": "%REQ(x-nope)%"}}],
     "request_headers_to_remove": ["x-gone"],
     "response_headers_to_add": [{"header": {"key": "x-code", "value": "%RESPONSE_CODE%"}}],
     "response_headers_to_remove": ["content-type"]},
    {"match": {"prefix": "/direct-add"}, "direct_response": {"status": 200},
     "response_headers_to_add": [{"header": {"key": "content-type", "value": "text/html"}}]},
]

ROUTE_REQUESTS = [(name, get(*args)) for name, *args in (
    ("exact", "/exact"), ("exact with query", "/exact?a"), ("not exact", "/exact/"), ("case", "/cAsE"),
    ("sep", "/sep"), ("sep below", "/sep/x"), ("sep beside", "/sepx"), ("sep query", "/sep?x"),
    ("regex", "/re/12"), ("regex with query", "/re/12?x"), ("regex partial", "/re/12/x"),
    ("header exact", "/h", "x-a: b"), ("header twice", "/h", "x-a: b", "x-a: c"), ("header contains", "/h", "x-a: a LONG one"),
    ("header range", "/h", "x-r: 5"), ("header range end", "/h", "x-r: 10"), ("header range text", "/h", "x-r: five"),
    ("header inverted", "/h", "x-i: n"), ("header inverted equal", "/h", "x-i: y"), ("header present", "/h", "x-p:"),
    ("header none", "/h"), ("query exact", "/q?k=v"), ("query other", "/q?k=w"), ("query encoded", "/q?k=%76"),
    ("query present", "/q?p"), ("query present later", "/q?x=y&p=1"),
    ("created", "/created"), ("empty", "/empty"),
    ("redirect https", "/r-https?q=1"), ("redirect host", "/r-host"), ("redirect port", "/r-port"),
    ("redirect prefix", "/r-prefix/a?b"), ("redirect strip", "/r-strip?x=y"), ("redirect regex", "/r-regex/a?b"),
    ("rewrite prefix", "/w-prefix/a?b"), ("rewrite regex", "/w-regex/a/b?c"), ("rewrite host", "/w-host"),
    ("rewrite host from header", "/w-header", "x-to: their.example"), ("rewrite host without header", "/w-header"),
    ("forwarded host", "/w-xfh"), ("cluster header missing", "/nowhere"), ("cluster unknown", "/nowhere", "x-cluster: none"),
    ("add", "/add", "x-gone: 1", "x-over: old", "x-once: theirs", "x-only: theirs"), ("add, nothing there", "/add"),
    ("direct with headers", "/direct-add"), ("no route", "/else"))]
ROUTE_REQUESTS.append(("method", get("/h", method="PUT")))
ROUTE_REQUESTS.append(("direct head", get("/exact", method="HEAD")))
ROUTE_REQUESTS.append(("direct post", raw("POST /exact HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")))
ROUTE_REQUESTS.append(("redirect absolute", get("http://abs.example/r-https?q")))

HOSTS = [
    {"name": "exact", "domains": ["a.example", "ported.example:81"], "routes": [direct({"prefix": "/"}, "exact")]},
    {"name": "suffix", "domains": ["*.example", "*-dash.example"], "routes": [direct({"prefix": "/"}, "suffix")]},
    {"name": "longer", "domains": ["*.b.example"], "routes": [direct({"prefix": "/"}, "longer")]},
    {"name": "prefix", "domains": ["www.*"], "routes": [direct({"prefix": "/"}, "prefix")]},
    {"name": "tls", "domains": ["tls.example"], "require_tls": "ALL", "routes": [direct({"prefix": "/"}, "tls")]},
]
HOST_REQUESTS = [(host, get(host=host)) for host in (
    "a.example", "A.Example", "a.example:80", "x.example", ".example", "example", "c.b.example", "x-dash.example",
    "www.example.org", "www.", "ported.example", "ported.example:81", "ported.example:82", "other.org", "tls.example",
    "a.example.")]

FORWARDING = [
    ("plain", get()),
    ("xff", get("/", "X-Forwarded-For: 1.2.3.4")),
    ("xff list", get("/", "X-Forwarded-For: 1.2.3.4, 10.0.0.1", "X-Forwarded-For: 5.6.7.8")),
    ("xff garbage", get("/", "X-Forwarded-For: garbage")),
    ("xfp", get("/", "X-Forwarded-Proto: https")),
    ("xfp bad", get("/", "X-Forwarded-Proto: nonsense")),
    ("request id", get("/", "X-Request-Id: mine")),
    ("envoy headers", get("/", "X-Envoy-Internal: true", "X-Envoy-Max-Retries: 3", "X-Envoy-External-Address: 1.1.1.1")),
    ("via", get("/", "Via: 1.1 other")),
    ("user agent", get("/", "User-Agent: ua")),
    ("server of origin", get("/server")),
]

PATHS = [(path, get(path)) for path in (
    "/a/../b", "/a/./b", "/../a", "/a/..", "/a/.", "//a", "/a//b///c", "/a%2fb", "/a%2Fb", "/a%5cb", "/a\\b", "/%2e%2e/a",
    "/%2E./a", "/a%00b", "/a%", "/a%zz", "/a;b=c", "/a?b=/../c", "/a?//", "/%41", "/\xe9", "/a#b")]

GROUPS = {
    "request": (bootstrap(), REQUESTS),
    "response": (bootstrap(manager={"upgrade_configs": [{"upgrade_type": "websocket"}]}), RESPONSES),
    "upgrade": (bootstrap(manager={"upgrade_configs": [{"upgrade_type": "websocket"}]}), [
        ("websocket", get("/upgrade", "Connection: Upgrade", "Upgrade: websocket")),
        ("websocket list", get("/upgrade", "Connection: keep-alive, Upgrade", "Upgrade: WebSocket")),
        ("other protocol", get("/upgrade", "Connection: Upgrade", "Upgrade: other")),
        ("refused by origin", get("/refuse-upgrade", "Connection: Upgrade", "Upgrade: websocket")),
    ]),
    "http10": (bootstrap(manager={"http_protocol_options": {"accept_http_10": True, "default_host_for_http_10": "d"}}), [
        ("no host", raw("GET / HTTP/1.0\r\n\r\n")),
        ("host", raw("GET / HTTP/1.0\r\nHost: h\r\n\r\n")),
        ("keep-alive", raw("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n")),
        ("post", raw("POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi")),
        ("chunked", raw("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        ("chunked response", raw("GET /chunked HTTP/1.0\r\nHost: h\r\n\r\n")),
        ("expect", raw("POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi")),
    ]),
    "trailers": (bootstrap(
        manager={"http_protocol_options": {"enable_trailers": True}},
        clusters=[cluster("origin", "ORIGIN", typed_extension_protocol_options={
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": TYPE + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http_protocol_options": {"enable_trailers": True}}}})]), [
        ("request", post(["Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n")),
        ("bad trailer", post(["Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\nX T: 1\r\n\r\n")),
        ("response", get("/trailers")),
    ]),
    "routes": (bootstrap(ROUTES), ROUTE_REQUESTS),
    "hosts": (bootstrap(hosts=HOSTS), HOST_REQUESTS),
    "edge": (bootstrap(manager={"use_remote_address": True, "via": "edge-1", "server_name": "edge"}),
             FORWARDING),
    "inner": (bootstrap(manager={"xff_num_trusted_hops": 1, "server_header_transformation": "PASS_THROUGH",
                                 "preserve_external_request_id": True, "always_set_request_id_in_response": True}),
              FORWARDING),
    "append server": (bootstrap(manager={"server_header_transformation": "APPEND_IF_ABSENT", "skip_xff_append": True,
                                         "use_remote_address": True, "generate_request_id": False}), FORWARDING),
    "normalised paths": (bootstrap(manager={"normalize_path": True, "merge_slashes": True,
                                            "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT"}), PATHS),
    "rejected paths": (bootstrap(manager={"normalize_path": True, "path_with_escaped_slashes_action": "REJECT_REQUEST"}),
                       PATHS),
    "raw paths": (bootstrap(manager={"normalize_path": False}), PATHS),
    "limits": (bootstrap(manager={"max_request_headers_kb": 2, "common_http_protocol_options": {
        "max_headers_count": 10, "headers_with_underscores_action": "REJECT_REQUEST"}}), [
            ("fits", get("/", "X-L: " + "x" * 1000)),
            ("too large", get("/", "X-L: " + "x" * 3000)),
            ("count fits", get("/", *[f"x-{i}: v" for i in range(5)])),
            ("count too many", get("/", *[f"x-{i}: v" for i in range(20)])),
            ("underscore", get("/", "x_a: v"))]),
    "underscores dropped": (bootstrap(manager={"common_http_protocol_options": {
        "headers_with_underscores_action": "DROP_HEADER"}}), [("underscore", get("/", "x_a: v", "x-b: w"))]),
    "failures": (bootstrap(
        [{"match": {"prefix": "/refused"}, "route": {"cluster": "refused"}},
         {"match": {"prefix": "/empty"}, "route": {"cluster": "empty"}},
         {"match": {"prefix": "/silent"}, "route": {"cluster": "silent", "timeout": "0.2s"}},
         {"match": {"prefix": "/retry"}, "route": {"cluster": "refused", "retry_policy": {
             "retry_on": "connect-failure", "num_retries": 2,
             "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.002s"}}}},
         {"match": {"prefix": "/503"}, "route": {"cluster": "origin", "retry_policy": {
             "retry_on": "5xx", "num_retries": 2, "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.002s"}}}},
         to()],
        clusters=[cluster("origin", "ORIGIN"), cluster("refused", "CLOSED"), cluster("empty"),
                  cluster("silent", "SILENT")]), [
            ("refused", get("/refused")), ("empty", get("/empty")), ("timeout", get("/silent")),
            ("retried", get("/retry")), ("retried answer", get("/503")), ("head of failure", get("/refused", method="HEAD")),
            ("post refused", raw("POST /refused HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"))]),
}
