"""HTTP filters on the real binary: what clients see of them, and that the configurations of their pages load.

  http_filters_test.py --proxy BINARY --page FILE [CASE...]
"""

import gzip
import hashlib
import hmac
import json
import pathlib
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

ROUTER = {"name": "envoy.filters.http.router", "typed_config": {"@type": bootstrap.ROUTER}}
# Pages that show whole bootstraps, or what needs peers: the tests of those load them.
ELSEWHERE = {"cache", "dynamic_forward_proxy", "grpc_json_transcoder", "oauth2", "on_demand", "ratelimit", "router", "shield",
             "stateful_session", "waf"}


def typed(kind, **fields):
    return {"name": kind.rsplit(".", 1)[-1], "typed_config": {"@type": bootstrap.TYPE + kind, **fields}}


def http_filter(kind, **fields):
    """`kind`: NAME.v3.TYPE of envoy.extensions.filters.http."""
    return {**typed("envoy.extensions.filters.http." + kind, **fields), "name": kind.split(".")[0]}


class TokenEndpoint(origin.Origin):
    """Of an authorization server: each request gets the next token."""

    given = 0

    def answer(self, sock, request):
        self.given += 1
        body = json.dumps({"access_token": f"token-{self.given}", "token_type": "Bearer", "expires_in": 3600})
        sock.sendall(f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
        return True


class HttpFiltersTest(unittest.TestCase):
    binary = ""
    page = None

    def start(self, *filters, routes=None, upstream=None, **manager):
        self.origin = upstream or origin.Origin()
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes=routes, manager={"http_filters": [*filters, ROUTER], **manager},
            clusters=[bootstrap.cluster("origin", self.origin.port)]))
        self.addCleanup(running.__exit__)
        return running

    @staticmethod
    def ask(running, *fields, method="GET", path="/", body=""):
        with wire.connect(running.port) as sock:
            length = [f"Content-Length: {len(body)}"] if body else []
            lines = [f"{method} {path} HTTP/1.1", "Host: h", *fields, *length]
            sock.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            return wire.Reader(sock).response(method)

    @staticmethod
    def bootstrap_of(block):
        """With the filter that a block shows, or the route whose settings it shows, and whatever that names."""
        shown = yaml.safe_load(block)
        filters, routes = [shown, ROUTER], None
        if "typed_per_filter_config" in shown:
            filters, routes = [ROUTER], [{**bootstrap.to(), **shown}]
        config = bootstrap.bootstrap(routes=routes, manager={"http_filters": filters}, clusters=[
            bootstrap.cluster("origin", 1), bootstrap.cluster("login", 1), bootstrap.cluster("processor", 1, **bootstrap.http2()),
            bootstrap.cluster("authz", 1, **bootstrap.http2())])
        config["static_resources"]["secrets"] = [
            {"name": name, "generic_secret": {"secret": {"inline_string": "s"}}} for name in ("origin-token", "client-secret")]
        return config

    def test_the_configurations_of_the_pages_load(self):
        pages = {page.stem: page for page in self.page.parent.glob("*.md")}  # They stand in one folder.
        self.assertLessEqual(ELSEWHERE, pages.keys())
        for name in sorted(pages.keys() - ELSEWHERE):
            blocks = report.yaml_blocks(pages[name])
            self.assertTrue(blocks, name)
            for number, block in enumerate(blocks):
                with self.subTest(f"{name} {number}"), tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                    json.dump(self.bootstrap_of(block), file)
                    file.flush()
                    done = subprocess.run([self.binary, "-c", file.name, "--mode", "validate"], capture_output=True,
                                          text=True, check=False)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_lua(self):
        page = self.page.parent / "lua.md"
        script = http_filter("lua.v3.Lua", **yaml.safe_load(report.yaml_blocks(page)[0])["typed_config"])
        running = self.start(script)
        tea = self.ask(running, path="/teapot")
        self.assertEqual((tea["status"], tea["body"]), (418, "short and stout"))
        self.assertEqual(dict(tea["headers"])["x-kind"], "tea")
        answer = self.ask(running, path="/abc")
        self.assertEqual(dict(answer["headers"])["x-body-length"], str(len(answer["body"])))
        stats = running.stats()
        self.assertEqual(stats["http.main.lua.errors"], 0)
        self.assertEqual(stats["http.main.lua.executions"], 4)

    def test_a_lua_script_calls_out_and_rewrites_bodies(self):
        code = """
            function envoy_on_request(h)
              local fields, body = h:httpCall("origin", {[":method"] = "GET", [":path"] = "/side",
                [":authority"] = "side"}, nil, 5000)
              h:headers():add("x-side", fields[":status"])
              local whole = h:body()
              whole:setBytes(whole:getBytes(0, whole:length()):reverse())
            end
            function envoy_on_response(h)
              h:body(true):setBytes("rewritten")
              h:headers():replace(":status", "203")
            end"""
        running = self.start(http_filter("lua.v3.Lua", default_source_code={"inline_string": code}))
        answer = self.ask(running, method="POST", body="abc")
        self.assertEqual((answer["status"], answer["body"]), (203, "rewritten"))
        self.assertEqual(dict(answer["headers"])["content-length"], "9")
        self.assertEqual(running.stats()["http.main.lua.errors"], 0)

    def test_rbac(self):
        private = {"permissions": [{"url_path": {"path": {"prefix": "/private"}}}], "principals": [{"any": True}]}
        here = {"address_prefix": "127.0.0.0", "prefix_len": 8}
        running = self.start(http_filter(
            "rbac.v3.RBAC", rules={"action": "DENY", "policies": {"no entry": private}},
            shadow_matcher={"matcher_list": {"matchers": [{
                "predicate": {"single_predicate": {
                    "input": typed("envoy.extensions.matching.common_inputs.network.v3.SourceIPInput"),
                    "custom_match": typed("envoy.extensions.matching.input_matchers.ip.v3.Ip", stat_prefix="s",
                                          cidr_ranges=[here])}},
                "on_match": {"action": typed("envoy.config.rbac.v3.Action", name="local")}}]}}))
        self.assertEqual(self.ask(running)["status"], 200)
        refused = self.ask(running, path="/private/x")
        self.assertEqual((refused["status"], refused["body"]), (403, "RBAC: access denied"))
        stats = running.stats()
        self.assertEqual((stats["http.main.rbac.allowed"], stats["http.main.rbac.denied"]), (1, 1))
        self.assertEqual(stats["http.main.rbac.shadow_allowed"], 2)
        self.assertEqual(len(self.origin.take_seen()), 1)

    def test_compressor_and_decompressor(self):
        """Compressed for the client that asks; for the one that does not, what the origin compressed comes plain."""
        library = typed("envoy.extensions.compression.gzip.compressor.v3.Gzip")
        page = "x" * 4000
        running = self.start(http_filter("compressor.v3.Compressor", compressor_library=library),
                             routes=[bootstrap.direct({"prefix": "/text"}, page), bootstrap.to()])
        plain = self.ask(running, path="/text")
        self.assertEqual((plain["body"], dict(plain["headers"])["vary"]), (page, "Accept-Encoding"))
        packed = self.ask(running, "Accept-Encoding: br, gzip;q=0.5", path="/text")
        headers = dict(packed["headers"])
        self.assertEqual(headers["content-encoding"], "gzip")
        self.assertLess(len(packed["body"]), 500)
        bytes_of_it = packed["body"].encode("latin-1")
        self.assertEqual(gzip.decompress(bytes_of_it).decode(), page)
        large = self.ask(running, "Accept-Encoding: gzip", path="/large")
        self.assertEqual(gzip.decompress(large["body"].encode("latin-1")), b"L" * 4194304)
        self.assertEqual(running.stats()["http.main.compressor.Gzip.gzip.compressed"], 2)

        unpack = typed("envoy.extensions.compression.gzip.decompressor.v3.Gzip", max_inflate_ratio=1000)
        reverse = self.start(http_filter("decompressor.v3.Decompressor", decompressor_library=unpack))
        with wire.connect(reverse.port) as sock:
            body = gzip.compress(b"y" * 10000)
            sock.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
                         % len(body) + body)
            self.assertEqual(wire.Reader(sock).response("POST")["status"], 200)
        seen = self.origin.take_seen()[0]
        self.assertEqual(seen["body"], "y" * 10000)
        self.assertNotIn("content-encoding", dict(seen["headers"]))

    def test_fault(self):
        always = {"numerator": 100}
        running = self.start(http_filter("fault.v3.HTTPFault", delay={"header_delay": {}, "percentage": always},
                                         abort={"header_abort": {}, "percentage": always}))
        self.assertEqual(self.ask(running)["status"], 200)
        self.assertEqual(self.ask(running, "x-envoy-fault-delay-request: 20")["status"], 200)
        refused = self.ask(running, "x-envoy-fault-abort-request: 418")
        self.assertEqual((refused["status"], refused["body"]), (418, "fault filter abort"))
        stats = running.stats()
        self.assertEqual((stats["http.main.fault.delays_injected"], stats["http.main.fault.aborts_injected"]), (1, 1))
        self.assertEqual(stats["http.main.fault.active_faults"], 0)

    def test_custom_response(self):
        status = {"input": typed("envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput"),
                  "value_match": {"exact": "404"}}
        policy = typed("envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy",
                       body={"inline_string": "nothing"}, status_code=410)
        running = self.start(http_filter("custom_response.v3.CustomResponse", custom_response_matcher={
            "matcher_list": {"matchers": [{"predicate": {"single_predicate": status}, "on_match": {"action": policy}}]}}),
            routes=[bootstrap.direct({"prefix": "/local"}, "x", status=404), bootstrap.to()])
        for path in ("/404", "/local"):
            changed = self.ask(running, path=path)
            self.assertEqual((changed["status"], changed["body"]), (410, "nothing"))
        self.assertEqual(self.ask(running)["body"], "origin")

    def test_another_response_is_fetched(self):
        status = {"input": typed("envoy.type.matcher.v3.HttpResponseStatusCodeClassMatchInput"), "value_match": {"exact": "4xx"}}
        policy = typed("envoy.extensions.http.custom_response.redirect_policy.v3.RedirectPolicy",
                       redirect_action={"path_redirect": "/chunked"}, status_code=410,
                       response_headers_to_add=[{"header": {"key": "x-from", "value": "elsewhere"}}])
        running = self.start(http_filter("custom_response.v3.CustomResponse", custom_response_matcher={
            "matcher_list": {"matchers": [{"predicate": {"single_predicate": status}, "on_match": {"action": policy}}]}}),
            routes=[bootstrap.direct({"prefix": "/local"}, "x", status=404), bootstrap.to()])
        for method, path, body in (("GET", "/404", ""), ("GET", "/local", ""), ("POST", "/404", "body")):
            fetched = self.ask(running, method=method, path=path, body=body)
            self.assertEqual((fetched["status"], fetched["body"]), (410, "abcde"), path)
            self.assertIn(("x-from", "elsewhere"), fetched["headers"])
        self.assertEqual([request["start"].split(" ")[:2] for request in self.origin.take_seen()], [
            ["GET", "/404"], ["GET", "/chunked"], ["GET", "/chunked"], ["POST", "/404"], ["GET", "/chunked"]])

    def test_admission_control(self):
        running = self.start(http_filter(
            "admission_control.v3.AdmissionControl", success_criteria={}, aggression={"default_value": 1000},
            max_rejection_probability={"default_value": {"value": 100}}))
        for _ in range(20):
            self.ask(running, path="/500")
        refused = self.ask(running)
        self.assertEqual((refused["status"], refused["body"]), (503, ""))
        stats = running.stats()
        self.assertGreater(stats["http.main.admission_control.rq_failure"], 0)
        self.assertEqual(stats["http.main.admission_control.rq_rejected"] +
                         stats["http.main.admission_control.rq_failure"], 21)

    def test_adaptive_concurrency(self):
        running = self.start(http_filter("adaptive_concurrency.v3.AdaptiveConcurrency", gradient_controller_config={
            "concurrency_limit_params": {"concurrency_update_interval": "0.1s"},
            "min_rtt_calc_params": {"interval": "60s", "min_concurrency": 1}}))
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET /silent HTTP/1.1\r\nHost: h\r\n\r\n")
            running.wait(self.origin.take_seen)
            self.assertEqual(self.ask(running)["status"], 503)
        scope = "http.main.adaptive_concurrency.gradient_controller."
        self.assertEqual(running.stats()[scope + "concurrency_limit"], 1)
        # The one that was under way went with its connection.
        running.wait(lambda: self.ask(running)["status"] == 200)
        self.assertGreater(running.stats()[scope + "rq_blocked"], 0)

    def test_credentials(self):
        users = {"inline_string": "ann:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="}
        running = self.start(http_filter("basic_auth.v3.BasicAuth", users=users, forward_username_header="x-user"))
        refused = self.ask(running)
        self.assertEqual(refused["status"], 401)
        self.assertEqual(dict(refused["headers"])["www-authenticate"], 'Basic realm="http://h/"')
        self.assertEqual(self.ask(running, "Authorization: Basic YW5uOnRlc3Q=")["status"], 200)
        self.assertEqual(dict(self.origin.take_seen()[0]["headers"])["x-user"], "ann")
        running = self.start(http_filter(
            "api_key_auth.v3.ApiKeyAuth", credentials=[{"key": "k", "client": "bob"}], key_sources=[{"query": "key"}],
            forwarding={"header": "x-client", "hide_credentials": True}))
        self.assertEqual(self.ask(running)["status"], 401)
        self.assertEqual(self.ask(running, path="/a?key=k&b=c")["status"], 200)
        seen = self.origin.take_seen()[0]
        self.assertEqual(seen["start"], "GET /a?b=c HTTP/1.1")
        self.assertEqual(dict(seen["headers"])["x-client"], "bob")

    def test_aws_request_signing(self):
        """The origin makes the signature anew from what came."""
        running = self.start(http_filter(
            "aws_request_signing.v3.AwsRequestSigning", service_name="execute-api", region="eu-west-1",
            credential_provider={"inline_credential": {"access_key_id": "AKID", "secret_access_key": "secret"}}))
        self.assertEqual(self.ask(running, "X-Own:  a   b ", method="POST", path="/a%20b/../c?y=2&x=1", body="abc")["status"],
                         200)
        seen = self.origin.take_seen()[0]
        fields = dict(seen["headers"])
        algorithm, _, rest = fields["authorization"].partition(" ")
        told = dict(part.split("=", 1) for part in rest.split(", "))
        _, day, *scope = told["Credential"].split("/")
        names = told["SignedHeaders"].split(";")
        for name in ("host", "x-own", "x-amz-date", "x-amz-content-sha256"):
            self.assertIn(name, names)
        path, _, query = seen["start"].split(" ")[1].partition("?")
        canonical = "\n".join([
            "POST", {"/a%20b/../c": "/c", "/c": "/c"}[path], "&".join(f"{part}" for part in sorted(query.split("&"))),
            *[f"{name}:{' '.join(fields[name].split())}" for name in names], "", ";".join(names),
            hashlib.sha256(b"abc").hexdigest()])
        text = "\n".join([algorithm, fields["x-amz-date"], "/".join([day, *scope]),
                          hashlib.sha256(canonical.encode()).hexdigest()])
        key = b"AWS4secret"
        for part in (day, *scope):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        self.assertEqual(told["Signature"], hmac.new(key, text.encode(), hashlib.sha256).hexdigest())
        self.assertEqual(running.stats()["http.main.aws_request_signing.payload_signing_added"], 1)

    def test_credential_injector(self):
        generic = typed("envoy.extensions.http.injected_credentials.generic.v3.Generic", header_value_prefix="Bearer ",
                        credential={"name": "token", "sds_config": {"path_config_source": {"path": "FILE"}}})
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "sds.json"
            generic["typed_config"]["credential"]["sds_config"]["path_config_source"]["path"] = str(path)
            path.write_text(json.dumps({"resources": [{
                "@type": bootstrap.TYPE + "envoy.extensions.transport_sockets.tls.v3.Secret", "name": "token",
                "generic_secret": {"secret": {"inline_string": "xyz"}}}]}), encoding="utf-8")
            running = self.start(http_filter("credential_injector.v3.CredentialInjector", credential=generic))
            self.assertEqual(self.ask(running)["status"], 200)
            self.assertEqual(dict(self.origin.take_seen()[0]["headers"])["authorization"], "Bearer xyz")
            self.assertEqual(self.ask(running, "Authorization: mine")["status"], 200)
            self.assertEqual(dict(self.origin.take_seen()[0]["headers"])["authorization"], "mine")
            stats = running.stats()
            prefix = "http.main.credential_injector."
            self.assertEqual([stats[prefix + name] for name in ("injected", "already_exists", "failed")], [1, 1, 0])

    def test_tokens_by_the_clients_own_credentials(self):
        tokens = TokenEndpoint()
        self.origin = origin.Origin()
        oauth2 = typed("envoy.extensions.http.injected_credentials.oauth2.v3.OAuth2", scopes=["a", "b"],
                       token_endpoint={"uri": "http://login.example/token", "cluster": "login", "timeout": "5s"},
                       client_credentials={"client_id": "me", "client_secret": {"name": "client-secret"}, "auth_type": "URL_ENCODED_BODY"})
        config = bootstrap.bootstrap(
            manager={"http_filters": [http_filter("credential_injector.v3.CredentialInjector", credential=oauth2), ROUTER]},
            clusters=[bootstrap.cluster("origin", self.origin.port), bootstrap.cluster("login", tokens.port)])
        config["static_resources"]["secrets"] = [{"name": "client-secret", "generic_secret": {"secret": {"inline_string": "s&t"}}}]
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        prefix = "http.main.credential_injector.oauth2."
        running.wait(lambda: running.stats().get(prefix + "token_fetched", 0) > 0)
        running.wait(lambda: self.ask(running)["status"] == 200)
        self.assertRegex(dict(self.origin.take_seen()[-1]["headers"])["authorization"], r"^Bearer token-\d+$")
        asked = tokens.take_seen()[0]
        self.assertEqual((asked["start"], asked["body"]), (
            "POST /token HTTP/1.1", "grant_type=client_credentials&client_id=me&client_secret=s%26t&scope=a%20b"))
        self.assertEqual(dict(asked["headers"])["content-type"], "application/x-www-form-urlencoded")

    def test_grpc_stats(self):
        running = self.start(http_filter("grpc_stats.v3.FilterConfig", stats_for_all_methods=True))
        for path in ("/shop.Cart/Add", "/none/of/these"):
            self.ask(running, "Content-Type: application/grpc", method="POST", path=path, body="\0" * 5)
        name = "request_message_count"
        running.wait(lambda: running.stats().get(f"cluster.origin.grpc.{name}") == 1)
        self.assertEqual(running.stats()[f"cluster.origin.grpc.shop.Cart.Add.{name}"], 1)
        self.assertIn(f'envoy_cluster_grpc_{name}{{envoy_grpc_bridge_method="Add",envoy_grpc_bridge_service="shop.Cart",'
                      'envoy_cluster_name="origin"} 1', running.admin("/stats/prometheus"))

    def test_filter_state_for_rules(self):
        """What set_filter_state makes of a request, rbac decides by."""
        value = {"object_key": "team", "factory_key": "envoy.string",
                 "format_string": {"text_format_source": {"inline_string": "%REQ(x-team)%"}}}
        running = self.start(
            http_filter("set_filter_state.v3.Config", on_request_headers=[value]),
            http_filter("rbac.v3.RBAC", rules={"policies": {"blue": {
                "permissions": [{"any": True}],
                "principals": [{"filter_state": {"key": "team", "string_match": {"exact": "blue"}}}]}}}))
        self.assertEqual(self.ask(running, "x-team: blue")["status"], 200)
        self.assertEqual(self.ask(running, "x-team: red")["status"], 403)


if __name__ == "__main__":
    report.main_of_page("http_filters", HttpFiltersTest)
