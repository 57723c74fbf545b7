"""The load: wrk, h2load and hey, each started on a CPU of its own; and connections that keep quiet."""

import re
import socket
import ssl
import subprocess
import sys

import peers

HOST = "bench.test"
STREAMS = 32  # Of an h2load connection.
HANDSHAKES_PER_SECOND = 1500  # Of which a run of hey makes `seconds` times as many.


class Clients:
    """The load on one port. Errors end the whole run: a figure with failures in it means nothing."""

    def __init__(self, port, cpu, environment):
        self.port, self.cpu, self.environment = port, cpu, environment
        self.rate = 5000  # Requests a second that h2load is reckoned to reach; the warm-up corrects it.

    def run(self, scenario, seconds):
        """{requests, rps, p99}."""
        return getattr(self, scenario.load)(scenario, seconds)

    def url(self, scenario):
        return f"{'https' if scenario.tls else 'http'}://127.0.0.1:{self.port}{peers.path_of(scenario.body_bytes)}"

    def output(self, *command):
        return subprocess.run(["taskset", "-c", str(self.cpu), *command], capture_output=True, text=True, check=True,
                              env=self.environment).stdout

    def wrk(self, scenario, seconds):
        out = self.output("wrk", "-t1", f"-c{scenario.connections}", f"-d{seconds}s", "--latency", "-H", f"Host: {HOST}",
                          self.url(scenario))
        requests = int(re.search(r"(\d+) requests in", out).group(1))
        if "Non-2xx" in out or "Socket errors" in out or requests == 0:
            sys.exit(f"bench: the load met errors:\n{out}")
        return {"requests": requests,
                "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
                "p99": re.search(r"99%\s+(\S+)", out).group(1)}

    def h2load(self, scenario, seconds):
        count = max(int(self.rate * seconds), 10000)
        out = self.output("h2load", "-t1", f"-c{scenario.connections}", f"-m{STREAMS}", f"-n{count}", "-H", f":authority: {HOST}",
                          self.url(scenario))
        if int(re.search(r"(\d+) 2xx", out).group(1)) != count:
            sys.exit(f"bench: the load met errors:\n{out}")
        self.rate = float(re.search(r"([\d.]+) req/s", out).group(1))
        return {"requests": count, "rps": self.rate, "p99": ""}

    def hey(self, scenario, seconds):
        count = HANDSHAKES_PER_SECOND * seconds // scenario.connections * scenario.connections
        out = self.output("hey", "-cpus", "1", "-n", str(count), "-c", str(scenario.connections), "-disable-keepalive",
                          "-disable-compression", "-host", HOST, self.url(scenario))
        done = int((re.search(r"\[200\]\s+(\d+) responses", out) or [0, 0])[1])
        if done != count:
            sys.exit(f"bench: {done} of {count} handshakes:\n{out}")
        return {"requests": count, "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), "p99": ""}


class QuietConnection:
    """A connection that made one request. Any client would do, but thousands must fit into one process."""

    def __init__(self, port, scenario, context):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        if scenario.tls:
            self.sock = context.wrap_socket(self.sock)
        self.http2 = scenario.http2
        if self.http2:
            self.sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(4, 0, 0))
        self.stream = 1
        self.ask()

    @staticmethod
    def frame(kind, flags, stream, payload=b""):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                sys.exit("bench: an idle connection was closed")
            data += more
        return data

    def ask(self):
        if not self.http2:
            self.sock.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            got = b""
            while len(got.partition(b"\r\n\r\n")[2]) < peers.BODY_BYTES:
                got += self.read(1) if not got else self.sock.recv(65536)
            return
        # GET, http and / by the static table; the authority as a literal (RFC 7541, appendix A).
        block = b"\x82\x86\x84\x01" + bytes([len(HOST)]) + HOST.encode()
        self.sock.sendall(self.frame(1, 5, self.stream, block))
        body = 0
        while True:
            head = self.read(9)
            payload = self.read(int.from_bytes(head[:3], "big"))
            if head[3] == 4 and not head[4] & 1:
                self.sock.sendall(self.frame(4, 1, 0))
            if head[3] == 0:
                body += len(payload)
            if head[3] in (3, 7):
                sys.exit("bench: an idle connection was refused")
            if head[3] in (0, 1) and head[4] & 1:
                break
        if body != peers.BODY_BYTES:
            sys.exit(f"bench: {body} octets came")
        self.stream += 2

    def close(self):
        self.sock.close()


def quiet_context():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
