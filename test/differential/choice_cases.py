"""What is sent to both proxies through composite filters, which choose among others: groups as in cases.py."""

from bootstrap import ROUTER, TYPE, bootstrap, direct, to
from filter_cases import EXTENSION, append, route, typed
from h1_requests import get, raw

MATCHING = "envoy.extensions.common.matching.v3."


def sets(value, header="x-sort"):
    """A filter that shows that it ran, at the client's and the origin's side."""
    return {"name": "sets", "typed_config": typed("header_mutation.v3", "HeaderMutation", mutations={
        "request_mutations": [append(header, value)], "response_mutations": [append(header, value)]})}


def does(**action):
    return {"action": {"name": "does", "typed_config": {"@type": EXTENSION + "composite.v3.ExecuteFilterAction", **action}}}


REFUSES = {"name": "refuses", "typed_config": typed("fault.v3", "HTTPFault", abort={"http_status": 418, "percentage": {"numerator": 100}})}
BUFFERS = {"name": "buffers", "typed_config": typed("buffer.v3", "Buffer", max_request_bytes=4)}
SKIP = {"action": {"name": "skip", "typed_config": {"@type": TYPE + "envoy.extensions.filters.common.matcher.action.v3.SkipFilter"}}}
INPUT = {"name": "kind", "typed_config": {"@type": TYPE + "envoy.type.matcher.v3.HttpRequestHeaderMatchInput", "header_name": "x-kind"}}
TREE = {"matcher_tree": {"input": INPUT, "exact_match_map": {"map": {
    "one": does(typed_config=sets("1")), "two": does(typed_config=sets("2")), "fault": does(typed_config=REFUSES),
    "buffer": does(typed_config=BUFFERS), "skip": SKIP,
    "never": does(typed_config=sets("never"), sample_percent={"default_value": {"numerator": 0}})}}}}
CHAINS = {"matcher_tree": {"input": INPUT, "exact_match_map": {"map": {
    "one": does(typed_config=sets("1")), "chain": does(filter_chain={"typed_config": [sets("a"), sets("%REQ(x-sort)%", "x-second")]}),
    "named": does(filter_chain_name="both")}}}, "on_no_match": does(typed_config=sets("none"))}
NAMED = {"both": {"typed_config": [sets("n"), REFUSES]}}
KINDS = [(kind, get("/", f"x-kind: {kind}")) for kind in ("one", "two", "fault", "skip", "never", "chain", "named", "other")]
KINDS += [("nothing", get()), ("two values", get("/", "x-kind: one", "x-kind: two")), ("direct", get("/direct", "x-kind: one")),
          ("fits", raw("POST / HTTP/1.1\r\nHost: h\r\nX-Kind: buffer\r\nContent-Length: 4\r\n\r\nfour")),
          ("does not fit", raw("POST / HTTP/1.1\r\nHost: h\r\nX-Kind: buffer\r\nContent-Length: 5\r\n\r\nfives"))]
CHOICE_ROUTES = [direct({"prefix": "/direct"}, "direct"), to()]
OWN = {"matcher_tree": {"input": INPUT, "exact_match_map": {"map": {
    "one": does(filter_chain_name="plain"), "named": does(filter_chain_name="both"), "skip": SKIP,
    "never": does(filter_chain_name="both", sample_percent={"default_value": {"numerator": 0}})}}}}
OWN_ROUTES = [route("/own", "chooses", {"@type": EXTENSION + "composite.v3.CompositePerRoute", "matcher": OWN}), to()]


def chain(config, routes=None):
    return bootstrap(routes or CHOICE_ROUTES, manager={"http_filters": [
        {"name": "envoy.filters.http.chooses", "typed_config": config}, {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}]})


GROUPS = {
    "composite behind a matcher": (chain({"@type": TYPE + MATCHING + "ExtensionWithMatcher", "xds_matcher": TREE, "extension_config": {
        "name": "composite", "typed_config": {"@type": EXTENSION + "composite.v3.Composite"}}}), KINDS),
    "composite": (chain({"@type": EXTENSION + "composite.v3.Composite", "matcher": CHAINS, "named_filter_chains": NAMED}), KINDS),
    "composite by route": (chain({"@type": EXTENSION + "composite.v3.Composite", "matcher": {"on_no_match": does(filter_chain_name="plain")},
                                  "named_filter_chains": {**NAMED, "plain": {"typed_config": [sets("p")]}}}, OWN_ROUTES), [
        (f"{kind} at {path}", get(path, f"x-kind: {kind}")) for path in ("/", "/own") for kind in ("one", "named", "skip", "never", "other")]),
}
