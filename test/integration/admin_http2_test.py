"""The admin port over HTTP/2 by prior knowledge: pages, gRPC methods frame by frame, and clients that mean harm.

  admin_http2_test.py --proxy BINARY [CASE...]
"""

import argparse
import pathlib
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import h2wire  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

FETCH = "/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus"
STREAM = "/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus"
OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = "0", "3", "8", "12", "13"


def framed(message=b"", flags=0):
    return struct.pack("!BI", flags, len(message)) + message


class AdminHttp2Test(unittest.TestCase):
    binary = ""

    def setUp(self):
        self.start({})

    def start(self, metadata):
        config = bootstrap.of([], [])
        config["node"] = {"id": "the-node", "cluster": "c", "metadata": metadata}
        self.running = proxy.Proxy(self.binary, config, ready=False)
        self.addCleanup(self.running.__exit__)
        self.running.wait(lambda: self.running.admin("/ready").startswith("LIVE"))

    def connect(self):
        connection = h2wire.connect(self.running.admin_port)
        self.addCleanup(connection.sock.close)
        self.assertTrue(connection.wait(lambda: connection.peer_settings))
        return connection

    def call(self, path, body, connection=None):
        """(grpc-status, the response)"""
        connection = connection or self.connect()
        stream = connection.open(h2wire.request(path, "POST", fields=[
            ("content-type", "application/grpc"), ("te", "trailers")]), end=False)
        connection.send_body(stream, body)
        message = connection.response(stream)
        return dict(message.trailers or message.headers).get("grpc-status"), message

    def test_pages(self):
        connection = self.connect()
        ready = connection.get("/ready")
        self.assertEqual((ready.status, bytes(ready.body)), (200, b"LIVE\n"))
        self.assertEqual(ready.field("cache-control"), "no-cache, max-age=0")
        stats = connection.get("/stats?filter=http.admin")
        self.assertIn(b"http.admin.downstream_cx_http2_active: 1", stats.body)
        self.assertEqual(connection.get("/nowhere").status, 404)
        self.assertEqual(connection.get("/quitquitquit").status, 405)
        self.assertTrue(self.running.alive())

    def test_one_port_for_both(self):
        with wire.connect(self.running.admin_port) as sock:
            for octet in b"P":
                sock.sendall(bytes([octet]))
            sock.sendall(b"OST /stats HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
            self.assertEqual(wire.Reader(sock).response("POST")["start"].split(" ")[1], "200")

    def test_calls(self):
        status, message = self.call(FETCH, framed())
        self.assertEqual(status, OK)
        self.assertEqual(message.field("content-type"), "application/grpc")
        self.assertEqual(struct.unpack("!BI", message.body[:5]), (0, len(message.body) - 5))
        self.assertIn(b"the-node", message.body)
        status, message = self.call(STREAM, framed() * 3)
        self.assertEqual(status, OK)
        self.assertEqual(bytes(message.body).count(b"the-node"), 3)
        self.assertEqual(self.call(STREAM, b"")[0], OK)

    def test_calls_that_are_none(self):
        connection = self.connect()
        for path, body, expected in [
                (FETCH, b"", INTERNAL),
                (FETCH, framed() + framed(), INTERNAL),
                (FETCH, framed(b"\xff\xff\xff"), INVALID_ARGUMENT),
                (FETCH, framed(b"", flags=1), UNIMPLEMENTED),
                (FETCH, framed(b"abc")[:-1], INTERNAL),
                (FETCH, struct.pack("!BI", 0, 1 << 31), RESOURCE_EXHAUSTED),
                (STREAM, framed() + b"\0", INTERNAL),
                ("/no.such/Method", framed(), UNIMPLEMENTED)]:
            status, message = self.call(path, body, connection)
            self.assertEqual((status, message.status), (expected, 200), path)

    def test_client_with_room_for_all(self):
        """With a window that never runs out the client says nothing more, and a long page leaves all the same."""
        self.start({"filler": "x" * 700000})
        connection = self.connect()
        connection.credit = False
        page = connection.get("/config_dump")
        self.assertEqual(page.status, 200)
        self.assertGreater(len(page.body), 700000)
        self.assertEqual(len(page.body), int(page.field("content-length")))
        connection = self.connect()
        connection.credit = False
        status, message = self.call(STREAM, framed() * 3, connection)
        self.assertEqual(status, OK)
        self.assertEqual(bytes(message.body).count(b"the-node"), 3)

    def test_bodies_have_a_limit(self):
        connection = self.connect()
        stream = connection.open(h2wire.request("/stats", "POST"), end=False)
        connection.send_body(stream, b"x" * 70000, end=False)
        self.assertEqual(connection.response(stream).status, 413)

    def test_more_streams_than_allowed(self):
        """Streams that ask for nothing and stay open: there are ten, and the port serves on."""
        connection = self.connect()
        self.assertEqual(connection.peer_settings[h2wire.MAX_CONCURRENT_STREAMS], 10)
        for _ in range(10):
            connection.open(h2wire.request(STREAM, "POST", fields=[("content-type", "application/grpc")]), end=False)
        self.assertTrue(self.running.admin("/ready").startswith("LIVE"))

    def test_resets_without_end(self):
        """Rapid reset: the connection is ended, the process serves on."""
        connection = self.connect()
        for number in range(500):
            stream = 2 * number + 1
            if not connection.send(h2wire.headers(stream, h2wire.request("/stats"), True) + h2wire.rst_stream(stream)):
                break
        connection.expect_end()
        self.assertTrue(self.running.admin("/ready").startswith("LIVE"))

    def test_client_that_takes_nothing(self):
        """No window: the answers wait, other clients do not."""
        connection = h2wire.connect(self.running.admin_port, window=0)
        self.addCleanup(connection.sock.close)
        for number in range(10):
            connection.send(h2wire.headers(2 * number + 1, h2wire.request("/help"), True))
        self.assertTrue(connection.wait(lambda: connection.message(19).headers))
        self.assertFalse(connection.message(19).body)
        self.assertTrue(self.running.admin("/ready").startswith("LIVE"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    AdminHttp2Test.binary = args.proxy
    report.main("admin_http2", args.cases)
