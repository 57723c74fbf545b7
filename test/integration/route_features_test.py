"""What routes match by and do, on the real binary: templates of paths, cookies, metadata, filter state, client
certificates, virtual clusters, priorities, clusters by plugins. Envoy 1.40 passes the same cases, but for the words in which
it refuses, the spaces that it leaves in a Location, and one more connection that it makes.

  route_features_test.py --proxy BINARY --page FILE [CASE...]
"""

import pathlib
import sys
import threading
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import certificates  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import route_filters  # noqa: E402
import tls_case  # noqa: E402
import wire  # noqa: E402

OK = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Gate(origin.Origin):
    """Answers requests to /slow only once it is opened."""

    def __init__(self):
        self.opened = threading.Event()
        self.waiting = threading.Semaphore(0)
        super().__init__()

    def answer(self, sock, request):
        if "/slow" in request["start"]:
            self.waiting.release()
            self.opened.wait(wire.PATIENCE_S)
        sock.sendall(OK.encode())
        return True


class RouteFeaturesTest(unittest.TestCase):
    binary = ""
    page = None

    def start(self, routes, upstream=None, clusters=None, table=None, **more):
        self.origin = upstream or origin.Origin()
        config = bootstrap.bootstrap(clusters=clusters or [bootstrap.cluster("origin", self.origin.port)], **more)
        listener = config["static_resources"]["listeners"][0]
        listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"] = table or {
            "name": "local", "virtual_hosts": [{"name": "v", "domains": ["*"], "routes": routes}]}
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        return running

    @staticmethod
    def ask(running, path, *fields, method="GET"):
        with wire.connect(running.port) as sock:
            sock.sendall(("\r\n".join([f"{method} {path} HTTP/1.1", "Host: h", *fields, "Content-Length: 0"]) + "\r\n\r\n").encode())
            return wire.Reader(sock).response(method)

    def path_at_origin(self, running, path, *fields):
        answer = self.ask(running, path, *fields)
        self.assertEqual(answer["status"], 200, answer)
        return self.origin.take_seen()[-1]["start"].split(" ")[1]

    def page_proxy(self, **more):
        table = yaml.safe_load(report.yaml_blocks(self.page)[0])
        return self.start(None, table=table, manager={"http_filters": route_filters.FILTERS}, **more)

    def test_matches_of_the_page(self):
        running = self.page_proxy()
        self.assertEqual(self.path_at_origin(running, "/de/v2/items/a/b?q"), "/items/2/de/a/b?q")
        self.assertEqual(self.path_at_origin(running, "/de/x2/items/a"), "/de/x2/items/a")
        self.assertEqual(self.path_at_origin(running, "/x", "Cookie: a=b; group=beta"), "/beta/x")
        self.assertEqual(self.path_at_origin(running, "/x", "Cookie: group=betas"), "/x")
        self.assertEqual(self.path_at_origin(running, "/x", "x-arm: blue"), "/blue/x")
        self.assertEqual(self.path_at_origin(running, "/x", "x-arm: red"), "/x")
        self.assertEqual(self.path_at_origin(running, "/x", "x-tenant: gold"), "/gold/x")
        answer = self.ask(running, "/staff/a?b", "x-realm: r d")
        self.assertEqual((answer["status"], dict(answer["headers"])["location"]), (302, "http://h/login/r%20d?b"))

    def test_specifier_of_the_page(self):
        running = self.page_proxy()
        self.assertEqual(self.ask(running, "/by-env", "x-env: stage")["status"], 200)
        seen = dict(self.origin.take_seen()[-1]["headers"])
        self.assertEqual((seen["host"], seen["x-envoy-original-host"]), ("stage.internal", "h"))
        self.assertEqual(self.ask(running, "/by-env", "x-env: none")["status"], 503)
        stats = running.stats()
        self.assertEqual(stats["vhost.shop.route.by_env.upstream_rq_total"], 1)

    def test_virtual_clusters_of_the_page(self):
        running = self.page_proxy()
        for method, path in (("POST", "/cart/1"), ("POST", "/404"), ("GET", "/cart"), ("POST", "/cart")):
            self.ask(running, path, method=method)
        stats = {name: value for name, value in running.stats().items() if name.startswith("vhost.shop.vcluster.") and value}
        self.assertEqual({name.removeprefix("vhost.shop.vcluster."): value for name, value in stats.items()}, {
            "checkout.upstream_rq_200": 2, "checkout.upstream_rq_2xx": 2, "checkout.upstream_rq_completed": 2,
            "checkout.upstream_rq_total": 2, "other.upstream_rq_200": 1, "other.upstream_rq_2xx": 1, "other.upstream_rq_404": 1,
            "other.upstream_rq_4xx": 1, "other.upstream_rq_completed": 2, "other.upstream_rq_total": 2})
        self.assertIn('envoy_vhost_vcluster_upstream_rq_total{envoy_virtual_cluster="checkout",envoy_virtual_host="shop"} 2',
                      running.admin("/stats/prometheus").replace('{envoy_virtual_host="shop",envoy_virtual_cluster="checkout"}',
                                                                 '{envoy_virtual_cluster="checkout",envoy_virtual_host="shop"}'))

    def test_client_certificates_of_the_page(self):
        authority = certificates.Authority()
        trusted = {"validation_context": {"trusted_ca": {"filename": authority.root.chain}}}
        running = self.page_proxy(transport=bootstrap.downstream_tls(authority.issue("server", ["DNS:h"]), common=trusted))
        for pair, status in ((None, 302), (authority.issue("client", ["DNS:client"]), 200)):
            context = tls_case.client_context(authority, pair)
            with wire.connect(running.port) as plain, context.wrap_socket(plain, server_hostname="h") as sock:
                sock.sendall(b"GET /staff HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertEqual(wire.Reader(sock).response("GET")["status"], status)

    def test_priority_has_breakers_and_connections_of_its_own(self):
        gate = Gate()
        self.addCleanup(gate.opened.set)
        limits = [{"priority": priority, "max_requests": 1, "track_remaining": True} for priority in ("DEFAULT", "HIGH")]
        running = self.start(
            [{"match": {"prefix": "/high"}, "route": {"cluster": "origin", "priority": "HIGH"}}, bootstrap.to()], upstream=gate,
            clusters=[bootstrap.cluster("origin", gate.port, circuit_breakers={"thresholds": limits})])
        with wire.connect(running.port) as slow:
            slow.sendall(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            gate.waiting.acquire()
            self.assertEqual(self.ask(running, "/x")["status"], 503)
            self.assertEqual(self.ask(running, "/high")["status"], 200)
            self.assertEqual(self.ask(running, "/high")["status"], 200)
            stats = running.stats()
            self.assertEqual(stats["cluster.origin.circuit_breakers.default.rq_open"], 1)
            self.assertEqual(stats["cluster.origin.circuit_breakers.default.remaining_rq"], 0)
            self.assertEqual(stats["cluster.origin.circuit_breakers.high.rq_open"], 0)
            self.assertEqual(stats["cluster.origin.circuit_breakers.high.remaining_rq"], 1)
            self.assertEqual(stats["cluster.origin.upstream_cx_total"], 2)
            gate.opened.set()
            self.assertEqual(wire.Reader(slow).response("GET")["status"], 200)

    def test_breaker_of_high_priority(self):
        gate = Gate()
        self.addCleanup(gate.opened.set)
        running = self.start(
            [{"match": {"prefix": "/high"}, "route": {"cluster": "origin", "priority": "HIGH"}}, bootstrap.to()], upstream=gate,
            clusters=[bootstrap.cluster("origin", gate.port, circuit_breakers={"thresholds": [
                {"priority": "HIGH", "max_connections": 1, "max_pending_requests": 0}]})])
        self.assertEqual(self.ask(running, "/high")["status"], 503)
        self.assertEqual(self.ask(running, "/x")["status"], 200)

    def test_retries_that_say_why(self):
        policy = {"retry_on": "5xx", "num_retries": 1, "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.001s"}}
        table = {"name": "local", "virtual_hosts": [{
            "name": "v", "domains": ["*"], "include_is_timeout_retry_header": True, "routes": [
                {"match": {"prefix": "/silent"}, "route": {"cluster": "origin", "retry_policy": policy | {"per_try_timeout": "0.1s"}}},
                bootstrap.to(retry_policy=policy)]}]}
        running = self.start(None, table=table)
        for path, told in (("/503", "false"), ("/silent", "true")):
            self.ask(running, path)
            seen = [dict(request["headers"]).get("x-envoy-is-timeout-retry") for request in self.origin.take_seen()]
            self.assertEqual(seen, [None, told], path)

    def test_virtual_hosts_by_a_field(self):
        hosts = [{"name": name, "domains": [domain], "routes": [bootstrap.direct({"prefix": "/"}, name)]}
                 for name, domain in (("a", "a.com"), ("h", "h"), ("rest", "*"))]
        running = self.start(None, table={"name": "local", "vhost_header": "x-tenant", "virtual_hosts": hosts})
        self.assertEqual(self.ask(running, "/", "x-tenant: a.com")["body"], "a")
        self.assertEqual(self.ask(running, "/", "x-tenant: b")["body"], "rest")

    def test_configurations_that_are_refused(self):
        template = bootstrap.TYPE + "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig"
        for action, match, said in (
                ({"route": {"cluster": "origin"}},
                 {"path_match_policy": {"name": "t", "typed_config": {"@type": template, "path_template": "/{a"}}}, "without '}'"),
                ({"route": {"cluster_specifier_plugin": "none"}}, {"prefix": "/"}, "cluster_specifier_plugin"),
                ({"non_forwarding_action": {}}, {"prefix": "/"}, "it is for clients without a proxy")):
            with self.assertRaisesRegex(RuntimeError, said):
                self.start([{"match": match, **action}])


if __name__ == "__main__":
    report.main_of_page("route_features", RouteFeaturesTest)
