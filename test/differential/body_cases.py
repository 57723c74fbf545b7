"""What is sent to both proxies through filters that read bodies into metadata: groups as in cases.py."""

from bootstrap import to
from filter_cases import route, shown, through, typed
from h1_requests import get, raw

# json_to_metadata
def pair(key, value=None, **more):
    return {"metadata_namespace": "lb", "key": key, **({"value": value} if value is not None else {}), **more}


def rule(*names, key=None, kind="PROTOBUF_VALUE", **more):
    """Under the last name; "none" and "bad" where there is nothing or no JSON."""
    key = key or names[-1]
    return {"selectors": [{"key": name} for name in names], "on_present": pair(key, type=kind),
            "on_missing": pair(key, "none"), "on_error": pair(key, "bad"), **more}


RULES = {"rules": [rule("model"), rule("model", key="text", kind="STRING"), rule("model", key="number", kind="NUMBER"), rule("a", "b"),
                   rule("user", on_missing=pair("user", {"by": ["default"]}))]}
FIXED = {"rules": [rule("fixed", on_present=pair("fixed", "yes")), rule("a", "b", on_present=pair("b", "yes"))]}
BODY_ROUTES = [
    route("/own", "json_to_metadata", typed("json_to_metadata.v3", "JsonToMetadata", request_rules={
        "rules": [rule("model", key="own")], "allow_empty_content_type": True,
        "allow_content_types_regex": {"google_re2": {}, "regex": "application/.*json.*"}}), response_headers_to_add=shown("lb")),
    {**to(), "match": {"prefix": "/", "dynamic_metadata": [
        {"filter": "lb", "path": [{"key": "model"}], "value": {"string_match": {"exact": "chosen"}}}]},
     "response_headers_to_add": [{"header": {"key": "x-route", "value": "by metadata"}}]},
    {**to(), "response_headers_to_add": shown("lb:model", "lb:text", "lb:number", "lb:b", "lb:user", "lb")}]


def json_post(body, path="/", kind="application/json"):
    type_line = f"Content-Type: {kind}\r\n" if kind is not None else ""
    return raw(f"POST {path} HTTP/1.1\r\nHost: h\r\n{type_line}Content-Length: {len(body)}\r\n\r\n{body}")


BODY_REQUESTS = [(body, json_post(body)) for body in (
    '{"model": "large"}', '{"model": "chosen"}', '{"model": 3}', '{"model": 1.5}', '{"model": -7}', '{"model": true}', '{"model": ""}',
    '{"model": null}', '{"model": [1]}', '{"model": {"x": 1}}', '{"model": "12.5"}', '{"model": " 7 "}', '{"a": {"b": "deep"}}', '{"a": {}}',
    '{"a": 1}', '{"a": [{"b": 1}]}', '{"fixed": 1}', '{"user": "me"}', "{}", "[]", '"text"', "3", "{", '{"model": 1} x', "")]
BODY_REQUESTS += [("long text", json_post('{"model": "' + "v" * 9000 + '"}')), ("longest text", json_post('{"model": "' + "v" * 8192 + '"}'))]
BODY_REQUESTS += [(f"{kind} {path}", json_post('{"model": "m"}', path, kind)) for path in ("/", "/own") for kind in (
    "application/json; charset=utf-8", "application/ld+json", "text/plain", "APPLICATION/JSON", None)]
BODY_REQUESTS += [("get", get()), ("get with a type", get("/", "Content-Type: application/json")),
                  ("chunked", raw("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  '8\r\n{"model"\r\n5\r\n: "x"\r\n1\r\n}\r\n0\r\n\r\n'))]


GROUPS = {
    "json_to_metadata": (through("json_to_metadata.v3", "JsonToMetadata", BODY_ROUTES, request_rules=RULES), BODY_REQUESTS),
    "json_to_metadata with fixed values": (through("json_to_metadata.v3", "JsonToMetadata", BODY_ROUTES, request_rules=FIXED), [
        (body, json_post(body)) for body in ('{"fixed": 1, "a": {"b": 1}}', '{"fixed": null}', '"text"', '{"a": 1}', '{"a": {}}', "{}")]),
}
