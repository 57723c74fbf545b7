"""Raw HTTP/1.1 over a socket, with what came back taken apart. Knows as little as it can, so that it
shows what a proxy really sent."""

import socket

# Long enough for the slowest machine; only a proxy that never answers makes a test wait for it.
PATIENCE_S = 20


class Reader:
    """Reads messages from a socket one after another."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.ended = None  # "closed", "reset" or "silent" once nothing more comes.

    def fill(self):
        if self.ended:
            return False
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            self.ended = "silent"
        except OSError:
            self.ended = "reset"
        else:
            if data:
                self.buffer += data
                return True
            self.ended = "closed"
        return False

    def line(self):
        while b"\r\n" not in self.buffer:
            if not self.fill():
                return None
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("latin-1")

    def bytes(self, size):
        while len(self.buffer) < size and self.fill():
            pass
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data.decode("latin-1")

    def fields(self):
        fields = []
        while True:
            line = self.line()
            if line is None:
                return None
            if not line:
                return fields
            name, _, value = line.partition(":")
            fields.append((name.lower(), value.strip()))

    def head(self):
        """{start, headers}, or None when the connection ends first."""
        start = self.line()
        if start is None:
            return None
        headers = self.fields()
        return None if headers is None else {"start": start, "headers": headers}

    def chunks(self, message):
        body = ""
        while True:
            size = self.line()
            if size is None:
                break
            try:
                length = int(size.split(";")[0], 16)
            except ValueError:
                break
            if length == 0:
                trailers = self.fields()
                message["trailers"] = trailers or []
                message["complete"] = trailers is not None
                return body
            data = self.bytes(length + 2)
            body += data[:length]
            if len(data) < length + 2:
                break
        message["complete"] = False
        return body

    def body(self, message, bodiless=False, is_response=False):
        headers = dict(message["headers"])
        message["trailers"] = []
        message["complete"] = True
        if bodiless:
            message["body"] = ""
        elif headers.get("transfer-encoding", "").lower() == "chunked":
            message["body"] = self.chunks(message)
        elif headers.get("content-length", "").isdigit():
            length = int(headers["content-length"])
            message["body"] = self.bytes(length)
            message["complete"] = len(message["body"]) == length
        elif is_response:
            while self.fill():
                pass
            message["body"] = self.bytes(len(self.buffer))
            message["complete"] = self.ended == "closed"
        else:
            message["body"] = ""
        return message

    def response(self, method):
        message = self.head()
        if message is None:
            return None
        parts = message["start"].split(" ")
        status = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
        message["status"] = status
        if status == 101 or (method == "CONNECT" and 200 <= status < 300):
            message.update(body="", trailers=[], complete=True)
            return message
        bodiless = method == "HEAD" or status in (204, 304) or 100 <= status < 200
        return self.body(message, bodiless, is_response=True)


def connect(port):
    sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
