"""HTTP/2 through the real binary: what protocols are agreed on, limits, drain, flow control, and the pool of
connections to an HTTP/2 origin.

  http2_test.py --proxy BINARY [CASE...]
"""

import argparse
import os
import pathlib
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import h2wire  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import tls_origin  # noqa: E402
import wire  # noqa: E402


class Http2Test(unittest.TestCase):
    binary = ""

    def start(self, upstream=None, manager=None, routes=None, **cluster):
        self.origin = upstream or origin.Origin()
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes, manager, [bootstrap.cluster("origin", self.origin.port, **cluster)]),
            arguments=["--drain-strategy", "immediate"])
        self.addCleanup(running.__exit__)
        return running

    def connect(self, running, **more):
        """A connection whose peer has said its SETTINGS."""
        connection = h2wire.connect(running.port, **more)
        self.assertTrue(connection.wait(lambda: connection.peer_settings))
        self.addCleanup(connection.sock.close)
        return connection


class DownstreamTest(Http2Test):
    def test_one_port_for_both_protocols(self):
        running = self.start()
        self.assertEqual(self.connect(running).get().body, b"origin")
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(wire.Reader(sock).response("GET")["body"], "origin")

    def test_preface_octet_by_octet(self):
        running = self.start()
        with wire.connect(running.port) as sock:
            for octet in h2wire.PREFACE[:-1]:
                sock.sendall(bytes([octet]))
            # Its constructor sends the preface anew; what is missing is its last octet.
            sock.sendall(h2wire.PREFACE[-1:] + h2wire.settings() + h2wire.headers(1, h2wire.request(), True))
            connection = h2wire.Connection.__new__(h2wire.Connection)
            quiet = type("Quiet", (), {"sendall": lambda self, data: None})()
            connection.__init__(quiet)
            connection.sock = sock
            self.assertEqual(connection.response(1).body, b"origin")

    def test_what_begins_like_the_preface(self):
        """PRI is a method that nobody uses (RFC 9113, section 11.6): an answer or an orderly end, and no harm."""
        running = self.start()
        with wire.connect(running.port) as sock:
            sock.sendall(b"PRI / HTTP/1.1\r\nHost: h\r\n\r\n")
            reader = wire.Reader(sock)
            answer = reader.response("PRI")
            self.assertTrue(answer["status"] in (200, 400) if answer else reader.ended == "closed", answer)
        self.assertEqual(self.connect(running).get().status, 200)

    def test_upgrade_to_h2c_is_not_taken(self):
        running = self.start()
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                         b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
            answer = wire.Reader(sock).response("GET")
        self.assertNotEqual(answer["status"], 101)

    def test_http1_on_a_listener_of_http2(self):
        running = self.start(manager={"codec_type": "HTTP2"})
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            reader = wire.Reader(sock)
            while reader.fill():
                pass
            self.assertNotIn(b"200 OK", reader.buffer)
        self.assertEqual(self.connect(running).get().status, 200)

    def test_http2_on_a_listener_of_http1(self):
        running = self.start(manager={"codec_type": "HTTP1"})
        connection = h2wire.connect(running.port)
        connection.get()
        self.assertIsNone(connection.message(1).headers)

    def test_settings_as_configured(self):
        running = self.start(manager={"http2_protocol_options": {
            "max_concurrent_streams": 7, "initial_stream_window_size": 70000, "initial_connection_window_size": 80000,
            "hpack_table_size": 1024}})
        connection = self.connect(running)
        connection.wait(lambda: connection.windows[0] > 65535)
        self.assertEqual(connection.peer_settings[h2wire.MAX_CONCURRENT_STREAMS], 7)
        self.assertEqual(connection.peer_settings[h2wire.INITIAL_WINDOW_SIZE], 70000)
        self.assertEqual(connection.peer_settings.get(h2wire.HEADER_TABLE_SIZE, 4096), 1024)
        self.assertEqual(connection.windows[0], 80000)

    def test_more_streams_than_allowed(self):
        running = self.start(manager={"http2_protocol_options": {"max_concurrent_streams": 3}})
        connection = self.connect(running)
        streams = [connection.open(h2wire.request("/silent")) for _ in range(3)] + [connection.open(h2wire.request())]
        last = connection.response(streams[-1])
        self.assertTrue(last.reset == h2wire.REFUSED_STREAM or connection.goaway or connection.ended, last.reset)

    def test_many_streams_of_many_sizes(self):
        running = self.start()
        connection = self.connect(running)
        expected = {}
        for number in range(60):
            stream = connection.open(h2wire.request("/large" if number % 10 == 0 else f"/small/{number}"))
            expected[stream] = 4194304 if number % 10 == 0 else 6
        self.assertTrue(connection.wait(lambda: all(connection.message(stream).ended for stream in expected)))
        for stream, size in expected.items():
            self.assertEqual((connection.message(stream).status, len(connection.message(stream).body)), (200, size))

    def test_upload_waits_for_window(self):
        """An origin that does not read holds the client back: the windows are not given back for nothing."""
        class Deaf(origin.Origin):
            def serve(self, sock):
                self.gate.wait()
                super().serve(sock)

        upstream = Deaf()
        upstream.gate = threading.Event()
        running = self.start(upstream, manager={"http2_protocol_options": {
            "initial_stream_window_size": 65535, "initial_connection_window_size": 65535}})
        connection = self.connect(running)
        before = running.rss_bytes()
        stream = connection.open(h2wire.request(method="POST", fields=[("content-length", "20000000")]), end=False)
        connection.sock.settimeout(2)  # As long as nothing moves, nothing comes.
        sent = 0
        while True:
            size = min(16384, connection.window(0), connection.window(stream))
            if size > 0:
                connection.send(h2wire.frame(h2wire.DATA, 0, stream, bytes(size)))
                connection.windows[0] -= size
                connection.windows[stream] = connection.window(stream) - size
                sent += size
            elif connection.read() is None:
                break
        self.assertEqual(connection.ended, "silent")
        # The kernel's buffers on the way hold some; all else is held back.
        self.assertLess(sent, 12000000)
        self.assertLess(running.rss_bytes() - before, 8 << 20)
        upstream.gate.set()
        connection.sock.settimeout(wire.PATIENCE_S)
        connection.ended = None
        self.assertTrue(connection.send_body(stream, bytes(20000000 - sent)))
        self.assertEqual(connection.response(stream).status, 200)

    def test_trailers_and_hints_from_http1(self):
        options = bootstrap.protocol(explicit_http_config={"http_protocol_options": {"enable_trailers": True}})
        running = self.start(**options)
        connection = self.connect(running)
        answer = connection.get("/trailers")
        self.assertEqual((answer.body, answer.trailers), (b"abc", [("x-sum", "3")]))

    def test_keepalive_pings_and_their_absence(self):
        running = self.start(manager={"http2_protocol_options": {"connection_keepalive": {
            "interval": "0.1s", "timeout": "0.5s"}}})
        connection = self.connect(running)
        seen = []
        take = connection.take

        def note(kind, flags, stream, payload):
            if kind == h2wire.PING and not flags & h2wire.ACK:
                seen.append(payload)
            take(kind, flags, stream, payload)

        connection.take = note
        self.assertTrue(connection.wait(lambda: len(seen) >= 3))
        self.assertEqual(connection.get().status, 200)
        connection.answer = False
        self.assertIn(connection.expect_end(), ("closed", "reset"))

    def test_drain_says_goaway_and_lets_streams_finish(self):
        running = self.start(manager={"drain_timeout": "0.5s"}, routes=[bootstrap.to(timeout="10s")])
        connection = self.connect(running, window=0)
        connection.credit = False
        stream = connection.open(h2wire.request("/large"))
        connection.wait(lambda: connection.message(stream).headers)
        post = subprocess.run(["curl", "-sS", "-X", "POST", f"http://127.0.0.1:{running.admin_port}/drain_listeners?graceful"],
                              capture_output=True, text=True, check=True).stdout
        self.assertIn("OK", post)
        after = connection.open(h2wire.request())
        connection.send(h2wire.window_update(after, 100))
        self.assertEqual(connection.response(after).status, 200)
        self.assertTrue(connection.wait(lambda: connection.goaway is not None))
        self.assertEqual(connection.goaway[1], h2wire.NO_ERROR)
        # The first of two allows for requests that are on their way.
        self.assertGreaterEqual(connection.goaway[0], after)
        connection.credit = True
        connection.send(h2wire.window_update(stream, 1 << 23))
        self.assertEqual(len(connection.response(stream).body), 4194304)
        self.assertIn(connection.expect_end(), ("closed", "reset"))

    def test_idle_connection_is_ended_with_goaway(self):
        running = self.start(manager={"common_http_protocol_options": {"idle_timeout": "0.3s"}, "drain_timeout": "0.1s"})
        connection = self.connect(running)
        self.assertEqual(connection.get().status, 200)
        self.assertEqual(connection.expect_end(), "closed")
        self.assertEqual(connection.goaway[1], h2wire.NO_ERROR)

    def test_nghttp_and_h2load(self):
        running = self.start()
        out = subprocess.run(["nghttp", "-nv", f"http://127.0.0.1:{running.port}/"], capture_output=True, text=True, check=False).stdout
        self.assertIn(":status: 200", out)
        out = subprocess.run(["h2load", "-n2000", "-c4", "-m20", f"http://127.0.0.1:{running.port}/"],
                             capture_output=True, text=True, check=False).stdout
        self.assertIn("2000 succeeded, 0 failed, 0 errored", out)


class UpstreamTest(Http2Test):
    """An origin that speaks HTTP/2, asked by clients of HTTP/1.1 and HTTP/2."""

    def test_streams_share_connections(self):
        upstream = CountingOrigin()
        running = self.start(upstream, **bootstrap.http2())
        connection = self.connect(running)
        for _ in range(3):
            streams = [connection.open(h2wire.request(f"/{number}")) for number in range(30)]
            self.assertEqual([connection.response(stream).body for stream in streams], [b"origin"] * 30)
        self.assertEqual(upstream.connections, 1)

    def test_stream_cap_opens_more_connections(self):
        upstream = CountingOrigin({h2wire.MAX_CONCURRENT_STREAMS: 100})
        running = self.start(upstream, routes=[bootstrap.to(timeout="0s")], **bootstrap.http2(max_concurrent_streams=5))
        connection = self.connect(running)
        waiting = [connection.open(h2wire.request("/held")) for _ in range(20)]
        upstream.wait_for_held(20)
        self.assertEqual(upstream.connections, 4)
        upstream.release()
        self.assertEqual([connection.response(stream).status for stream in waiting], [200] * 20)

    def test_origin_tells_how_many_streams(self):
        upstream = CountingOrigin({h2wire.MAX_CONCURRENT_STREAMS: 2})
        running = self.start(upstream, routes=[bootstrap.to(timeout="0s")], **bootstrap.http2())
        connection = self.connect(running)
        self.assertEqual(connection.get().status, 200)  # Its SETTINGS are known from here on.
        waiting = [connection.open(h2wire.request("/held")) for _ in range(6)]
        upstream.wait_for_held(6)
        self.assertGreater(upstream.connections, 1)
        upstream.release()
        self.assertEqual([connection.response(stream).status for stream in waiting], [200] * 6)

    def test_requests_per_connection(self):
        upstream = CountingOrigin()
        options = bootstrap.protocol(explicit_http_config={"http2_protocol_options": {}},
                                     common_http_protocol_options={"max_requests_per_connection": 4})
        running = self.start(upstream, **options)
        connection = self.connect(running)
        for _ in range(12):
            self.assertEqual(connection.get().status, 200)
        self.assertEqual(upstream.connections, 3)

    def test_goaway_drains_without_a_failure(self):
        """The origin ends each connection after some streams, as servers do when they are rolled over."""
        upstream = CountingOrigin(goaway_after=5)
        running = self.start(upstream, **bootstrap.http2())
        connection = self.connect(running)
        for number in range(40):
            self.assertEqual(connection.get(f"/{number}").status, 200, number)
        self.assertGreaterEqual(upstream.connections, 8)

    def test_streams_that_goaway_did_not_take_are_tried_again(self):
        upstream = CountingOrigin(refuse_above=3)
        routes = [bootstrap.to(retry_policy={"retry_on": "refused-stream", "num_retries": 5})]
        running = self.start(upstream, routes=routes, circuit_breakers={"thresholds": [{"max_retries": 100}]}, **bootstrap.http2())
        connection = self.connect(running)
        streams = [connection.open(h2wire.request(f"/{number}")) for number in range(9)]
        self.assertEqual([connection.response(stream).status for stream in streams], [200] * 9)

    def test_refused_stream_is_tried_again(self):
        upstream = CountingOrigin(reset_first=2)
        routes = [bootstrap.to(retry_policy={"retry_on": "refused-stream", "num_retries": 3})]
        running = self.start(upstream, routes=routes, **bootstrap.http2())
        self.assertEqual(self.connect(running).get().status, 200)
        # What was refused was not begun: a proxy may try the first again without a policy.
        self.assertIn(running.stats()["cluster.origin.upstream_rq_retry"], (1, 2))

    def test_reset_without_retry(self):
        upstream = CountingOrigin(reset_first=1, reset_code=h2wire.INTERNAL_ERROR)
        running = self.start(upstream, **bootstrap.http2())
        connection = self.connect(running)
        self.assertEqual(connection.get().status, 503)
        self.assertEqual(connection.get().status, 200)

    def test_client_that_leaves_resets_the_stream_only(self):
        upstream = CountingOrigin()
        running = self.start(upstream, routes=[bootstrap.to(timeout="0s")], **bootstrap.http2())
        connection = self.connect(running)
        stream = connection.open(h2wire.request("/held"))
        upstream.wait_for_held(1)
        connection.send(h2wire.rst_stream(stream))
        upstream.wait_for_resets(1)
        self.assertEqual(connection.get().status, 200)
        self.assertEqual(upstream.connections, 1)

    def test_slow_client_holds_one_stream_only(self):
        """Two clients share one connection to the origin; what one does not read does not hold the other."""
        size = 32 << 20
        upstream = CountingOrigin(large=size)
        # The connection's window holds many streams', so that one of them cannot use it up.
        windows = {"initial_stream_window_size": 1 << 18, "initial_connection_window_size": 1 << 22}
        running = self.start(upstream, routes=[bootstrap.to(timeout="0s")], **bootstrap.http2(**windows))
        slow = self.connect(running, window=0)
        slow.credit = False
        stream = slow.open(h2wire.request("/large"))
        slow.wait(lambda: slow.message(stream).headers)
        before = running.rss_bytes()
        quick = self.connect(running)
        self.assertEqual(len(quick.get("/large").body), size)
        self.assertEqual(upstream.connections, 1)
        self.assertLess(running.rss_bytes() - before, size / 2)
        slow.credit = True
        slow.send(h2wire.window_update(stream, size))
        self.assertEqual(len(slow.response(stream).body), size)

    def test_protocol_of_the_client(self):
        upstream = SniffingOrigin()
        options = bootstrap.protocol(use_downstream_protocol_config={"http_protocol_options": {}, "http2_protocol_options": {}})
        running = self.start(upstream, **options)
        self.assertEqual(self.connect(running).get().body, b"HTTP/2")
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(wire.Reader(sock).response("GET")["body"], "HTTP/1.1")

    def test_uploads_over_http2(self):
        upstream = tls_origin.Http2Origin()
        running = self.start(upstream, **bootstrap.http2())
        connection = self.connect(running)
        body = os.urandom(3 << 20)
        streams = [connection.open(h2wire.request(f"/{number}", "POST"), end=False) for number in range(4)]
        for stream in streams:
            self.assertTrue(connection.send_body(stream, body))
        self.assertEqual([connection.response(stream).status for stream in streams], [200] * 4)
        self.assertTrue(all(seen["body"].encode("latin-1") == body for seen in upstream.take_seen()))


class SniffingOrigin(origin.Origin):
    """Tells which protocol it was asked by."""

    def serve(self, sock):
        with sock:
            start = sock.recv(3, 2)  # MSG_PEEK
            if start == b"PRI":
                connection = h2wire.Connection(sock, server=True)
                connection.bytes(len(h2wire.PREFACE))
                connection.wait(lambda: connection.streams)
                connection.send(h2wire.headers(1, [(":status", "200")]))
                connection.send_body(1, b"HTTP/2")
                connection.expect_end()
            else:
                wire.Reader(sock).head()
                sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nHTTP/1.1")


class CountingOrigin(origin.Origin):
    """Speaks HTTP/2, counts, and misbehaves as told. Requests to /held wait for `release`."""

    def __init__(self, values=None, goaway_after=0, refuse_above=0, reset_first=0, large=0,
                 reset_code=h2wire.REFUSED_STREAM):
        self.values, self.goaway_after, self.refuse_above, self.reset_left, self.large, self.reset_code = (
            values, goaway_after, refuse_above, reset_first, large, reset_code)
        self.connections = self.held = self.resets = 0
        self.changed = threading.Condition()
        self.released = threading.Event()
        super().__init__()

    def count(self, name, by=1):
        with self.changed:
            setattr(self, name, getattr(self, name) + by)
            self.changed.notify_all()

    def wait_for(self, done):
        with self.changed:
            if not self.changed.wait_for(done, wire.PATIENCE_S):
                raise AssertionError(f"held {self.held}, resets {self.resets}")

    def wait_for_held(self, number):
        self.wait_for(lambda: self.held >= number)

    def wait_for_resets(self, number):
        self.wait_for(lambda: self.resets >= number)

    def release(self):
        self.released.set()

    def serve(self, sock):
        self.count("connections")
        with sock:
            connection = h2wire.Connection(sock, server=True, values=self.values)
            connection.bytes(len(h2wire.PREFACE))
            self.unsent, done = {}, set()
            try:
                while connection.read() is not None:
                    self.pump(connection)
                    for stream, message in list(connection.streams.items()):
                        if stream in done:
                            if message.reset is not None:
                                self.count("resets")
                                del connection.streams[stream]
                        elif message.ended:
                            done.add(stream)
                            self.answer_stream(connection, stream, dict(message.headers)[":path"], len(done))
            except OSError:
                pass

    def answer_stream(self, connection, stream, path, number):
        with self.changed:
            reset, self.reset_left = self.reset_left > 0, max(self.reset_left - 1, 0)
        if reset:
            connection.send(h2wire.rst_stream(stream, self.reset_code))
            return
        if self.refuse_above and number > self.refuse_above:
            if number == self.refuse_above + 1:
                connection.send(h2wire.frame(h2wire.GOAWAY, 0, 0, (2 * self.refuse_above - 1).to_bytes(4, "big") + bytes(4)))
            return
        if path == "/held":
            self.count("held")
            threading.Thread(target=self.answer_later, args=(connection, stream), daemon=True).start()
            return
        if path == "/large":
            connection.send(h2wire.headers(stream, [(":status", "200")]))
            self.unsent[stream] = self.large
            self.pump(connection)
            return
        if self.goaway_after and number == self.goaway_after:
            connection.send(h2wire.frame(h2wire.GOAWAY, 0, 0, stream.to_bytes(4, "big") + bytes(4)))
        self.reply(connection, stream)

    def pump(self, connection):
        """Sends of each large response what there is window for: none of them waits for another."""
        for stream, left in list(self.unsent.items()):
            while left and min(connection.window(0), connection.window(stream)) > 0:
                size = min(left, h2wire.LARGEST_FRAME, connection.window(0), connection.window(stream))
                connection.windows[0] -= size
                connection.windows[stream] = connection.window(stream) - size
                left -= size
                connection.send(h2wire.frame(h2wire.DATA, 0 if left else h2wire.END_STREAM, stream, bytes(size)))
            self.unsent[stream] = left

    def answer_later(self, connection, stream):
        self.released.wait()
        self.reply(connection, stream)

    @staticmethod
    def reply(connection, stream):
        connection.send(h2wire.headers(stream, [(":status", "200")]) + h2wire.frame(h2wire.DATA, h2wire.END_STREAM, stream, b"origin"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--sanitized", action="store_true")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    proxy.Proxy.sanitized = args.sanitized
    Http2Test.binary = args.proxy
    report.main("http2", args.cases)


if __name__ == "__main__":
    main()
