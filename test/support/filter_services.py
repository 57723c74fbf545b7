"""The program filter_services (tools/deps/services): services on grpc-go that filters and access loggers of a
proxy ask, whose answers stand in the requests that they are asked about."""

import argparse
import json
import queue
import subprocess
import threading
import unittest

import bootstrap
import origin
import proxy
import report
import wire

ROUTER = {"name": "envoy.filters.http.router", "typed_config": {"@type": bootstrap.ROUTER}}
CLUSTER = {"envoy_grpc": {"cluster_name": "services"}}


class FilterServices:
    """One running program, and what it has told."""

    def __init__(self, binary, port=0):
        self.process = subprocess.Popen([binary, f"127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        self.port = int(self.wait("listening").rpartition(":")[2])

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def wait(self, wanted):
        """What follows the word `wanted` on the next line that begins with it; lines before it are dropped."""
        while True:
            word, _, rest = self.lines.get(timeout=wire.PATIENCE_S).partition(" ")
            if word == wanted:
                return rest
            if word == "error":
                raise RuntimeError(rest)

    def wait_message(self, wanted):
        return json.loads(self.wait(wanted))

    def wait_part(self, kind):
        """The next message that a processor was sent of this kind ("request_headers", …)."""
        while True:
            message = self.wait_message("process")
            if kind in message:
                return message[kind]

    def wait_end(self):
        """Until a stream is over: ended by the caller, or reset by it once the request was (which Envoy does too)."""
        while True:
            word, _, rest = self.lines.get(timeout=wire.PATIENCE_S).partition(" ")
            if word == "closed" or word == "lost" and "Canceled" in rest:
                return

    def kill(self):
        """At once, whatever it is about."""
        self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        self.process.stdout.close()


class ServicesTest(unittest.TestCase):
    """What tests of the real binary and these services have in common."""

    binary = ""
    program = ""

    def setUp(self):
        self.origin = origin.Origin()
        self.services = FilterServices(self.program)
        self.addCleanup(lambda: self.services.close())

    def restart_services(self):
        """On the port that they had."""
        port = self.services.port
        self.services.close()
        self.services = FilterServices(self.program, port)

    def start(self, http_filter=None, manager=None, clusters=(), listeners=None, **more):
        """One listener with this filter, to the origin, or these; `services` is the cluster of the services."""
        known = {cluster["name"] for cluster in clusters}
        ours = [bootstrap.cluster("origin", self.origin.port),
                bootstrap.cluster("services", self.services.port, **bootstrap.http2())]
        filters = [*([http_filter] if http_filter else []), ROUTER]
        running = proxy.Proxy(self.binary, bootstrap.of(
            listeners or [bootstrap.listener("main", {"http_filters": filters, **(manager or {})}, **more)],
            [*(cluster for cluster in ours if cluster["name"] not in known), *clusters]))
        self.addCleanup(running.__exit__)
        return running

    @staticmethod
    def send(sock, *fields, method="GET", path="/", body=b""):
        length = [f"Content-Length: {len(body)}"] if body else []
        sock.sendall("\r\n".join([f"{method} {path} HTTP/1.1", "Host: h", *fields, *length, "", ""]).encode() + body)

    @classmethod
    def ask(cls, running, *fields, method="GET", **more):
        """The response to one request on a connection of its own."""
        with wire.connect(running.port) as sock:
            cls.send(sock, *fields, method=method, **more)
            return wire.Reader(sock).response(method)

    def seen(self):
        """The fields of the one request that the origin has seen since the last call."""
        [request] = self.origin.take_seen()
        return request["headers"]


def values(fields, name):
    return [value for key, value in fields if key == name]


def main(suite):
    """Runs the cases of the main module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--services", required=True, help="the program filter_services")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    ServicesTest.binary, ServicesTest.program = args.proxy, args.services
    report.main(suite, args.cases)
