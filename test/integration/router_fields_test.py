"""What the router's own fields, those of retries and those of clusters ask of the real binary. Envoy 1.40 passes the
same cases.

  router_fields_test.py --proxy BINARY [--docs ROUTER_MD] [CASE...]
"""

import argparse
import os
import pathlib
import re
import socket
import sys
import tempfile
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

MUTATION = bootstrap.TYPE + "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation"
FILE_LOG = bootstrap.TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog"
REDIS = bootstrap.TYPE + "envoy.extensions.health_checkers.redis.v3.Redis"


def answer(status="200 OK", *fields, body=""):
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n" + "".join(f"{field}\r\n" for field in fields) + \
        f"\r\n{body}"


class Raw(origin.Origin):
    """Answers whatever it reads with the same bytes."""

    def __init__(self, reply):
        self.reply = reply
        super().__init__()

    def serve(self, sock):
        with sock:
            while sock.recv(65536):
                sock.sendall(self.reply)


def log(path, text):
    return [{"name": "log", "typed_config": {
        "@type": FILE_LOG, "path": path, "log_format": {"text_format_source": {"inline_string": text + "\n"}}}}]


class RouterFieldsTest(unittest.TestCase):
    binary = ""
    docs = ""

    def start(self, clusters, action=None, router=None, before=(), route=None, **manager):
        filters = [*before, {"name": "router", "typed_config": {"@type": bootstrap.ROUTER, **(router or {})}}]
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes=[route or bootstrap.to(**(action or {}))], manager={"http_filters": filters, **manager},
            clusters=clusters), arguments=("--file-flush-interval-msec", "10"))
        self.addCleanup(running.__exit__)
        return running

    def path(self, name):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return os.path.join(folder.name, name)

    @staticmethod
    def ask(running, *fields, method="GET", path="/"):
        with wire.connect(running.port) as sock:
            sock.sendall("\r\n".join([f"{method} {path} HTTP/1.1", "Host: h", *fields, "", ""]).encode())
            return wire.Reader(sock).response(method)

    def lines(self, running, path, count):
        def read():
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()
            return lines if len(lines) >= count else None
        return running.wait(read)

    def test_strict_fields(self):
        """The client's own fields of this kind do not reach the router: a filter writes them."""
        upstream = origin.Script(answer())
        logged = self.path("log")
        names = ["x-envoy-max-retries", "x-envoy-retry-on", "x-envoy-retry-grpc-on", "x-envoy-upstream-rq-timeout-ms",
                 "x-envoy-upstream-rq-per-try-timeout-ms"]
        mutations = [{"append": {"header": {"key": name, "value": f"%REQ(t-{name})%"}}} for name in names]
        running = self.start(
            [bootstrap.cluster("origin", upstream.port)], router={"strict_check_headers": names},
            before=[{"name": "write", "typed_config": {"@type": MUTATION, "mutations": {"request_mutations": mutations}}}],
            access_log=log(logged, "%RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%"))
        good = [("max-retries", "3"), ("max-retries", "+3"), ("retry-on", "5xx, reset"), ("retry-on", ",5xx,"),
                ("retry-grpc-on", "cancelled,unavailable"), ("upstream-rq-timeout-ms", "5000"),
                ("upstream-rq-timeout-ms", "18446744073709551615")]
        for name, value in good:
            self.assertEqual(self.ask(running, f"t-x-envoy-{name}: {value}")["status"], 200, (name, value))
        bad = [("max-retries", "x"), ("max-retries", "-1"), ("max-retries", "0x3"), ("retry-on", "foo"),
               ("retry-on", "5xx,foo"), ("retry-on", "unavailable"), ("retry-grpc-on", "5xx"),
               ("upstream-rq-timeout-ms", "1s"), ("upstream-rq-timeout-ms", "99999999999999999999"),
               ("upstream-rq-per-try-timeout-ms", "soon")]
        for name, value in bad:
            seen = self.ask(running, f"t-x-envoy-{name}: {value}")
            self.assertEqual((seen["status"], seen["body"]),
                             (400, f"invalid header 'x-envoy-{name}' with value '{value}'"))
        lines = self.lines(running, logged, len(good) + len(bad))
        self.assertEqual(lines[-1], "request_headers_failed_strict_check{x-envoy-upstream-rq-per-try-timeout-ms} IH")

    def test_a_try_of_which_nothing_comes(self):
        upstream = origin.Script("")
        running = self.start([bootstrap.cluster("origin", upstream.port)], {
            "retry_policy": {"retry_on": "5xx", "num_retries": 1, "per_try_idle_timeout": "0.1s"}})
        seen = self.ask(running)
        self.assertEqual((seen["status"], seen["body"]), (504, "upstream request timeout"))
        stats = running.stats()
        self.assertEqual(stats["cluster.origin.upstream_rq_per_try_idle_timeout"], 2)
        self.assertEqual(stats["cluster.origin.upstream_rq_per_try_timeout"], 0)
        self.assertEqual(stats["cluster.origin.upstream_rq_retry_limit_exceeded"], 1)

    def test_a_stream_that_takes_too_long(self):
        """No flag says so: DT is of connections."""
        logged = self.path("log")
        upstream = origin.Script("")
        running = self.start([bootstrap.cluster("origin", upstream.port)],
                             common_http_protocol_options={"max_stream_duration": "0.2s"},
                             access_log=log(logged, "%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%"))
        seen = self.ask(running)
        self.assertEqual((seen["status"], seen["body"]), (504, "downstream duration timeout"))
        self.assertEqual(self.lines(running, logged, 1), ["504 max_duration_timeout -"])

    def test_a_full_cluster_was_tried_once(self):
        logged = self.path("log")
        upstream = origin.Script(answer())
        running = self.start(
            [bootstrap.cluster("origin", upstream.port, circuit_breakers={"thresholds": [{"max_requests": 0}]})],
            access_log=log(logged, "%RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_REQUEST_ATTEMPT_COUNT%"))
        self.assertEqual(self.ask(running)["status"], 503)
        self.assertEqual(self.lines(running, logged, 1), ["503 UO 1"])

    def test_a_response_of_which_nothing_more_comes(self):
        logged = self.path("log")
        upstream = origin.Script(("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", "never sent"))
        running = self.start([bootstrap.cluster("origin", upstream.port)], {
            "retry_policy": {"retry_on": "5xx", "per_try_idle_timeout": "0.1s"}},
            access_log=log(logged, "%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%"))
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            received = b""
            while piece := sock.recv(65536):
                received += piece
        self.assertTrue(received.endswith(b"abc"), received)
        self.assertEqual(self.lines(running, logged, 1), ["200 upstream_per_try_idle_timeout UT"])

    def test_the_cluster_is_logged_that_nothing_was_sent_to(self):
        """As Envoy does, where a filter answers in the origin's place."""
        logged = self.path("requests")
        fault = {"name": "fault", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.filters.http.fault.v3.HTTPFault",
            "abort": {"http_status": 418, "percentage": {"numerator": 100}}}}
        for route, cluster in ((bootstrap.to(), "origin"), (bootstrap.direct({"prefix": "/"}, "direct"), "-")):
            running = self.start([bootstrap.cluster("origin", 1)], route=route, before=[fault],
                                 access_log=log(logged + cluster, "%RESPONSE_CODE% %UPSTREAM_CLUSTER% %UPSTREAM_HOST%"))
            self.assertEqual(self.ask(running)["status"], 418)
            self.assertEqual(self.lines(running, logged + cluster, 1), [f"418 {cluster} -"])

    def test_the_cluster_is_logged_by_the_name_of_its_stats(self):
        logged = self.path("requests")
        running = self.start([bootstrap.cluster("origin", origin.Script(answer()).port, alt_stat_name="other")],
                             access_log=log(logged, "%UPSTREAM_CLUSTER% %UPSTREAM_CLUSTER_RAW%"))
        self.assertEqual(self.ask(running)["status"], 200)
        self.assertEqual(self.lines(running, logged, 1), ["other origin"])

    def test_each_attempt_is_logged(self):
        attempts, requests = self.path("attempts"), self.path("requests")
        upstream = origin.Script(answer("503 Service Unavailable", "x-from: first"), answer(body="four", *()))
        running = self.start(
            [bootstrap.cluster("origin", upstream.port)], {"retry_policy": {"retry_on": "5xx"}},
            {"upstream_log": log(attempts, "%ACCESS_LOG_TYPE% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESP(x-from)% "
                                           "%BYTES_RECEIVED% %PROTOCOL% %UPSTREAM_CLUSTER% %UPSTREAM_HOST%"),
             "upstream_log_options": {"flush_upstream_log_on_upstream_stream": True}},
            access_log=log(requests, "%RESPONSE_CODE% %RESPONSE_FLAGS%"))
        self.assertEqual(self.ask(running, path="/x")["status"], 200)
        host = f"HTTP/1.1 origin 127.0.0.1:{upstream.port}"
        self.assertEqual(self.lines(running, attempts, 4), [
            f"UpstreamPoolReady /x 0 - - 0 {host}", f"UpstreamEnd /x 503 - first 0 {host}",
            f"UpstreamPoolReady /x 0 - - 0 {host}", f"UpstreamEnd /x 200 - - 4 {host}"])
        self.assertEqual(self.lines(running, requests, 1), ["200 -"])

    def test_attempts_that_fail_are_logged_with_their_flags(self):
        attempts = self.path("attempts")
        dead = socket.socket()  # Nobody listens there.
        self.addCleanup(dead.close)
        dead.bind(("127.0.0.1", 0))
        running = self.start([bootstrap.cluster("origin", dead.getsockname()[1])],
                             router={"upstream_log": log(attempts, "%RESPONSE_CODE% %RESPONSE_FLAGS%")})
        self.assertEqual(self.ask(running)["status"], 503)
        self.assertEqual(self.lines(running, attempts, 1), ["0 UF"])
        upstream = origin.Script("")
        attempts = self.path("attempts")
        running = self.start([bootstrap.cluster("origin", upstream.port)],
                             {"retry_policy": {"retry_on": "reset", "num_retries": 0, "per_try_timeout": "0.35s"}},
                             {"upstream_log": log(attempts, "%RESPONSE_CODE% %RESPONSE_FLAGS% %ACCESS_LOG_TYPE%"),
                              "upstream_log_options": {"upstream_log_flush_interval": "0.15s"}})
        self.assertEqual(self.ask(running)["status"], 504)
        lines = self.lines(running, attempts, 3)
        self.assertEqual((lines[0], lines[1], lines[-1]),
                         ("0 - UpstreamPeriodic", "0 - UpstreamPeriodic", "0 UT UpstreamEnd"))

    def test_attempts_may_be_logged_by_type(self):
        attempts = self.path("attempts")
        upstream = origin.Script(answer())
        logs = log(attempts, "%ACCESS_LOG_TYPE%")
        logs[0]["filter"] = {"log_type_filter": {"types": ["UpstreamEnd"]}}
        running = self.start([bootstrap.cluster("origin", upstream.port)], router={
            "upstream_log": logs, "upstream_log_options": {"flush_upstream_log_on_upstream_stream": True}})
        for _ in range(2):
            self.assertEqual(self.ask(running)["status"], 200)
        self.assertEqual(self.lines(running, attempts, 2), ["UpstreamEnd", "UpstreamEnd"])

    def test_the_timeout_of_the_proxy_before(self):
        upstream = origin.Script("")
        for respects in (True, False):
            running = self.start([bootstrap.cluster("origin", upstream.port)], {"timeout": "0.4s"},
                                 {"respect_expected_rq_timeout": respects}, internal_address_config={
                                     "cidr_ranges": [{"address_prefix": "127.0.0.0", "prefix_len": 8}]},
                                 use_remote_address=True)
            seen = self.ask(running, "x-envoy-expected-rq-timeout-ms: 50")
            self.assertEqual(seen["status"], 504)
            told = dict(upstream.seen[-1]["headers"])["x-envoy-expected-rq-timeout-ms"]
            self.assertEqual(told, "50" if respects else "400")

    def test_what_the_documentation_shows(self):
        text = pathlib.Path(self.docs).read_text(encoding="utf-8")
        shown = next(block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "upstream_log:" in block)
        attempts = self.path("attempts")
        router = yaml.safe_load(shown.replace("/var/log/proxenos/attempts.log", attempts))
        upstream = origin.Script(answer())
        running = self.start([bootstrap.cluster("origin", upstream.port)], router=router["typed_config"])
        self.assertEqual(self.ask(running, path="/x")["status"], 200)
        self.assertRegex(self.lines(running, attempts, 1)[0], rf"^/x 127.0.0.1:{upstream.port} 200 - \d+$")

    def test_codes_of_calls_that_are_not_told(self):
        upstream = origin.Script(answer("503 Service Unavailable"))
        running = self.start([bootstrap.cluster("origin", upstream.port)],
                             router={"suppress_grpc_request_failure_code_stats": True})
        self.ask(running, "content-type: application/grpc", method="POST")
        stats = running.stats()
        self.assertEqual(stats["cluster.origin.upstream_rq_completed"], 1)
        self.assertEqual(stats.get("cluster.origin.upstream_rq_503", 0), 0)
        self.ask(running, method="POST")
        self.assertEqual(running.stats()["cluster.origin.upstream_rq_503"], 1)

    def test_data_before_the_tunnel_stands(self):
        upstream = Raw(b"pong")
        running = self.start(
            [bootstrap.cluster("origin", upstream.port)], router={"reject_connect_request_early_data": True},
            route={"match": {"connect_matcher": {}}, "route": {"cluster": "origin", "upgrade_configs": [
                {"upgrade_type": "CONNECT", "connect_config": {}}]}},
            upgrade_configs=[{"upgrade_type": "CONNECT"}])
        for early, status in ((b"early", 400), (b"", 200)):
            with wire.connect(running.port) as sock:
                sock.sendall(b"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n" + early)
                reply = sock.recv(65536)
                self.assertTrue(reply.startswith(f"HTTP/1.1 {status} ".encode()), reply)
                if not early:
                    sock.sendall(b"ping")
                    self.assertEqual(sock.recv(65536), b"pong")

    def test_retries_that_the_breaker_refuses(self):
        logged = self.path("log")
        upstream = origin.Script(answer("503 Service Unavailable"))
        running = self.start(
            [bootstrap.cluster("origin", upstream.port, circuit_breakers={"thresholds": [{"max_retries": 0}]})],
            {"retry_policy": {"retry_on": "5xx", "num_retries": 3}}, access_log=log(logged, "%RESPONSE_FLAGS%"))
        self.assertEqual(self.ask(running)["status"], 503)
        self.assertEqual(self.lines(running, logged, 1), ["UO"])
        stats = running.stats()
        self.assertEqual(self.retries(stats), {"retry": 0, "retry_overflow": 1, "retry_limit_exceeded": 0,
                                               "retry_success": 0, "retry_backoff_exponential": 0,
                                               "retry_backoff_ratelimited": 0})

    @staticmethod
    def retries(stats):
        names = ("retry", "retry_overflow", "retry_limit_exceeded", "retry_success", "retry_backoff_exponential",
                 "retry_backoff_ratelimited")
        return {name: stats[f"cluster.origin.upstream_rq_{name}"] for name in names}

    def test_a_retry_that_is_answered_is_none_any_more(self):
        """Its place among max_retries is free once the answer has begun, though it goes on."""
        slow = ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc", "def")
        busy = answer("503 Service Unavailable")
        upstream = origin.Script(busy, slow, busy, answer())
        running = self.start(
            [bootstrap.cluster("origin", upstream.port, circuit_breakers={"thresholds": [{"max_retries": 1}]})],
            {"retry_policy": {"retry_on": "5xx"}})
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            received = sock.recv(65536)
            while not received.endswith(b"abc"):
                received += sock.recv(65536)
            self.assertEqual(self.ask(running)["status"], 200)
            upstream.go.release()
            self.assertEqual(sock.recv(65536), b"def")
        self.assertEqual(self.retries(running.stats()), {"retry": 2, "retry_overflow": 0, "retry_limit_exceeded": 0,
                                                         "retry_success": 2, "retry_backoff_exponential": 2,
                                                         "retry_backoff_ratelimited": 0})

    def test_budgets_of_time(self):
        upstream = origin.Script(answer())
        running = self.start([bootstrap.cluster("origin", upstream.port, track_cluster_stats={"timeout_budgets": True})],
                             {"timeout": "60s", "retry_policy": {"retry_on": "5xx", "per_try_timeout": "30s"}})
        self.ask(running)
        names = [f"envoy_cluster_upstream_rq_timeout_budget_{name}_used_count" for name in ("percent", "per_try_percent")]

        def counted():
            text = running.admin("/stats/prometheus")
            return all(any(line.startswith(name + "{") and line.endswith("} 1") for line in text.splitlines())
                       for name in names)
        running.wait(counted)  # Envoy merges histograms at intervals.

    def test_a_pool_for_each_client(self):
        for own, connections in ((True, 2), (False, 1)):
            upstream = origin.Script(answer())
            running = self.start([bootstrap.cluster("origin", upstream.port,
                                                    connection_pool_per_downstream_connection=own)])
            for _ in range(2):
                with wire.connect(running.port) as sock:
                    for _ in range(3):
                        sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                        self.assertEqual(wire.Reader(sock).response("GET")["status"], 200)
            self.assertEqual(running.stats()["cluster.origin.upstream_cx_total"], connections)

    def test_hosts_that_call_themselves_degraded(self):
        """The three others are enough for all requests."""
        bad, good = origin.Script(answer("200 OK", "x-envoy-degraded: 1")), [origin.Script(answer()).port for _ in range(3)]
        running = self.start([bootstrap.cluster("origin", bad.port, *good, outlier_detection={
            "detect_degraded_hosts": True, "base_ejection_time": "60s"})])
        for _ in range(4):
            self.ask(running)
        running.wait(lambda: running.stats()["cluster.origin.membership_degraded"] == 1)
        bad.take_seen()
        for _ in range(6):
            self.assertEqual(self.ask(running)["status"], 200)
        self.assertEqual(bad.take_seen(), [])
        self.assertIn("/degraded_outlier_detection", running.admin("/clusters"))

    def test_redis_is_asked_how_it_is(self):
        def check(**redis):
            return [{"timeout": "1s", "interval": "0.05s", "unhealthy_threshold": 1, "healthy_threshold": 1,
                     "custom_health_check": {"name": "envoy.health_checkers.redis", "typed_config": {
                         "@type": REDIS, **redis}}}]
        for reply, redis, healthy in ((b"+PONG\r\n", {}, 1), (b"-NOAUTH who?\r\n", {}, 0),
                                      (b":0\r\n", {"key": "maintenance"}, 1), (b":1\r\n", {"key": "maintenance"}, 0)):
            upstream = Raw(reply)
            running = self.start([bootstrap.cluster("origin", upstream.port, health_checks=check(**redis))])
            name = "success" if healthy else "failure"
            running.wait(lambda: running.stats()[f"cluster.origin.health_check.{name}"] > 0)
            running.wait(lambda: running.stats()["cluster.origin.membership_healthy"] == healthy)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--docs", default="")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    RouterFieldsTest.binary = args.proxy
    RouterFieldsTest.docs = args.docs
    report.main("router_fields", args.cases)
