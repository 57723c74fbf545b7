"""Traces on the real binary: what collectors of Zipkin, Datadog and OpenTelemetry are told, and what origins are.

  tracing_test.py --proxy BINARY --page FILE [CASE...]
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
import tcp  # noqa: E402
import wire  # noqa: E402

TRACE = bootstrap.TYPE + "envoy.config.trace.v3."
OTEL = bootstrap.TYPE + "envoy.extensions.tracers.opentelemetry."
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
B3 = ["X-B3-TraceId: 463ac35c9f6413ad48485a3953bb6124", "X-B3-SpanId: a2fb4a1d1a96d312", "X-B3-Sampled: 1"]
W3C = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NO_RETRY_WAIT = {"retry_on": "5xx", "num_retries": 1, "retry_back_off": {"base_interval": "0.001s"}}


def zipkin(**fields):
    return {"name": "envoy.tracers.zipkin", "typed_config": {
        "@type": TRACE + "ZipkinConfig", "collector_cluster": "collector", "collector_endpoint": "/api/v2/spans",
        "collector_endpoint_version": "HTTP_JSON", **fields}}


def opentelemetry(**fields):
    if "http_service" not in fields:
        fields["grpc_service"] = {"envoy_grpc": {"cluster_name": "collector"}}
    return {"name": "envoy.tracers.opentelemetry", "typed_config": {
        "@type": TRACE + "OpenTelemetryConfig", "service_name": "edge", **fields}}


def extension(kind, **fields):
    return {"name": kind, "typed_config": {"@type": OTEL + kind, **fields}}


def otlp_spans(message):
    """(resource attributes, spans) of an ExportTraceServiceRequest."""
    resource_spans = protobuf_wire.one(message, 1)
    resource = protobuf_wire.attributes(protobuf_wire.fields(protobuf_wire.one(resource_spans, 1)).get(1, []))
    spans = []
    for span in protobuf_wire.fields(protobuf_wire.one(resource_spans, 2)).get(2, []):
        of = protobuf_wire.fields(span)
        text = lambda number, of=of: of.get(number, [b""])[-1].decode()
        spans.append({"trace": of[1][0].hex(), "id": of[2][0].hex(), "parent": of.get(4, [b""])[-1].hex(),
                      "state": text(3), "name": text(5), "kind": of[6][0], "start": of[7][0], "end": of[8][0],
                      "tags": protobuf_wire.attributes(of.get(9, [])),
                      "events": [protobuf_wire.one(event, 2).decode() for event in of.get(11, [])],
                      "status": protobuf_wire.one(of[15][-1], 3) if 15 in of else None})
    return resource, spans


class TracingTest(unittest.TestCase):
    binary = ""
    page = None

    def nobody(self):
        """A port that refuses."""
        port, holder = tcp.closed_port()
        self.addCleanup(holder.close)
        return port

    def start(self, provider, collector, routes=None, manager=None, runtime=None, h2=False, listener=None, **tracing):
        """`runtime`: keys besides those that have every span sent at once."""
        self.origin = origin.Origin()
        collector_cluster = bootstrap.cluster("collector", collector.port, **(bootstrap.http2() if h2 else {}))
        config = bootstrap.of(
            [bootstrap.listener("main", {"tracing": {"provider": provider, **tracing}, **(manager or {})}, routes,
                                **(listener or {}))],
            [bootstrap.cluster("origin", self.origin.port), bootstrap.cluster("nobody", self.nobody()),
             collector_cluster])
        config["node"] = {"id": "node-1", "cluster": "edge", "locality": {"zone": "zone-1"}}
        config["layered_runtime"] = {"layers": [{"name": "static", "static_layer": {
            **{f"tracing.{kind}.min_flush_spans": 1 for kind in ("zipkin", "opentelemetry", "datadog")}, **(runtime or {})}}]}
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        return running

    def start_zipkin(self, collector=None, routes=None, manager=None, runtime=None, tracing=None, listener=None,
                     **fields):
        self.collector = collector or collectors.HttpCollector()
        return self.start(zipkin(**fields), self.collector, routes, manager, runtime, listener=listener,
                          **(tracing or {}))

    def start_otel(self, routes=None, manager=None, runtime=None, tracing=None, listener=None, **fields):
        self.collector = collectors.GrpcCollector()
        self.addCleanup(self.collector.close)
        return self.start(opentelemetry(**fields), self.collector, routes, manager, runtime, h2=True,
                          listener=listener, **(tracing or {}))

    @staticmethod
    def ask(running, *fields, path="/", method="GET", host="shop.example"):
        with wire.connect(running.port) as sock:
            sock.sendall("\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *fields, "", ""]).encode())
            return wire.Reader(sock).response(method)

    def told_origin(self):
        """The header fields of the last request that the origin saw."""
        return dict(self.origin.take_seen()[-1]["headers"])

    # Zipkin.

    def test_a_request_becomes_a_span(self):
        running = self.start_zipkin()
        self.assertEqual(self.ask(running, "User-Agent: me", path="/a?b=c")["status"], 200)
        request = self.collector.came.get(timeout=wire.PATIENCE_S)
        self.assertEqual(request["start"], "POST /api/v2/spans HTTP/1.1")
        fields = dict(request["headers"])
        self.assertEqual((fields["content-type"], fields["host"]), ("application/json", "collector"))
        [span] = json.loads(request["body"])
        told = self.told_origin()
        self.assertEqual((span["kind"], span["name"], span["localEndpoint"]["serviceName"]),
                         ("SERVER", "shop.example", "edge"))
        self.assertEqual((told["x-b3-traceid"], told["x-b3-spanid"], told["x-b3-sampled"]),
                         (span["traceId"], span["id"], "1"))
        self.assertEqual(len(span["traceId"]), 16)
        self.assertNotIn("parentId", span)
        self.assertNotIn("x-b3-parentspanid", told)
        self.assertGreater(span["timestamp"], 1_600_000_000_000_000)
        self.assertGreater(span["duration"], 0)
        self.assertEqual(told["x-request-id"][14], "9")
        self.maxDiff = None
        self.assertEqual(span["tags"], {
            "node_id": "node-1", "zone": "zone-1", "guid:x-request-id": told["x-request-id"],
            "http.url": "http://shop.example/a?b=c", "http.method": "GET", "downstream_cluster": "-",
            "user_agent": "me", "http.protocol": "HTTP/1.1", "request_size": "0", "response_size": "6",
            "component": "proxy", "response_flags": "-", "peer.address": "127.0.0.1",
            "upstream_cluster": "origin", "upstream_cluster.name": "origin",
            "http.status_code": "200"})
        stats = running.wait(lambda: (s := running.stats()).get("tracing.zipkin.reports_sent") == 1 and s)
        self.assertEqual((stats["tracing.zipkin.spans_sent"], stats["http.main.tracing.random_sampling"]), (1, 1))

    def test_a_span_is_shared_with_its_client_or_its_child(self):
        shared = self.start_zipkin()
        self.ask(shared, *B3)
        [span] = self.collector.spans()
        self.assertEqual((span["traceId"], span["id"], span.get("shared")),
                         ("463ac35c9f6413ad48485a3953bb6124", "a2fb4a1d1a96d312", True))
        self.assertEqual(self.told_origin()["x-b3-spanid"], "a2fb4a1d1a96d312")
        alone = self.start_zipkin(shared_span_context=False, trace_id_128bit=True)
        self.ask(alone, "b3: 463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-1")
        [span] = self.collector.spans()
        self.assertEqual((span["traceId"], span["parentId"]), ("463ac35c9f6413ad48485a3953bb6124", "a2fb4a1d1a96d312"))
        self.assertEqual(self.told_origin()["b3"],
                         f"463ac35c9f6413ad48485a3953bb6124-{span['id']}-1-a2fb4a1d1a96d312")
        self.assertNotIn("shared", span)
        self.ask(alone)
        self.assertEqual(len(self.collector.spans()[0]["traceId"]), 32)

    def test_what_the_client_says_of_sampling_is_passed_on(self):
        running = self.start_zipkin()
        self.ask(running, "b3: 0")
        self.assertRegex(self.told_origin()["b3"], "^[0-9a-f]{16}-[0-9a-f]{16}-0$")
        self.ask(running, B3[0], B3[1], "X-B3-Sampled: 0")
        self.assertEqual(self.told_origin()["x-b3-sampled"], "0")
        self.ask(running, "X-B3-Sampled: 1", path="/told")
        [span] = self.collector.spans()
        self.assertTrue(span["tags"]["http.url"].endswith("/told"))

    def test_fields_that_cannot_be_read_pass_as_they_are(self):
        running = self.start_zipkin()
        self.assertEqual(self.ask(running, "b3: 463ac35c9f6413ad48485a3953bb6124-zzzz-1")["status"], 200)
        told = self.told_origin()
        self.assertEqual(told["b3"], "463ac35c9f6413ad48485a3953bb6124-zzzz-1")
        self.assertNotIn("x-b3-traceid", told)
        self.assertEqual(running.stats().get("tracing.zipkin.spans_sent", 0), 0)

    def test_attempts_have_spans_of_their_own(self):
        route = bootstrap.to(retry_policy=NO_RETRY_WAIT)
        running = self.start_zipkin(routes=[route], tracing={"spawn_upstream_span": True},
                                    runtime={"tracing.zipkin.min_flush_spans": 3})
        self.assertEqual(self.ask(running, path="/503")["status"], 503)
        spans = self.collector.spans()
        [server] = [span for span in spans if span["kind"] == "SERVER"]
        clients = [span for span in spans if span["kind"] == "CLIENT"]
        self.assertEqual([span["name"] for span in clients], ["router origin egress"] * 2)
        self.assertEqual({span["parentId"] for span in clients}, {server["id"]})
        self.assertEqual([span["tags"].get("retry.count") for span in clients], [None, "1"])
        self.assertEqual([span["tags"]["http.status_code"] for span in clients], ["503", "503"])
        self.assertEqual({span["tags"]["error"] for span in spans}, {"true"})
        self.assertEqual(clients[0]["tags"]["peer.address"], f"127.0.0.1:{self.origin.port}")
        seen = [dict(request["headers"]) for request in self.origin.take_seen()]
        self.assertEqual([each["x-b3-spanid"] for each in seen], [span["id"] for span in clients])
        self.assertEqual(seen[0]["x-b3-parentspanid"], server["id"])

    def test_answers_of_the_proxy_itself_have_spans(self):
        running = self.start_zipkin(routes=[bootstrap.to("nobody", ), ])
        self.assertEqual(self.ask(running)["status"], 503)
        [span] = self.collector.spans()
        tags = span["tags"]
        self.assertEqual((tags["http.status_code"], tags["response_flags"], tags["error"]), ("503", "UF", "true"))
        missing = self.start_zipkin(routes=[bootstrap.direct({"path": "/only"}, "x")])
        self.assertEqual(self.ask(missing)["status"], 404)
        [span] = self.collector.spans()
        self.assertEqual((span["tags"]["http.status_code"], span["tags"]["response_flags"]), ("404", "NR"))
        self.assertNotIn("error", span["tags"])

    def test_custom_tags_and_operations(self):
        tags = [{"tag": "fixed", "literal": {"value": "1"}},
                {"tag": "home", "environment": {"name": "NO_SUCH_VARIABLE", "default_value": "none"}},
                {"tag": "agent", "request_header": {"name": "User-Agent"}},
                {"tag": "absent", "request_header": {"name": "x-absent"}},
                {"tag": "owner", "metadata": {"kind": {"route": {}}, "metadata_key": {
                    "key": "of.mine", "path": [{"key": "owner"}]}}},
                {"tag": "code", "value": "%RESPONSE_CODE% %REQ(x-absent)%"},
                {"tag": "both", "literal": {"value": "manager"}}]
        route = {**bootstrap.to(), "metadata": {"filter_metadata": {"of.mine": {"owner": "us"}}},
                 "decorator": {"operation": "buy"},
                 "tracing": {"custom_tags": [{"tag": "both", "literal": {"value": "route"}}]}}
        running = self.start_zipkin(routes=[route], tracing={"custom_tags": tags, "max_path_tag_length": 4})
        answer = self.ask(running, "User-Agent: me", path="/abcdefgh")
        self.assertEqual(dict(answer["headers"]).get("x-envoy-decorator-operation"), "buy")
        [span] = self.collector.spans()
        self.assertEqual(span["name"], "buy")
        of = span["tags"]
        self.assertEqual([of.get(tag) for tag in ("fixed", "home", "agent", "absent", "owner", "code", "both")],
                         ["1", "none", "me", None, "us", "200 ", "route"])
        self.assertEqual(of["http.url"], "http://shop.example/abc")

    def test_the_client_names_the_operation(self):
        running = self.start_zipkin(routes=[{**bootstrap.to(), "decorator": {"operation": "mine"}}])
        answer = self.ask(running, "x-envoy-decorator-operation: theirs")
        self.assertNotIn("x-envoy-decorator-operation", dict(answer["headers"]))
        self.assertEqual(self.collector.spans()[0]["name"], "theirs")
        self.assertNotIn("x-envoy-decorator-operation", self.told_origin())

    def test_outbound_listeners_tell_hosts_their_operation(self):
        running = self.start_zipkin(routes=[{**bootstrap.to(), "decorator": {"operation": "mine"}}],
                                    listener={"traffic_direction": "OUTBOUND"})
        self.ask(running)
        [span] = self.collector.spans()
        self.assertEqual((span["kind"], span["name"]), ("CLIENT", "mine"))
        self.assertEqual(self.told_origin()["x-envoy-decorator-operation"], "mine")

    def test_sampling(self):
        none = self.start_zipkin(tracing={"random_sampling": {"value": 0}})
        self.ask(none)
        told = self.told_origin()
        self.assertEqual((told["x-b3-sampled"], told["x-request-id"][14]), ("0", "4"))
        self.ask(none, "x-client-trace-id: mine")
        [span] = self.collector.spans()
        self.assertEqual(span["tags"]["guid:x-client-trace-id"], "mine")
        self.assertEqual(self.told_origin()["x-request-id"][14], "b")
        stats = none.stats()
        self.assertEqual((stats["http.main.tracing.not_traceable"], stats["http.main.tracing.client_enabled"]), (1, 1))
        switched_off = self.start_zipkin(runtime={"tracing.global_enabled": 0})
        self.ask(switched_off, "x-client-trace-id: mine")
        self.assertEqual(self.told_origin()["x-b3-sampled"], "0")
        by_route = self.start_zipkin(tracing={"random_sampling": {"value": 0}}, routes=[
            {**bootstrap.to(), "tracing": {"random_sampling": {"numerator": 100}}}])
        self.ask(by_route)
        self.assertEqual(len(self.collector.spans()), 1)

    def test_the_reason_in_a_request_id(self):
        request_id = "x-request-id: 00000000-0000-a000-8000-000000000000"
        inner = self.start_zipkin(tracing={"random_sampling": {"value": 0}})
        self.ask(inner, request_id)
        self.assertEqual(self.told_origin()["x-b3-sampled"], "1")
        edge = self.start_zipkin(tracing={"random_sampling": {"value": 0}}, manager={
            "use_remote_address": True, "preserve_external_request_id": True})
        self.ask(edge, request_id)
        told = self.told_origin()
        self.assertEqual((told["x-b3-sampled"], told["x-request-id"]),
                         ("0", "00000000-0000-4000-8000-000000000000"))
        silent = self.start_zipkin(manager={"request_id_extension": {"typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
            "pack_trace_reason": False}}})
        self.ask(silent)
        self.assertEqual(self.told_origin()["x-request-id"][14], "4")
        self.assertEqual(len(self.collector.spans()), 1)

    def test_b3_and_w3c(self):
        running = self.start_zipkin(trace_context_option="USE_B3_WITH_W3C_PROPAGATION", shared_span_context=False)
        self.ask(running, W3C)
        [span] = self.collector.spans()
        told = self.told_origin()
        self.assertEqual((span["traceId"], span["parentId"]), ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"))
        self.assertEqual(told["x-b3-spanid"], span["id"])
        self.assertEqual(told["traceparent"], f"00-{span['traceId']}-{span['id']}-01")
        self.ask(running, "traceparent: 00-zz-yy-01")
        [span] = self.collector.spans()
        self.assertEqual(self.told_origin()["traceparent"], f"00-{span['traceId'].zfill(32)}-{span['id']}-01")

    def test_hosts_are_not_told(self):
        running = self.start_zipkin(tracing={"no_context_propagation": True})
        self.ask(running)
        self.assertEqual(len(self.collector.spans()), 1)
        self.assertNotIn("x-b3-traceid", self.told_origin())

    def test_a_collector_that_refuses_or_is_away(self):
        refusing = self.start_zipkin(collector=collectors.HttpCollector("500 No"))
        self.ask(refusing)
        refusing.wait(lambda: refusing.stats().get("tracing.zipkin.reports_dropped") == 1)
        self.collector = collectors.HttpCollector()
        self.collector.port = self.nobody()
        away = self.start(zipkin(), self.collector)
        self.ask(away)
        away.wait(lambda: away.stats().get("tracing.zipkin.reports_failed") == 1)
        nowhere = self.start(zipkin(collector_service={"http_uri": {
            "uri": "http://z/api/v2/spans", "cluster": "collector", "timeout": "1s"}, "request_headers_to_add": [
                {"header": {"key": "X-Token", "value": "secret"}}]}), collector := collectors.HttpCollector())
        self.ask(nowhere)
        fields = dict(collector.came.get(timeout=wire.PATIENCE_S)["headers"])
        self.assertEqual((fields["host"], fields["x-token"]), ("z", "secret"))

    def test_zipkin_proto(self):
        running = self.start_zipkin(collector_endpoint_version="HTTP_PROTO")
        self.ask(running, *B3)
        request = self.collector.came.get(timeout=wire.PATIENCE_S)
        self.assertEqual(dict(request["headers"])["content-type"], "application/x-protobuf")
        span = protobuf_wire.fields(protobuf_wire.one(request["body"].encode("latin-1"), 1))
        self.assertEqual((span[1][0].hex(), span[3][0].hex()), ("463ac35c9f6413ad48485a3953bb6124", "a2fb4a1d1a96d312"))
        self.assertEqual((span[4], span[5]), ([2], [b"shop.example"]))
        tags = {protobuf_wire.one(tag, 1): protobuf_wire.one(tag, 2) for tag in span[11]}
        self.assertEqual(tags[b"http.status_code"], b"200")

    # Datadog.

    def start_datadog(self, **more):
        self.collector = collectors.HttpCollector("200 OK")
        return self.start({"name": "envoy.tracers.datadog", "typed_config": {
            "@type": TRACE + "DatadogConfig", "collector_cluster": "collector", "service_name": "edge",
            "collector_hostname": "agent"}}, self.collector, **more)

    def datadog_spans(self):
        request = self.collector.came.get(timeout=wire.PATIENCE_S)
        fields = dict(request["headers"])
        self.assertEqual((request["start"], fields["content-type"], fields["host"]),
                         ("POST /v0.4/traces HTTP/1.1", "application/msgpack", "agent"))
        return [span for trace in collectors.msgpack(request["body"].encode("latin-1")) for span in trace]

    def test_datadog(self):
        running = self.start_datadog(spawn_upstream_span=True)
        self.assertEqual(self.ask(running, path="/500")["status"], 500)
        told = self.told_origin()
        spans = {span["meta"]["span.kind"]: span for _ in range(2) for span in self.datadog_spans()}
        server, client = spans["server"], spans["client"]
        self.assertEqual((server["service"], server["name"], server["type"], server["parent_id"], server["error"]),
                         ("edge", "envoy.proxy", "web", 0, 1))
        self.assertEqual((server["resource"], client["resource"]), ("ingress", "router origin egress"))
        self.assertEqual((client["trace_id"], client["parent_id"]), (server["trace_id"], server["span_id"]))
        self.assertEqual(server["meta"]["http.status_code"], "500")
        self.assertEqual(server["metrics"], {"_sampling_priority_v1": 1})
        self.assertGreater(server["duration"], 0)
        high = server["meta"]["_dd.p.tid"]
        self.assertEqual({name: told[name] for name in told if name.startswith(("x-datadog", "trace"))}, {
            "x-datadog-trace-id": str(client["trace_id"]), "x-datadog-parent-id": str(client["span_id"]),
            "x-datadog-sampling-priority": "1", "x-datadog-tags": "_dd.p.tid=" + high,
            "traceparent": f"00-{high}{client['trace_id']:016x}-{client['span_id']:016x}-01"})
        running.wait(lambda: running.stats()["tracing.datadog.reports_sent"] == 2)

    def test_datadogs_fields_and_others(self):
        running = self.start_datadog()
        self.ask(running, "x-datadog-trace-id: 77", "x-datadog-parent-id: 5", "x-datadog-sampling-priority: 1")
        [span] = self.datadog_spans()
        self.assertEqual((span["trace_id"], span["parent_id"]), (77, 5))
        self.assertEqual(self.told_origin()["x-datadog-parent-id"], str(span["span_id"]))
        self.ask(running, W3C)
        [span] = self.datadog_spans()
        self.assertEqual((span["meta"]["_dd.p.tid"], span["trace_id"], span["parent_id"]),
                         ("0af7651916cd43dd", 0x8448eb211c80319c, 0xb7ad6b7169203331))
        # Who is not to be kept is told of to the origin alone.
        self.ask(running, "x-datadog-trace-id: 78", "x-datadog-parent-id: 5", "x-datadog-sampling-priority: -1")
        self.assertEqual(self.told_origin()["x-datadog-sampling-priority"], "0")
        for broken in ("x-datadog-trace-id: x", "traceparent: 00-zz-yy-01"):
            self.ask(running, broken)
            [span] = self.datadog_spans()
            self.assertEqual(self.told_origin()["x-datadog-trace-id"], str(span["trace_id"]))
        self.ask(running, "x-datadog-trace-id: 79")
        [span] = self.datadog_spans()
        self.assertEqual(span["trace_id"], 79)

    # OpenTelemetry.

    def test_opentelemetry_over_grpc(self):
        detector = extension("resource_detectors.v3.StaticConfigResourceDetectorConfig",
                             attributes={"deployment.environment": "test"})
        running = self.start_otel(resource_detectors=[detector], tracing={"verbose": True})
        self.ask(running, W3C, "tracestate: a=b")
        headers, message = self.collector.next()
        self.assertEqual((headers[":path"], headers["content-type"]), (EXPORT, "application/grpc"))
        resource, [span] = otlp_spans(message)
        self.assertEqual((resource["service.name"], resource["deployment.environment"]), ("edge", "test"))
        told = self.told_origin()
        self.assertEqual((span["trace"], span["parent"], span["state"]),
                         ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "a=b"))
        self.assertEqual(told["traceparent"], f"00-{span['trace']}-{span['id']}-01")
        self.assertEqual(told["tracestate"], "a=b")
        self.assertEqual((span["name"], span["kind"], span["status"]), ("ingress", 2, None))
        self.assertGreaterEqual(span["end"], span["start"])
        self.assertEqual(span["tags"]["http.status_code"], "200")
        self.assertIn("first_upstream_tx_byte_sent", span["events"])
        stats = running.stats()
        self.assertEqual(stats["tracing.opentelemetry.spans_sent"], 1)

    def test_opentelemetry_over_http(self):
        self.collector = collectors.HttpCollector("200 OK")
        provider = opentelemetry(http_service={
            "http_uri": {"uri": "http://otel/v1/traces", "cluster": "collector", "timeout": "1s"}})
        running = self.start(provider, self.collector)
        self.ask(running, path="/500")
        request = self.collector.came.get(timeout=wire.PATIENCE_S)
        fields = dict(request["headers"])
        self.assertEqual((request["start"], fields["content-type"], fields["host"]),
                         ("POST /v1/traces HTTP/1.1", "application/x-protobuf", "otel"))
        _, [span] = otlp_spans(request["body"].encode("latin-1"))
        self.assertEqual((span["status"], span["parent"]), (2, ""))
        self.assertEqual(running.stats()["tracing.opentelemetry.spans_sent"], 1)

    def test_opentelemetry_samplers(self):
        always = extension("samplers.v3.AlwaysOnSamplerConfig")
        for share, flag in ((0, "-00"), (100, "-01")):
            running = self.start_otel(sampler=always, tracing={"random_sampling": {"value": share}})
            for parent in ([], [W3C], [W3C[:-1] + "0"]):
                self.ask(running, *parent)
                self.assertTrue(self.told_origin()["traceparent"].endswith(flag))
        plain = self.start_otel(tracing={"random_sampling": {"value": 0}})
        for fields, flag in (([], "-00"), ([W3C], "-00"), ([W3C, "x-client-trace-id: 1"], "-01"),
                             ([W3C[:-1] + "0", "x-client-trace-id: 1"], "-00")):
            self.ask(plain, *fields)
            self.assertTrue(self.told_origin()["traceparent"].endswith(flag))
        parent = self.start_otel(sampler=extension("samplers.v3.ParentBasedSamplerConfig", wrapped_sampler=extension(
            "samplers.v3.TraceIdRatioBasedSamplerConfig", sampling_percentage={"numerator": 0})))
        self.ask(parent)
        self.assertTrue(self.told_origin()["traceparent"].endswith("-00"))
        self.ask(parent, W3C)
        self.assertTrue(self.told_origin()["traceparent"].endswith("-01"))
        self.ask(parent, W3C[:-1] + "0")
        self.assertTrue(self.told_origin()["traceparent"].endswith("-00"))

    def test_opentelemetry_operations_and_attempts(self):
        running = self.start_otel(tracing={
            "spawn_upstream_span": True, "operation": "%REQ(:METHOD)% %PATH(NQ)%",
            "upstream_operation": "to %UPSTREAM_CLUSTER%"}, runtime={"tracing.opentelemetry.min_flush_spans": 2})
        self.ask(running, path="/a?b")
        _, spans = otlp_spans(self.collector.next()[1])
        by_kind = {span["kind"]: span for span in spans}
        self.assertEqual((by_kind[2]["name"], by_kind[3]["name"]), ("GET /a", "to origin"))
        self.assertEqual(by_kind[3]["parent"], by_kind[2]["id"])
        self.assertTrue(self.told_origin()["traceparent"].endswith(by_kind[3]["id"] + "-01"))

    def test_a_traceparent_that_cannot_be_read(self):
        running = self.start_otel()
        self.assertEqual(self.ask(running, "traceparent: 00-zz-yy-01")["status"], 200)
        self.assertEqual(self.told_origin()["traceparent"], "00-zz-yy-01")

    def test_no_request_that_is_not_traced_is_told_of(self):
        plain = proxy.Proxy(self.binary, bootstrap.bootstrap(clusters=[bootstrap.cluster(
            "origin", (origin_ := origin.Origin()).port)]))
        self.addCleanup(plain.__exit__)
        self.ask(plain)
        names = dict(origin_.take_seen()[-1]["headers"])
        self.assertFalse([name for name in names if name.startswith(("x-b3", "trace"))])
        self.assertFalse([name for name in plain.stats() if "tracing" in name])

    # Elsewhere.

    def test_the_tracer_of_the_bootstrap(self):
        self.origin, collector = origin.Origin(), collectors.HttpCollector()
        config = bootstrap.bootstrap(manager={"tracing": {}}, clusters=[
            bootstrap.cluster("origin", self.origin.port), bootstrap.cluster("collector", collector.port)])
        config["tracing"] = {"http": zipkin()}
        config["layered_runtime"] = {"layers": [{"name": "s", "static_layer": {"tracing.zipkin.min_flush_spans": 1}}]}
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        self.ask(running)
        self.assertEqual(len(collector.spans()), 1)

    def test_access_logs_name_the_trace(self):
        with tempfile.NamedTemporaryFile("r") as log:
            entry = lambda text, **more: {"name": "file", "typed_config": {
                "@type": bootstrap.TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": log.name,
                "log_format": {"text_format_source": {"inline_string": text}}}, **more}
            running = self.start_zipkin(manager={"access_log": [
                entry("all %TRACE_ID%\n"),
                entry("traced %TRACE_ID%\n", filter={"traceable_filter": {}})]})
            self.ask(running, *B3)
            self.ask(running, "b3: 0")
            lines = running.wait(lambda: (lines := pathlib.Path(log.name).read_text().splitlines())[2:] and lines)
        self.assertEqual(lines[0], "all 463ac35c9f6413ad48485a3953bb6124")
        self.assertEqual(sum(line.startswith("traced") for line in lines), 1)

    def validate(self, config):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(config, file)
            file.flush()
            done = subprocess.run([self.binary, "--mode", "validate", "-c", file.name], capture_output=True, check=False)
        return done.returncode, (done.stdout + done.stderr).decode()

    def test_other_tracers_are_refused_by_name(self):
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", 1)], manager={"tracing": {"provider": {
            "name": "envoy.tracers.xray", "typed_config": {"@type": TRACE + "XRayConfig", "segment_name": "edge"}}}})
        code, words = self.validate(config)
        self.assertEqual(code, 1)
        self.assertIn("tracing.provider.typed_config", words)
        self.assertIn("XRayConfig", words)
        self.assertIn("OpenTelemetryConfig", words)

    def test_the_configurations_of_the_page_load(self):
        blocks = report.yaml_blocks(self.page)
        self.assertGreaterEqual(len(blocks), 2)
        for number, block in enumerate(blocks):
            with self.subTest(number):
                config = bootstrap.bootstrap(manager=yaml.safe_load(block), clusters=[
                    bootstrap.cluster("origin", 1), bootstrap.cluster("zipkin", 1),
                    bootstrap.cluster("otel-collector", 1, **bootstrap.http2())])
                code, words = self.validate(config)
                self.assertEqual(code, 0, words)


if __name__ == "__main__":
    report.main_of_page("tracing", TracingTest)
