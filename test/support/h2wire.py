"""HTTP/2 over a socket (RFC 9113), frame by frame: what a test wants to send, whatever the rules say, and
what came back taken apart. A Connection answers SETTINGS and PING and gives window back by itself unless
it is told not to."""

import socket
import struct

import hpack
import wire

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = range(1, 6)
ENABLE_CONNECT_PROTOCOL = 8
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = range(4)
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = range(5, 10)
ENHANCE_YOUR_CALM = 11

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LARGEST_FRAME = 16384


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def settings(values=None):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack("!HI", *pair) for pair in (values or {}).items()))


def window_update(stream, size):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack("!I", size))


def rst_stream(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack("!I", code))


def ping(payload=b"8 octets", ack=False):
    return frame(PING, ACK if ack else 0, 0, payload)


def headers(stream, fields, end=False):
    """A header block in one HEADERS frame and as many CONTINUATIONs as it takes."""
    block = hpack.encode(fields)
    pieces = [block[at:at + LARGEST_FRAME] for at in range(0, len(block), LARGEST_FRAME)] or [b""]
    out = b""
    for number, piece in enumerate(pieces):
        flags = END_HEADERS if number == len(pieces) - 1 else 0
        if number == 0:
            out += frame(HEADERS, flags | (END_STREAM if end else 0), stream, piece)
        else:
            out += frame(CONTINUATION, flags, stream, piece)
    return out


def request(path="/", method="GET", authority="test.example", scheme="http", fields=()):
    return [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path), *fields]


class Message:
    """What came on one stream."""

    def __init__(self):
        self.informational = []
        self.headers = None
        self.body = bytearray()
        self.trailers = None
        self.ended = False
        self.reset = None  # The error code of RST_STREAM.

    @property
    def status(self):
        return int(self.field(":status") or 0)

    def field(self, name):
        return dict(self.headers or []).get(name)

    def take_fields(self, fields):
        if self.headers is None and dict(fields).get(":status", "200").startswith("1"):
            self.informational.append(fields)
        elif self.headers is None:
            self.headers = fields
        else:
            self.trailers = fields


class Connection:
    """One side of a connection. Thread: one at a time."""

    def __init__(self, sock, server=False, values=None, window=1 << 24):
        self.sock, self.server = sock, server
        self.credit = True  # Give back the window of what came.
        self.answer = True  # Acknowledge SETTINGS and PING.
        self.buffer = b""
        self.streams = {}
        self.peer_settings = {}
        self.decoder = hpack.Decoder()
        self.block = None
        self.goaway = None  # (last stream, error code, debug data)
        self.ended = None  # "closed", "reset" or "silent" once nothing more comes.
        self.pings = 0  # Acknowledged by the peer.
        self.next_stream = 1
        self.windows = {0: 65535}  # What may be sent, by stream.
        self.frames = 0
        values = {INITIAL_WINDOW_SIZE: window, **(values or {})}
        self.send((b"" if server else PREFACE) + settings(values) + window_update(0, 1 << 24))

    def send(self, data):
        """False when the peer takes no more."""
        try:
            self.sock.sendall(data)
        except OSError:
            return False
        return True

    def bytes(self, size):
        while len(self.buffer) < size:
            try:
                data = self.sock.recv(65536)
            except (socket.timeout, TimeoutError):
                self.ended = "silent"
            except OSError:
                self.ended = "reset"
            else:
                self.buffer += data
                if data:
                    continue
                self.ended = "closed"
            return None
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def read(self):
        """Takes one frame in and returns (kind, flags, stream, payload); None at the end."""
        head = self.bytes(9)
        if head is None:
            return None
        size, (kind, flags, stream) = int.from_bytes(head[:3], "big"), struct.unpack("!BBI", head[3:])
        payload = self.bytes(size)
        if payload is None:
            return None
        self.frames += 1
        self.take(kind, flags, stream, payload)
        return kind, flags, stream, payload

    def message(self, stream):
        return self.streams.setdefault(stream, Message())

    def take(self, kind, flags, stream, payload):
        if kind in (HEADERS, CONTINUATION):
            self.take_block(kind, flags, stream, payload)
        elif kind == DATA:
            self.take_data(flags, stream, payload)
        elif kind == RST_STREAM:
            self.message(stream).reset = int.from_bytes(payload, "big")
        elif kind == SETTINGS and not flags & ACK:
            self.take_settings(payload)
        elif kind == PING:
            self.pings += flags & ACK
            if not flags & ACK and self.answer:
                self.send(ping(payload, ack=True))
        elif kind == GOAWAY:
            last, code = struct.unpack("!II", payload[:8])
            self.goaway = (last, code, payload[8:])
        elif kind == WINDOW_UPDATE:
            self.windows[stream] = self.window(stream) + int.from_bytes(payload, "big")

    def take_settings(self, payload):
        before = self.peer_settings.get(INITIAL_WINDOW_SIZE, 65535)
        self.peer_settings.update(struct.unpack_from("!HI", payload, at) for at in range(0, len(payload), 6))
        grown = self.peer_settings.get(INITIAL_WINDOW_SIZE, 65535) - before
        for stream in self.windows.keys() - {0}:
            self.windows[stream] += grown
        if self.answer:
            self.send(frame(SETTINGS, ACK))

    def take_block(self, kind, flags, stream, payload):
        if kind == HEADERS:
            if flags & 0x8:
                payload = payload[1:len(payload) - payload[0]]
            payload = payload[5:] if flags & 0x20 else payload
            self.block = (flags & END_STREAM, b"")
        end, block = self.block
        self.block = (end, block + payload)
        if flags & END_HEADERS:
            message = self.message(stream)
            message.take_fields(self.decoder.decode(block + payload))
            message.ended |= bool(end)

    def take_data(self, flags, stream, payload):
        size = len(payload)
        if flags & 0x8:
            payload = payload[1:size - payload[0]]
        message = self.message(stream)
        message.body += payload
        message.ended |= bool(flags & END_STREAM)
        if size and self.credit:
            self.send(window_update(0, size) + (b"" if message.ended else window_update(stream, size)))

    def window(self, stream):
        return self.windows.get(stream, self.peer_settings.get(INITIAL_WINDOW_SIZE, 65535))

    def wait(self, done):
        """Reads frames until the condition holds; False when the connection ends before."""
        while not done():
            if self.read() is None:
                return done()
        return True

    def open(self, fields, end=True):
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        self.message(stream)
        self.send(headers(stream, fields, end))
        return stream

    def send_body(self, stream, body, end=True):
        """In frames that the peer has window for. False when it ended or reset the stream."""
        while True:
            message = self.message(stream)
            if not self.wait(lambda: not body or min(self.window(0), self.window(stream)) > 0 or message.reset is not None):
                return False
            if message.reset is not None:
                return False
            size = min(len(body), LARGEST_FRAME, self.window(0), self.window(stream))
            last = size == len(body)
            self.windows[0] -= size
            self.windows[stream] = self.window(stream) - size
            if not self.send(frame(DATA, END_STREAM if last and end else 0, stream, body[:size])):
                return False
            body = body[size:]
            if last:
                return True

    def response(self, stream):
        """What came on the stream once it ended, was reset, or the connection did."""
        message = self.message(stream)
        self.wait(lambda: message.ended or message.reset is not None)
        return message

    def get(self, path="/", **more):
        return self.response(self.open(request(path, **more)))

    def expect_end(self):
        """Reads until the peer closes; how it did."""
        while self.read() is not None:
            pass
        return self.ended


def connect(port, **more):
    return Connection(wire.connect(port), **more)
