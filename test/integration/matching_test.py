"""Trees of matchers on the real binary: routes that they choose, and filters that they skip. Envoy 1.40 passes the
same cases.

  matching_test.py --proxy BINARY --page FILE [CASE...]
"""

import pathlib
import sys
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

ROUTER = {"name": "envoy.filters.http.router", "typed_config": {"@type": bootstrap.ROUTER}}
SKIP = {"action": {"name": "skip", "typed_config": {
    "@type": bootstrap.TYPE + "envoy.extensions.filters.common.matcher.action.v3.SkipFilter"}}}


def typed(kind, **fields):
    return {"name": kind.rsplit(".", 1)[-1], "typed_config": {"@type": bootstrap.TYPE + kind, **fields}}


def header(name):
    return typed("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", header_name=name)


def holds(name, **value):
    return {"single_predicate": {"input": header(name), "value_match": value}}


def says(text, **match):
    return bootstrap.direct(match or {"prefix": "/"}, text)


def leads(text, **match):
    """On a match: a route that answers with `text`."""
    return {"action": typed("envoy.config.route.v3.Route", **says(text, **match))}


def by_path(kind, entries):
    return {"matcher_tree": {"input": header(":path"), kind: {"map": entries}}}


class MatchingTest(unittest.TestCase):
    binary = ""
    page = None

    def start(self, matcher=None, filters=(), routes=None):
        self.origin = origin.Origin()
        host = {"name": "all", "domains": ["*"], **({"matcher": matcher} if matcher else {"routes": routes or [bootstrap.to()]})}
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            hosts=[host], manager={"http_filters": [*filters, ROUTER]},
            clusters=[bootstrap.cluster("origin", self.origin.port)]))
        self.addCleanup(running.__exit__)
        return running

    @staticmethod
    def ask(running, *fields, path="/", method="GET", body=""):
        with wire.connect(running.port) as sock:
            length = [f"Content-Length: {len(body)}"] if body else []
            lines = [f"{method} {path} HTTP/1.1", "Host: h", *fields, *length]
            sock.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            return wire.Reader(sock).response(method)

    def told(self, running, *fields, **request):
        answer = self.ask(running, *fields, **request)
        return answer["body"] if answer["status"] == 200 else answer["status"]

    def test_the_configuration_of_the_page(self):
        block = report.yaml_blocks(self.page)[0]
        upstream = origin.Origin()
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            hosts=[yaml.safe_load(block)], clusters=[bootstrap.cluster("origin", upstream.port)]))
        self.addCleanup(running.__exit__)
        self.assertEqual(self.told(running, path="/cart/1"), "origin")
        self.assertEqual(self.told(running, "x-beta: 1", path="/search?q"), "beta")
        self.assertEqual(self.told(running, path="/search?q"), "origin")
        self.assertEqual(self.told(running), 404)

    def chains(self, matcher, *names, default=None):
        """A proxy whose chains answer with their names."""
        def chain(name):
            return bootstrap.listener(routes=[says(name)])["filter_chains"][0] | {"name": name}
        listener = bootstrap.listener() | {"filter_chains": [chain(name) for name in names], **matcher}
        if default:
            listener["default_filter_chain"] = chain(default)
        running = proxy.Proxy(self.binary, bootstrap.of([listener], [bootstrap.cluster("origin", 1)]))
        self.addCleanup(running.__exit__)
        return running

    def test_chains_of_the_page(self):
        blocks = report.yaml_blocks(self.page)
        for block in blocks[1:]:
            running = self.chains(yaml.safe_load(block), "far", "near")
            self.assertEqual(self.told(running), "near")

    def test_chain_that_no_matcher_chooses(self):
        for wanted, told in (("raw_buffer", "plain"), ("tls", "rest")):
            network = typed("envoy.extensions.matching.common_inputs.network.v3.TransportProtocolInput")
            name = {"name": "chain", "typed_config": {"@type": bootstrap.TYPE + "google.protobuf.StringValue", "value": "plain"}}
            matcher = {"filter_chain_matcher": {"matcher_tree": {
                "input": network, "exact_match_map": {"map": {wanted: {"action": name}}}}}}
            self.assertEqual(self.told(self.chains(matcher, "plain", default="rest")), told)
        running = self.chains(matcher, "plain")
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertIsNone(wire.Reader(sock).head())

    def test_routes_by_whole_paths(self):
        listed = {"action": typed("envoy.config.route.v3.RouteList", routes=[
            says("first", prefix="/b", headers=[{"name": "x-a", "string_match": {"exact": "1"}}]), says("second", prefix="/b")])}
        running = self.start(by_path("exact_match_map", {
            "/a": leads("one"), "/b": listed, "/never": leads("x", prefix="/other")}))
        self.assertEqual(self.told(running, path="/a"), "one")
        self.assertEqual(self.told(running, "x-a: 1", path="/b"), "first")
        self.assertEqual(self.told(running, path="/b"), "second")
        self.assertEqual(self.told(running, path="/never"), 404)  # The route itself does not match.
        self.assertEqual(self.told(running, path="/a/b"), 404)

    def test_routes_by_the_longest_prefix(self):
        running = self.start({**by_path("prefix_match_map", {"/a": leads("short"), "/a/b": leads("long")}),
                              "on_no_match": leads("none")})
        self.assertEqual(self.told(running, path="/a/bc?x"), "long")
        self.assertEqual(self.told(running, path="/a/c"), "short")
        self.assertEqual(self.told(running, path="/"), "none")

    def test_routes_by_lists_of_predicates(self):
        both = {"and_matcher": {"predicate": [holds("x-a", exact="1"), {"not_matcher": holds("x-b", prefix="no")}]}}
        either = {"or_matcher": {"predicate": [holds("x-c", exact="1"), holds("x-d", safe_regex={"google_re2": {}, "regex": "a+"})]}}
        below = {"matcher_list": {"matchers": [{"predicate": holds("x-e", exact="1"), "on_match": leads("below")}]}}
        running = self.start({"matcher_list": {"matchers": [
            *({"predicate": holds("x-n", exact=str(n)), "on_match": leads(f"n{n}")} for n in range(20)),
            {"predicate": holds("x-e", exact="1", ignore_case=False), "on_match": {"matcher": below}},
            {"predicate": both, "on_match": leads("both")},
            {"predicate": either, "on_match": leads("either")}]}})
        self.assertEqual(self.told(running, "x-n: 17"), "n17")
        self.assertEqual(self.told(running, "x-n: 17", "x-e: 1"), "n17")
        self.assertEqual(self.told(running, "x-n: 20", "x-e: 1"), "below")
        self.assertEqual(self.told(running, "x-a: 1"), "both")
        self.assertEqual(self.told(running, "x-a: 1", "x-b: none"), 404)
        self.assertEqual(self.told(running, "x-a: 1", "x-b: none", "x-d: aaa"), "either")
        self.assertEqual(self.told(running, "x-c: 1"), "either")
        self.assertEqual(self.told(running), 404)

    def gated(self, matcher, extension, **place):
        return {**typed("envoy.extensions.common.matching.v3.ExtensionWithMatcher", extension_config=extension,
                        xds_matcher=matcher), "name": "gated", **place}

    def test_filter_that_is_skipped(self):
        teapot = typed("envoy.extensions.filters.http.fault.v3.HTTPFault",
                       abort={"http_status": 418, "percentage": {"numerator": 100}})
        skips = {"matcher_tree": {"input": header("x-skip"), "exact_match_map": {"map": {"yes": SKIP}}}}
        other = {"matcher_tree": {"input": header("x-other"), "exact_match_map": {"map": {"yes": SKIP}}}}
        per_route = {"gated": {"@type": bootstrap.TYPE + "envoy.extensions.common.matching.v3.ExtensionWithMatcherPerRoute",
                               "xds_matcher": other}}
        routes = [{**says("other", prefix="/other"), "typed_per_filter_config": per_route}, says("ok")]
        running = self.start(filters=[self.gated(skips, teapot)], routes=routes)
        self.assertEqual(self.told(running), 418)
        self.assertEqual(self.told(running, "x-skip: no"), 418)
        self.assertEqual(self.told(running, "x-skip: yes"), "ok")
        self.assertEqual(self.told(running, "x-skip: yes", path="/other"), 418)
        self.assertEqual(self.told(running, "x-other: yes", path="/other"), "other")

    def test_older_spelling(self):
        teapot = typed("envoy.extensions.filters.http.fault.v3.HTTPFault",
                       abort={"http_status": 418, "percentage": {"numerator": 100}})
        skips = {"matcher_list": {"matchers": [
            {"predicate": {"or_matcher": {"predicate": [holds("x-skip", exact="yes"), holds("x-skip", prefix="s")]}},
             "on_match": SKIP}]}}
        place = typed("envoy.extensions.common.matching.v3.ExtensionWithMatcher", extension_config=teapot, matcher=skips)
        running = self.start(filters=[place], routes=[says("ok")])
        self.assertEqual(self.told(running), 418)
        self.assertEqual(self.told(running, "x-skip: sure"), "ok")

    def test_filter_that_is_skipped_by_the_response(self):
        adds = typed("envoy.extensions.filters.http.header_mutation.v3.HeaderMutation", mutations={"response_mutations": [
            {"append": {"header": {"key": "x-filter", "value": "saw"}}}]})
        status = typed("envoy.type.matcher.v3.HttpResponseHeaderMatchInput", header_name="x-a")
        running = self.start(filters=[self.gated(
            {"matcher_tree": {"input": status, "exact_match_map": {"map": {"b": SKIP}}}}, adds)])
        seen = dict(self.ask(running, path="/204")["headers"])
        self.assertEqual((seen["x-a"], seen.get("x-filter")), ("b", None))
        self.assertEqual(dict(self.ask(running)["headers"])["x-filter"], "saw")

    def test_body_that_nobody_waits_for(self):
        buffers = typed("envoy.extensions.filters.http.buffer.v3.Buffer", max_request_bytes=10)
        skips = {"matcher_tree": {"input": header("x-skip"), "exact_match_map": {"map": {"yes": SKIP}}}}
        running = self.start(filters=[self.gated(skips, buffers)])
        self.assertEqual(self.ask(running, method="POST", body="x" * 100)["status"], 413)
        self.assertEqual(self.ask(running, "x-skip: yes", method="POST", body="x" * 100)["status"], 200)


if __name__ == "__main__":
    report.main_of_page("matching", MatchingTest)
