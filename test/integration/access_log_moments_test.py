"""When the real binary writes entries of access logs, besides at the end. Envoy 1.40 passes the same cases.

  access_log_moments_test.py --proxy BINARY [CASE...]
"""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

FILE_LOG = bootstrap.TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog"
TCP = bootstrap.TYPE + "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
LINE = "%ACCESS_LOG_TYPE% %RESPONSE_CODE% %RESP(:status)% %DURATION%\n"


class MomentsTest(unittest.TestCase):
    binary = ""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="logs-")
        self.addCleanup(folder.cleanup)
        self.log = pathlib.Path(folder.name) / "log"
        self.origin = origin.Origin()

    def logged(self, chosen=None, line=LINE):
        entry = {"name": "file", "typed_config": {
            "@type": FILE_LOG, "path": str(self.log), "log_format": {"text_format_source": {"inline_string": line}}}}
        return [{**entry, **({"filter": {"log_type_filter": chosen}} if chosen else {})}]

    def start(self, manager, chosen=None):
        config = bootstrap.bootstrap(manager={"access_log": self.logged(chosen), **manager},
                                     clusters=[bootstrap.cluster("origin", self.origin.port)])
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        return running

    def lines(self):
        return [line.split(" ") for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def wait(self, running, count):
        return running.wait(lambda: len(self.lines()) >= count and self.lines())

    @staticmethod
    def send(sock, path, *fields):
        sock.sendall("".join(line + "\r\n" for line in (f"GET {path} HTTP/1.1", "Host: h", *fields, "")).encode())


class HttpTest(MomentsTest):
    def test_new_request(self):
        for manager in ({"access_log_options": {"flush_access_log_on_new_request": True}},
                        {"flush_access_log_on_new_request": True}):
            running = self.start(manager)
            with wire.connect(running.port) as sock:
                self.send(sock, "/")
                self.assertEqual(wire.Reader(sock).response("GET")["status"], 200)
            lines = self.wait(running, 2)
            self.assertEqual([line[:3] for line in lines], [["DownstreamStart", "0", "-"], ["DownstreamEnd", "200", "200"]])
            self.log.unlink()

    def test_at_intervals(self):
        running = self.start({"access_log_options": {"access_log_flush_interval": "0.02s"}})
        with wire.connect(running.port) as sock:
            self.send(sock, "/silent")
            lines = self.wait(running, 3)
        self.assertEqual({(line[0], line[1]) for line in lines[:3]}, {("DownstreamPeriodic", "0")})
        durations = [int(line[3]) for line in lines[:3]]
        self.assertEqual(durations, sorted(durations))
        running.wait(lambda: self.lines()[-1][0] == "DownstreamEnd")

    def test_tunnel(self):
        running = self.start({"access_log_options": {"flush_log_on_tunnel_successfully_established": True},
                              "upgrade_configs": [{"upgrade_type": "websocket"}]})
        for path, types in (("/upgrade", ["DownstreamTunnelSuccessfullyEstablished", "DownstreamEnd"]),
                            ("/refuse-upgrade", ["DownstreamEnd"])):
            with wire.connect(running.port) as sock:
                self.send(sock, path, "Connection: Upgrade", "Upgrade: websocket")
                while sock.recv(4096) and path == "/upgrade":
                    pass
            self.assertEqual([line[0] for line in self.wait(running, len(types))], types)
            self.log.write_text("")

    def test_filter(self):
        running = self.start({"access_log_options": {"flush_access_log_on_new_request": True}},
                             chosen={"types": ["DownstreamStart"]})
        with wire.connect(running.port) as sock:
            reader = wire.Reader(sock)
            for _ in range(2):
                self.send(sock, "/")
                reader.response("GET")
        self.assertEqual([line[0] for line in self.wait(running, 2)], ["DownstreamStart"] * 2)

    def test_the_old_fields_do_not_stand_beside_the_new(self):
        with self.assertRaisesRegex(RuntimeError, "flush_access_log_on_new_request"):
            self.start({"access_log_options": {}, "flush_access_log_on_new_request": True})


class TcpTest(MomentsTest):
    def test_types(self):
        chain = {"filters": [{"name": "tcp", "typed_config": {
            "@type": TCP, "stat_prefix": "tcp", "cluster": "origin", "access_log": self.logged(line="%ACCESS_LOG_TYPE%\n"),
            "access_log_options": {"flush_access_log_on_start": True, "flush_access_log_on_connected": True}}}]}
        listener = {"name": "main", "address": bootstrap.address(0), "filter_chains": [chain]}
        running = proxy.Proxy(self.binary, bootstrap.of([listener], [bootstrap.cluster("origin", self.origin.port)]))
        self.addCleanup(running.__exit__)
        with wire.connect(running.port) as sock:
            self.send(sock, "/")
            self.assertEqual(wire.Reader(sock).response("GET")["status"], 200)
        self.assertEqual([line[0] for line in self.wait(running, 3)],
                         ["TcpConnectionStart", "TcpUpstreamConnected", "TcpConnectionEnd"])


if __name__ == "__main__":
    report.main_of_page("access_log_moments", MomentsTest)
