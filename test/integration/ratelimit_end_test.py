"""Rate limits on the real binary: what its service is told once a request is over, and what refusals tell. Envoy 1.40
passes the same cases.

  ratelimit_end_test.py --proxy BINARY [CASE...]
"""

import argparse
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import collectors  # noqa: E402
import origin  # noqa: E402
import protobuf_wire  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

LOCAL = bootstrap.TYPE + "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
RATE_LIMIT = bootstrap.TYPE + "envoy.extensions.filters.http.ratelimit.v3.RateLimit"
FILTERS = [
    {"name": "limits", "typed_config": {
        "@type": RATE_LIMIT, "domain": "d", "timeout": "10s", "rate_limit_service": {
            "transport_api_version": "V3", "grpc_service": {"envoy_grpc": {"cluster_name": "limits"}}}}},
    {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}]


def limit(name, **more):
    return {"actions": [{"generic_key": {"descriptor_value": name}}], "apply_on_stream_done": True, **more}


class RateLimitEndTest(unittest.TestCase):
    binary = ""

    def start(self, *limits):
        """A proxy whose routes have these limits; its service."""
        service = collectors.GrpcCollector()
        route = {**bootstrap.to(), "typed_per_filter_config": {
            "limits": {"@type": RATE_LIMIT + "PerRoute", "rate_limits": list(limits)}}}
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes=[route], manager={"http_filters": FILTERS},
            clusters=[bootstrap.cluster("origin", origin.Origin().port),
                      bootstrap.cluster("limits", service.port, **bootstrap.http2())]))
        self.addCleanup(running.__exit__)
        return running, service

    @staticmethod
    def get(running, path="/"):
        with wire.connect(running.port) as sock:
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            return wire.Reader(sock).response("GET")

    def told(self, service):
        """(value, hits, whether they are given back) of each descriptor of the first call."""
        fields, message = service.next()
        self.assertEqual(fields[":path"], "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit")
        question = protobuf_wire.fields(message)
        self.assertEqual(question[1], [b"d"])
        descriptors = []
        for each in question[2]:
            parts = protobuf_wire.fields(each)
            value = protobuf_wire.fields(parts[1][0])[2][0].decode()
            hits = protobuf_wire.fields(parts[3][0])[1][0] if 3 in parts else None
            descriptors.append((value, hits, parts.get(4, [0])[0]))
        return descriptors

    def test_hits_are_what_the_response_came_to(self):
        running, service = self.start(limit("bytes", hits_addend={"format": "%BYTES_SENT%"}),
                                      limit("none", hits_addend={"format": "%RESP(x-none)%"}),
                                      limit("back", hits_addend={"number": 3, "is_negative_hits": True}), limit("plain"))
        self.assertEqual(self.get(running)["status"], 200)
        self.assertEqual(self.told(service), [("bytes", len("origin"), 0), ("back", 3, 1), ("plain", None, 0)])

    def test_failures_count_too(self):
        running, service = self.start(limit("status", hits_addend={"format": "%RESPONSE_CODE%"}))
        self.assertEqual(self.get(running, "/503")["status"], 503)
        self.assertEqual(self.told(service), [("status", 503, 0)])


class LocalRefusalTest(unittest.TestCase):
    """What refusals of the proxy's own limits tell."""

    def test_formats(self):
        fields = [("x-left", "%DYNAMIC_METADATA(envoy.filters.http.local_ratelimit:tokens_remaining)%"),
                  ("x-path", "100%% of %REQ(:path)%"), ("x-text", "plain")]
        always = {"default_value": {"numerator": 100}}
        limits = {"@type": LOCAL, "stat_prefix": "s", "token_bucket": {"max_tokens": 1, "fill_interval": "1000s"},
                  "filter_enabled": always, "filter_enforced": always,
                  "response_headers_to_add": [{"header": {"key": key, "value": value}} for key, value in fields]}
        with proxy.Proxy(RateLimitEndTest.binary, bootstrap.bootstrap(
                manager={"http_filters": [{"name": "limits", "typed_config": limits}, FILTERS[1]]},
                clusters=[bootstrap.cluster("origin", origin.Origin().port)])) as running:
            self.assertEqual(RateLimitEndTest.get(running, "/404")["status"], 404)
            refusal = RateLimitEndTest.get(running, "/p")
        told = {name: value for name, value in refusal["headers"] if name.startswith("x-")}
        self.assertEqual((refusal["status"], told), (429, {"x-path": "100% of /p", "x-text": "plain"}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    RateLimitEndTest.binary = args.proxy
    report.main("ratelimit_end", args.cases)
