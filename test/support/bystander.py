"""Traffic that must not notice what a test does meanwhile: well-behaved clients who ask again and again."""

import threading

import h2wire
import wire


class Bystander:
    """A client on one kept connection; use as a context. `ask` makes one request and returns what was
    wrong with the answer, or an empty text."""

    def __init__(self, port):
        self.port = port
        self.failures = []
        self.answered = 0
        self.stopped = threading.Event()
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.wait_for(1)
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()

    def run(self):
        try:
            with wire.connect(self.port) as sock:
                self.connected(sock)
                while not self.stopped.is_set() and not self.failures:
                    problem = self.ask()
                    with self.changed:
                        if problem:
                            self.failures.append(problem)
                        self.answered += 1
                        self.changed.notify_all()
        except OSError as error:
            with self.changed:
                self.failures.append(str(error))
                self.changed.notify_all()

    def wait_for(self, more):
        """Until so many more answers came, or one failed."""
        with self.changed:
            goal = self.answered + more
            self.changed.wait_for(lambda: self.answered >= goal or self.failures, wire.PATIENCE_S)
            if self.answered < goal and not self.failures:
                self.failures.append(f"no answer for {wire.PATIENCE_S} s")


class Http1Bystander(Bystander):
    def connected(self, sock):
        self.sock, self.reader = sock, wire.Reader(sock)

    def ask(self):
        self.sock.sendall(b"GET /bystander HTTP/1.1\r\nHost: bystander.example\r\n\r\n")
        answer = self.reader.response("GET")
        if answer is None:
            return f"HTTP/1.1: connection {self.reader.ended}"
        return "" if (answer["status"], answer["body"]) == (200, "origin") else f"HTTP/1.1: {answer}"


class Http2Bystander(Bystander):
    def connected(self, sock):
        self.connection = h2wire.Connection(sock)

    def ask(self):
        answer = self.connection.get("/bystander")
        if self.connection.goaway or self.connection.ended:
            return f"HTTP/2: connection {self.connection.ended}, GOAWAY {self.connection.goaway}"
        self.connection.streams.clear()
        return "" if (answer.status, answer.body) == (200, b"origin") else f"HTTP/2: {answer.headers} {answer.body}"
