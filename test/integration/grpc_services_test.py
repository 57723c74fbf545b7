"""gRPC services that are named by their addresses, and calls that are made again, on the real binary.

  grpc_services_test.py --proxy BINARY --page FILE [CASE...]
"""

import pathlib
import socket
import sys
import tempfile
import threading
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import collectors  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import tcp  # noqa: E402
import wire  # noqa: E402

AUTHZ = bootstrap.TYPE + "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"
OTLP = bootstrap.TYPE + "envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig"
ROUTER = {"name": "envoy.filters.http.router",
          "typed_config": {"@type": bootstrap.TYPE + "envoy.extensions.filters.http.router.v3.Router"}}


class Unsure(collectors.UnaryService):
    """Fails the first `fails` calls with a status alone, then says yes to all; `asked` counts."""

    def __init__(self, fails):
        self.fails = fails
        self.asked = 0
        super().__init__()

    def reply(self, fields, message):
        self.asked += 1
        return None if self.asked <= self.fails else b""


class GrpcServicesTest(unittest.TestCase):
    binary = ""
    page = None

    def start(self, service, *clusters, manager=None):
        self.origin = origin.Origin()
        authz = {"name": "envoy.filters.http.ext_authz", "typed_config": {
            "@type": AUTHZ, "transport_api_version": "V3", "grpc_service": {"timeout": "10s", **service}}}
        config = bootstrap.of(
            [bootstrap.listener("main", {"http_filters": [authz, ROUTER], **(manager or {})})],
            [bootstrap.cluster("origin", self.origin.port), *clusters])
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        return running

    def collector(self):
        collector = collectors.GrpcCollector()
        self.addCleanup(collector.close)
        return collector

    @staticmethod
    def ask(running):
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            return wire.Reader(sock).response("GET")["status"]

    def test_a_service_by_its_address(self):
        service = self.collector()
        running = self.start({"google_grpc": {"target_uri": f"127.0.0.1:{service.port}", "stat_prefix": "authz"}})
        self.assertEqual(self.ask(running), 200)
        headers, _ = service.next()
        self.assertEqual(headers[":authority"], f"127.0.0.1:{service.port}")
        self.assertEqual(headers[":path"], "/envoy.service.auth.v3.Authorization/Check")
        stats = running.stats()
        self.assertEqual(stats["cluster.google_grpc.authz.upstream_rq_total"], 1)
        self.assertEqual(stats["cluster_manager.active_clusters"], 1)
        for page in ("/clusters", "/config_dump?mask=dynamic_active_clusters,static_clusters"):
            self.assertNotIn("google_grpc", running.admin(page))

    def test_a_name_is_looked_up(self):
        service = self.collector()
        running = self.start({"google_grpc": {"target_uri": f"dns:///localhost:{service.port}", "stat_prefix": "authz"}})
        # The listener has waited for the first look-up.
        self.assertEqual(self.ask(running), 200)
        self.assertEqual(service.next()[0][":authority"], f"localhost:{service.port}")

    def test_a_socket_in_the_file_system(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = folder.name + "/authz.sock"
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen()
        service = self.collector()

        def carry():
            near, _ = listener.accept()
            far = tcp.connect(service.port)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.copy, args=(one, other), daemon=True).start()

        threading.Thread(target=carry, daemon=True).start()
        running = self.start({"google_grpc": {"target_uri": f"unix://{path}", "stat_prefix": "authz"}})
        self.assertEqual(self.ask(running), 200)
        self.assertEqual(service.next()[0][":authority"], "localhost")

    @staticmethod
    def copy(one, other):
        try:
            while data := one.recv(1 << 16):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def test_other_callers(self):
        service = self.collector()
        target = {"google_grpc": {"target_uri": f"127.0.0.1:{service.port}", "stat_prefix": "one"}}
        log = {"name": "otlp", "typed_config": {
            "@type": OTLP, "log_name": "log", "buffer_flush_interval": "0.05s", "body": {"string_value": "x"},
            "grpc_service": target}}
        running = self.start(target, manager={"access_log": [log]})
        self.assertEqual(self.ask(running), 200)
        paths = {service.next()[0][":path"] for _ in range(2)}
        self.assertEqual(paths, {"/envoy.service.auth.v3.Authorization/Check",
                                 "/opentelemetry.proto.collector.logs.v1.LogsService/Export"})

    def test_calls_are_made_again(self):
        service = Unsure(2)
        self.addCleanup(service.close)
        running = self.start(
            {"envoy_grpc": {"cluster_name": "authz", "authority": "authz.mesh"},
             "retry_policy": {"num_retries": 2, "retry_on": "unavailable",
                              "retry_back_off": {"base_interval": "0.001s"}}},
            bootstrap.cluster("authz", service.port, **bootstrap.http2()))
        self.assertEqual(self.ask(running), 200)
        stats = running.stats()
        self.assertEqual((service.asked, stats["cluster.authz.upstream_rq_retry"]), (3, 2))
        self.assertEqual(stats["cluster.authz.upstream_rq_retry_success"], 1)

    def test_calls_are_made_once_otherwise(self):
        service = Unsure(9)
        self.addCleanup(service.close)
        running = self.start({"envoy_grpc": {"cluster_name": "authz"}},
                             bootstrap.cluster("authz", service.port, **bootstrap.http2()))
        self.assertEqual((self.ask(running), service.asked), (403, 1))

    def test_the_configuration_of_the_page(self):
        [block] = report.yaml_blocks(self.page)
        service = self.collector()
        upstream = origin.Origin()
        for ours, any_port in ((9901, 0), (10000, 0), (8081, upstream.port)):
            block = block.replace(f"port_value: {ours}}}", f"port_value: {any_port}}}")
        config = yaml.safe_load(block)
        filters = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"]
        target = filters[0]["typed_config"]["http_filters"][0]["typed_config"]["grpc_service"]["google_grpc"]
        target["target_uri"] = f"127.0.0.1:{service.port}"
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        self.assertEqual(self.ask(running), 200)
        self.assertEqual(service.next()[0]["x-tenant"], "edge")


if __name__ == "__main__":
    report.main_of_page("grpc_services", GrpcServicesTest)
