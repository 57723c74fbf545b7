"""The shield on the real binary: what origins, logs and collectors learn of clients, and clients of origins.

  shield_test.py --proxy BINARY --page FILE [CASE...]
"""

import json
import pathlib
import re
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

SHIELD = bootstrap.TYPE + "proxenos.filters.http.shield.v3.Shield"
LOGGERS = bootstrap.TYPE + "envoy.extensions.access_loggers."
ROUTER = {"name": "envoy.filters.http.router", "typed_config": {"@type": bootstrap.ROUTER}}
CLIENT = {"ipv4_prefix_len": 16}
PAGES = [{"statuses": [{"first": 500, "last": 599}], "bodies": [
    {"inline_string": "<p>Back soon.</p>"},
    {"inline_string": "{}", "content_type": "application/json"}]}]
LINE = "%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT% %REQ(X-FORWARDED-FOR)% " \
       "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n"

origin.SCRIPTS.update({
    "betrays": "HTTP/1.1 302 Found\r\nserver: theirs\r\nx-powered-by: engine\r\nx-backend-host: b7\r\nx-fine: 1\r\n"
               "location: http://app.internal/next?a=b\r\nset-cookie: a=b; domain=app.internal\r\n"
               "content-length: 0\r\n\r\n",
    "hop": "HTTP/1.1 302 Found\r\nlocation: http://second.internal/betrays\r\ncontent-length: 0\r\n\r\n",
    "elsewhere": "HTTP/1.1 302 Found\r\nlocation: https://other.example/\r\ncontent-length: 0\r\n\r\n",
    "fails": "HTTP/1.1 500 Oops\r\nx-powered-by: engine\r\ncontent-type: text/plain\r\ncontent-length: 11\r\n\r\nstack trace",
    # A body that is promised and never ends.
    "hangs": "HTTP/1.1 500 Oops\r\ncontent-length: 1000000\r\n\r\nstack trace",
})


def shield(**policy):
    return {"name": "shield", "typed_config": {"@type": SHIELD, **policy}}


class ShieldTest(unittest.TestCase):
    binary = ""
    page = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="shield-")
        self.addCleanup(folder.cleanup)
        self.log = pathlib.Path(folder.name) / "log"

    def start(self, policy, clusters=(), **manager):
        self.origin = origin.Origin()
        port, holder = tcp.closed_port()
        self.addCleanup(holder.close)
        log = {"name": "file", "typed_config": {"@type": LOGGERS + "file.v3.FileAccessLog", "path": str(self.log),
                                                "log_format": {"text_format_source": {"inline_string": LINE}}}}
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes=[{"match": {"prefix": "/refused"}, "route": {"cluster": "nobody"}},
                    {"match": {"prefix": "/hop"}, "route": {"cluster": "origin", "internal_redirect_policy": {}}},
                    bootstrap.to(host_rewrite_literal="app.internal")],
            manager={"http_filters": [policy, ROUTER], "use_remote_address": True, "xff_num_trusted_hops": 1,
                     "access_log": [log], **manager},
            clusters=[bootstrap.cluster("origin", self.origin.port), bootstrap.cluster("nobody", port), *clusters]))
        self.addCleanup(running.__exit__)
        self.running = running

    def ask(self, *fields, method="GET", path="/"):
        with wire.connect(self.running.port) as sock:
            sock.sendall("\r\n".join([f"{method} {path} HTTP/1.1", "Host: www.example.com", *fields, "", ""]).encode())
            return wire.Reader(sock).response(method)

    def logged(self):
        return self.running.wait(lambda: self.log.exists() and self.log.read_text().splitlines())

    def test_origins_and_logs_learn_no_more_than_the_mask_lets(self):
        self.start(shield(client_address=CLIENT))
        self.ask("X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9;proto=https", "X-Real-IP: 2001:db8:1:2::3")
        told = dict(self.origin.take_seen()[0]["headers"])
        self.assertEqual(told["x-forwarded-for"], "203.0.0.0,127.0.0.0")
        self.assertEqual(told["forwarded"], "for=203.0.0.0;proto=https")
        self.assertEqual(told["x-real-ip"], "2001:db8:1::")
        self.assertEqual(told["x-envoy-external-address"], "203.0.0.0")
        self.assertEqual(self.logged(), ["203.0.0.0:0 127.0.0.0 203.0.0.0,127.0.0.0 200 - via_upstream"])

    def test_fields_are_removed(self):
        self.start(shield(client_address={"mode": "REMOVE"}))
        self.ask("X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9")
        told = dict(self.origin.take_seen()[0]["headers"])
        for name in ("x-forwarded-for", "forwarded", "x-envoy-external-address"):
            self.assertNotIn(name, told)
        self.assertEqual(self.logged(), ["203.0.113.0:0 127.0.0.0 - 200 - via_upstream"])

    def test_collectors_neither(self):
        logs, spans = collectors.GrpcCollector(), collectors.HttpCollector()
        self.addCleanup(logs.close)
        als = {"name": "als", "typed_config": {
            "@type": LOGGERS + "grpc.v3.HttpGrpcAccessLogConfig", "common_config": {
                "log_name": "l", "transport_api_version": "V3", "buffer_size_bytes": 0,
                "grpc_service": {"envoy_grpc": {"cluster_name": "logs"}}}}}
        zipkin = {"name": "zipkin", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.config.trace.v3.ZipkinConfig", "collector_cluster": "spans",
            "collector_endpoint": "/", "collector_endpoint_version": "HTTP_JSON"}}
        config = [bootstrap.cluster("logs", logs.port, **bootstrap.http2()), bootstrap.cluster("spans", spans.port)]
        self.start(shield(client_address=CLIENT), clusters=config, access_log=[als], tracing={"provider": zipkin})
        self.ask("X-Forwarded-For: 203.0.113.9")
        _, message = logs.came.get(timeout=wire.PATIENCE_S)
        entry = protobuf_wire.fields(protobuf_wire.one(message, 2))[1][0]
        common = protobuf_wire.fields(protobuf_wire.one(entry, 1))
        client, direct = (protobuf_wire.fields(protobuf_wire.one(common[field][0], 1)) for field in (2, 20))
        self.assertEqual((client[2][0], direct[2][0]), (b"203.0.0.0", b"127.0.0.0"))
        self.assertEqual(spans.spans()[0]["tags"]["peer.address"], "127.0.0.0")

    def test_clients_learn_little_of_the_origin(self):
        self.start(shield(response_headers={}, origin_urls={"cookie_domains": True}))
        answer = dict(self.ask(path="/betrays")["headers"])
        self.assertEqual(answer["location"], "http://www.example.com/next?a=b")
        self.assertEqual(answer["set-cookie"], "a=b; Domain=www.example.com")
        self.assertEqual((answer["server"], answer["x-fine"]), ("envoy", "1"))
        for name in ("x-powered-by", "x-backend-host", "x-envoy-upstream-service-time"):
            self.assertNotIn(name, answer)
        self.assertEqual(dict(self.ask(path="/elsewhere")["headers"])["location"], "https://other.example/")

    def test_internal_redirects_do_not_hide_what_the_client_asked_for(self):
        self.start(shield(client_address=CLIENT, origin_urls={}))
        answer = self.ask("X-Forwarded-For: 203.0.113.9", path="/hop")
        self.assertEqual(dict(answer["headers"])["location"], "http://www.example.com/next?a=b")
        self.assertEqual([dict(seen["headers"])["x-forwarded-for"] for seen in self.origin.take_seen()],
                         ["203.0.0.0,127.0.0.0"] * 2)

    def test_pages_for_a_failing_and_for_an_absent_origin(self):
        self.start(shield(error_pages=PAGES, client_address=CLIENT))
        for path, status in (("/fails", 500), ("/hangs", 500), ("/refused", 503)):
            with self.subTest(path):
                page = self.ask(path=path)
                self.assertEqual((page["status"], page["body"]), (status, "<p>Back soon.</p>"))
                fields = dict(page["headers"])
                self.assertEqual(fields["content-type"], "text/html; charset=utf-8")
        self.assertEqual(self.ask("Accept: application/json", path="/fails")["body"], "{}")
        head = self.ask(method="HEAD", path="/fails")
        self.assertEqual((head["status"], head["body"], dict(head["headers"])["content-length"]), (500, "", "17"))
        call = self.ask("Content-Type: application/grpc", path="/fails")
        self.assertEqual((call["status"], dict(call["headers"])["grpc-status"], call["body"]), (200, "2", ""))
        self.assertEqual(self.ask()["body"], "origin")
        lines = [line.split(" ")[-3:] for line in self.logged()]
        self.assertEqual(lines[0], ["500", "-", "via_upstream"])
        self.assertEqual(lines[2][:2], ["503", "UF"])

    def test_the_configurations_of_the_page_are_as_it_says(self):
        policy, of_route = (yaml.safe_load(block) for block in report.yaml_blocks(self.page))
        self.start(policy)
        self.ask("X-Forwarded-For: 203.0.113.9")
        told = dict(self.origin.take_seen()[0]["headers"])
        self.assertEqual(told["x-forwarded-for"], "203.0.113.0,127.0.0.0")
        self.assertIn("Something went wrong", self.ask(path="/fails")["body"])
        self.assertEqual(json.loads(self.ask("Accept: application/json", path="/refused")["body"]), {"error": "unavailable"})
        hosts = [{"name": "all", "domains": ["*"], "routes": [bootstrap.to()]}]
        hosts[0]["routes"][0].update(of_route)
        config = bootstrap.bootstrap(hosts=hosts, manager={"http_filters": [policy, ROUTER], "use_remote_address": True},
                                     clusters=[bootstrap.cluster("origin", self.origin.port)])
        self.running = proxy.Proxy(self.binary, config)
        self.addCleanup(self.running.__exit__)
        self.ask("X-Forwarded-For: 203.0.113.9")
        self.assertEqual(dict(self.origin.take_seen()[-1]["headers"])["x-forwarded-for"], "203.0.113.9,127.0.0.1")

    def test_the_page_lists_the_fields_that_are_built_in(self):
        """Each field that the page names goes, and the others stay."""
        text = self.page.read_text(encoding="utf-8")
        names = re.findall(r"`([a-z0-9-]+\*?)`", text.split("for any end:")[1].split("`also`")[0])
        self.assertGreater(len(names), 40)
        sent = [name.replace("*", "any") for name in names if name != "server"]
        origin.SCRIPTS["listed"] = "HTTP/1.1 200 OK\r\n" + "".join(f"{name}: v\r\n" for name in sent) + \
            "content-length: 0\r\n\r\n"
        self.start(shield(response_headers={}))
        left = {name for name, _ in self.ask(path="/listed")["headers"]}
        self.assertEqual(left, {"content-length", "date", "server"})


if __name__ == "__main__":
    report.main_of_page("shield", ShieldTest)
