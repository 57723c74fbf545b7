"""Control planes that fall silent, each at another word of the conversation: a stream to one is held up for as long as
its keepalive allows, or for ever where there is none, but neither the start nor what is served is; and whatever ends
the silence, another server of the list is asked.

  xds_half_open_test.py --proxy BINARY --packages FOLDER [CASE...]

The proxy has the protocol that it speaks, and how it goes to its control planes, from the class of a case.
"""

import argparse
import pathlib
import socket
import struct
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import control_plane  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import tcp  # noqa: E402
import xds_case  # noqa: E402

grpcio_plane = None  # Once `main` knows where the packages are.

DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
INITIAL_WINDOW = struct.pack(">HI", 4, 0)
# 200, content-type: application/grpc
GRPC_HEAD = b"\x88\x0f\x10\x10application/grpc"
MESSAGE = b"\0" + struct.pack(">I", 1000) + bytes(1000)
RETRY = {"retry_policy": {"retry_back_off": {"base_interval": "0.05s", "max_interval": "0.2s"}}}


def frame(kind, payload=b"", flags=0, stream=0):
    return len(payload).to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload


class Mute:
    """A server that says what belongs to its `word`, and nothing after it. Thread: any."""

    def __init__(self, word):
        self.word = word
        self.heard = threading.Condition()
        self.streams = self.connections = 0
        self.socks = []
        self.listener = tcp.Origin(self.serve)
        self.port = self.listener.port

    def serve(self, sock):
        with self.heard:
            self.connections += 1
            self.socks.append(sock)
            self.heard.notify_all()
        sock.settimeout(None)
        if self.word == "accept":
            return
        preface = tcp.exactly(sock, 24)
        sock.sendall(frame(SETTINGS, INITIAL_WINDOW if self.word == "no window" else b"") + frame(SETTINGS, flags=1))
        while self.word != "handshake" and preface:
            head = tcp.exactly(sock, 9)
            if len(head) < 9:
                return
            payload = tcp.exactly(sock, int.from_bytes(head[:3], "big"))
            if head[3] == PING and not head[4] & 1 and self.word == "no window":
                sock.sendall(frame(PING, payload, 1))
            if head[3] == HEADERS:
                self.begin(sock, int.from_bytes(head[5:], "big"))

    def begin(self, sock, stream):
        """A call has come."""
        with self.heard:
            self.streams += 1
            self.heard.notify_all()
        if self.word == "head":
            sock.sendall(frame(HEADERS, GRPC_HEAD, 4, stream))
        if self.word == "half a message":
            sock.sendall(frame(HEADERS, GRPC_HEAD, 4, stream) + frame(DATA, MESSAGE[:100], 0, stream))
        if self.word == "half a frame":
            sock.sendall(frame(HEADERS, GRPC_HEAD, 4, stream) + frame(DATA, MESSAGE, 0, stream)[:100])

    def end(self):
        """Its connections end, and it takes no more. Who waits in a call lets go of a socket only when woken."""
        with self.heard:
            for sock in [self.listener.listener, *self.socks]:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # It is over already.
            self.listener.close()


class HalfOpen(unittest.TestCase):
    """The cases; the classes below say how the proxy asks."""

    binary = ""
    delta = False
    google = False

    def setUp(self):
        self.origin = origin.Origin()
        self.plane = grpcio_plane.Plane()
        self.addCleanup(lambda: self.plane.close())
        self.plane.serve(
            {"@type": grpcio_plane.CLUSTERS, **bootstrap.cluster("one", self.origin.port)},
            {"@type": grpcio_plane.LISTENERS, **bootstrap.listener("late", routes=[bootstrap.to("one")])})

    def mute(self, word):
        server = Mute(word)
        self.addCleanup(server.end)
        return server

    def service(self, name, port, keepalive):
        if self.google:
            ask = {"grpc.keepalive_time_ms": {"int_value": 100}, "grpc.keepalive_timeout_ms": {"int_value": 100},
                   "grpc.http2.max_pings_without_data": {"int_value": 0},
                   "grpc.min_reconnect_backoff_ms": {"int_value": 200}}
            return {"google_grpc": {"target_uri": f"127.0.0.1:{port}", "stat_prefix": name,
                                    **({"channel_args": {"args": ask}} if keepalive else {})}, **RETRY}
        return {"envoy_grpc": {"cluster_name": name}, **RETRY}

    def start(self, mute, keepalive, timeout="15s"):
        """A listener of its own, and the mute one before the one that speaks."""
        options = {"connection_keepalive": {"interval": "0.1s", "timeout": "0.1s"}} if keepalive else {}
        source = {**control_plane.ADS, "initial_fetch_timeout": timeout}
        config = {**bootstrap.of([bootstrap.listener("main", routes=[bootstrap.to("origin")])],
                                 [bootstrap.cluster("origin", self.origin.port)] + [
                                     bootstrap.cluster("mute", mute.port, **bootstrap.http2(**options)),
                                     bootstrap.cluster("plane", self.plane.port, **bootstrap.http2())]),
                  "node": {"id": "test", "cluster": "test"}, "dynamic_resources": {
                      "ads_config": {"api_type": "DELTA_GRPC" if self.delta else "GRPC", "transport_api_version": "V3",
                                     "grpc_services": [self.service("mute", mute.port, keepalive),
                                                       self.service("plane", self.plane.port, keepalive=False)]},
                      "cds_config": source, "lds_config": source}}
        self.running = proxy.Proxy(self.binary, config, ready=False)
        self.addCleanup(self.running.__exit__)

    def served_by_the_other(self):
        """What the second server says is in force, and requests pass."""
        port = self.running.wait(lambda: self.running.listener_port("late"))
        self.assertEqual(xds_case.ask(port)[0], 200)
        self.running.wait_ready()
        self.assertEqual(xds_case.ask(self.running.port)[0], 200)

    def goes_on_without_keepalive(self, word):
        """The start waits for initial_fetch_timeout, and the silent stream is kept; what ends it opens another one."""
        mute = self.mute(word)
        self.start(mute, keepalive=False, timeout="0.2s")
        self.running.wait_ready()
        self.assertEqual(self.running.stats()["cluster_manager.cds.init_fetch_timeout"], 1)
        self.assertEqual(xds_case.ask(self.running.port)[0], 200)
        self.assertEqual(self.plane.streams_ever, 0)
        mute.end()
        self.served_by_the_other()

    def is_found_by_keepalive(self, word):
        """Without an answer to a PING its connections end, and the other server has its turn."""
        mute = self.mute(word)
        self.start(mute, keepalive=True)
        self.served_by_the_other()
        self.assertGreaterEqual(mute.connections, 2)  # The first of the list is tried twice.
        self.assertEqual(self.running.stats()["cluster_manager.cds.init_fetch_timeout"], 0)

    def test_silence_after_accept(self):
        self.goes_on_without_keepalive("accept")

    def test_silence_after_accept_with_keepalive(self):
        self.is_found_by_keepalive("accept")

    def test_silence_after_the_handshake(self):
        self.goes_on_without_keepalive("handshake")

    def test_silence_after_the_handshake_with_keepalive(self):
        self.is_found_by_keepalive("handshake")

    def test_silence_after_the_head(self):
        self.goes_on_without_keepalive("head")

    def test_silence_after_the_head_with_keepalive(self):
        self.is_found_by_keepalive("head")

    def test_silence_after_half_a_message(self):
        self.goes_on_without_keepalive("half a message")

    def test_silence_after_half_a_message_with_keepalive(self):
        self.is_found_by_keepalive("half a message")

    def test_silence_after_half_a_frame_with_keepalive(self):
        self.is_found_by_keepalive("half a frame")

    def test_no_room_for_requests(self):
        """It answers PINGs, so that it seems well, but takes no byte of a message."""
        self.goes_on_without_keepalive("no window")


class SotwTest(HalfOpen):
    pass


class DeltaTest(HalfOpen):
    delta = True


class SotwGoogleTest(HalfOpen):
    google = True


class DeltaGoogleTest(HalfOpen):
    delta = google = True


def load_tests(loader, *_):
    """All but the class of the cases itself."""
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (SotwTest, DeltaTest, SotwGoogleTest, DeltaGoogleTest))


def main():
    global grpcio_plane
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--packages", required=True, help="where the packages of tools/deps/python-peers.txt are")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    sys.path.insert(1, args.packages)
    import grpcio_plane
    HalfOpen.binary = args.proxy
    report.main("xds_half_open", args.cases)


if __name__ == "__main__":
    main()
