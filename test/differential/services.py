"""What the groups of filters talk to: an origin that answers as the path says, and services of HTTP and gRPC
that decide by what they are asked. Each remembers what it was asked."""

import gzip
import urllib.parse

import h2wire
import origin
import protobuf_wire

TEXT = "the quick brown fox jumps over the lazy dog. "


class MadeOrigin(origin.Origin):
    """Of /made?name=value&...: the answer has those fields. ":status" is its status, ":size" that of its body, ":gzip"
    has it compressed, ":chunked" sent in chunks. All else is as an Origin has it."""

    def answer(self, sock, request):
        method, target = request["start"].split(" ")[:2]
        path, _, query = target.partition("?")
        if not path.startswith("/made"):
            return super().answer(sock, request)
        fields = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        status, size = fields.pop(":status", "200"), int(fields.pop(":size", "1000"))
        body = (TEXT * (size // len(TEXT) + 1))[:size].encode()
        if fields.pop(":gzip", None):
            body = gzip.compress(body, mtime=0)
            fields["content-encoding"] = "gzip"
        chunked = fields.pop(":chunked", None)
        fields |= {"transfer-encoding": "chunked"} if chunked else {"content-length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        if chunked:
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        sock.sendall(f"HTTP/1.1 {status} Made\r\n{head}\r\n".encode() + (b"" if method == "HEAD" else body))
        return True


class HttpService(origin.Origin):
    """An authorization service: 200 unless the path has "deny", "redirect", "broken" or "odd"."""

    ANSWERS = {
        "deny": "403 No\r\nx-reason: because\r\nx-other: 1\r\nset-cookie: a=1\r\ncontent-length: 6\r\n\r\ndenied",
        "redirect": "302 Go\r\nlocation: https://login.example/\r\ncontent-length: 0\r\n\r\n",
        "broken": "503 Busy\r\ncontent-length: 4\r\n\r\nbusy",
        "odd": "401 Who\r\nwww-authenticate: Basic\r\nx-odd: 1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nwho\r\n0\r\n\r\n",
        "": "200 OK\r\nx-user: me\r\nx-team: a\r\nx-other: 1\r\nx-client: 2\r\nset-cookie: a=1\r\ncontent-length: 2\r\n\r\nok",
    }

    def answer(self, sock, request):
        text = next(text for word, text in self.ANSWERS.items() if word in request["start"])
        sock.sendall(("HTTP/1.1 " + text).encode())
        return True


def field(number, value):
    """One field of a protobuf message: numbers as varints, all else with its length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def message(*fields):
    return b"".join(field(number, value) for number, value in fields)


def varint(value):
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def option(name, value, action=None, append=None, raw=False):
    """A HeaderValueOption."""
    parts = [(1, message((1, name), (3 if raw else 2, value)))]
    parts += [(2, message((1, append)) if append else b"")] if append is not None else []
    return message(*parts, *([(3, action)] if action is not None else []))


def tree(data):
    """A message whose type is not known, as far as it can be guessed: nested dicts by field number."""
    try:
        text = data.decode()
        if text.isprintable():
            return text
    except UnicodeDecodeError:
        pass
    try:
        return {str(number): [value if isinstance(value, int) else tree(value) for value in values]
                for number, values in protobuf_wire.fields(data).items()}
    except (ValueError, IndexError):
        return data.hex()


class GrpcService(origin.Origin):
    """Answers each message of a call with what `decide(path, message)` returns, if anything, and ends the call when
    the client does. Of what comes, `take_seen` has path and message."""

    def __init__(self, decide):
        self.decide = decide
        super().__init__()

    def serve(self, sock):
        with sock:
            connection = h2wire.Connection(sock, server=True)
            if connection.bytes(len(h2wire.PREFACE)) == h2wire.PREFACE:
                while connection.read() is not None:
                    for stream, call in list(connection.streams.items()):
                        self.advance(connection, stream, call)

    def advance(self, connection, stream, call):
        if call.reset is not None or not call.headers:
            return
        path = dict(call.headers)[":path"]
        while len(call.body) >= 5 and len(call.body) >= 5 + int.from_bytes(call.body[1:5], "big"):
            size = int.from_bytes(call.body[1:5], "big")
            asked = bytes(call.body[5:5 + size])
            del call.body[:5 + size]
            self.remember((path, asked))
            answer = self.decide(path, asked)
            if not getattr(call, "begun", False):
                call.begun = True
                connection.send(h2wire.headers(stream, [(":status", "200"), ("content-type", "application/grpc")]))
            if answer is not None:
                connection.send_body(stream, b"\0" + len(answer).to_bytes(4, "big") + answer, end=False)
        if call.ended and not getattr(call, "answered", False):
            call.answered = True
            connection.send(h2wire.headers(stream, [("grpc-status", "0")], end=True))


def decode_body(response):
    """What a compressed body stands for: compressors may differ in their bytes."""
    encoding = dict(response["headers"]).get("content-encoding")
    if encoding == "gzip" and response["body"]:
        try:
            return "gzip of " + gzip.decompress(response["body"].encode("latin-1")).decode("latin-1")
        except (EOFError, OSError) as error:
            return f"bad gzip: {error}"
    return f"some {encoding}" if encoding in ("br", "zstd") else response["body"]
