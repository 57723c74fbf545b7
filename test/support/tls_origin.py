"""Origins behind TLS, and HTTP/2 origins: as origin.Origin, with what the handshake told of each request."""

import ssl
import threading

import h2wire
import origin


def server_context(pair, alpn=(), client_authority=None):
    """An ssl.SSLContext that shows a certificates.Pair, and wants a certificate of the authority if given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain, pair.key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if client_authority:
        context.load_verify_locations(client_authority.chain)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class TlsOrigin(origin.Origin):
    """Speaks TLS; HTTP/2 with whom chose it by ALPN. Each request seen has "tls": {sni, alpn, subject}."""

    def __init__(self, context):
        self.context = context
        self.names = threading.local()
        self.failures = []  # Handshakes that came to nothing.
        context.sni_callback = self.note_name
        super().__init__()

    def note_name(self, _sock, name, _context):
        self.names.sni = name

    def serve(self, sock):
        self.names.sni = None
        try:
            secure = self.context.wrap_socket(sock, server_side=True)
        except OSError as error:
            with self.lock:
                self.failures.append(str(error))
            sock.close()
            return
        certificate = secure.getpeercert() or {}
        self.names.tls = {"sni": self.names.sni, "alpn": secure.selected_alpn_protocol(),
                          "subject": {key: value for part in certificate.get("subject", ()) for key, value in part}.get("commonName")}
        try:
            if self.names.tls["alpn"] == "h2":
                Http2Session(self, secure).serve()
            else:
                super().serve(secure)
        except OSError:
            pass

    def remember(self, request):
        request["tls"] = self.names.tls
        super().remember(request)


class Http2Origin(origin.Origin):
    """Speaks HTTP/2 by prior knowledge."""

    def serve(self, sock):
        try:
            Http2Session(self, sock).serve()
        except OSError:
            pass


class Http2Session:
    """One connection of an origin: each request is answered once it is whole, as its path's script says."""

    def __init__(self, owner, sock):
        self.owner, self.sock = owner, sock
        self.answered = set()

    def serve(self):
        with self.sock:
            self.connection = h2wire.Connection(self.sock, server=True)
            if self.connection.bytes(len(h2wire.PREFACE)) != h2wire.PREFACE:
                return
            while self.connection.read() is not None:
                for stream, message in list(self.connection.streams.items()):
                    if message.ended and stream not in self.answered:
                        self.answered.add(stream)
                        self.answer(stream, message)
                    elif message.reset is not None:
                        del self.connection.streams[stream]

    def answer(self, stream, message):
        fields = dict(message.headers)
        start = f"{fields[':method']} {fields[':path']} HTTP/2"
        self.owner.remember({"start": start, "headers": message.headers, "body": message.body.decode("latin-1"),
                             "trailers": message.trailers or []})
        script = fields[":path"].strip("/").split("/")[0].split("?")[0]
        play = SCRIPTS.get(script)
        if play:
            play(self.connection, stream)
        elif script in origin.SCRIPTS:
            self.translate(stream, origin.SCRIPTS[script], fields[":method"])
        else:
            self.reply(stream, [("content-type", "text/plain"), ("content-length", "6")], b"origin", fields[":method"])

    def reply(self, stream, fields, body, method="GET", status="200"):
        bodiless = method == "HEAD" or not body
        self.connection.send(h2wire.headers(stream, [(":status", status), *fields], bodiless))
        if not bodiless:
            self.connection.send_body(stream, body)

    def translate(self, stream, text, method):
        """A script written for HTTP/1.1, as far as it means anything here."""
        head, _, body = text.removesuffix("CLOSE").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        gone = ("transfer-encoding", "connection", "keep-alive", "proxy-connection", "upgrade")
        self.reply(stream, [field for field in fields if field[0] not in gone], body.encode("latin-1"), method, start.split(" ")[1])


def trailers(connection, stream):
    connection.send(h2wire.headers(stream, [(":status", "200")]))
    connection.send_body(stream, b"abc", end=False)
    connection.send(h2wire.headers(stream, [("x-sum", "3")], True))


def trailers_only(connection, stream):
    connection.send(h2wire.headers(stream, [(":status", "200"), ("content-type", "application/grpc"),
                                            ("grpc-status", "5"), ("grpc-message", "no%20such")], True))


def early_hints(connection, stream):
    connection.send(h2wire.headers(stream, [(":status", "103"), ("link", "</a>")]))
    connection.send(h2wire.headers(stream, [(":status", "200"), ("content-length", "6")]))
    connection.send_body(stream, b"origin")


def chunked(connection, stream):
    connection.send(h2wire.headers(stream, [(":status", "200")]))
    connection.send_body(stream, b"abc", end=False)
    connection.send_body(stream, b"de")


def cut_body(connection, stream):
    connection.send(h2wire.headers(stream, [(":status", "200"), ("content-length", "10")]))
    connection.send_body(stream, b"half", end=False)
    connection.send(h2wire.rst_stream(stream, h2wire.INTERNAL_ERROR))


def short_body(connection, stream):
    connection.send(h2wire.headers(stream, [(":status", "200"), ("content-length", "10")]))
    connection.send_body(stream, b"half")


def bad_fields(*fields):
    return lambda connection, stream: connection.send(h2wire.headers(stream, list(fields), True))


# What only HTTP/2 can say, by the path's first segment.
SCRIPTS = {
    "trailers": trailers, "trailers-only": trailers_only, "103": early_hints, "chunked": chunked, "cut-body": cut_body,
    "short-body": short_body, "silent": lambda connection, stream: None,
    "reset": lambda connection, stream: connection.send(h2wire.rst_stream(stream, h2wire.INTERNAL_ERROR)),
    "refused": lambda connection, stream: connection.send(h2wire.rst_stream(stream, h2wire.REFUSED_STREAM)),
    "goaway": lambda connection, stream: connection.send(
        h2wire.frame(h2wire.GOAWAY, 0, 0, (stream - 2 if stream > 2 else 0).to_bytes(4, "big") + bytes(4))),
    "upper-case": bad_fields((":status", "200"), ("Upper", "case")),
    "connection-header": bad_fields((":status", "200"), ("connection", "close")),
    "no-status": bad_fields(("x-a", "b")),
    "two-statuses": bad_fields((":status", "200"), (":status", "200")),
    "bad-status": bad_fields((":status", "abc")),
    "bad-value": bad_fields((":status", "200"), ("x-a", "b\0c")),
    "close": lambda connection, stream: connection.sock.close(),
}
