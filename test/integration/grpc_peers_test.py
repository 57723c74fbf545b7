"""Filters whose peers speak gRPC, on the real binary: a processor that takes bodies apart, and a service with
clients that speak JSON.

  grpc_peers_test.py --proxy BINARY --page FILE [CASE...]
"""

import base64
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import h2wire  # noqa: E402
import origin  # noqa: E402
import protobuf_wire  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import tcp  # noqa: E402
import wire  # noqa: E402

FILTERS = bootstrap.TYPE + "envoy.extensions.filters.http."
ROUTER = {"name": "envoy.filters.http.router", "typed_config": {"@type": bootstrap.ROUTER}}


def varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    """A field of a message: a number, a text or a message's bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def framed(message):
    return b"\0" + struct.pack("!I", len(message)) + message


class GrpcPeer(tcp.Origin):
    """Gives each message of each call to `answer(stream, path, message)`, which sends what it likes."""

    def __init__(self):
        super().__init__(self.speak)

    def speak(self, sock):
        tcp.exactly(sock, len(h2wire.PREFACE))
        self.connection = connection = h2wire.Connection(sock, server=True)
        read, over = {}, set()
        while connection.read() is not None:
            for stream, message in list(connection.streams.items()):
                at = read.get(stream, 0)
                while len(message.body) >= at + 5:
                    size = int.from_bytes(message.body[at + 1:at + 5], "big")
                    if len(message.body) < at + 5 + size:
                        break
                    self.answer(stream, message.field(":path"), bytes(message.body[at + 5:at + 5 + size]))
                    at += 5 + size
                read[stream] = at
                if message.ended and stream not in over:
                    over.add(stream)
                    self.end(stream)

    def begin(self, stream):
        self.connection.send(h2wire.headers(stream, [(":status", "200"), ("content-type", "application/grpc")]))

    def say(self, stream, message):
        self.connection.send_body(stream, framed(message), end=False)

    def finish(self, stream, *more, status="0"):
        self.connection.send(h2wire.headers(stream, [("grpc-status", status), *more], end=True))

    def end(self, stream):
        """The client has sent all."""


class Processor(GrpcPeer):
    """Sees a request whole before it says anything, as who picks an endpoint by the body does; gives bodies back in
    upper case, a request's in two pieces, a response's as it comes."""

    def __init__(self):
        self.body = b""
        super().__init__()

    def piece(self, stream, number, body, end):
        streamed = field(1, body) + (field(2, 1) if end else b"")
        self.say(stream, field(number, field(1, field(3, field(3, streamed)))))

    def answer(self, stream, path, message):
        parts = protobuf_wire.fields(message)
        if 2 in parts:
            self.begin(stream)
        elif 4 in parts:
            self.body += (protobuf_wire.one(message, 4, 1) or b"")
            if not protobuf_wire.one(message, 4, 2):
                return
            change = field(2, field(1, field(1, field(1, "x-picked") + field(3, str(len(self.body))))))
            self.say(stream, field(1, field(1, change)))
            middle = len(self.body) // 2
            self.piece(stream, 3, self.body[:middle].upper(), False)
            self.piece(stream, 3, self.body[middle:].upper(), True)
        elif 3 in parts:
            self.say(stream, field(2, b""))
        elif 5 in parts:
            body = protobuf_wire.one(message, 5, 1) or b""
            self.piece(stream, 4, body.upper(), bool(protobuf_wire.one(message, 5, 2)))


class Shop(GrpcPeer):
    """Answers each call with the name that it was asked for, or that there is none."""

    def answer(self, stream, path, message):
        name = (protobuf_wire.one(message, 1) or b"").decode()
        self.begin(stream)
        if path == "/shop.Shop/Get" and name == "none":
            return self.finish(stream, ("grpc-message", "no such"), status="5")
        for _ in range(2 if path == "/shop.Shop/List" else 1):
            self.say(stream, field(1, name))
        self.finish(stream)


def shop_descriptors():
    """A FileDescriptorSet: shop.Shop has Get and, as a stream, List, of shop.Item { name }."""
    name = field(1, "name") + field(3, 1) + field(4, 1) + field(5, 9) + field(10, "name")
    rules = {"Get": field(2, "/items/{name}") + field(11, field(4, "/items") + field(7, "*")), "List": field(2, "/list/{name}")}
    methods = b"".join(
        field(2, field(1, method) + field(2, ".shop.Item") + field(3, ".shop.Item") + field(4, field(72295728, rule))
              + (field(6, 1) if method == "List" else b"")) for method, rule in rules.items())
    file = field(1, "shop.proto") + field(2, "shop") + field(4, field(1, "Item") + field(2, name))
    return field(1, file + field(6, field(1, "Shop") + methods) + field(12, "proto3"))


class GrpcPeersTest(unittest.TestCase):
    binary = ""
    page = None

    def start(self, http_filter, clusters):
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            manager={"http_filters": [http_filter, ROUTER]}, clusters=clusters))
        self.addCleanup(running.__exit__)
        return running

    @staticmethod
    def ask(running, *fields, method="GET", path="/", body=b""):
        with wire.connect(running.port) as sock:
            length = [f"Content-Length: {len(body)}"] if body else []
            sock.sendall("\r\n".join([f"{method} {path} HTTP/1.1", "Host: h", *fields, *length, "", ""]).encode() + body)
            return wire.Reader(sock).response(method)

    def processed(self, **fields):
        self.origin, self.processor = origin.Origin(), Processor()
        self.addCleanup(self.processor.close)
        config = {"@type": FILTERS + "ext_proc.v3.ExternalProcessor",
                  "grpc_service": {"envoy_grpc": {"cluster_name": "processor"}}, **fields}
        return self.start({"name": "processor", "typed_config": config}, [
            bootstrap.cluster("origin", self.origin.port), bootstrap.cluster("processor", self.processor.port, **bootstrap.http2())])

    def test_bodies_at_the_processors_pace(self):
        running = self.processed(processing_mode={
            "request_body_mode": "FULL_DUPLEX_STREAMED", "request_trailer_mode": "SEND",
            "response_body_mode": "FULL_DUPLEX_STREAMED", "response_trailer_mode": "SEND"})
        body = b"body" * 20000
        response = self.ask(running, method="POST", path="/echo", body=body)
        self.assertEqual(response["status"], 200)
        self.assertEqual(response["body"], "ORIGIN")
        [seen] = self.origin.take_seen()
        self.assertEqual(seen["body"], body.decode().upper())
        self.assertIn(("x-picked", str(len(body))), seen["headers"])

    def shop(self, **fields):
        shop = Shop()
        self.addCleanup(shop.close)
        config = {"@type": FILTERS + "grpc_json_transcoder.v3.GrpcJsonTranscoder", "services": ["shop.Shop"],
                  "proto_descriptor_bin": base64.b64encode(shop_descriptors()).decode(), **fields}
        return self.start({"name": "transcoder", "typed_config": config},
                          [bootstrap.cluster("origin", shop.port, **bootstrap.http2())])

    def test_json_clients(self):
        running = self.shop(convert_grpc_status=True)
        response = self.ask(running, path="/items/a%20b")
        self.assertEqual((response["status"], json.loads(response["body"])), (200, {"name": "a b"}))
        response = self.ask(running, method="POST", path="/items", body=b'{"name": "c"}')
        self.assertEqual((response["status"], json.loads(response["body"])), (200, {"name": "c"}))
        response = self.ask(running, path="/items/none")
        self.assertEqual((response["status"], json.loads(response["body"])), (404, {"code": 5, "message": "no such"}))
        response = self.ask(running, path="/list/x")
        self.assertEqual((response["status"], json.loads(response["body"])), (200, [{"name": "x"}, {"name": "x"}]))
        self.assertEqual(self.ask(running, method="POST", path="/items", body=b"{")["status"], 400)

    def test_the_configuration_of_the_page_loads(self):
        block, = report.yaml_blocks(self.page.parent / "grpc_json_transcoder.md")  # They stand in one folder.
        config = bootstrap.bootstrap(manager={"http_filters": [yaml.safe_load(block), ROUTER]}, clusters=[bootstrap.cluster("origin", 1)])
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(config, file)
            file.flush()
            done = subprocess.run([self.binary, "-c", file.name, "--mode", "validate"], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    report.main_of_page("grpc_peers", GrpcPeersTest)
