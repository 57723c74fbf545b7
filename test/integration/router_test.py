"""What routes ask of the real binary: time limits, retries with bodies, changes of headers, and messages that are
too large at their end. Envoy 1.40 passes the same cases.

  router_test.py --proxy BINARY [CASE...]
"""

import argparse
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import h2wire  # noqa: E402
import hpack  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

MUTATION = bootstrap.TYPE + "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation"
TRAILERS = {"http_protocol_options": {"enable_trailers": True}, "http2_protocol_options": {}}


def answer(status="200 OK", *fields):
    return f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n" + "".join(f"{field}\r\n" for field in fields) + "\r\n"


class RouterTest(unittest.TestCase):
    binary = ""

    def start(self, upstream, action=None, manager=None, **cluster):
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes=[bootstrap.to(**(action or {}))], manager=manager,
            clusters=[bootstrap.cluster("origin", upstream.port, **cluster)]))
        self.addCleanup(running.__exit__)
        return running

    @staticmethod
    def ask(running, *fields, method="GET", path="/", body=""):
        with wire.connect(running.port) as sock:
            length = [f"Content-Length: {len(body)}"] if body else []
            lines = [f"{method} {path} HTTP/1.1", "Host: h", *fields, *length]
            sock.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            return wire.Reader(sock).response(method)

    def test_time_that_the_origin_is_told(self):
        """grpc-timeout and x-envoy-expected-rq-timeout-ms: of a call that asks for 5 s, of one that does not ask,
        and of what is no call."""
        no_call = ("5S", None)
        cases = [
            ({}, ("5S", "15000"), (None, "15000"), ("5S", "15000")),
            ({"timeout": "3s"}, ("5S", "3000"), (None, "3000"), ("5S", "3000")),
            ({"max_stream_duration": {"max_stream_duration": "9s"}}, ("9000m", None), ("9000m", None), no_call),
            ({"timeout": "3s", "max_stream_duration": {}}, ("5S", None), (None, None), no_call),
            ({"max_stream_duration": {"max_stream_duration": "0s"}}, ("5S", None), (None, None), no_call),
            ({"max_stream_duration": {"grpc_timeout_header_max": "0s"}}, ("5000m", None), (None, None), no_call),
            ({"max_stream_duration": {"grpc_timeout_header_max": "2s", "grpc_timeout_header_offset": "1s"}},
             ("1000m", None), (None, None), no_call),
            ({"timeout": "3s", "max_grpc_timeout": "2s"}, ("2000m", "2000"), ("2000m", "2000"), ("5S", "3000")),
            ({"timeout": "3s", "max_grpc_timeout": "0s", "grpc_timeout_offset": "1s"},
             ("4000m", "4000"), (None, None), ("5S", "3000")),
        ]
        call, timeout = "Content-Type: application/grpc", "grpc-timeout: 5S"
        for action, *expected in cases:
            upstream = origin.Script(answer())
            running = self.start(upstream, action)
            for fields, told in zip(((call, timeout), (call,), (timeout,)), expected):
                self.assertEqual(self.ask(running, *fields)["status"], 200)
                seen = dict(upstream.take_seen()[0]["headers"])
                self.assertEqual((seen.get("grpc-timeout"), seen.get("x-envoy-expected-rq-timeout-ms")), told, (action, fields))

    def test_try_has_an_end(self):
        running = self.start(origin.Script(""), {"timeout": "0s"}, **bootstrap.protocol(
            explicit_http_config={"http_protocol_options": {}}, common_http_protocol_options={"max_stream_duration": "0.2s"}))
        seen = self.ask(running)
        self.assertEqual((seen["status"], seen["body"]), (504, "upstream max stream duration reached"))
        self.assertEqual(running.stats()["cluster.origin.upstream_rq_max_duration_reached"], 1)

    def test_retry_brings_the_body_again(self):
        upstream = origin.Script(answer("503 Service Unavailable"), answer("503 Service Unavailable"), answer())
        running = self.start(upstream, {"retry_policy": {"retry_on": "5xx", "num_retries": 3}})
        body = "".join(f"{number};" for number in range(20000))
        self.assertEqual(self.ask(running, method="POST", body=body)["status"], 200)
        self.assertEqual(upstream.bodies, [body] * 3)
        self.assertEqual(running.stats()["cluster.origin.upstream_rq_retry_success"], 1)

    def test_hosts_say_when_to_try_again(self):
        """Beyond the time of the route, so that there is no second try; or not to be followed, so that there is one."""
        for most, status, tries in (("100s", 504, 1), ("10s", 200, 2)):
            upstream = origin.Script(answer("503 Service Unavailable", "Retry-After: 60"), answer())
            running = self.start(upstream, {"timeout": "0.5s", "retry_policy": {
                "retry_on": "5xx", "rate_limited_retry_back_off": {
                    "reset_headers": [{"name": "retry-after", "format": "SECONDS"}], "max_interval": most}}})
            self.assertEqual(self.ask(running)["status"], status, most)
            self.assertEqual(running.stats()["cluster.origin.upstream_rq_total"], tries)

    def test_body_beyond_the_limit_is_sent_once(self):
        upstream = origin.Script(answer("503 Service Unavailable"), answer())
        routes = [{**bootstrap.to(retry_policy={"retry_on": "5xx"}), "request_body_buffer_limit": 1000}]
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes=routes, clusters=[bootstrap.cluster("origin", upstream.port)]))
        self.addCleanup(running.__exit__)
        self.assertEqual(self.ask(running, method="POST", body="x" * 2000)["status"], 503)
        self.assertEqual(len(upstream.bodies), 1)
        self.assertEqual(running.stats()["cluster.origin.retry_or_shadow_abandoned"], 1)

    def test_calls_are_retried_by_status(self):
        grpc = "content-type: application/grpc"
        words = {"cancelled": 1, "deadline-exceeded": 4, "resource-exhausted": 8, "internal": 13, "unavailable": 14}
        for word, status in words.items():
            upstream = origin.Script(answer("200 OK", grpc, f"grpc-status: {status}"), answer("200 OK", grpc, "grpc-status: 5"))
            running = self.start(upstream, {"retry_policy": {"retry_on": word}})
            seen = self.ask(running, grpc, method="POST", body="12345")
            self.assertEqual(dict(seen["headers"])["grpc-status"], "5", word)
            self.assertEqual(upstream.bodies, ["12345"] * 2, word)

    def test_retriable_headers(self):
        upstream = origin.Script(answer("200 OK", "x-again: yes"), answer("200 OK", "x-again: no"))
        running = self.start(upstream, {"retry_policy": {"retry_on": "retriable-headers", "retriable_headers": [
            {"name": "x-again", "string_match": {"exact": "yes"}}]}})
        self.assertEqual(dict(self.ask(running)["headers"])["x-again"], "no")
        self.assertEqual(len(upstream.bodies), 2)

    def test_header_mutation(self):
        def add(name, value, action="APPEND_IF_EXISTS_OR_ADD"):
            return {"append": {"header": {"key": name, "value": value}, "append_action": action}}

        mutations = {
            "request_mutations": [add("x-path", "%REQ(:path)%"), add("x-old", "new", "OVERWRITE_IF_EXISTS"), {"remove": "x-gone"}],
            "query_parameter_mutations": [{"remove": "a"}, {"append": {"record": {"key": "n", "value": "1 2"}}}],
            "response_mutations": [add("x-code", "%RESPONSE_CODE%")]}
        route = {"mutations": {"request_mutations": [add("x-level", "route")]}}
        upstream = origin.Script(answer("204 No Content"))
        entry = bootstrap.to()
        entry["typed_per_filter_config"] = {"mutation": {"@type": MUTATION + "PerRoute", **route}}
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes=[entry], clusters=[bootstrap.cluster("origin", upstream.port)],
            manager={"http_filters": [
                {"name": "mutation", "typed_config": {"@type": MUTATION, "mutations": mutations}},
                {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}]}))
        self.addCleanup(running.__exit__)
        reply = self.ask(running, "X-Old: 1", "X-Old: 2", "X-Gone: 3", path="/p?b=2&a=1")
        self.assertEqual(dict(reply["headers"])["x-code"], "204")
        seen = upstream.take_seen()[0]
        self.assertEqual(seen["start"], "GET /p?b=2&n=1%202 HTTP/1.1")
        self.assertEqual([value for name, value in seen["headers"] if name == "x-old"], ["new"])
        fields = dict(seen["headers"])
        self.assertEqual((fields["x-path"], fields["x-level"], fields.get("x-gone")), ("/p?b=2&a=1", "route", None))

    def test_trailers_too_large(self):
        upstream = origin.Origin()
        running = self.start(upstream, manager=TRAILERS)
        trailers = "x-big: " + "a" * 1000 + "\r\n"
        with wire.connect(running.port) as sock:
            sock.sendall(("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
                          + trailers * 80 + "\r\n").encode())
            self.assertEqual(wire.Reader(sock).response("POST")["status"], 431)
        client = h2wire.connect(running.port)
        stream = client.open(h2wire.request("/", method="POST"), end=False)
        client.send_body(stream, b"abc", end=False)
        block = hpack.encode([(f"x-big{number}", "a" * 1000) for number in range(80)])
        pieces = [block[at:at + h2wire.LARGEST_FRAME] for at in range(0, len(block), h2wire.LARGEST_FRAME)]
        for at, piece in enumerate(pieces):
            kind = h2wire.CONTINUATION if at else h2wire.HEADERS
            last = h2wire.END_HEADERS if at == len(pieces) - 1 else 0
            client.send(h2wire.frame(kind, last | (0 if at else h2wire.END_STREAM), stream, piece))
        self.assertEqual(client.response(stream).reset, 2)
        self.assertEqual(client.get().status, 200)  # On the same connection.


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    RouterTest.binary = args.proxy
    report.main("router", args.cases)
