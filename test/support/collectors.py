"""Collectors that a proxy tells of spans and log entries: they take all and keep it."""

import json
import queue
import struct

import h2wire
import origin
import tcp
import wire


def msgpack(data):
    """The value that MessagePack tells of, as far as agents are sent such: maps, lists, text and numbers."""

    def value(at):
        kind, at = data[at], at + 1
        if kind == 0xcf:
            return struct.unpack_from(">Q", data, at)[0], at + 8
        if kind in (0xd9, 0xdb):
            size, at = (data[at], at + 1) if kind == 0xd9 else (struct.unpack_from(">I", data, at)[0], at + 4)
            return data[at:at + size].decode(), at + size
        if kind not in (0xdd, 0xdf):
            raise ValueError(f"a value of the kind {kind:#x}")
        parts, (size,), at = [], struct.unpack_from(">I", data, at), at + 4
        for _ in range(size * (2 if kind == 0xdf else 1)):
            part, at = value(at)
            parts.append(part)
        return (dict(zip(parts[::2], parts[1::2])) if kind == 0xdf else parts), at

    whole, end = value(0)
    if end != len(data):
        raise ValueError("more than one value")
    return whole


class HttpCollector(origin.Origin):
    """Takes what is posted; `came` has the requests."""

    def __init__(self, status="202 Accepted"):
        self.status = status
        self.came = queue.Queue()
        super().__init__()

    def answer(self, sock, request):
        self.came.put(request)
        sock.sendall(f"HTTP/1.1 {self.status}\r\ncontent-length: 0\r\n\r\n".encode())
        return True

    def spans(self):
        """The next list of spans, in Zipkin's JSON."""
        return json.loads(self.came.get(timeout=wire.PATIENCE_S)["body"])


class UnaryService(tcp.Origin):
    """Takes unary calls of gRPC, one after another on a connection; `reply` says what each gets."""

    def __init__(self):
        super().__init__(self.serve_calls)

    def serve_calls(self, sock):
        tcp.exactly(sock, len(h2wire.PREFACE))
        connection = h2wire.Connection(sock, server=True)
        stream = 1
        while not connection.ended:
            connection.wait(lambda stream=stream: connection.message(stream).ended)
            call = connection.message(stream)
            if not call.ended:
                return
            answer = self.reply(dict(call.headers), bytes(call.body)[5:])
            head = [(":status", "200"), ("content-type", "application/grpc")]
            if answer is None:
                connection.send(h2wire.headers(stream, [*head, ("grpc-status", "14")], end=True))
            else:
                connection.send(h2wire.headers(stream, head))
                connection.send(h2wire.frame(h2wire.DATA, 0, stream, b"\0" + struct.pack(">I", len(answer)) + answer))
                connection.send(h2wire.headers(stream, [("grpc-status", "0")], end=True))
            stream += 2

    def reply(self, fields, message):
        """The answer to a message; None: an error."""
        raise NotImplementedError


class GrpcCollector(UnaryService):
    """Answers each call with an empty message; `came` has (header fields, message)."""

    def __init__(self):
        self.came = queue.Queue()
        super().__init__()

    def reply(self, fields, message):
        self.came.put((fields, message))
        return b""

    def next(self):
        return self.came.get(timeout=wire.PATIENCE_S)


class StreamCollector(tcp.Origin):
    """Takes messages of gRPC calls that stay open; `called` has the header fields of each, `came` the messages."""

    def __init__(self):
        self.called = queue.Queue()
        self.came = queue.Queue()
        super().__init__(self.collect)

    def collect(self, sock):
        tcp.exactly(sock, len(h2wire.PREFACE))
        connection = h2wire.Connection(sock, server=True)
        taken = {}
        while connection.read() is not None:
            for stream, message in list(connection.streams.items()):
                if message.headers and stream not in taken:
                    taken[stream] = 0
                    self.called.put(dict(message.headers))
                    connection.send(h2wire.headers(stream, [(":status", "200"), ("content-type", "application/grpc")]))
                while stream in taken and len(message.body) - taken[stream] >= 5:
                    start = taken[stream] + 5
                    end = start + int.from_bytes(message.body[start - 4:start], "big")
                    if len(message.body) < end:
                        break
                    self.came.put(bytes(message.body[start:end]))
                    taken[stream] = end

    def next(self):
        return self.came.get(timeout=wire.PATIENCE_S)
