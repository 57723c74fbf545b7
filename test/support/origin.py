"""An HTTP/1.1 origin: answers by path, remembers what it was sent."""

import socket
import struct
import threading

import wire

OK = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 6\r\n\r\norigin"

# Answers by the path's first segment. "CLOSE" and "RESET" at the end say what becomes of the
# connection; "SILENT" leaves the request without an answer.
SCRIPTS = {
    "chunked": "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    "trailers": "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 3\r\n\r\n",
    "204": "HTTP/1.1 204 No Content\r\nx-a: b\r\n\r\n",
    "304": "HTTP/1.1 304 Not Modified\r\netag: \"e\"\r\n\r\n",
    "304-length": "HTTP/1.1 304 Not Modified\r\ncontent-length: 10\r\n\r\n",
    "404": "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\ngone",
    "500": "HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",
    "503": "HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy",
    "until-close": "HTTP/1.1 200 OK\r\n\r\nall there isCLOSE",
    "says-close": "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n\r\nbyeCLOSE",
    "http10": "HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\noldCLOSE",
    "103": "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK,
    "100": "HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "close": "CLOSE",
    "reset": "RESET",
    "cut-head": "HTTP/1.1 200 OK\r\ncontent-CLOSE",
    "cut-body": "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalfCLOSE",
    "cut-chunk": "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabCLOSE",
    "two-lengths": "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcdCLOSE",
    "same-lengths": "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabcCLOSE",
    "length-and-chunked":
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nCLOSE",
    "bad-status": "HTTP/1.1 abc OK\r\n\r\nCLOSE",
    "no-reason": "HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok",
    "no-reason-space": "HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok",
    "bad-chunk": "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nCLOSE",
    "fold": "HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\ncontent-length: 0\r\n\r\nCLOSE",
    "nul": "HTTP/1.1 200 OK\r\nx-a: b\0c\r\ncontent-length: 0\r\n\r\nCLOSE",
    "bare-lf": "HTTP/1.1 200 OK\nx-a: b\ncontent-length: 0\n\nCLOSE",
    "garbage": "this is not HTTP\r\n\r\nCLOSE",
    "extra": "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokEXTRA",
    "many-headers": "HTTP/1.1 200 OK\r\n" + "".join(f"x-{i}: v\r\n" for i in range(120)) + "content-length: 0\r\n\r\n",
    "large-head": "HTTP/1.1 200 OK\r\nx-large: " + "v" * 70000 + "\r\ncontent-length: 0\r\n\r\n",
    "hop": "HTTP/1.1 200 OK\r\nconnection: x-mine\r\nx-mine: 1\r\nkeep-alive: timeout=5\r\nproxy-connection: keep-alive\r\n"
           "upgrade: h2c\r\ncontent-length: 0\r\n\r\n",
    "cookies": "HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\n",
    "server": "HTTP/1.1 200 OK\r\nserver: theirs\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-length: 0\r\n\r\n",
    "upgrade": "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhelloCLOSE",
    "large": "HTTP/1.1 200 OK\r\ncontent-length: 4194304\r\n\r\n" + "L" * 4194304,
    "silent": "SILENT",
    "refuse-upgrade": "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\nno",
}


class Origin:
    """Listens on a port of the kernel's choice; one thread a connection."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.seen = []
        threading.Thread(target=self.accept, daemon=True).start()

    def take_seen(self):
        """The requests since the last call."""
        with self.lock:
            seen, self.seen = self.seen, []
        return seen

    def remember(self, request):
        with self.lock:
            self.seen.append(request)

    def accept(self):
        while True:
            sock, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        reader = wire.Reader(sock)
        with sock:
            while True:
                request = reader.head()
                if request is None:
                    return
                self.remember(request)
                reader.body(request)
                try:
                    if not self.answer(sock, request):
                        return
                except OSError:
                    return

    def answer(self, sock, request):
        """False when the connection is to end."""
        parts = request["start"].split(" ")
        text = SCRIPTS.get(parts[1].strip("/").split("/")[0].split("?")[0], OK)
        if parts[0] == "HEAD":
            text = text.split("\r\n\r\n")[0] + "\r\n\r\n"
        if text.endswith("RESET"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if text == "SILENT":
            return True
        close = text.endswith("CLOSE")
        sock.sendall(text.removesuffix("CLOSE").encode("latin-1"))
        return not close


class Script(Origin):
    """Gives its answers one after another, the last one for ever; nothing for an empty one. A tuple is sent in pieces,
    each but the first once the test has let it `go`. Keeps what came with each request in `bodies`."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.bodies = []
        self.go = threading.Semaphore(0)
        super().__init__()

    def serve(self, sock):
        reader = wire.Reader(sock)
        with sock:
            while (request := reader.head()) is not None:
                reader.body(request)
                with self.lock:
                    self.bodies.append(request.get("body", ""))
                    self.seen.append(request)
                    text = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                pieces = text if isinstance(text, tuple) else (text,)
                for number, piece in enumerate(pieces):
                    if number:
                        self.go.acquire()
                    sock.sendall(piece.encode())
