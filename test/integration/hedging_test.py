"""Requests that are sent a second time while the first try goes on: the real binary between a client and an origin that
answers whichever of the tries the case says. Envoy 1.40 passes the same cases.

  hedging_test.py --proxy BINARY --page docs/filters/router.md [CASE...]
"""

import argparse
import pathlib
import re
import sys
import tempfile
import threading
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

# A try that nobody answers takes this long; answers that matter wait for events, not for the clock.
PER_TRY = "0.05s"
HEDGED = {"hedge_policy": {"hedge_on_per_try_timeout": True}}
FACTS = "%RESPONSE_CODE% %UPSTREAM_HOST% %UPSTREAM_REQUEST_ATTEMPT_COUNT%\n"
MUTATION = bootstrap.TYPE + "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation"
CODEC = bootstrap.TYPE + "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"


def policy(**more):
    return {"retry_policy": {"retry_on": "5xx", "per_try_timeout": PER_TRY, **more}}


def answer(text, status="200 OK"):
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode()


def wishes(value):
    """A connection manager whose requests ask for hedging so."""
    header = {"key": "x-envoy-hedge-on-per-try-timeout", "value": value}
    mutation = {"@type": MUTATION, "mutations": {"request_mutations": [{"append": {"header": header}}]}}
    return {"http_filters": [{"name": "mutation", "typed_config": mutation},
                             {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}]}


class Tries(origin.Origin):
    """Keeps each try open until the case answers it."""

    def __init__(self):
        self.tries = []
        self.changed = threading.Condition()
        super().__init__()

    def serve(self, sock):
        reader = wire.Reader(sock)
        while (request := reader.head()) is not None:
            reader.body(request)
            with self.changed:
                self.tries.append((sock, request))
                self.changed.notify_all()

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.tries) >= count, wire.PATIENCE_S), f"no try {count}"

    def send(self, number, data):
        """To try `number`, of 1; the try has come."""
        self.wait(number)
        self.tries[number - 1][0].sendall(data)

    def cut_off(self, number):
        """Until the proxy has given try `number` up."""
        sock = self.tries[number - 1][0]
        sock.settimeout(wire.PATIENCE_S)
        return sock.recv(1) == b""


class HedgingTest(unittest.TestCase):
    binary = ""
    page = None

    def start(self, *origins, host=None, manager=None, cluster=None, **action):
        routes = [bootstrap.to(**action)]
        hosts = [{"name": "all", "domains": ["*"], "include_attempt_count_in_response": True,
                  "routes": routes, **(host or {})}]
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            hosts=hosts, manager=manager,
            clusters=[bootstrap.cluster("origin", *[each.port for each in origins], **(cluster or {}))]))
        self.addCleanup(running.__exit__)
        return running

    def begin(self, running, *fields, method="GET", body=""):
        """Sends a request; gives what reads its response."""
        sock = wire.connect(running.port)
        self.addCleanup(sock.close)
        length = [f"Content-Length: {len(body)}"] if body else []
        lines = [f"{method} / HTTP/1.1", "Host: h", *fields, *length]
        sock.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        return lambda: wire.Reader(sock).response(method)

    def expect(self, running, response, status, body, attempts, **stats):
        seen = response()
        fields = dict(seen["headers"])
        self.assertEqual((seen["status"], seen["body"], fields.get("x-envoy-attempt-count")), (status, body, attempts))
        names = ("total", "active", "per_try_timeout", "timeout", "retry", "retry_success",
                 "retry_overflow", "200", "503", "504")
        counted = running.stats()
        told = {name: value for name in names if (value := counted.get("cluster.origin.upstream_rq_" + name, 0))}
        self.assertEqual(told, {"".join(name.lstrip("s")): value for name, value in stats.items()})

    def test_configuration_of_the_page(self):
        text = re.search(r"```yaml\n(route:.*?)```", self.page.read_text(encoding="utf-8"), re.DOTALL).group(1)
        upstream = Tries()
        running = self.start(upstream, **{key: value for key, value in yaml.safe_load(text)["route"].items() if key != "cluster"})
        response = self.begin(running)
        upstream.wait(2)
        upstream.send(1, answer("first"))
        self.expect(running, response, 200, "first", "2", total=2, retry=1, s200=1)

    def test_second_try_answers_first(self):
        upstream = Tries()
        running = self.start(upstream, **policy(), **HEDGED)
        response = self.begin(running)
        upstream.send(2, answer("second"))
        self.expect(running, response, 200, "second", "2", total=2, retry=1, retry_success=1, s200=1)
        self.assertTrue(upstream.cut_off(1))

    def test_first_try_answers_after_all(self):
        upstream = Tries()
        running = self.start(upstream, **policy(), **HEDGED)
        response = self.begin(running)
        upstream.wait(2)
        upstream.send(1, answer("first"))
        self.expect(running, response, 200, "first", "2", total=2, retry=1, s200=1)
        self.assertTrue(upstream.cut_off(2))

    def test_tries_that_pass_upstream_filters_follow_one_another(self):
        upstream = Tries()
        mutation = {"@type": MUTATION, "mutations": {"request_mutations": [{"append": {"header": {"key": "x-a", "value": "b"}}}]}}
        filters = [{"name": "mutation", "typed_config": mutation}, {"name": "codec", "typed_config": {"@type": CODEC}}]
        running = self.start(upstream, **policy(), **HEDGED, cluster=bootstrap.protocol(
            explicit_http_config={"http_protocol_options": {}}, http_filters=filters))
        response = self.begin(running)
        upstream.wait(2)
        self.assertTrue(upstream.cut_off(1))
        upstream.send(2, answer("second"))
        self.expect(running, response, 200, "second", "2", total=2, retry=1, retry_success=1, per_try_timeout=1, s200=1)

    def test_bad_answers_wait_for_better_ones(self):
        """A try that fails does not end the other one."""
        for bad, good, counted in ((1, 2, {"retry_success": 1}), (2, 1, {})):
            upstream = Tries()
            running = self.start(upstream, **policy(), **HEDGED)
            response = self.begin(running)
            upstream.wait(2)
            upstream.send(bad, answer("bad", "503 Service Unavailable"))
            running.wait(lambda: running.stats()["cluster.origin.upstream_rq_active"] == 1)
            upstream.send(good, answer("good"))
            self.expect(running, response, 200, "good", "2", total=2, retry=1, s200=1, **counted)

    def test_last_bad_answer_is_the_answer(self):
        for order in ((1, 2), (2, 1)):
            upstream = Tries()
            running = self.start(upstream, **policy(), **HEDGED)
            response = self.begin(running)
            upstream.wait(2)
            for number in order:
                upstream.send(number, answer(f"bad {number}", "503 Service Unavailable"))
                running.wait(lambda: running.stats()["cluster.origin.upstream_rq_active"] < 2)
            self.expect(running, response, 503, f"bad {order[1]}", "2", total=2, retry=1, s503=1)

    def test_tries_that_break_off(self):
        for broken, good, counted in ((1, 2, {"retry_success": 1}), (2, 1, {})):
            upstream = Tries()
            running = self.start(upstream, **policy(), **HEDGED)
            response = self.begin(running)
            upstream.wait(2)
            upstream.tries[broken - 1][0].shutdown(2)
            running.wait(lambda: running.stats()["cluster.origin.upstream_rq_active"] == 1)
            upstream.send(good, answer("good"))
            self.expect(running, response, 200, "good", "2", total=2, retry=1, s200=1, s503=1, **counted)

    def test_whole_timeout_ends_all(self):
        """Each try is told of to be late."""
        upstream = Tries()
        running = self.start(upstream, timeout="0.3s", **policy(), **HEDGED)
        self.expect(running, self.begin(running), 504, "upstream request timeout", "2", total=2, retry=1, timeout=2, s504=2)
        self.assertTrue(upstream.cut_off(1) and upstream.cut_off(2))

    def test_log_tells_of_the_host_that_answered(self):
        upstreams = [Tries(), Tries()]
        log = tempfile.NamedTemporaryFile(mode="r", encoding="utf-8")
        self.addCleanup(log.close)
        running = self.start(*upstreams, manager={"access_log": [{"name": "file", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": log.name,
            "log_format": {"text_format_source": {"inline_string": FACTS}}}}]},
                             **policy(), **HEDGED)
        response = self.begin(running)
        running.wait(lambda: sum(len(each.tries) for each in upstreams) == 2)
        first = upstreams[0] if upstreams[0].tries else upstreams[1]
        first.send(1, answer("first"))
        self.assertEqual(response()["body"], "first")
        running.wait(lambda: log.read(1) and (log.seek(0) or True))
        self.assertEqual(log.readline().strip(), f"200 127.0.0.1:{first.port} 2")

    def test_three_tries(self):
        upstream = Tries()
        running = self.start(upstream, **policy(num_retries=2), **HEDGED)
        response = self.begin(running)
        upstream.wait(3)
        upstream.send(2, answer("second"))
        self.expect(running, response, 200, "second", "3", total=3, retry=2, s200=1)
        self.assertTrue(upstream.cut_off(1) and upstream.cut_off(3))

    def test_requests_may_ask_for_it(self):
        upstream = Tries()
        running = self.start(upstream, manager=wishes("true"), **policy())
        response = self.begin(running)
        upstream.wait(2)
        upstream.send(1, answer("first"))
        self.expect(running, response, 200, "first", "2", total=2, retry=1, s200=1)
        self.assertNotIn("x-envoy-hedge-on-per-try-timeout", dict(upstream.tries[1][1]["headers"]))

    def test_requests_may_decline_it(self):
        upstream = Tries()
        running = self.start(upstream, manager=wishes("false"), timeout="0s", **policy(), **HEDGED)
        response = self.begin(running)
        upstream.wait(2)
        self.assertTrue(upstream.cut_off(1))
        upstream.send(2, answer("second"))
        seen = response()
        self.assertEqual((seen["status"], seen["body"]), (200, "second"))

    def test_no_policy(self):
        upstream = Tries()
        running = self.start(upstream, timeout="0.2s", **HEDGED)
        response = self.begin(running, "x-envoy-upstream-rq-per-try-timeout-ms: 50")
        self.expect(running, response, 504, "upstream request timeout", "1", total=1, timeout=1, s504=1)

    def test_virtual_host(self):
        upstream = Tries()
        running = self.start(upstream, host={**HEDGED, **policy(retry_on="reset")})
        response = self.begin(running, method="POST", body="b" * 100000)
        upstream.wait(2)
        upstream.send(1, answer("first"))
        self.expect(running, response, 200, "first", "2", total=2, retry=1, s200=1)
        self.assertEqual([len(request["body"]) for _, request in upstream.tries], [100000, 100000])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--page", type=pathlib.Path, required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    HedgingTest.binary, HedgingTest.page = args.proxy, args.page
    report.main("hedging", args.cases)
