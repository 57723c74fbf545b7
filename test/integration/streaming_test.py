"""Streams that last, through the real binary: WebSocket over HTTP/1.1 and HTTP/2 (RFC 8441) on either side,
events that must leave at once, bodies both ways at the same time.

  streaming_test.py --proxy BINARY [CASE...]
"""

import argparse
import base64
import hashlib
import os
import pathlib
import queue
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import h2wire  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import tls_origin  # noqa: E402
import wire  # noqa: E402

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
EVENTS = 20


def accept_key(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def masked(text):
    """A text message of a WebSocket client (RFC 6455, section 5.2)."""
    mask = os.urandom(4)
    return bytes([0x81, 0x80 | len(text)]) + mask + bytes(octet ^ mask[i % 4] for i, octet in enumerate(text))


def unmasked(frame):
    size = frame[1] & 0x7f
    return bytes(octet ^ frame[2 + i % 4] for i, octet in enumerate(frame[6:6 + size]))


class EchoOrigin(origin.Origin):
    """WebSocket over HTTP/1.1: each message comes back. Under /events it sends one event for each octet that
    it reads, so that nothing but a flush can bring the next."""

    def answer(self, sock, request):
        fields = dict(request["headers"])
        path = request["start"].split(" ")[1]
        if "sec-websocket-key" in fields or fields.get("upgrade", "").lower() == "websocket":
            key = fields.get("sec-websocket-key", "")
            sock.sendall(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n").encode())
            self.echo(sock)
            return False
        if path == "/events":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for number in range(EVENTS):
                if number and not self.gate.get():
                    return False
                event = b"data: %d\n\n" % number
                sock.sendall(b"%x\r\n%s\r\n" % (len(event), event))
            sock.sendall(b"0\r\n\r\n")
            return True
        return super().answer(sock, request)

    @staticmethod
    def echo(sock):
        def exactly(size):
            data = b""
            while len(data) < size:
                more = sock.recv(size - len(data))
                if not more:
                    return None
                data += more
            return data

        while True:
            head = exactly(2)
            if head is None:
                return
            rest = exactly(4 + (head[1] & 0x7f))
            if rest is None:
                return
            text = unmasked(head + rest)
            sock.sendall(bytes([0x81, len(text)]) + text)


class StreamingTest(unittest.TestCase):
    binary = ""

    def start(self, manager=None, upstream=None, **cluster):
        self.origin = upstream or EchoOrigin()
        self.origin.gate = queue.Queue()
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes=[bootstrap.to(timeout="0s")], manager=manager,
            clusters=[bootstrap.cluster("origin", self.origin.port, **cluster)]))
        self.addCleanup(running.__exit__)
        return running

    WEBSOCKET = {"upgrade_configs": [{"upgrade_type": "websocket"}], "http2_protocol_options": {"allow_connect": True}}

    def test_websocket_over_http1(self):
        running = self.start(self.WEBSOCKET)
        key = base64.b64encode(os.urandom(16)).decode()
        with wire.connect(running.port) as sock:
            sock.sendall(("GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                          f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n").encode())
            reader = wire.Reader(sock)
            answer = reader.response("GET")
            self.assertEqual(answer["status"], 101)
            self.assertEqual(dict(answer["headers"])["sec-websocket-accept"], accept_key(key))
            for number in range(50):
                text = b"message %d" % number
                sock.sendall(masked(text))
                self.assertEqual(reader.bytes(2 + len(text))[2:].encode(), text)

    def test_websocket_over_http2(self):
        """The origin speaks HTTP/1.1: CONNECT becomes Upgrade, and 101 becomes 200."""
        running = self.start(self.WEBSOCKET)
        client = h2wire.connect(running.port)
        self.assertTrue(client.wait(lambda: client.peer_settings))
        self.assertEqual(client.peer_settings.get(h2wire.ENABLE_CONNECT_PROTOCOL), 1)
        streams = [client.open([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat"),
                                (":authority", "h"), ("sec-websocket-version", "13")], end=False) for _ in range(3)]
        for stream in streams:
            self.assertTrue(client.wait(lambda: client.message(stream).headers))
            self.assertEqual(client.message(stream).status, 200)
            # The key was made, and its answer looked at, on the way: neither is of HTTP/2.
            self.assertNotIn("sec-websocket-accept", dict(client.message(stream).headers))
        for number in range(30):
            for stream in streams:
                message = client.message(stream)
                text = b"message %d of %d" % (number, stream)
                message.body = b""
                client.send_body(stream, masked(text), end=False)
                self.assertTrue(client.wait(lambda: len(message.body) >= 2 + len(text)))
                self.assertEqual(message.body[2:], text)
        for seen in self.origin.take_seen():
            fields = dict(seen["headers"])
            self.assertEqual((seen["start"], fields["upgrade"]), ("GET /chat HTTP/1.1", "websocket"))
            self.assertEqual(len(base64.b64decode(fields["sec-websocket-key"])), 16)
        # The end of one stream ends its tunnel, and no other.
        client.send(h2wire.rst_stream(streams[0]))
        client.message(streams[1]).body = b""
        client.send_body(streams[1], masked(b"still"), end=False)
        self.assertTrue(client.wait(lambda: client.message(streams[1]).body.endswith(b"still")))

    def test_websocket_from_http1_to_http2(self):
        """Upgrade becomes an extended CONNECT, if the origin takes it."""
        class ConnectOrigin(tls_origin.Http2Origin):
            def serve(self, sock):
                connection = h2wire.Connection(sock, server=True, values={h2wire.ENABLE_CONNECT_PROTOCOL: 1})
                connection.bytes(len(h2wire.PREFACE))
                echoed = 0
                while connection.read() is not None:
                    message = connection.message(1)
                    if message.headers and not message.informational:
                        message.informational.append(True)
                        self.remember({"start": "CONNECT", "headers": message.headers})
                        connection.send(h2wire.headers(1, [(":status", "200")]))
                    if len(message.body) > echoed:
                        connection.send_body(1, message.body[echoed:], end=False)
                        echoed = len(message.body)

        running = self.start(self.WEBSOCKET, ConnectOrigin(), **bootstrap.http2(allow_connect=True))
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                         b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
            reader = wire.Reader(sock)
            answer = reader.response("GET")
            self.assertEqual(answer["status"], 101)
            self.assertEqual(dict(answer["headers"]).get("upgrade", "").lower(), "websocket")
            self.assertEqual(dict(answer["headers"])["sec-websocket-accept"], accept_key("AAAAAAAAAAAAAAAAAAAAAA=="))
            sock.sendall(b"there and back")
            self.assertEqual(reader.bytes(14), "there and back")
        fields = dict(self.origin.take_seen()[0]["headers"])
        self.assertEqual((fields[":method"], fields[":protocol"], fields[":path"]), ("CONNECT", "websocket", "/chat"))

    def test_extended_connect_must_be_allowed(self):
        running = self.start()
        client = h2wire.connect(running.port)
        client.wait(lambda: client.peer_settings)
        self.assertFalse(client.peer_settings.get(h2wire.ENABLE_CONNECT_PROTOCOL))
        stream = client.open([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat"),
                              (":authority", "h")], end=False)
        answer = client.response(stream)
        self.assertTrue(answer.reset is not None or answer.status >= 400 or client.ended, answer.headers)
        self.assertEqual(self.origin.take_seen(), [])

    def check_events(self, next_event):
        """Each event is there before the origin is let to send the next."""
        for number in range(EVENTS):
            self.assertEqual(next_event(), b"data: %d\n\n" % number)
            self.origin.gate.put(True)

    def test_events_over_http1(self):
        running = self.start()
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET /events HTTP/1.1\r\nHost: h\r\n\r\n")
            reader = wire.Reader(sock)
            self.assertEqual(dict(reader.head()["headers"])["content-type"], "text/event-stream")

            def next_event():
                size = int(reader.line(), 16)
                return reader.bytes(size + 2)[:-2].encode()

            self.check_events(next_event)
            self.assertEqual(reader.line(), "0")

    def test_events_over_http2(self):
        running = self.start()
        client = h2wire.connect(running.port)
        stream = client.open(h2wire.request("/events"))
        message = client.message(stream)

        def next_event():
            client.wait(lambda: message.body.endswith(b"\n\n") or message.ended)
            event, message.body = message.body, b""
            return event

        self.check_events(next_event)
        self.assertTrue(client.wait(lambda: message.ended))

    def test_both_ways_at_once_over_http2(self):
        """What comes is answered before the request has ended: neither side is buffered."""
        class Mirror(tls_origin.Http2Origin):
            def serve(self, sock):
                connection = h2wire.Connection(sock, server=True)
                connection.bytes(len(h2wire.PREFACE))
                started, sent = set(), {}
                while connection.read() is not None:
                    for stream, message in list(connection.streams.items()):
                        if message.headers and stream not in started:
                            started.add(stream)
                            connection.send(h2wire.headers(stream, [(":status", "200")]))
                        if len(message.body) > sent.get(stream, 0):
                            connection.send_body(stream, message.body[sent.get(stream, 0):], end=False)
                            sent[stream] = len(message.body)
                        if message.ended and stream in started:
                            connection.send(h2wire.headers(stream, [("x-octets", str(len(message.body)))], True))
                            del connection.streams[stream]

        running = self.start(upstream=Mirror(), **bootstrap.http2())
        client = h2wire.connect(running.port)
        streams = [client.open(h2wire.request("/mirror", "POST"), end=False) for _ in range(5)]
        sent = {stream: b"" for stream in streams}
        for number in range(40):
            for stream in streams:
                piece = os.urandom(1 + number * 100)
                sent[stream] += piece
                self.assertTrue(client.send_body(stream, piece, end=False))
                self.assertTrue(client.wait(lambda: len(client.message(stream).body) >= len(sent[stream])))
        for stream in streams:
            client.send(h2wire.frame(h2wire.DATA, h2wire.END_STREAM, stream))
            answer = client.response(stream)
            self.assertEqual((answer.status, answer.body), (200, sent[stream]))
            self.assertEqual(answer.trailers, [("x-octets", str(len(sent[stream])))])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    StreamingTest.binary = args.proxy
    report.main("streaming", args.cases)


if __name__ == "__main__":
    main()
