"""Stats that are sent somewhere, through the real binary: to what hears statsd's lines as datagrams or over TCP, and to
a metrics service.

  stat_sinks_test.py --proxy BINARY --page stats_sinks.md [CASE...]
"""

import json
import os
import pathlib
import queue
import re
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import h2wire  # noqa: E402
import protobuf_wire  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import tcp  # noqa: E402
import wire  # noqa: E402

METRICS = "envoy.config.metrics.v3."
GRAPHITE = "envoy.extensions.stat_sinks.graphite_statsd.v3.GraphiteStatsdSink"


def sink(kind, **fields):
    return {
  "name" : "sink", "typed_config" : { "@type" : bootstrap.TYPE + kind, **fields }
}

class Ear:
    """Hears datagrams."""

    def __init__(self, path=None):
        self.sock = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sock.bind(path or ("127.0.0.1", 0))
        self.sock.settimeout(wire.PATIENCE_S)

    def address(self):
        return {
  "socket_address" : {
    "address" : "127.0.0.1", "port_value" : self.sock.getsockname()[1], "protocol" : "UDP"
  }}

    def until(self, wanted):
        """The datagrams up to the first one with a line that the pattern matches."""
        came = []
        while not any(re.search(wanted, line) for line in came[-1:] for line in line.split("\n")):
            came.append(self.sock.recv(1 << 16).decode())
        return came


class StatSinksTest(unittest.TestCase):
    binary = None
    page = None

    def start(self, *sinks, clusters=()):
        config = bootstrap.bootstrap(routes=[bootstrap.direct({"prefix": "/"}, "hello")],
                                     clusters=[bootstrap.cluster("origin", 1), *clusters])
        config.update(stats_sinks=sinks, stats_flush_interval="0.05s", node={"id": "edge-1", "cluster": "edge"})
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        return running

    def ear(self, path=None):
        ear = Ear(path)
        self.addCleanup(ear.sock.close)
        return ear

    @staticmethod
    def ask(port):
        with wire.connect(port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            return wire.Reader(sock).response("GET")

    def test_each_line_is_a_datagram(self):
        ear = self.ear()
        running = self.start(sink(METRICS + "StatsdSink", address=ear.address()))
        self.ask(running.port)
        came = ear.until(r"^envoy\.http\.main\.downstream_rq_total:1\|c$")
        self.assertFalse([each for each in came if "\n" in each])
        ear.until(r"^envoy\.http\.main\.downstream_rq_total:0\|c$")
        ear.until(r"^envoy\.server\.live:1\|g$")
        self.assertGreater(running.stats()["statsd.lines_sent"], 0)

    def test_a_histogram_is_timers(self):
        ear = self.ear()
        running = self.start(sink(METRICS + "StatsdSink", address=ear.address(), prefix="a.b"))
        self.ask(running.port)
        ear.until(r"^a\.b\.http\.main\.downstream_rq_time:\d+\|ms$")

    def test_lines_share_datagrams_and_have_tags(self):
        ear = self.ear()
        running = self.start(sink(METRICS + "DogStatsdSink", address=ear.address(), max_bytes_per_datagram=1000))
        self.ask(running.port)
        came = ear.until(r"^envoy\.http\.downstream_rq_total:1\|c\|#envoy\.http_conn_manager_prefix:main$")
        self.assertTrue([each for each in came if "\n" in each])
        self.assertLessEqual(max(len(each) for each in came), 1000)

    def test_over_a_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            ear = self.ear(path)
            self.start(sink(METRICS + "DogStatsdSink", address={"pipe": {"path": path}}))
            ear.until(r"^envoy\.server\.live:1\|g$")

    def test_tags_in_names(self):
        ear = self.ear()
        running = self.start(sink(GRAPHITE, address=ear.address(), prefix="edge"))
        self.ask(running.port)
        ear.until(r"^edge\.http\.downstream_rq_total;envoy\.http_conn_manager_prefix=main:1\|c$")

    def test_nobody_listens(self):
        path = os.path.join(tempfile.gettempdir(), "nobody-is-here")
        running = self.start(sink(METRICS + "DogStatsdSink", address={"pipe": {"path": path}}))
        running.wait(lambda: running.stats()["statsd.lines_dropped"])
        self.assertEqual(self.ask(running.port)["status"], 200)

#Over TCP.

    def statsd(self):
        listener = tcp.Origin()
        self.addCleanup(listener.close)
        return listener, bootstrap.cluster("statsd", listener.port), sink(
            METRICS + "StatsdSink", tcp_cluster_name="statsd")

    @staticmethod
    def lines_until(file, wanted):
        lines = []
        while not lines or not re.search(wanted, lines[-1]):
            lines.append(file.readline().rstrip("\n"))
        return lines

    def test_lines_over_a_connection(self):
        listener, cluster, statsd = self.statsd()
        running = self.start(statsd, clusters=[cluster])
        sock = listener.accept()
        self.addCleanup(sock.close)
        self.ask(running.port)
        with sock.makefile() as file:
            self.lines_until(file, r"^envoy\.http\.main\.downstream_rq_total:1\|c$")
            self.lines_until(file, r"^envoy\.http\.main\.downstream_rq_total:0\|c$")
        self.assertEqual(running.stats()["cluster.statsd.upstream_cx_total"], 1)

    def test_a_connection_that_broke_is_made_anew(self):
        listener, cluster, statsd = self.statsd()
        self.start(statsd, clusters=[cluster])
        for end in (tcp.reset, socket.socket.close):
            sock = listener.accept()
            with sock.makefile() as file:
                self.lines_until(file, r"^envoy\.server\.live:1\|g$")
            end(sock)
        sock = listener.accept()
        with sock.makefile() as file:
            self.lines_until(file, r"^envoy\.server\.live:1\|g$")
        sock.close()

    def test_a_statsd_that_is_not_there(self):
        port, keeper = tcp.closed_port()
        self.addCleanup(keeper.close)
        running = self.start(sink(METRICS + "StatsdSink", tcp_cluster_name="statsd"),
                             clusters=[bootstrap.cluster("statsd", port)])
        running.wait(lambda: running.stats()["statsd.lines_dropped"])
        self.assertEqual(self.ask(running.port)["status"], 200)

#The metrics service.

    def serve(self, sock, came):
        tcp.exactly(sock, len(h2wire.PREFACE))
        connection = h2wire.Connection(sock, server=True)
        message = connection.message(1)
        while connection.wait(lambda: len(message.body) >= 5):
            size = int.from_bytes(message.body[1:5], "big")
            if not connection.wait(lambda size=size: len(message.body) >= 5 + size):
                return
            came.put((message.field(":path"), bytes(message.body[5:5 + size])))
            del message.body[:5 + size]

    def service(self, **fields):
        came = queue.Queue()
        service = tcp.Origin(lambda sock: self.serve(sock, came))
        self.addCleanup(service.close)
        running = self.start(
            sink(METRICS + "MetricsServiceConfig", transport_api_version="V3",
                 grpc_service={"envoy_grpc": {"cluster_name": "metrics"}}, **fields),
            clusters=[bootstrap.cluster("metrics", service.port, **bootstrap.http2())])
        return running, came

    @staticmethod
    def families(message):
        """{name: (type, metric)} of a StreamMetricsMessage."""
        found = {}
        for family in protobuf_wire.fields(message).get(2, []):
            fields = protobuf_wire.fields(family)
            found.setdefault(fields[1][0].decode(), {})[fields[3][0]] = protobuf_wire.fields(fields[4][0])
        return found

    def test_one_stream_with_one_identifier(self):
        running, came = self.service()
        path, message = came.get(timeout=wire.PATIENCE_S)
        self.assertEqual(path, "/envoy.service.metrics.v3.MetricsService/StreamMetrics")
        self.assertEqual(protobuf_wire.one(message, 1, 1, 1), b"edge-1")
        self.ask(running.port)
        while True:
            message = came.get(timeout=wire.PATIENCE_S)[1]
            self.assertNotIn(1, protobuf_wire.fields(message))
            families = self.families(message)
            if "http.main.downstream_rq_time" in families:
                break
        self.assertEqual(set(families["http.main.downstream_rq_time"]), {2, 4})
        self.assertEqual(set(families["http.main.downstream_rq_total"]), {0})
        self.assertEqual(running.stats()["metrics_service.streams"], 1)

    def test_labels_deltas_and_batches(self):
        running, came = self.service(emit_tags_as_labels=True, report_counters_as_deltas=True, batch_size=3,
                                     histogram_emit_mode="SUMMARY")
        self.ask(running.port)
        one = protobuf_wire.fields(bytes([9]) + b"\0\0\0\0\0\0\xf0\x3f")[1][0]
        while True:
            message = came.get(timeout=wire.PATIENCE_S)[1]
            families = self.families(message)
            self.assertLessEqual(len(protobuf_wire.fields(message)[2]), 3)
            counter = families.get("http.downstream_rq_total", {}).get(0)
            if counter and protobuf_wire.fields(counter[3][0])[1] == [one]:
                break
        label = protobuf_wire.fields(counter[1][0])
        self.assertEqual((label[1], label[2]), ([b"envoy.http_conn_manager_prefix"], [b"main"]))

#Configuration.

    def validate(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([self.binary, "--mode", "validate", "-c", file.name], capture_output=True, check=False)
        return done.returncode, (done.stdout + done.stderr).decode()

    def test_the_bootstrap_of_the_page_is_valid(self):
        blocks = report.yaml_blocks(self.page)
        self.assertEqual(len(blocks), 1)
        code, words = self.validate(blocks[0])
        self.assertEqual(code, 0, words)

    def test_what_cannot_be_is_refused(self):
        here = {"socket_address": {"address": "127.0.0.1", "port_value": 1}}
        for wrong, word in (
                (sink(METRICS + "StatsdSink", tcp_cluster_name="nobody"), "tcp_cluster_name: value nobody"),
                (sink(METRICS + "StatsdSink", address={"socket_address": {"address": "a.b", "port_value": 1}}),
                 "stats_sinks[0].typed_config.address.socket_address.address: value a.b"),
                (sink(METRICS + "DogStatsdSink", address=here, max_bytes_per_datagram=70000),
                 "max_bytes_per_datagram: value 70000"),
                (sink(METRICS + "StatsdSink"), "statsd_specifier"),
                (sink(METRICS + "HystrixSink"), "is not implemented"),
                (sink(METRICS + "MetricsServiceConfig", transport_api_version="V3",
                      grpc_service={"envoy_grpc": {"cluster_name": "nobody"}}), "cluster_name: value nobody")):
            code, words = self.validate(json.dumps({"stats_sinks": [wrong]}))
            self.assertEqual(code, 1, words)
            self.assertIn(word, words)


if __name__ == "__main__":
    report.main_of_page("stat_sinks", StatSinksTest)
