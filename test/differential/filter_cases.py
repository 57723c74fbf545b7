"""What is sent to both proxies through filters that decide by themselves: groups as in cases.py. Filters that ask
services are in service_cases.py."""

import base64
import gzip

import lua_cases
from bootstrap import ROUTER, TYPE, bootstrap, cluster, direct, http2, to
from h1_requests import get, post, raw

EXTENSION = TYPE + "envoy.extensions.filters.http."
ALWAYS = {"default_value": {"numerator": 100}}
NEVER = {"default_value": {"numerator": 0}}


def typed(kind, message, **config):
    """A filter, or the typed_config of one by route: `kind` as in "cors.v3.Cors"."""
    return {"@type": EXTENSION + kind + "." + message, **config}


def filters(*kinds):
    """Those filters (name, message, config) and the router."""
    chain = [{"name": f"envoy.filters.http.{kind.partition('.')[0]}", "typed_config": typed(kind, message, **config)}
             for kind, message, config in kinds]
    return {"http_filters": [*chain, {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}]}


def through(kind, message, routes=None, more=None, **config):
    """A bootstrap with one filter."""
    return bootstrap(routes, manager={**filters((kind, message, config)), **(more or {})})


def route(prefix, name=None, override=None, **more):
    """To the origin; `override` is what the filter of that name has by route."""
    config = {"match": {"prefix": prefix}, "route": {"cluster": "origin"}, **more}
    if override:
        config["typed_per_filter_config"] = {f"envoy.filters.http.{name}": override}
    return config


def exact(text):
    return {"exact": text}


def is_header(name, value):
    return {"name": name, "string_match": exact(value)}


# rbac
ANY = {"any": True}


def policies(action, **named):
    return {"action": action, "policies": {name: {"permissions": permissions, "principals": principals}
                                           for name, (permissions, principals) in named.items()}}


RBAC = policies(
    "ALLOW",
    reader=([{"and_rules": {"rules": [{"header": is_header(":method", "GET")}, {"url_path": {"path": {"prefix": "/read"}}}]}}], [ANY]),
    writer=([{"or_rules": {"rules": [{"header": is_header(":method", "PUT")}, {"header": is_header(":method", "POST")}]}}],
            [{"header": is_header("x-user", "admin")}]),
    nobody=([{"not_rule": {"url_path": {"path": {"safe_regex": {"regex": "/(read|p|secret|host).*"}}}}}], [{"not_id": {"header": is_header("x-user", "evil")}}]),
    local=([{"url_path": {"path": exact("/secret")}}], [{"direct_remote_ip": {"address_prefix": "127.0.0.0", "prefix_len": 8}}]),
    far=([{"url_path": {"path": exact("/host")}}], [{"remote_ip": {"address_prefix": "10.0.0.0", "prefix_len": 8}}]))
RBAC_REQUESTS = [
    ("read", get("/read/x")), ("read with query", get("/read?x=/p")), ("head of read", get("/read", method="HEAD")),
    ("write as admin", get("/read", "x-user: admin", method="PUT")), ("write as other", get("/read", "x-user: me", method="PUT")),
    ("two users", get("/read", "x-user: admin", "x-user: me", method="PUT")), ("other", get("/other")),
    ("evil", get("/other", "x-user: evil")), ("secret", get("/secret")), ("secret with query", get("/secret?a")),
    ("fragment", get("/secret#a")), ("far", get("/host", "x-forwarded-for: 10.1.2.3")), ("near", get("/host")),
    ("denied by route", get("/route/no")), ("shadowed by route", get("/route/shadow")), ("off by route", get("/read-off", method="DELETE")),
    ("dots", get("/read/../p")), ("slashes", get("//read"))]
RBAC_ROUTES = [
    route("/route/no", "rbac", typed("rbac.v3", "RBACPerRoute", rbac={"rules": policies("DENY", all=([ANY], [ANY]))})),
    route("/route/shadow", "rbac", typed("rbac.v3", "RBACPerRoute", rbac={"shadow_rules": policies("DENY", all=([ANY], [ANY]))})),
    route("/read-off", "rbac", typed("rbac.v3", "RBACPerRoute")), to()]
LOGGED = policies("LOG", all=([ANY], [ANY]))


def rbac_action(name, action):
    return {"action": {"name": "action", "typed_config": {"@type": TYPE + "envoy.config.rbac.v3.Action", "name": name, "action": action}}}


RBAC_MATCHER = {
    "matcher_list": {"matchers": [{
        "predicate": {"single_predicate": {
            "input": {"name": "who", "typed_config": {
                "@type": TYPE + "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", "header_name": "x-user"}},
            "value_match": {"prefix": "good"}}},
        "on_match": rbac_action("good", "ALLOW")}]},
    "on_no_match": rbac_action("none", "DENY")}

# cors and csrf
CORS = {"allow_origin_string_match": [exact("https://a.example"), {"suffix": ".b.example"}], "allow_methods": "GET, PUT",
        "allow_headers": "x-a,x-b", "expose_headers": "x-c", "max_age": "600", "allow_credentials": True,
        "allow_private_network_access": True}
PREFLIGHT = "Access-Control-Request-Method: PUT"


def cors_route(prefix, **policy):
    return route(prefix, "cors", typed("cors.v3", "CorsPolicy", **policy))


CORS_ROUTES = [
    cors_route("/strict", **CORS, forward_not_matching_preflights=False), cors_route("/off", **CORS, filter_enabled=NEVER),
    cors_route("/shadow", **CORS, filter_enabled=NEVER, shadow_enabled=ALWAYS),
    cors_route("/any", allow_origin_string_match=[{"safe_regex": {"regex": ".*"}}]),
    cors_route("/star", allow_origin_string_match=[exact("*")], allow_methods="*"), route("/none"), cors_route("/", **CORS)]
CORS_REQUESTS = [(name, get(path, *fields, method=method)) for name, method, path, *fields in (
    ("plain", "GET", "/"), ("allowed", "GET", "/", "Origin: https://a.example"), ("suffix", "GET", "/", "Origin: https://x.b.example"),
    ("foreign", "GET", "/", "Origin: https://evil.example"), ("upper case", "GET", "/", "Origin: https://A.example"),
    ("two origins", "GET", "/", "Origin: https://a.example", "Origin: https://evil.example"), ("empty", "GET", "/", "Origin:"),
    ("preflight", "OPTIONS", "/", "Origin: https://a.example", PREFLIGHT),
    ("preflight, private network", "OPTIONS", "/", "Origin: https://a.example", PREFLIGHT, "Access-Control-Request-Private-Network: true"),
    ("preflight, headers", "OPTIONS", "/", "Origin: https://a.example", PREFLIGHT, "Access-Control-Request-Headers: x-z"),
    ("foreign preflight", "OPTIONS", "/", "Origin: https://evil.example", PREFLIGHT),
    ("foreign preflight, strict", "OPTIONS", "/strict", "Origin: https://evil.example", PREFLIGHT),
    ("options without method", "OPTIONS", "/", "Origin: https://a.example"),
    ("options with empty method", "OPTIONS", "/", "Origin: https://a.example", "Access-Control-Request-Method:"),
    ("options without origin", "OPTIONS", "/", PREFLIGHT), ("off", "GET", "/off", "Origin: https://a.example"),
    ("off, preflight", "OPTIONS", "/off", "Origin: https://a.example", PREFLIGHT), ("shadow", "GET", "/shadow", "Origin: https://a.example"),
    ("any", "GET", "/any", "Origin: null"), ("any, preflight", "OPTIONS", "/any", "Origin: null", PREFLIGHT),
    ("star", "GET", "/star", "Origin: https://a.example"), ("star, preflight", "OPTIONS", "/star", "Origin: https://a.example", PREFLIGHT),
    ("no policy", "GET", "/none", "Origin: https://a.example"),
    ("origin answers with its own", "GET", "/made?access-control-allow-origin=x&access-control-allow-credentials=y&access-control-expose-headers=z",
     "Origin: https://a.example"),
    ("origin answers the foreign", "GET", "/made?access-control-allow-origin=x", "Origin: https://evil.example"))]

CSRF = {"filter_enabled": ALWAYS, "additional_origins": [exact("trusted.example"), {"suffix": ".sub.example:8443"}]}
CSRF_REQUESTS = [(name, get(path, *fields, method=method)) for name, method, path, *fields in (
    ("get", "GET", "/", "Origin: https://evil.example"), ("head", "HEAD", "/", "Origin: https://evil.example"),
    ("options", "OPTIONS", "/", "Origin: https://evil.example"), ("same", "POST", "/", "Origin: http://test.example"),
    ("same, https", "PUT", "/", "Origin: https://test.example"), ("same, other port", "POST", "/", "Origin: http://test.example:81"),
    ("same, default port", "POST", "/", "Origin: http://test.example:80"), ("upper case", "POST", "/", "Origin: http://TEST.example"),
    ("foreign", "POST", "/", "Origin: https://evil.example"), ("delete", "DELETE", "/", "Origin: https://evil.example"),
    ("patch", "PATCH", "/", "Origin: https://evil.example"), ("trusted", "POST", "/", "Origin: https://trusted.example"),
    ("trusted, port", "POST", "/", "Origin: https://x.sub.example:8443"), ("none", "POST", "/"),
    ("null", "POST", "/", "Origin: null"), ("null and referer", "POST", "/", "Origin: null", "Referer: http://test.example/a"),
    ("referer", "POST", "/", "Referer: http://test.example/a?b"), ("foreign referer", "POST", "/", "Referer: http://evil.example/test.example"),
    ("origin before referer", "POST", "/", "Origin: http://evil.example", "Referer: http://test.example/"),
    ("empty origin", "POST", "/", "Origin:", "Referer: http://test.example/"), ("garbage", "POST", "/", "Origin: test.example"),
    ("with user", "POST", "/", "Origin: http://test.example@evil.example"), ("by route", "POST", "/open", "Origin: https://evil.example"),
    ("by route, trusted", "POST", "/open", "Origin: https://other.example"), ("off by route", "POST", "/off", "Origin: https://evil.example"))]
CSRF_ROUTES = [
    route("/open", "csrf", typed("csrf.v3", "CsrfPolicy", filter_enabled=ALWAYS, additional_origins=[exact("other.example")])),
    route("/off", "csrf", typed("csrf.v3", "CsrfPolicy", filter_enabled=NEVER)), to()]


# limits
def bucket(tokens, fill=1, interval="3600s"):
    return {"max_tokens": tokens, "tokens_per_fill": fill, "fill_interval": interval}


def limited(tokens, **more):
    return {"stat_prefix": "limits", "filter_enabled": ALWAYS, "filter_enforced": ALWAYS, "token_bucket": bucket(tokens), **more}


def descriptor(tokens, **entries):
    return {"entries": [{"key": key, "value": value} for key, value in entries.items()], "token_bucket": bucket(tokens)}


def by_header(name, key, **more):
    return {"request_headers": {"header_name": name, "descriptor_key": key, **more}}


LIMIT_ROUTES = [
    route("/four", "local_ratelimit", typed("local_ratelimit.v3", "LocalRateLimit", **limited(2, status={"code": 503}, response_headers_to_add=[
        {"header": {"key": "x-limited", "value": "yes"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]))),
    route("/grpc", "local_ratelimit", typed("local_ratelimit.v3", "LocalRateLimit", **limited(1, rate_limited_as_resource_exhausted=True))),
    route("/lax", "local_ratelimit", typed("local_ratelimit.v3", "LocalRateLimit", **limited(1, filter_enforced=NEVER,
          request_headers_to_add_when_not_enforced=[{"header": {"key": "x-would", "value": "be limited"}}]))),
    route("/users", "local_ratelimit", typed("local_ratelimit.v3", "LocalRateLimit", **limited(
        100, enable_x_ratelimit_headers="DRAFT_VERSION_03", descriptors=[descriptor(1, user="a"), descriptor(2, user="b", path="/users/x")],
        rate_limits=[{"actions": [by_header("x-user", "user")]}, {"actions": [by_header("x-user", "user"), by_header(":path", "path")]}]))),
    to()]
LIMIT_REQUESTS = [
    ("first", get("/four")), ("second", get("/four")), ("third", get("/four")), ("third post", get("/four", method="POST")),
    ("lax", get("/lax")), ("lax again", get("/lax")), ("grpc", get("/grpc")),
    ("grpc again", raw("POST /grpc HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n")),
    ("not grpc again", get("/grpc")), ("user a", get("/users", "x-user: a")), ("user a again", get("/users", "x-user: a")),
    ("user b", get("/users/x", "x-user: b")), ("user b again", get("/users/x", "x-user: b")), ("user b third", get("/users/x", "x-user: b")),
    ("user b elsewhere", get("/users/y", "x-user: b")), ("nobody", get("/users")), ("user c", get("/users", "x-user: c"))]

# mutations and metadata
SET, ADD, ABSENT, ONLY = "OVERWRITE_IF_EXISTS_OR_ADD", "APPEND_IF_EXISTS_OR_ADD", "ADD_IF_ABSENT", "OVERWRITE_IF_EXISTS"


def append(name, value, action=ADD, **more):
    return {"append": {"header": {"key": name, "value": value}, "append_action": action, **more}}


MUTATIONS = {
    "request_mutations": [
        {"remove": "x-gone"}, append("x-add", "%REQ(x-a)%"), append("x-set", "new", SET), append("x-absent", "mine", ABSENT),
        append("x-only", "mine", ONLY), append("x-empty", "%REQ(x-none)%"), append("x-kept", "%REQ(x-none)%", keep_empty_value=True),
        append("x-method", "%REQ(:METHOD)% %PROTOCOL%"), {"remove_on_match": {"key_matcher": {"prefix": "x-secret-"}}}],
    "query_parameter_mutations": [{"append": {"record": {"key": "added", "value": "a b"}, "action": ADD}},
                                  {"append": {"record": {"key": "over", "value": "1"}, "action": SET}}, {"remove": "gone"}],
    "response_mutations": [append("x-code", "%RESPONSE_CODE%"), {"remove": "content-type"}, append("server", "us", SET),
                           append("x-req", "%REQ(x-a)%", ABSENT)]}
MUTATION_REQUESTS = [(name, get(path, *fields)) for name, path, *fields in (
    ("nothing", "/"), ("all", "/?gone=1&over=0&over=2&x", "x-a: 1", "x-gone: 1", "x-gone: 2", "x-set: old", "x-absent: theirs", "x-only: theirs"),
    ("secrets", "/", "x-secret-a: 1", "X-Secret-B: 2", "x-secret: 3"), ("two values", "/", "x-a: 1", "x-a: 2", "x-set: 1", "x-set: 2"),
    ("by route", "/route", "x-set: old"), ("direct", "/direct", "x-a: 7"), ("encoded query", "/?%67one=1&added=0"), ("empty query", "/?"))]
MUTATION_ROUTES = [
    route("/route", "header_mutation", typed("header_mutation.v3", "HeaderMutationPerRoute", mutations={
        "request_mutations": [append("x-set", "by route", SET), append("x-add", "by route")],
        "response_mutations": [append("x-route", "1")]})),
    direct({"prefix": "/direct"}, "direct"), to()]


def shown(*keys):
    """Response fields that show what metadata the request had."""
    return [{"header": {"key": f"x-meta-{number}", "value": f"%DYNAMIC_METADATA({key})%"}} for number, key in enumerate(keys)]


METADATA = {"request_rules": [
    {"header": "x-version", "on_header_present": {"metadata_namespace": "lb", "key": "version"},
     "on_header_missing": {"metadata_namespace": "lb", "key": "version", "value": "none"}},
    {"header": "x-number", "on_header_present": {"metadata_namespace": "lb", "key": "number", "type": "NUMBER"}, "remove": True},
    {"header": "x-rewrite", "on_header_present": {"metadata_namespace": "lb", "key": "rewrite", "regex_value_rewrite": {
        "pattern": {"regex": "^/(\\w+)/.*"}, "substitution": "\\1"}}},
    {"header": "x-fixed", "on_header_present": {"metadata_namespace": "lb", "key": "fixed", "value": "constant"}},
    {"header": "x-coded", "on_header_present": {"metadata_namespace": "lb", "key": "coded", "encode": "BASE64"}},
    {"cookie": "session", "on_header_present": {"metadata_namespace": "lb", "key": "session"},
     "on_header_missing": {"metadata_namespace": "lb", "key": "session", "value": "fresh"}}]}
METADATA_ROUTES = [{**to(), "response_headers_to_add": shown(
    "lb:version", "lb:number", "lb:rewrite", "lb:fixed", "lb:coded", "lb:session", "lb", "set:nested:a", "set")}]
METADATA_REQUESTS = [(name, get("/", *fields)) for name, *fields in (
    ("nothing",), ("version", "x-version: v1"), ("empty version", "x-version:"), ("two versions", "x-version: 1", "x-version: 2"),
    ("number", "x-number: 12"), ("fraction", "x-number: 1.5"), ("large number", "x-number: 12345678901234567890"),
    ("no number", "x-number: twelve"), ("rewritten", "x-rewrite: /one/two"), ("not rewritten", "x-rewrite: one"), ("fixed", "x-fixed: x"),
    ("coded", "x-coded: aGVsbG8="), ("badly coded", "x-coded: !!"), ("cookie", "cookie: a=b; session=s1; c=d"),
    ("quoted cookie", "cookie: session=\"s1\""), ("two cookies", "cookie: session=1", "cookie: session=2"), ("long", "x-version: " + "v" * 9000))]

# bodies
GZIP = {"compressor_library": {"name": "gzip", "typed_config": {"@type": TYPE + "envoy.extensions.compression.gzip.compressor.v3.Gzip"}}}
BROTLI = {"compressor_library": {"name": "br", "typed_config": {"@type": TYPE + "envoy.extensions.compression.brotli.compressor.v3.Brotli"}}}
GUNZIP = {"decompressor_library": {"name": "gzip", "typed_config": {"@type": TYPE + "envoy.extensions.compression.gzip.decompressor.v3.Gzip"}}}
COMPRESSOR = "compressor.v3", "Compressor"
COMPRESSED = bootstrap([
    route("/made?off", "compressor", typed("compressor.v3", "CompressorPerRoute", disabled=True)), to()],
    manager=filters((*COMPRESSOR, GZIP | {"response_direction_config": {"common_config": {"min_content_length": 100}}}),
                    (*COMPRESSOR, BROTLI)))
STRICT = through(*COMPRESSOR, **GZIP, response_direction_config={
    "common_config": {"content_type": ["text/html"]}, "disable_on_etag_header": True, "remove_accept_encoding_header": True,
    "uncompressible_response_codes": [404]})
JS = "/made?content-type=application/javascript"
ENCODINGS = [(f"accepts {accepted}", get(JS, f"Accept-Encoding: {accepted}")) for accepted in (
    "gzip", "br", "gzip, br", "br, gzip", "br;q=0.5, gzip;q=0.9", "gzip;q=0", "*", "*;q=0", "identity", "gzip;q=0, *", "GZIP", "x-gzip", "deflate",
    "", "gzip;q=2", "gzip;q=x", "gzip ; q=0.1", "identity;q=1, gzip;q=0.5", "zstd, gzip")]
ENCODINGS += [("two fields", get(JS, "Accept-Encoding: deflate", "Accept-Encoding: gzip")), ("no field", get(JS)),
              ("head", get(JS, "Accept-Encoding: gzip", method="HEAD"))]
ENCODINGS += [(name, get("/made?" + query, "Accept-Encoding: gzip")) for name, query in (
    ("html", "content-type=text/html"), ("html with charset", "content-type=text/html;charset=utf-8"), ("upper case", "content-type=TEXT/HTML"),
    ("image", "content-type=image/png"), ("no type", ":size=1000"), ("small", "content-type=text/html&:size=99"),
    ("just enough", "content-type=text/html&:size=100"), ("thirty", "content-type=text/html&:size=30"), ("chunked", "content-type=text/html&:chunked=1&:size=10"),
    ("encoded", "content-type=text/html&content-encoding=x"), ("identity encoded", "content-type=text/html&content-encoding=identity"),
    ("no-transform", "content-type=text/html&cache-control=max-age%3D1,no-transform"), ("weak etag", "content-type=text/html&etag=W/%22a%22"),
    ("strong etag", "content-type=text/html&etag=%22a%22"), ("vary", "content-type=text/html&vary=Origin"),
    ("vary already", "content-type=text/html&vary=accept-encoding"), ("vary star", "content-type=text/html&vary=*"),
    ("404", "content-type=text/html&:status=404"), ("206", "content-type=text/html&:status=206&content-range=bytes%200-999/2000"),
    ("204", "content-type=text/html&:status=204&:size=0"), ("off by route", "off&content-type=text/html"),
    ("md5", "content-type=text/html&content-md5=x"), ("json", "content-type=application/json"))]

PACKED = gzip.compress(b"packed" * 100, mtime=0)


def packed(body, *fields):
    head = "\r\n".join(["POST /p HTTP/1.1", "Host: h", f"Content-Length: {len(body)}", *fields])
    return (head + "\r\n\r\n").encode() + body


UNPACKED = [
    ("request", packed(PACKED, "Content-Encoding: gzip")), ("request, list", packed(PACKED, "Content-Encoding: gzip, br")),
    ("request, br first", packed(PACKED, "Content-Encoding: br, gzip")), ("request, upper case", packed(PACKED, "Content-Encoding: GZIP")),
    ("request, no-transform", packed(PACKED, "Content-Encoding: gzip", "Cache-Control: no-transform")),
    ("request, none", packed(b"plain")), ("request, other", packed(b"plain", "Content-Encoding: br")),
    ("response", get("/made?:gzip=1&content-type=text/html")), ("response, no-transform", get("/made?:gzip=1&cache-control=no-transform")),
    ("response, etag", get("/made?:gzip=1&etag=%22a%22")), ("response, chunked", get("/made?:gzip=1&:chunked=1")),
    ("response, none", get("/made")), ("head of response", get("/made?:gzip=1", method="HEAD")),
    ("accepts something", get("/made", "Accept-Encoding: br")), ("accepts gzip", get("/made", "Accept-Encoding: gzip;q=0.5, br"))]

SCRIPTED = bootstrap([to()], manager=filters(("decompressor.v3", "Decompressor", GUNZIP), ("lua.v3", "Lua", {"default_source_code": {
    "inline_string": "function envoy_on_request(h) local n = h:body():length() h:headers():add('x-length', tostring(n)) end"}})))

BUFFERED_ROUTES = [
    route("/p/off", "buffer", typed("buffer.v3", "BufferPerRoute", disabled=True)),
    route("/small", "buffer", typed("buffer.v3", "BufferPerRoute", buffer={"max_request_bytes": 2})), to()]
BUFFERED = [
    ("fits", post(["Content-Length: 5"], "hello")), ("too large", post(["Content-Length: 11"], "hello world")),
    ("just fits", post(["Content-Length: 10"], "helloworld")), ("chunked", post(["Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n")),
    ("chunked, too large", post(["Transfer-Encoding: chunked"], "b\r\nhello world\r\n0\r\n\r\n")), ("no body", get()),
    ("off by route", raw("POST /p/off HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world")),
    ("small by route", raw("POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"))]



# answers of our own
HEALTH_REQUESTS = [("healthy", get("/health")), ("with query", get("/health?x")), ("head", get("/health", method="HEAD")), ("other", get("/else")),
                   ("post", get("/health", method="POST")), ("by cluster", get("/clusters")), ("below", get("/health/x"))]
HEALTH = filters(
    ("health_check.v3", "HealthCheck", {"pass_through_mode": False, "headers": [is_header(":path", "/health")]}),
    ("health_check.v3", "HealthCheck", {"pass_through_mode": False, "headers": [is_header(":path", "/clusters")],
                                        "cluster_min_healthy_percentages": {"origin": {"value": 50}}}))


def abort(status, **more):
    return {"abort": {"http_status": status, "percentage": {"numerator": 100}, **more}}


FAULT_ROUTES = [
    route("/418", "fault", typed("fault.v3", "HTTPFault", **abort(418))),
    route("/grpc", "fault", typed("fault.v3", "HTTPFault", abort={"grpc_status": 7, "percentage": {"numerator": 100}})),
    route("/asked", "fault", typed("fault.v3", "HTTPFault", abort={"header_abort": {}, "percentage": {"numerator": 100}},
                                   delay={"header_delay": {}, "percentage": {"numerator": 100}})),
    route("/picky", "fault", typed("fault.v3", "HTTPFault", **abort(503), headers=[is_header("x-fault", "yes")])),
    route("/cluster", "fault", typed("fault.v3", "HTTPFault", **abort(503), upstream_cluster="other")),
    route("/late", "fault", typed("fault.v3", "HTTPFault", delay={"fixed_delay": "0.001s", "percentage": {"numerator": 100}}, **abort(500))), to()]
FAULT_REQUESTS = [(name, get(path, *fields)) for name, path, *fields in (
    ("none", "/"), ("418", "/418"), ("grpc status", "/grpc"), ("asked", "/asked", "x-envoy-fault-abort-request: 429"), ("asked by grpc", "/asked", "x-envoy-fault-abort-grpc-request: 5"),
    ("not asked", "/asked"), ("asked badly", "/asked", "x-envoy-fault-abort-request: x"), ("asked beyond", "/asked", "x-envoy-fault-abort-request: 999"),
    ("asked with share", "/asked", "x-envoy-fault-abort-request: 429", "x-envoy-fault-abort-request-percentage: 0"),
    ("asked to wait", "/asked", "x-envoy-fault-delay-request: 1"), ("picky", "/picky", "x-fault: yes"), ("picky, no", "/picky"), ("other cluster", "/cluster"),
    ("late", "/late"))]
FAULT_REQUESTS.append(("grpc call", raw("POST /418 HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n")))
FAULT_REQUESTS.append(("head", get("/418", method="HEAD")))


def local_policy(**config):
    return {"action": {"name": "local", "typed_config": {
        "@type": TYPE + "envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy", **config}}}


def by_class(value, **policy):
    return {"predicate": {"single_predicate": {
        "input": {"name": "class", "typed_config": {"@type": TYPE + "envoy.type.matcher.v3.HttpResponseStatusCodeClassMatchInput"}},
        "value_match": exact(value)}}, "on_match": local_policy(**policy)}


def redirected(status, **config):
    """A matcher's entry: by the response's status, another response."""
    matches = {"input": {"name": "status", "typed_config": {"@type": TYPE + "envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput"}}, "value_match": exact(status)}
    return {"predicate": {"single_predicate": matches}, "on_match": {"action": {"name": "elsewhere", "typed_config": {
        "@type": TYPE + "envoy.extensions.http.custom_response.redirect_policy.v3.RedirectPolicy", **config}}}}


REDIRECTING = {"custom_response_matcher": {"matcher_list": {"matchers": [
    redirected("404", uri="http://other.example/made?:size=5", status_code=410, response_headers_to_add=[{"header": {"key": "x-from", "value": "a"}}]),
    redirected("500", redirect_action={"path_redirect": "/503"}, status_code=410),
    redirected("503", redirect_action={"host_redirect": "busy.example", "path_redirect": "/made", "strip_query": True}, status_code=299,
               request_headers_to_add=[{"header": {"key": "x-why", "value": "busy"}}])]}}}
REDIRECTED_REQUESTS = [(f"get {path}", get(path)) for path in ("/", "/404", "/404?a=b", "/500", "/503", "/503?a=b")]
REDIRECTED_REQUESTS += [("head", get("/404", method="HEAD"))]


CUSTOM = {"custom_response_matcher": {"matcher_list": {"matchers": [
    by_class("5xx", status_code=502, body={"inline_string": "sorry"}, response_headers_to_add=[
        {"header": {"key": "x-custom", "value": "1"}, "append_action": SET}]),
    by_class("4xx", body_format={"text_format_source": {"inline_string": "<%LOCAL_REPLY_BODY% %RESPONSE_CODE%>"}, "content_type": "text/html"},
             body={"inline_string": "gone"})]}}}
CUSTOM_REQUESTS = [(name, get(path)) for name, path in (
    ("200", "/"), ("500", "/500"), ("503 with a body", "/503"), ("404", "/404"), ("no route", "/nothing-here"), ("direct", "/direct"), ("direct 404", "/missing"),
    ("fields", "/made?:status=500&x-a=b&content-type=text/html&set-cookie=a%3Db"))]
CUSTOM_ROUTES = [direct({"prefix": "/direct"}, "mine", 503), direct({"prefix": "/missing"}, "mine", 404),
                 *({"match": {"prefix": prefix}, "route": {"cluster": "origin"}} for prefix in ("/500", "/503", "/404", "/made", "/probe")),
                 {"match": {"path": "/"}, "route": {"cluster": "origin"}}]

# gRPC-Web, to an HTTP/2 origin
FRAME = b"\0\0\0\0\3abc"


def web(path, kind, body, *fields):
    head = "\r\n".join([f"POST {path} HTTP/1.1", "Host: h", f"Content-Type: application/grpc-web{kind}", f"Content-Length: {len(body)}", *fields])
    return (head + "\r\n\r\n").encode() + body


WEB_REQUESTS = [
    ("plain", web("/x", "", FRAME)), ("proto", web("/x", "+proto", FRAME)), ("text", web("/x", "-text", base64.b64encode(FRAME))),
    ("text of proto", web("/x", "-text+proto", base64.b64encode(FRAME))), ("two texts", web("/x", "-text", base64.b64encode(b"ab") + base64.b64encode(FRAME))),
    ("bad text", web("/x", "-text", b"!!!!")), ("trailers", web("/trailers", "", FRAME)), ("trailers as text", web("/trailers", "-text", base64.b64encode(FRAME))),
    ("trailers only", web("/trailers-only", "", FRAME)), ("trailers only as text", web("/trailers-only", "-text", base64.b64encode(FRAME))), ("404", web("/404", "", FRAME)),
    ("accepts text", web("/trailers", "", FRAME, "Accept: application/grpc-web-text")), ("empty", web("/trailers", "", b"")), ("not grpc", post(["Content-Length: 2"], "hi"))]

GROUPS = {
    "rbac": (through("rbac.v3", "RBAC", RBAC_ROUTES, rules=RBAC), RBAC_REQUESTS),
    "rbac log": (through("rbac.v3", "RBAC", rules=LOGGED), RBAC_REQUESTS[:2]),
    "rbac matcher": (through("rbac.v3", "RBAC", matcher=RBAC_MATCHER), [
        ("good", get("/", "x-user: good one")), ("bad", get("/", "x-user: bad")), ("none", get())]),
    "cors": (through("cors.v3", "Cors", CORS_ROUTES), CORS_REQUESTS),
    "csrf": (through("csrf.v3", "CsrfPolicy", CSRF_ROUTES, **CSRF), CSRF_REQUESTS),
    "local_ratelimit": (through("local_ratelimit.v3", "LocalRateLimit", LIMIT_ROUTES, stat_prefix="limits"), LIMIT_REQUESTS),
    "header_mutation": (through("header_mutation.v3", "HeaderMutation", MUTATION_ROUTES, mutations=MUTATIONS), MUTATION_REQUESTS),
    "metadata": (bootstrap(METADATA_ROUTES, manager=filters(
        ("header_to_metadata.v3", "Config", METADATA),
        ("set_metadata.v3", "Config", {"metadata": [{"metadata_namespace": "set", "value": {"nested": {"a": 1.5, "b": [True, None]}}},
                                                    {"metadata_namespace": "set", "value": {"nested": {"a": 2, "c": "x"}}, "allow_overwrite": True}]}))),
                 METADATA_REQUESTS),
    "compressor": (COMPRESSED, ENCODINGS),
    "strict compressor": (STRICT, [pair for pair in ENCODINGS if not pair[0].startswith("accepts")]),
    "decompressor": (through("decompressor.v3", "Decompressor", **GUNZIP), UNPACKED),
    "script behind a decompressor": (SCRIPTED, [pair for pair in UNPACKED if pair[0] in (
        "request", "request, upper case", "request, no-transform", "request, none")]),
    "buffer": (through("buffer.v3", "Buffer", BUFFERED_ROUTES, max_request_bytes=10), BUFFERED),
    "health_check": ({**bootstrap(manager=HEALTH), "node": {"id": "one", "cluster": "edge"}}, HEALTH_REQUESTS),
    "fault": (through("fault.v3", "HTTPFault", FAULT_ROUTES), FAULT_REQUESTS),
    "redirecting custom_response": (through("custom_response.v3", "CustomResponse", **REDIRECTING), REDIRECTED_REQUESTS),
    "custom_response": (through("custom_response.v3", "CustomResponse", CUSTOM_ROUTES, **CUSTOM), CUSTOM_REQUESTS),
    "lua": (through("lua.v3", "Lua", default_source_code={"inline_string": lua_cases.SCRIPT}), lua_cases.REQUESTS),
    "grpc_web": (bootstrap(manager=filters(("grpc_web.v3", "GrpcWeb", {})), clusters=[cluster("origin", "ORIGIN", **http2())]), WEB_REQUESTS,
                 {"client": "h1", "tls": False, "origin": "h2", "origin_tls": False}),
}
