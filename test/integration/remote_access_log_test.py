"""Access logs that go to collectors, on the real binary.

  remote_access_log_test.py --proxy BINARY --page FILE [CASE...]
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import collectors  # noqa: E402
import origin  # noqa: E402
import protobuf_wire  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

OTLP = bootstrap.TYPE + "envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig"
ALS = bootstrap.TYPE + "envoy.extensions.access_loggers.grpc.v3."
SERVICE = {"envoy_grpc": {"cluster_name": "collector"}}
FLUSH = {"buffer_flush_interval": "0.05s"}


def otlp(**fields):
    return {"name": "otlp", "typed_config": {"@type": OTLP, **fields}}


def als(kind, common=None, **fields):
    return {"name": "als", "typed_config": {"@type": ALS + kind, "common_config": {
        "log_name": "log", "grpc_service": SERVICE, "transport_api_version": "V3", **FLUSH, **(common or {})}, **fields}}


def pairs(**values):
    return {"values": [{"key": key, "value": value} for key, value in values.items()]}


def records(message):
    """(resource attributes, [fields of a LogRecord]) of an ExportLogsServiceRequest."""
    resource_logs = protobuf_wire.one(message, 1)
    resource = protobuf_wire.attributes(protobuf_wire.fields(protobuf_wire.one(resource_logs, 1)).get(1, []))
    entries = protobuf_wire.fields(protobuf_wire.one(resource_logs, 2)).get(2, [])
    return resource, [protobuf_wire.fields(entry) for entry in entries]


class LateCollector(collectors.GrpcCollector):
    """Says `unavailable` to the first call."""

    def __init__(self):
        self.refused = False
        super().__init__()

    def reply(self, fields, message):
        answer = super().reply(fields, message)
        if self.refused:
            return answer
        self.refused = True
        return None


class RemoteAccessLogTest(unittest.TestCase):
    binary = ""
    page = None

    def start(self, collector, *logs, manager=None, h2=True, listener=None):
        self.origin = origin.Origin()
        cluster = bootstrap.cluster("collector", collector.port, **(bootstrap.http2() if h2 else {}))
        config = bootstrap.of(
            [bootstrap.listener("main", {"access_log": list(logs), **(manager or {})}, **(listener or {}))],
            [bootstrap.cluster("origin", self.origin.port), cluster])
        config["node"] = {"id": "node-1", "cluster": "edge", "locality": {"zone": "zone-1"}}
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        return running

    def collector(self):
        collector = collectors.GrpcCollector()
        self.addCleanup(collector.close)
        return collector

    @staticmethod
    def ask(running, *fields, path="/"):
        with wire.connect(running.port) as sock:
            sock.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: h", *fields, "", ""]).encode("latin-1"))
            return wire.Reader(sock).response("GET")

    def test_entries_of_requests(self):
        collector = self.collector()
        nested = {"kvlist_value": pairs(code={"string_value": "%RESPONSE_CODE%"}, fixed={"int_value": 7})}
        running = self.start(collector, otlp(
            log_name="log", grpc_service=SERVICE, body={"string_value": "%REQ(:METHOD)% %REQ(:PATH)%"},
            attributes=pairs(agent={"string_value": "%REQ(user-agent)%"}, nested=nested),
            resource_attributes=pairs(**{"service.name": {"string_value": "edge"}}), **FLUSH))
        self.ask(running, "User-Agent: \xff me", path="/a")
        headers, message = collector.came.get(timeout=wire.PATIENCE_S)
        self.assertEqual(headers[":path"], "/opentelemetry.proto.collector.logs.v1.LogsService/Export")
        resource, [entry] = records(message)
        self.assertEqual(resource, {"log_name": "log", "zone_name": "zone-1", "cluster_name": "edge",
                                    "node_name": "node-1", "service.name": "edge"})
        self.assertEqual(protobuf_wire.one(entry[5][0], 1), b"GET /a")
        agent, tree = entry[6]
        self.assertEqual(protobuf_wire.one(agent, 2, 1), b"? me")
        code, fixed = protobuf_wire.fields(protobuf_wire.one(tree, 2, 6))[1]
        self.assertEqual(protobuf_wire.one(code, 2, 1), b"200")
        self.assertEqual(protobuf_wire.one(fixed, 2, 3), 7)
        self.assertGreater(entry[1][0], 1_600_000_000_000_000_000)
        self.assertNotIn(9, entry)
        self.assertEqual(running.stats()["access_logs.open_telemetry_access_log.logs_written"], 1)

    def test_full_buffers_go_at_once(self):
        collector = self.collector()
        running = self.start(collector, otlp(
            common_config={"log_name": "log", "grpc_service": SERVICE, "transport_api_version": "V3",
                           "buffer_size_bytes": 300, "buffer_flush_interval": "3600s"},
            body={"string_value": "x" * 200}, disable_builtin_labels=True, stat_prefix="mine"))
        self.ask(running)
        self.ask(running)
        resource, entries = records(collector.came.get(timeout=wire.PATIENCE_S)[1])
        self.assertEqual((resource, len(entries)), ({}, 2))
        self.assertEqual(running.stats()["access_logs.open_telemetry_access_log.mine.logs_written"], 2)

    def test_a_call_is_made_again(self):
        collector = LateCollector()
        self.addCleanup(collector.close)
        running = self.start(collector, otlp(common_config={
            "log_name": "log", "grpc_service": SERVICE, "transport_api_version": "V3", **FLUSH,
            "grpc_stream_retry_policy": {"num_retries": 2, "retry_on": "unavailable", "retry_back_off": {
                "base_interval": "0.01s", "max_interval": "0.02s"}}}, body={"string_value": "x"}))
        self.ask(running)
        first, second = (collector.came.get(timeout=wire.PATIENCE_S)[1] for _ in range(2))
        self.assertEqual(first, second)
        running.wait(lambda: running.stats()["cluster.collector.upstream_rq_retry_success"] == 1)

    def test_over_http_with_the_ids_of_a_trace(self):
        collector = collectors.HttpCollector("200 OK")
        tracer = {"name": "otel", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.config.trace.v3.OpenTelemetryConfig"}}
        running = self.start(collector, otlp(http_service={"http_uri": {
            "uri": "http://otel/v1/logs", "cluster": "collector", "timeout": "1s"}}, **FLUSH),
            manager={"tracing": {"provider": tracer}}, h2=False)
        self.ask(running, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        request = collector.came.get(timeout=wire.PATIENCE_S)
        self.assertEqual(request["start"], "POST /v1/logs HTTP/1.1")
        _, [entry] = records(request["body"].encode("latin-1"))
        self.assertEqual(entry[9][0].hex(), "0af7651916cd43dd8448eb211c80319c")
        told = dict(self.origin.take_seen()[-1]["headers"])["traceparent"]
        self.assertEqual(entry[10][0].hex(), told.split("-")[2])

    def test_filters_and_connections(self):
        collector = self.collector()
        refused = otlp(grpc_service=SERVICE, body={"string_value": "request"}, **FLUSH)
        refused["filter"] = {"status_code_filter": {"comparison": {
            "op": "GE", "value": {"default_value": 500, "runtime_key": "k"}}}}
        running = self.start(collector, refused, listener={"access_log": [
            otlp(grpc_service=SERVICE, body={"string_value": "connection"}, **FLUSH)]})
        self.ask(running)
        _, [entry] = records(collector.came.get(timeout=wire.PATIENCE_S)[1])
        self.assertEqual(protobuf_wire.one(entry[5][0], 1), b"connection")

    def test_the_access_log_service(self):
        collector = self.collector()
        running = self.start(collector, als(
            "HttpGrpcAccessLogConfig", additional_request_headers_to_log=["X-Tenant", "x-absent"],
            additional_response_headers_to_log=["content-type"]))
        self.ask(running, "X-Tenant: a", "x-tenant: \xff", "User-Agent: me", path="/a?b")
        headers, message = collector.came.get(timeout=wire.PATIENCE_S)
        self.assertEqual(headers[":path"], "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs")
        node = protobuf_wire.fields(protobuf_wire.one(message, 1, 1))
        self.assertEqual((node[1], node[2], protobuf_wire.one(message, 1, 2)), ([b"node-1"], [b"edge"], b"log"))
        entry = protobuf_wire.fields(protobuf_wire.one(message, 2, 1))
        common, request, response = (protobuf_wire.fields(entry[number][0]) for number in (1, 3, 4))
        self.assertEqual(entry[2], [2])
        self.assertEqual((common[15], common[33], common[24]), ([b"origin"], [6], [1]))
        self.assertEqual(protobuf_wire.one(common[2][0], 1, 2), b"127.0.0.1")
        self.assertEqual(protobuf_wire.one(common[13][0], 1, 3), self.origin.port)
        self.assertGreater(protobuf_wire.one(common[5][0], 1), 1_600_000_000)
        self.assertEqual((request[1], request[3], request[5], request[6]), ([1], [b"h"], [b"/a?b"], [b"me"]))
        self.assertEqual(protobuf_wire.fields(request[13][0]), {1: [b"x-tenant"], 2: [b"a,?"]})
        self.assertEqual(len(request[13]), 1)
        self.assertEqual(protobuf_wire.one(response[1][0], 1), 200)
        self.assertEqual((response[3], response[6]), ([6], [b"via_upstream"]))
        self.assertEqual(protobuf_wire.fields(response[4][0]), {1: [b"content-type"], 2: [b"text/plain"]})
        self.assertEqual(running.stats()["access_logs.grpc_access_log.logs_written"], 1)

    def test_the_access_log_service_is_told_of_failures_and_connections(self):
        collector = self.collector()
        running = self.start(collector, als("HttpGrpcAccessLogConfig"), manager={"route_config": {
            "virtual_hosts": [{"name": "a", "domains": ["*"], "routes": [bootstrap.direct({"path": "/x"}, "x")]}]}})
        self.ask(running)
        entry = protobuf_wire.one(collector.came.get(timeout=wire.PATIENCE_S)[1], 2, 1)
        self.assertEqual(protobuf_wire.fields(protobuf_wire.one(entry, 1, 16)), {9: [1]})
        connections = self.start(collector, listener={"access_log": [als("TcpGrpcAccessLogConfig")]})
        self.ask(connections)
        entry = protobuf_wire.one(collector.came.get(timeout=wire.PATIENCE_S)[1], 3, 1)
        self.assertEqual(protobuf_wire.one(entry, 1, 33), 3)

    def validate(self, config):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(config, file)
            file.flush()
            done = subprocess.run([self.binary, "--mode", "validate", "-c", file.name], capture_output=True, check=False)
        return done.returncode, (done.stdout + done.stderr).decode()

    def manager(self, *logs):
        return bootstrap.bootstrap(manager={"access_log": list(logs)}, clusters=[
            bootstrap.cluster("origin", 1), bootstrap.cluster("otel-collector", 1, **bootstrap.http2())])

    def test_what_is_refused(self):
        for fields, words in (
                ({}, "expected one of grpc_service, http_service, common_config.grpc_service"),
                ({"grpc_service": SERVICE, "body": {"string_value": "%NOPE%"}}, "body.string_value"),
                ({"grpc_service": SERVICE, "custom_tags": [{"tag": "a", "literal": {"value": "b"}}]}, "custom_tags")):
            with self.subTest(words):
                code, said = self.validate(self.manager(otlp(**fields)))
                self.assertEqual(code, 1)
                self.assertIn(words, said)
        config = self.manager()
        config["admin"]["access_log"] = [otlp(grpc_service=SERVICE)]
        code, said = self.validate(config)
        self.assertEqual(code, 1)
        self.assertIn("admin.access_log", said)

    def test_the_configuration_of_the_page_loads(self):
        [block] = report.yaml_blocks(self.page)
        code, words = self.validate(self.manager(*yaml.safe_load(block)["access_log"]))
        self.assertEqual(code, 0, words)


if __name__ == "__main__":
    report.main_of_page("remote_access_log", RemoteAccessLogTest)
