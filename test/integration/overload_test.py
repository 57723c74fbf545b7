"""The overload manager at work: load-shed points, timeouts that shrink, streams that hold much. A file says how high
the pressure is. Envoy passes it, too.

  overload_test.py --proxy BINARY [CASE...]
"""

import argparse
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import certificates  # noqa: E402
import h2wire  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import tcp  # noqa: E402
import wire  # noqa: E402

MONITOR = "envoy.resource_monitors.injected_resource"
INJECTED = bootstrap.TYPE + "envoy.extensions.resource_monitors.injected_resource.v3.InjectedResourceConfig"
SCALE_TIMERS = bootstrap.TYPE + "envoy.config.overload.v3.ScaleTimersOverloadActionConfig"
REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
HOUR = "3600s"


class OverloadTest(unittest.TestCase):
    binary = ""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="overload-")
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, "pressure")
        self.write("0")
        self.origin = origin.Origin()

    def write(self, pressure):
        """In one step: nobody reads half of it."""
        with open(self.file + ".new", "w", encoding="utf-8") as out:
            out.write(pressure)
        os.rename(self.file + ".new", self.file)

    def start(self, rules, handshake_timeout=None, **more):
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", self.origin.port)], **more)
        if handshake_timeout:
            chain = config["static_resources"]["listeners"][0]["filter_chains"][0]
            chain["transport_socket_connect_timeout"] = handshake_timeout
        config["overload_manager"] = {
            "refresh_interval": "0.05s",
            "resource_monitors": [{"name": MONITOR, "typed_config": {"@type": INJECTED, "filename": self.file}}], **rules}
        self.proxy = proxy.Proxy(self.binary, config)
        self.addCleanup(self.proxy.__exit__)
        return self.proxy

    @staticmethod
    def rule(name, **more):
        return {"name": name, "triggers": [{"name": MONITOR, "threshold": {"value": 0.9}}], **more}

    def start_point(self, name, **more):
        self.name = "envoy.load_shed_points." + name
        return self.start({"loadshed_points": [self.rule(self.name)]}, **more)

    def start_timeout(self, timer, least, **more):
        self.name = "envoy.overload_actions.reduce_timeouts"
        return self.start({"actions": [self.rule(self.name, typed_config={
            "@type": SCALE_TIMERS, "timer_scale_factors": [{"timer": timer, **least}]})]}, **more)

    def press(self, pressure="0.95", percent=100):
        self.write(pressure)
        self.proxy.wait(lambda: self.proxy.stats().get(f"overload.{self.name}.scale_percent") == percent)

    def shed(self):
        return self.proxy.stats().get(f"overload.{self.name}.shed_load_count", 0)

    def ask(self, port=None):
        with wire.connect(port or self.proxy.port) as sock:
            sock.sendall(REQUEST)
            return wire.Reader(sock).response("GET")

    def expect_relief(self):
        """Nothing is left of it once the pressure is gone."""
        self.press("0.1", 0)
        self.assertEqual(self.ask()["status"], 200)

    # Load-shed points.

    def test_connections_are_closed_as_they_come(self):
        running = self.start_point("tcp_listener_accept")
        self.press()
        with wire.connect(running.port) as sock:
            self.assertIn(tcp.end_of(sock)[1], ("closed", "reset"))
        self.proxy.wait(lambda: self.shed() == 1)
        rejected = [value for name, value in running.stats().items() if name.endswith("downstream_cx_overload_reject")]
        self.assertEqual(sum(rejected), 1)
        self.expect_relief()

    def test_connections_are_closed_at_their_first_bytes(self):
        running = self.start_point("hcm_ondata_creating_codec")
        with wire.connect(running.port) as before, wire.connect(running.port) as fresh:
            reader = wire.Reader(before)
            before.sendall(REQUEST)
            self.assertEqual(reader.response("GET")["status"], 200)
            self.press()
            fresh.sendall(REQUEST)
            self.assertEqual(tcp.end_of(fresh)[0], b"")
            before.sendall(REQUEST)  # Its codec is there.
            self.assertEqual(reader.response("GET")["status"], 200)
        peer = h2wire.connect(running.port)
        self.assertIsNotNone(peer.expect_end())
        self.assertEqual(peer.streams, {})
        self.assertEqual(running.stats()["http.main.downstream_rq_overload_close"], 2)
        self.expect_relief()

    def test_http1_is_aborted(self):
        running = self.start_point("http1_server_abort_dispatch")
        with wire.connect(running.port) as sock:
            reader = wire.Reader(sock)
            sock.sendall(REQUEST)
            self.assertEqual(reader.response("GET")["status"], 200)
            self.press()
            sock.sendall(REQUEST)
            answer = reader.response("GET")
            self.assertEqual((answer["status"], answer["body"]), (500, "Internal Server Error"))
            self.assertEqual(tcp.end_of(sock)[0], b"")
        self.assertEqual(self.ask()["status"], 500)
        self.assertEqual(h2wire.connect(running.port).get().status, 200)
        self.assertEqual(running.stats()["http.main.downstream_rq_overload_close"], 2)
        self.expect_relief()

    def test_connections_are_told_to_go_away(self):
        running = self.start_point("http2_server_go_away_on_dispatch", manager={"drain_timeout": "0.1s"})
        self.press()
        answer = self.ask()
        self.assertEqual(answer["status"], 200)
        self.assertIn(["connection", "close"], [list(field) for field in answer["headers"]])
        peer = h2wire.connect(running.port)
        self.assertEqual(peer.get().status, 200)
        self.assertEqual(peer.expect_end(), "closed")
        self.assertEqual(peer.goaway[1], 0)
        self.expect_relief()

    def test_connections_are_told_to_go_away_and_closed(self):
        running = self.start_point("http2_server_go_away_and_close_on_dispatch")
        peer = h2wire.connect(running.port)
        self.assertEqual(peer.get().status, 200)
        self.press()
        stream = peer.open(h2wire.request())
        self.assertIsNotNone(peer.expect_end())
        self.assertEqual(peer.goaway[1], 0)
        self.assertEqual(peer.message(stream).status, 0)
        with wire.connect(running.port) as sock:
            sock.sendall(REQUEST)
            self.assertEqual(tcp.end_of(sock)[0], b"")
        self.expect_relief()

    def test_requests_are_refused_at_their_heads(self):
        running = self.start_point("http_connection_manager_decode_headers")
        self.press()
        answer = self.ask()
        self.assertEqual((answer["status"], answer["body"]), (503, "envoy overloaded"))
        self.assertEqual(h2wire.connect(running.port).get().status, 503)
        self.assertEqual(running.stats()["http.main.downstream_rq_overload_close"], 2)
        self.proxy.wait(lambda: self.shed() == 2)
        self.expect_relief()

    def test_requests_are_refused_by_the_router(self):
        routes = [bootstrap.direct({"prefix": "/direct"}, "hello"), bootstrap.to()]
        running = self.start_point("http_downstream_filter_check", routes=routes)
        self.press()
        answer = self.ask()
        self.assertEqual((answer["status"], answer["body"]), (503, "envoy overloaded"))
        self.assertEqual(running.stats()["http.main.rq_overload_local_reply"], 1)
        self.assertEqual(self.origin.take_seen(), [])
        self.expect_relief()

    def test_no_connection_is_made_to_hosts(self):
        running = self.start_point("connection_pool_new_connection")
        self.assertEqual(self.ask()["status"], 200)
        self.press()
        self.assertEqual(self.ask()["status"], 200)  # By the one that is there.
        stuck = h2wire.connect(running.port)
        stuck.open(h2wire.request("/silent"))
        running.wait(lambda: running.stats()["cluster.origin.upstream_rq_active"] == 1)
        answer = self.ask()
        self.assertEqual(answer["status"], 503)
        self.assertIn(["x-envoy-overloaded", "true"], [list(field) for field in answer["headers"]])
        self.assertIn("reset reason: overflow", answer["body"])
        self.proxy.wait(lambda: self.shed() == 1)
        self.expect_relief()

    # Timeouts.

    def test_idle_connections_end_earlier(self):
        running = self.start_timeout("HTTP_DOWNSTREAM_CONNECTION_IDLE", {"min_timeout": "0.1s"},
                                     manager={"common_http_protocol_options": {"idle_timeout": HOUR}})
        with wire.connect(running.port) as sock:
            sock.sendall(REQUEST)
            self.assertEqual(wire.Reader(sock).response("GET")["status"], 200)
            peer = h2wire.connect(running.port)
            self.assertEqual(peer.get().status, 200)
            self.press()  # Those that wait already are among them.
            self.assertEqual(tcp.end_of(sock), (b"", "closed"))
            self.assertEqual(peer.expect_end(), "closed")
        self.assertEqual(running.stats()["http.main.downstream_cx_idle_timeout"], 2)
        self.expect_relief()

    def test_idle_streams_end_earlier(self):
        running = self.start_timeout("HTTP_DOWNSTREAM_STREAM_IDLE", {"min_scale": {"value": 0.001}},
                                     manager={"stream_idle_timeout": HOUR},
                                     routes=[bootstrap.to(timeout="0s")])
        with wire.connect(running.port) as sock:
            sock.sendall(REQUEST.replace(b" / ", b" /silent "))
            running.wait(lambda: running.stats().get("cluster.origin.upstream_rq_active") == 1)
            self.press()
            answer = wire.Reader(sock).response("GET")
        self.assertEqual((answer["status"], answer["body"]), (504, "stream timeout"))
        self.expect_relief()

    def test_connections_live_less_long(self):
        running = self.start_timeout("HTTP_DOWNSTREAM_CONNECTION_MAX", {"min_timeout": "0.1s"}, manager={
            "drain_timeout": "0.1s", "common_http_protocol_options": {"max_connection_duration": HOUR}})
        peer = h2wire.connect(running.port)
        self.assertEqual(peer.get().status, 200)
        self.press()
        self.assertEqual(peer.expect_end(), "closed")
        self.assertEqual(running.stats()["http.main.downstream_cx_max_duration_reached"], 1)

    def test_handshakes_end_earlier(self):
        authority = certificates.Authority()
        tls = bootstrap.downstream_tls(authority.issue("a.example"))
        running = self.start_timeout("TRANSPORT_SOCKET_CONNECT", {"min_timeout": "0.1s"}, transport=tls,
                                     handshake_timeout=HOUR)
        with wire.connect(running.port) as sock:
            self.press()
            self.assertEqual(tcp.end_of(sock), (b"", "closed"))

    # Streams.

    def test_streams_that_hold_much_are_reset(self):
        self.name = "envoy.overload_actions.reset_high_memory_stream"
        running = self.start({"buffer_factory_config": {"minimum_account_to_track_power_of_two": 17},
                              "actions": [self.rule(self.name)]})
        # The client leaves the response unread.
        peer = h2wire.connect(running.port, window=0)
        large, small = (peer.open(h2wire.request(path)) for path in ("/large", "/"))
        peer.wait(lambda: peer.message(large).headers and peer.message(small).headers)
        self.press()
        self.assertEqual(peer.response(large).reset, 2)
        peer.send(h2wire.window_update(small, 1 << 16))
        answer = peer.response(small)
        self.assertEqual((answer.status, answer.reset, answer.ended), (200, None, True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    OverloadTest.binary = args.proxy
    report.main("overload", args.cases)
