"""Expressions of attributes on the real binary: which requests are logged and what of them, who may do what, and what
limits count by. Envoy 1.40 passes the same cases, but for the page's access rules: in matchers it takes trees alone.

  cel_test.py --proxy BINARY --page FILE [CASE...]
"""

import json
import pathlib
import sys
import tempfile
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

ROUTER = {"name": "envoy.filters.http.router", "typed_config": {"@type": bootstrap.ROUTER}}
FILE_LOG = bootstrap.TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog"


def typed(kind, **fields):
    return {"name": kind.rsplit(".", 1)[-1], "typed_config": {"@type": bootstrap.TYPE + kind, **fields}}


def name(text):
    return {"ident_expr": {"name": text}}


def select(operand, field):
    return {"select_expr": {"operand": operand, "field": field}}


def call(function, *arguments):
    return {"call_expr": {"function": function, "args": list(arguments)}}


def text(value):
    return {"const_expr": {"string_value": value}}


# request.headers["x-role"] == "admin"
IS_ADMIN = call("_==_", call("_[_]", select(name("request"), "headers"), text("x-role")), text("admin"))


class CelTest(unittest.TestCase):
    binary = ""
    page = None

    def start(self, filters=(), routes=None, **manager):
        self.origin = origin.Origin()
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            hosts=[{"name": "all", "domains": ["*"], "routes": routes or [bootstrap.to()]}],
            manager={"http_filters": [*filters, ROUTER], **manager},
            clusters=[bootstrap.cluster("origin", self.origin.port)]))
        self.addCleanup(running.__exit__)
        return running

    @staticmethod
    def ask(running, *fields, path="/", method="GET"):
        with wire.connect(running.port) as sock:
            sock.sendall(("\r\n".join([f"{method} {path} HTTP/1.1", "Host: h", *fields]) + "\r\n\r\n").encode())
            return wire.Reader(sock).response(method)["status"]

    def log(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return pathlib.Path(folder.name) / "log"

    @staticmethod
    def lines(running, log, count):
        running.wait(lambda: log.exists() and len(log.read_text().splitlines()) >= count)
        return [json.loads(line) for line in log.read_text().splitlines()]

    def test_the_log_of_the_page(self):
        log = self.log()
        entries = yaml.safe_load(report.yaml_blocks(self.page)[0].replace("/dev/stdout", str(log)))
        missing = bootstrap.direct({"prefix": "/missing"}, "no")
        missing["direct_response"]["status"] = 404
        running = self.start(routes=[missing, bootstrap.to()], access_log=entries)
        self.assertEqual(self.ask(running), 200)
        self.assertEqual(self.ask(running, "X-Role: Admin", "User-Agent: ua/1"), 200)
        self.assertEqual(self.ask(running, "x-role: user"), 200)
        self.assertEqual(self.ask(running, path="/missing/with/a/long/path?q"), 404)
        self.assertEqual(self.lines(running, log, 2), [
            {"path": "/", "slow": False, "code": 200, "agent": "ua/1"},
            {"path": "/missing/with/a/long", "slow": False, "code": 404, "agent": None}])

    def test_the_access_rules_of_the_page(self):
        running = self.start(filters=[yaml.safe_load(report.yaml_blocks(self.page)[1])])
        self.assertEqual(self.ask(running), 200)
        self.assertEqual(self.ask(running, path="/admin/x"), 403)
        self.assertEqual(self.ask(running, method="DELETE"), 403)
        self.assertEqual(self.ask(running, "x-role: user", path="/admin/x"), 403)
        self.assertEqual(self.ask(running, "x-role: admin", path="/admin/x"), 200)
        self.assertEqual(self.ask(running, "x-role: admin", "x-role: admin", path="/admin/x"), 403)

    def test_condition_of_a_policy(self):
        policy = {"permissions": [{"any": True}], "principals": [{"any": True}], "condition": IS_ADMIN}
        running = self.start(filters=[typed("envoy.extensions.filters.http.rbac.v3.RBAC", rules={
            "action": "ALLOW", "policies": {"admins": policy}})])
        self.assertEqual(self.ask(running, "x-role: admin"), 200)
        self.assertEqual(self.ask(running, "x-role: user"), 403)
        self.assertEqual(self.ask(running), 403)  # An error is no match.

    def test_matcher_with_a_tree(self):
        action = "envoy.config.rbac.v3.Action"
        predicate = {"single_predicate": {
            "input": typed("xds.type.matcher.v3.HttpAttributesCelMatchInput"),
            "custom_match": typed("xds.type.matcher.v3.CelMatcher", expr_match={"cel_expr_parsed": {"expr": IS_ADMIN}})}}
        running = self.start(filters=[typed("envoy.extensions.filters.http.rbac.v3.RBAC", matcher={
            "matcher_list": {"matchers": [{
                "predicate": {"not_matcher": predicate},
                "on_match": {"action": typed(action, name="others", action="DENY")}}]},
            "on_no_match": {"action": typed(action, name="admins", action="ALLOW")}})])
        self.assertEqual(self.ask(running, "x-role: admin"), 200)
        self.assertEqual(self.ask(running, "x-role: user"), 403)
        self.assertEqual(self.ask(running), 403)

    def test_limits_by_an_expression(self):
        descriptor = typed("envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor",
                           descriptor_key="first", text="request.headers['x-user']", skip_if_error=False)
        limited = bootstrap.to()
        limited["route"]["rate_limits"] = [{"actions": [{"extension": descriptor}]}]
        bucket = {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"}
        full = {"numerator": 100, "denominator": "HUNDRED"}
        limits = typed("envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", stat_prefix="l",
                       token_bucket={**bucket, "max_tokens": 100}, filter_enabled={"default_value": full},
                       filter_enforced={"default_value": full},
                       descriptors=[{"entries": [{"key": "first", "value": "ann"}], "token_bucket": bucket}])
        running = self.start(filters=[limits], routes=[limited])
        self.assertEqual([self.ask(running, "x-user: ann") for _ in range(2)], [200, 429])
        self.assertEqual([self.ask(running, "x-user: bob") for _ in range(2)], [200, 200])
        self.assertEqual([self.ask(running) for _ in range(2)], [200, 200])

    def test_headers_by_expressions(self):
        route = {**bootstrap.direct({"prefix": "/"}, "ok"), "response_headers_to_add": [
            {"header": {"key": "x-cel", "value": "%CEL(size(request.path) > 3 ? 'long' : 'short')%"}}]}
        running = self.start(routes=[route])
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET /abcd HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(dict(wire.Reader(sock).response("GET")["headers"])["x-cel"], "long")

    def test_logs_by_metadata(self):
        log = self.log()
        tells = typed("envoy.extensions.filters.http.header_to_metadata.v3.Config", request_rules=[{
            "header": "x-tenant", "on_header_present": {"metadata_namespace": "a", "key": "tenant"}}])
        matcher = {"filter": "a", "path": [{"key": "tenant"}], "value": {"string_match": {"prefix": "t"}}}
        running = self.start(filters=[tells], access_log=[{
            "name": "file", "filter": {"metadata_filter": {"matcher": matcher, "match_if_key_not_found": False}},
            "typed_config": {"@type": FILE_LOG, "path": str(log), "log_format": {"json_format": {
                "tenant": "%CEL(metadata.filter_metadata['a'].tenant)%", "to": "%TYPED_CEL(upstream.port)%"}}}}])
        for fields in (["x-tenant: u1"], [], ["x-tenant: t1"]):
            self.assertEqual(self.ask(running, *fields), 200)
        self.assertEqual(self.lines(running, log, 1), [{"tenant": "t1", "to": self.origin.port}])


if __name__ == "__main__":
    report.main_of_page("cel", CelTest)
