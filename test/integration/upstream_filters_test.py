"""Upstream HTTP filters on the real binary: what hosts are sent, attempt by attempt.

  upstream_filters_test.py --proxy BINARY --page docs/upstream_filters.md [CASE...]
"""

import argparse
import json
import pathlib
import re
import socket
import subprocess
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

FILTERS = "envoy.extensions.filters.http."


def typed(kind, **fields):
    return {"name": kind.rsplit(".", 1)[-1], "typed_config": {"@type": bootstrap.TYPE + kind, **fields}}


def http_filter(kind, **fields):
    """`kind`: NAME.v3.TYPE of envoy.extensions.filters.http."""
    return {**typed(FILTERS + kind, **fields), "name": kind.split(".")[0]}


CODEC = http_filter("upstream_codec.v3.UpstreamCodec")
AWS = http_filter("aws_request_signing.v3.AwsRequestSigning", service_name="execute-api", region="eu-west-1",
                  credential_provider={"inline_credential": {"access_key_id": "AKID", "secret_access_key": "secret"}})
RETRY = {"retry_on": "5xx", "num_retries": 2, "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.002s"}}


def added(**fields):
    """header_mutation that adds fields to requests."""
    return http_filter("header_mutation.v3.HeaderMutation", mutations={"request_mutations": [
        {"append": {"header": {"key": name.replace("_", "-"), "value": value}}} for name, value in fields.items()]})


def injector(secret):
    return http_filter("credential_injector.v3.CredentialInjector", credential=typed(
        "envoy.extensions.http.injected_credentials.generic.v3.Generic", header_value_prefix="Bearer ", credential=secret))


def listed(*filters):
    """A cluster's field: those filters, then the codec."""
    return bootstrap.protocol(explicit_http_config={"http_protocol_options": {}}, http_filters=[*filters, CODEC])


class Flaky(origin.Origin):
    """Every second answer is 503."""

    count = 0

    def answer(self, sock, request):
        self.count += 1
        sock.sendall((origin.SCRIPTS["503"] if self.count % 2 else origin.OK).encode())
        return True


class Closed:
    """A port that is taken, but refuses connections."""

    def __enter__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        return self

    def __exit__(self, *_):
        self.socket.close()


class UpstreamFiltersTest(unittest.TestCase):
    binary = ""
    page = ""

    def start(self, upstream, *filters, routes=None, router=None, secrets=None, **more):
        config = bootstrap.bootstrap(
            routes=routes or [bootstrap.to(retry_policy=RETRY)],
            manager={"http_filters": [{"name": "router", "typed_config": {"@type": bootstrap.ROUTER, **(router or {})}}], **more},
            clusters=[bootstrap.cluster("origin", upstream.port, **(listed(*filters) if filters else {}))])
        config["static_resources"]["secrets"] = secrets or []
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        return running

    @staticmethod
    def ask(running, *fields, method="GET", path="/", body=""):
        with wire.connect(running.port) as sock:
            length = [f"Content-Length: {len(body)}"] if body else []
            lines = [f"{method} {path} HTTP/1.1", "Host: h", *fields, *length]
            sock.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            return wire.Reader(sock).response(method)

    def validate(self, config):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(config, file)
            file.flush()
            done = subprocess.run([self.binary, "-c", file.name, "--mode", "validate"], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def refused(self, *filters, codec=True):
        """What is said of a cluster with that list."""
        options = bootstrap.protocol(explicit_http_config={"http_protocol_options": {}},
                                     http_filters=[*filters, *([CODEC] if codec else [])])
        code, text = self.validate(bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", 1, **options)]))
        self.assertNotEqual(code, 0, text)
        return text


class AttemptsTest(UpstreamFiltersTest):
    def test_each_attempt_begins_anew(self):
        """The credential is given and the request signed once for each try."""
        upstream = Flaky()
        secret = {"name": "token", "generic_secret": {"secret": {"inline_string": "xyz"}}}
        mutation = http_filter("header_mutation.v3.HeaderMutation", mutations={
            "request_mutations": [{"append": {"header": {"key": "x-one", "value": "1"}}}],
            "response_mutations": [{"append": {"header": {"key": "x-passed", "value": "%RESPONSE_CODE%"}}}]})
        running = self.start(upstream, injector({"name": "token"}), mutation, secrets=[secret])
        response = self.ask(running, method="POST", body="hello")
        self.assertEqual(response["status"], 200)
        self.assertIn("x-passed", dict(response["headers"]))
        seen = upstream.take_seen()
        self.assertEqual(len(seen), 2)
        for request in seen:
            fields = [field for field in request["headers"] if field[0] in ("authorization", "x-one")]
            self.assertEqual(fields, [("authorization", "Bearer xyz"), ("x-one", "1")])
            self.assertEqual(request["body"], "hello")
        stats = running.stats()
        self.assertEqual(stats["cluster.origin.credential_injector.injected"], 2)
        self.assertEqual(stats["cluster.origin.upstream_rq_retry"], 1)

    def test_each_attempt_is_signed(self):
        upstream = Flaky()
        running = self.start(upstream, AWS)
        self.assertEqual(self.ask(running, method="POST", body="hello")["status"], 200)
        seen = upstream.take_seen()
        self.assertEqual(len(seen), 2)
        for request in seen:
            signatures = [value for name, value in request["headers"] if name == "authorization"]
            self.assertEqual(len(signatures), 1)
            self.assertIn("AKID", signatures[0])
            self.assertEqual(len([1 for name, _ in request["headers"] if name == "x-amz-date"]), 1)
            self.assertEqual(request["body"], "hello")
        self.assertEqual(running.stats()["cluster.origin.aws_request_signing.payload_signing_added"], 2)

    def test_what_a_filter_answers_is_final(self):
        upstream = origin.Origin()
        running = self.start(upstream, http_filter("buffer.v3.Buffer", max_request_bytes=4),
                             http_filter("rbac.v3.RBAC", rules={"action": "DENY", "policies": {"no": {
                                 "permissions": [{"url_path": {"path": {"prefix": "/private"}}}], "principals": [{"any": True}]}}}))
        self.assertEqual(self.ask(running, method="POST", body="four")["status"], 200)
        self.assertEqual(self.ask(running, method="POST", body="hello")["status"], 413)
        self.assertEqual(self.ask(running, path="/private")["status"], 403)
        self.assertEqual(len(upstream.take_seen()), 1)
        stats = running.stats()
        self.assertEqual((stats["cluster.origin.rbac.allowed"], stats["cluster.origin.rbac.denied"]), (1, 1))
        self.assertEqual(stats["cluster.origin.upstream_rq_retry"], 0)

    def test_admission_is_of_the_cluster(self):
        """Hosts that can not be reached count as failures."""
        with Closed() as nobody:
            running = self.start(nobody, http_filter("admission_control.v3.AdmissionControl", success_criteria={}))
            self.assertEqual(self.ask(running)["status"], 503)
            self.assertGreaterEqual(running.stats()["cluster.origin.admission_control.rq_failure"], 1)


class KindsTest(UpstreamFiltersTest):
    def test_all_kinds_in_one_list(self):
        """Each does its part, and what they leave of the request is there for the access log."""
        gzip = {"name": "gzip", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.compression.gzip.compressor.v3.Gzip"}}
        gunzip = {"name": "gzip", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.compression.gzip.decompressor.v3.Gzip"}}
        everything = {"default_value": {"numerator": 100}}
        matched = {"name": "matched", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.common.matching.v3.ExtensionWithMatcher",
            "extension_config": added(x_matched="1"),
            "xds_matcher": {"matcher_tree": {
                "input": typed("envoy.type.matcher.v3.HttpRequestHeaderMatchInput", header_name="x-skip"),
                "exact_match_map": {"map": {"yes": {"action": typed(
                    "envoy.extensions.filters.common.matcher.action.v3.SkipFilter")}}}}}}}
        upstream = origin.Origin()
        running = self.start(
            upstream,
            http_filter("admission_control.v3.AdmissionControl", success_criteria={}),
            http_filter("local_ratelimit.v3.LocalRateLimit", stat_prefix="limit", filter_enabled=everything, filter_enforced=everything,
                        token_bucket={"max_tokens": 2, "tokens_per_fill": 1, "fill_interval": "3600s"}),
            http_filter("rbac.v3.RBAC", rules={"policies": {"all": {"permissions": [{"any": True}], "principals": [{"any": True}]}}}),
            http_filter("header_to_metadata.v3.Config", request_rules=[
                {"header": "x-team", "on_header_present": {"metadata_namespace": "n", "key": "team"}}]),
            http_filter("set_metadata.v3.Config", metadata=[{"metadata_namespace": "set", "value": {"a": "b"}}]),
            http_filter("set_filter_state.v3.Config", on_request_headers=[{
                "object_key": "host", "factory_key": "envoy.string",
                "format_string": {"text_format_source": {"inline_string": "%UPSTREAM_HOST%"}}}]),
            matched, http_filter("compressor.v3.Compressor", compressor_library=gzip, response_direction_config={
                "common_config": {"min_content_length": 1, "content_type": ["text/plain"]}}),
            http_filter("decompressor.v3.Decompressor", decompressor_library=gunzip),
            http_filter("buffer.v3.Buffer", max_request_bytes=100), AWS,
            access_log=[{"name": "file", "typed_config": {
                "@type": bootstrap.TYPE + "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog", "log_format": {
                    "text_format_source": {"inline_string": "LOG %DYNAMIC_METADATA(n:team)% %DYNAMIC_METADATA(set:a)% "
                                                            "%FILTER_STATE(host:PLAIN)% %REQ(authorization)%\n"}}}}])
        response = self.ask(running, "x-team: blue", "accept-encoding: gzip", method="POST", body="hello")
        self.assertEqual(response["status"], 200)
        self.assertEqual(dict(response["headers"])["content-encoding"], "gzip")
        self.assertEqual(self.ask(running, "x-skip: yes")["status"], 200)
        self.assertEqual(self.ask(running)["status"], 429)
        first, second = upstream.take_seen()
        self.assertEqual((first["body"], dict(first["headers"])["x-matched"]), ("hello", "1"))
        self.assertIn("AKID", dict(first["headers"])["authorization"])
        self.assertNotIn("x-matched", dict(second["headers"]))
        stats = running.stats()
        self.assertEqual(stats["cluster.origin.rbac.allowed"], 2)
        self.assertEqual(stats["cluster.origin.compressor.gzip.gzip.response.compressed"], 1)
        self.assertEqual(stats["limit.http_local_rate_limit.rate_limited"], 1)
        running.wait(lambda: f"LOG blue b 127.0.0.1:{upstream.port} -" in running.words())


class ListsTest(UpstreamFiltersTest):
    def test_list_of_the_router(self):
        upstream = origin.Origin()
        running = self.start(upstream, router={"upstream_http_filters": [added(x_router="1"), CODEC]})
        self.assertEqual(self.ask(running)["status"], 200)
        self.assertEqual(dict(upstream.take_seen()[0]["headers"])["x-router"], "1")

    def test_list_of_the_cluster_wins(self):
        for own in ([added(x_cluster="1")], [{**added(x_no="1"), "disabled": True}]):
            upstream = origin.Origin()
            running = self.start(upstream, *own, router={"upstream_http_filters": [added(x_router="1"), CODEC]})
            self.assertEqual(self.ask(running)["status"], 200)
            fields = dict(upstream.take_seen()[0]["headers"])
            self.assertNotIn("x-router", fields)
            self.assertNotIn("x-no", fields)

    def test_routes_say_more(self):
        def by_route(**override):
            return {"typed_per_filter_config": {"header_mutation": override}}
        upstream = origin.Origin()
        running = self.start(upstream, added(x_cluster="1"), routes=[
            {"match": {"prefix": "/off"}, "route": {"cluster": "origin"},
             **by_route(**{"@type": bootstrap.TYPE + "envoy.config.route.v3.FilterConfig", "disabled": True})},
            {"match": {"prefix": "/more"}, "route": {"cluster": "origin"},
             **by_route(**{"@type": bootstrap.TYPE + FILTERS + "header_mutation.v3.HeaderMutationPerRoute", "mutations": {
                 "request_mutations": [{"append": {"header": {"key": "x-route", "value": "1"}}}]}})},
            bootstrap.to()])
        found = []
        for path in ("/", "/off", "/more"):
            self.ask(running, path=path)
            fields = dict(upstream.take_seen()[0]["headers"])
            found.append(("x-cluster" in fields, "x-route" in fields))
        self.assertEqual(found, [(True, False), (False, False), (True, True)])

    def test_what_is_refused(self):
        self.assertIn("can not be an upstream filter", self.refused(http_filter("cors.v3.Cors")))
        self.assertIn("geoip", self.refused(http_filter("geoip.v3.Geoip")))
        self.assertIn("UpstreamCodec", self.refused(added(x="1"), codec=False))
        self.assertIn("no filter may stand behind", self.refused(CODEC, added(x="1")))
        self.assertIn("write typed_config", self.refused({"name": "x", "config_discovery": {
            "config_source": {"ads": {}}, "type_urls": [bootstrap.TYPE + FILTERS + "buffer.v3.Buffer"]}}))
        code, text = self.validate(bootstrap.bootstrap(
            manager={"http_filters": [CODEC, {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}]},
            clusters=[bootstrap.cluster("origin", 1)]))
        self.assertNotEqual(code, 0)
        self.assertIn("HttpProtocolOptions.http_filters", text)

    def test_secret_that_comes_late(self):
        """The cluster waits for what its filters name; the next request has the next secret."""
        upstream = origin.Origin()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "sds.json"

            def write(value):
                fresh = path.with_suffix(".new")
                fresh.write_text(json.dumps({"resources": [{
                    "@type": bootstrap.TYPE + "envoy.extensions.transport_sockets.tls.v3.Secret", "name": "token",
                    "generic_secret": {"secret": {"inline_string": value}}}]}), encoding="utf-8")
                fresh.rename(path)

            write("one")
            secret = {"name": "token", "sds_config": {"path_config_source": {"path": str(path)}}}
            running = self.start(upstream, injector(secret))

            def credential():
                self.assertEqual(self.ask(running)["status"], 200)
                return dict(upstream.take_seen()[0]["headers"])["authorization"]

            self.assertEqual(credential(), "Bearer one")
            write("two")
            running.wait(lambda: credential() == "Bearer two")

    def test_the_page_shows_what_works(self):
        upstream = origin.Origin()
        text = pathlib.Path(self.page).read_text(encoding="utf-8")
        block = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0].replace("8080", str(upstream.port)))
        config = bootstrap.bootstrap(clusters=[block])
        config["static_resources"]["secrets"] = [{"name": "origin-token", "generic_secret": {"secret": {"inline_string": "s"}}}]
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        self.assertEqual(self.ask(running)["status"], 200)
        fields = dict(upstream.take_seen()[0]["headers"])
        self.assertEqual(fields["x-origin-only"], "1")
        self.assertIn("AKID", fields["authorization"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--page", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    UpstreamFiltersTest.binary, UpstreamFiltersTest.page = args.proxy, args.page
    report.main("upstream_filters", args.cases)
