"""The rate limit filter against the server that it was made for, which counts in a real Redis; and the same requests
through the real Envoy, which must get the same answers and leave the same counts.

  ratelimit_server_test.py --proxy BINARY --server BINARY --page docs/filters/ratelimit.md [--oracle ENVOY] [CASE...]
"""

import argparse
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import redis_server  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

ARGS = None
FILTER = bootstrap.TYPE + "envoy.extensions.filters.http.ratelimit.v3.RateLimit"
BY_ROUTE = bootstrap.TYPE + "envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute"
METADATA = bootstrap.TYPE + "envoy.extensions.filters.http.set_metadata.v3.Config"

# A year is long enough for no window to end in the middle of a test, but in the first second of one.
LIMITS = """
domain: shop
descriptors:
- {key: kind, value: two, rate_limit: {unit: year, requests_per_unit: 2}}
- {key: kind, value: named, rate_limit: {unit: month, requests_per_unit: 3, name: slow}}
- {key: kind, value: week, rate_limit: {unit: week, requests_per_unit: 3}}
- {key: kind, value: none, rate_limit: {unit: year, requests_per_unit: 0}}
- {key: kind, value: free, rate_limit: {unlimited: true}}
- {key: kind, value: shadow, rate_limit: {unit: year, requests_per_unit: 1}, shadow_mode: true}
- {key: kind, rate_limit: {unit: year, requests_per_unit: 5}}
- {key: generic_key, value: fixed, rate_limit: {unit: year, requests_per_unit: 1}}
- {key: own, value: fixed, rate_limit: {unit: year, requests_per_unit: 2}}
- {key: remote_address, rate_limit: {unit: year, requests_per_unit: 2}}
- {key: masked_remote_address, value: 127.0.0.0/8, rate_limit: {unit: year, requests_per_unit: 2}}
- {key: remote_address_match, value: near, rate_limit: {unit: year, requests_per_unit: 2}}
- {key: header_match, value: beta, rate_limit: {unit: year, requests_per_unit: 1}}
- {key: header_match, value: not-beta, rate_limit: {unit: year, requests_per_unit: 1}}
- {key: query_match, value: search, rate_limit: {unit: year, requests_per_unit: 1}}
- {key: q, rate_limit: {unit: year, requests_per_unit: 1}}
- {key: user, value: jane, rate_limit: {unit: year, requests_per_unit: 2}}
- {key: user, value: nobody, rate_limit: {unit: year, requests_per_unit: 1}}
- {key: tier, value: gold, rate_limit: {unit: year, requests_per_unit: 1}}
- key: source_cluster
  value: here
  descriptors:
  - {key: destination_cluster, value: origin, rate_limit: {unit: year, requests_per_unit: 2}}
- key: kind
  value: both
  rate_limit: {unit: year, requests_per_unit: 3}
  descriptors:
  - {key: own, value: inner, rate_limit: {unit: year, requests_per_unit: 2}}
- {key: spend, value: much, rate_limit: {unit: year, requests_per_unit: 10}}
"""

KIND = {"request_headers": {"header_name": "x-kind", "descriptor_key": "kind"}}


def generic(value, key=None):
    return {"generic_key": {"descriptor_value": value, **({"descriptor_key": key} if key else {})}}


def is_header(name, value):
    return {"name": name, "string_match": {"exact": value}}


def metadata(key, source, **more):
    return {"metadata": {"descriptor_key": key, "metadata_key": {"key": "shop", "path": [{"key": key}]}, "source": source, **more}}


# By path: the lists of actions that each make a descriptor.
ACTIONS = {
    "/kind": [[KIND]],
    "/fixed": [[generic("fixed")]],
    "/own": [[generic("fixed", "own")]],
    "/address": [[{"remote_address": {}}]],
    "/masked": [[{"masked_remote_address": {"v4_prefix_mask_len": 8}}]],
    "/near": [[{"remote_address_match": {"descriptor_value": "near", "address_matcher": {
        "ranges": [{"address_prefix": "127.0.0.0", "prefix_len": 8}]}}}]],
    "/far": [[{"remote_address_match": {"descriptor_value": "near", "address_matcher": {
        "ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]}}}]],
    "/beta": [[{"header_value_match": {"descriptor_value": "beta", "headers": [is_header("x-beta", "1")]}}],
              [{"header_value_match": {"descriptor_value": "not-beta", "expect_match": False, "headers": [is_header("x-beta", "1")]}}]],
    "/search": [[{"query_parameter_value_match": {"descriptor_value": "search", "query_parameters": [
        {"name": "kind", "string_match": {"exact": "full"}}]}}]],
    "/parameter": [[{"query_parameters": {"query_parameter_name": "q", "descriptor_key": "q"}}]],
    "/user": [[metadata("user", "DYNAMIC")]],
    "/absent": [[metadata("absent", "DYNAMIC", skip_if_absent=True), generic("fixed", "own")]],
    "/nobody": [[{"metadata": {"descriptor_key": "user", "metadata_key": {"key": "none", "path": [{"key": "user"}]},
                               "default_value": "nobody"}}]],
    "/tier": [[metadata("tier", "ROUTE_ENTRY")]],
    "/clusters": [[{"source_cluster": {}}, {"destination_cluster": {}}]],
    "/both": [[KIND], [KIND, generic("inner", "own")]],
    "/unknown": [[generic("nothing of this is limited")]],
    "/free": [],
}


def limited_route(path, lists):
    limits = [{"actions": actions} for actions in lists]
    return {"match": {"prefix": path}, "route": {"cluster": "origin", "rate_limits": limits},
            "metadata": {"filter_metadata": {"shop": {"tier": "gold"}}}}


ROUTES = [limited_route(path, lists) for path, lists in ACTIONS.items()] + [
    # Envoy counts hits_addend only where it stands in a filter's own configuration.
    {"match": {"prefix": "/spend"}, "route": {"cluster": "origin"}, "typed_per_filter_config": {"ratelimit": {
        "@type": BY_ROUTE, "rate_limits": [{"actions": [generic("much", "spend")], "hits_addend": {"number": 4}}]}}},
    {"match": {"prefix": "/other-domain"}, "route": {"cluster": "origin", "rate_limits": [{"actions": [generic("fixed")]}]},
     "typed_per_filter_config": {"ratelimit": {"@type": BY_ROUTE, "domain": "elsewhere"}}}]

# What is asked for, in this order: a name, a path, fields.
REQUESTS = [(name, path, fields) for name, path, times, *fields in (
    ("without actions", "/free", 1), ("not limited", "/unknown", 2), ("no header", "/kind", 1),
    ("two", "/kind", 4, "x-kind: two"), ("two in other case", "/kind", 1, "x-kind: Two"), ("zero", "/kind", 1, "x-kind: none"),
    ("named", "/kind", 4, "x-kind: named"), ("week", "/kind", 1, "x-kind: week"), ("unlimited", "/kind", 3, "x-kind: free"),
    ("shadow", "/kind", 3, "x-kind: shadow"), ("any value", "/kind", 2, "x-kind: any"), ("another value", "/kind", 1, "x-kind: other"),
    ("generic", "/fixed", 2), ("generic with a key", "/own", 3), ("address", "/address", 3), ("masked", "/masked", 3),
    ("near", "/near", 3), ("far", "/far", 3), ("beta", "/beta", 2, "x-beta: 1"), ("not beta", "/beta", 2), ("search", "/search?kind=full", 2),
    ("other search", "/search?kind=half", 2), ("parameter", "/parameter?q=1", 2), ("other parameter", "/parameter?q=2", 1),
    ("no parameter", "/parameter", 1), ("user", "/user", 3), ("absent", "/absent", 2), ("nobody", "/nobody", 2), ("tier", "/tier", 2),
    ("clusters", "/clusters", 3), ("both", "/both", 4, "x-kind: both"), ("hits", "/spend", 4), ("other domain", "/other-domain", 2),
    ("grpc", "/kind", 1, "x-kind: none", "content-type: application/grpc", "te: trailers"),
) for _ in range(times)]


def world(server, **more):
    config = {"domain": "shop", "timeout": f"{wire.PATIENCE_S}s", "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
              "rate_limit_service": {"transport_api_version": "V3", "grpc_service": {"envoy_grpc": {"cluster_name": "ratelimit"}}}, **more}
    filters = {"http_filters": [
        {"name": "metadata", "typed_config": {"@type": METADATA, "metadata": [{"metadata_namespace": "shop", "value": {"user": "jane"}}]}},
        {"name": "ratelimit", "typed_config": {"@type": FILTER, **config}},
        {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}]}
    service = bootstrap.cluster("ratelimit", **bootstrap.http2())
    service["load_assignment"]["endpoints"] = [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": server.path}}}}]}]
    made = bootstrap.bootstrap(ROUTES, manager=filters, clusters=[bootstrap.cluster("origin", "ORIGIN"), service])
    return {**made, "node": {"id": "n", "cluster": "here"}}


def ask(port, path, *fields):
    with wire.connect(port) as sock:
        lines = "".join(f"{field}\r\n" for field in ("host: shop.example", "connection: close", *fields))
        sock.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        return wire.Reader(sock).response("GET")


# What is another one each time.
VARIES = {"date": "DATE", "x-envoy-upstream-service-time": "MS", "x-ratelimit-reset": "SECONDS"}


def plain(response):
    """What must be the same of two answers."""
    fields = sorted(f"{name}: {VARIES.get(name, value)}" for name, value in response["headers"])
    return response["status"], fields, response["body"]


def limits(response):
    """The status, and the fields of limits but for the time."""
    fields = dict(response["headers"])
    return (response["status"], fields.get("x-ratelimit-limit"), fields.get("x-ratelimit-remaining"), fields.get("x-envoy-ratelimited"))


class RateLimitServerTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.origin = origin.Origin()
        self.redis = redis_server.Redis()
        self.addCleanup(self.redis.close)
        self.server = redis_server.RateLimitServer(ARGS.server, LIMITS, self.redis)
        self.addCleanup(self.server.close)

    def run_proxy(self, binary=None, **config):
        made = bootstrap.fill_ports(world(self.server, **config), {"ORIGIN": self.origin.port})
        running = proxy.Proxy(binary or ARGS.proxy, made)
        self.addCleanup(running.__exit__)
        return running

    def counts(self):
        """What Redis holds, without the times at which windows begin."""
        return {re.sub(r"_\d+$", "", key): int(self.redis.command("GET", key)) for key in self.redis.keys()}

    def counters(self, running, cluster="origin"):
        prefix = f"cluster.{cluster}.ratelimit."
        return {name.removeprefix(prefix): value for name, value in running.stats().items() if name.startswith(prefix) and value}

    def repeat(self, running, times, path, *fields):
        return [limits(ask(running.port, path, *fields)) for _ in range(times)]

    def test_a_limit_is_reached(self):
        running = self.run_proxy()
        limit = "2, 2;w=31536000"
        self.assertEqual(self.repeat(running, 3, "/kind", "x-kind: two"),
                         [(200, limit, "1", None), (200, limit, "0", None), (429, limit, "0", "true")])
        reset = int(dict(ask(running.port, "/kind", "x-kind: two")["headers"])["x-ratelimit-reset"])
        self.assertTrue(0 < reset <= 366 * 86400, reset)
        self.assertEqual(self.counts(), {"shop_kind_two": 4})
        self.assertEqual(self.counters(running), {"ok": 2, "over_limit": 2})
        self.assertEqual(len(self.origin.take_seen()), 2)

    def test_names_units_and_modes(self):
        running = self.run_proxy()
        self.assertEqual(self.repeat(running, 1, "/kind", "x-kind: named"), [(200, '3, 3;w=2592000;name="slow"', "2", None)])
        self.assertEqual(self.repeat(running, 1, "/kind", "x-kind: week"), [(200, "3, 3;w=604800", "2", None)])
        # What is over in the shadow is let pass, and counted by the server.
        self.assertEqual([one[0] for one in self.repeat(running, 3, "/kind", "x-kind: shadow")], [200] * 3)
        self.assertEqual([one[0] for one in self.repeat(running, 3, "/kind", "x-kind: free")], [200] * 3)
        self.assertEqual(self.repeat(running, 1, "/unknown"), [(200, None, None, None)])
        self.assertEqual(self.repeat(running, 1, "/free"), [(200, None, None, None)])
        self.assertEqual(self.counts(), {"shop_kind_named": 1, "shop_kind_week": 1, "shop_kind_shadow": 3})

    def test_hits_are_added(self):
        running = self.run_proxy()
        self.assertEqual([one[0] for one in self.repeat(running, 3, "/spend")], [200, 200, 429])
        self.assertEqual(self.counts(), {"shop_spend_much": 12})

    def test_shadow_mode_of_the_server(self):
        self.server.close()
        self.server = redis_server.RateLimitServer(ARGS.server, LIMITS, self.redis, SHADOW_MODE="true")
        self.addCleanup(self.server.close)
        running = self.run_proxy()
        self.assertEqual([one[0] for one in self.repeat(running, 3, "/fixed")], [200] * 3)
        self.assertEqual(self.counts(), {"shop_generic_key_fixed": 3})

    def test_the_server_dies_and_comes_back(self):
        running = self.run_proxy()
        self.assertEqual([one[0] for one in self.repeat(running, 3, "/kind", "x-kind: two")], [200, 200, 429])
        self.server.kill()
        self.assertEqual([one[0] for one in self.repeat(running, 2, "/kind", "x-kind: two")], [200, 200])
        self.assertEqual(self.counters(running), {"ok": 2, "over_limit": 1, "error": 2, "failure_mode_allowed": 2})
        self.server.start()
        running.wait(lambda: ask(running.port, "/kind", "x-kind: two")["status"] == 429)

    def test_the_redis_dies_and_comes_back(self):
        running = self.run_proxy(failure_mode_deny=True)
        self.assertEqual([one[0] for one in self.repeat(running, 2, "/fixed")], [200, 429])
        self.redis.kill()
        # The server is there, and says that it cannot tell.
        self.assertEqual([one[0] for one in self.repeat(running, 2, "/fixed")], [500, 500])
        self.assertEqual([one[0] for one in self.repeat(running, 1, "/free")], [200])
        self.assertEqual(self.counters(running)["error"], 2)
        self.redis.start()
        # The server's connections find that out one by one.
        running.wait(lambda: ask(running.port, "/fixed")["status"] == 429)

    def test_failures_are_denied_with_the_status_that_is_asked_for(self):
        running = self.run_proxy(failure_mode_deny=True, status_on_error={"code": "ServiceUnavailable"})
        self.server.kill()
        self.assertEqual([one[0] for one in self.repeat(running, 1, "/fixed")], [503])

    def test_the_page_as_it_stands(self):
        text = pathlib.Path(ARGS.page).read_text(encoding="utf-8")
        limits_text = re.search(r"^```yaml\n(domain: .*?)^```", text, re.S | re.M)[1]
        self.server.close()
        self.server = redis_server.RateLimitServer(ARGS.server, limits_text, self.redis)
        self.addCleanup(self.server.close)
        running = self.run_proxy()
        self.assertEqual([one[0] for one in self.repeat(running, 3, "/fixed")], [200, 200, 429])

    def observe(self, binary, **config):
        """What one proxy's clients see of all requests, and what is counted by it and in Redis."""
        self.redis.command("FLUSHALL")
        with self.run_proxy(binary, **config) as running:
            seen = [(name, plain(ask(running.port, path, *fields))) for name, path, fields in REQUESTS]
            return seen, self.counts(), self.counters(running)

    def test_the_real_envoy_gets_the_same(self):
        if ARGS.oracle is None:
            self.skipTest("no oracle")
        for config in ({}, {"rate_limited_as_resource_exhausted": True, "disable_x_envoy_ratelimited_header": True,
                            "rate_limited_status": {"code": "ServiceUnavailable"}}):
            with self.subTest(config):
                (seen, counts, counters), theirs = self.observe(ARGS.proxy, **config), self.observe(ARGS.oracle, **config)
                for ours, other in zip(seen, theirs[0]):
                    self.assertEqual(ours, other)
                self.assertEqual(counts, theirs[1])
                self.assertEqual(counters, theirs[2])


def main():
    global ARGS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--page", required=True)
    parser.add_argument("--oracle")
    parser.add_argument("cases", nargs="*")
    ARGS = parser.parse_args()
    report.main("ratelimit_server", ARGS.cases)


if __name__ == "__main__":
    main()
