"""Network filters and terminal filters that are small, through the real binary: what they let pass, refuse, log
and count, before a TCP proxy and before HTTP; and what of listeners' sockets is configured.

  network_filters_test.py --proxy BINARY --page network_filters.md [CASE...]
"""

import json
import os
import pathlib
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import certificates  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import tcp  # noqa: E402
import tcp_case  # noqa: E402

NETWORK = bootstrap.TYPE + "envoy.extensions.filters.network."
LINE = "%RESPONSE_FLAGS% to=%UPSTREAM_HOST% %CONNECTION_TERMINATION_DETAILS%"


def network_filter(kind, **fields):
    return {"name": kind, "typed_config": {"@type": NETWORK + kind, **fields}}


def connection_limit(most, **more):
    return network_filter("connection_limit.v3.ConnectionLimit", stat_prefix="l", max_connections=most, **more)


def rate_limit(tokens, interval="3600s", **more):
    return network_filter("local_ratelimit.v3.LocalRateLimit", stat_prefix="r",
                          token_bucket={"max_tokens": tokens, "fill_interval": interval}, **more)


def rbac(**fields):
    return network_filter("rbac.v3.RBAC", stat_prefix="p", **fields)


def rules(principal, action="ALLOW", permission=None, name="the rule"):
    return {"action": action, "policies": {name: {"permissions": [permission or {"any": True}],
                                                  "principals": [principal]}}}


ECHO = network_filter("echo.v3.Echo")
HERE = {"direct_remote_ip": {"address_prefix": "127.0.0.0", "prefix_len": 8}}
ELSEWHERE = {"remote_ip": {"address_prefix": "10.0.0.0", "prefix_len": 8}}
GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def http_filter():
    """The connection manager that says "ok" to everything."""
    chain = bootstrap.listener(routes=[bootstrap.direct({"prefix": "/"}, "ok")])["filter_chains"][0]
    return chain["filters"][0]


class NetworkFiltersTest(tcp_case.TcpCase):
    def proxied(self):
        return tcp.tcp_proxy(self.log, LINE)

    def ask(self, port, data=b"x"):
        """A connection that answers, or None when it was closed."""
        client = tcp.connect(port)
        try:
            client.sendall(data)
            if client.recv(len(data)):
                return client
        except OSError:
            pass
        client.close()
        return None

    def problems(self, *filters, **more):
        """What --mode validate says of a listener."""
        path = os.path.join(self.folder, "bootstrap.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(bootstrap.of([tcp.listener(*filters, **more)], []), out)
        done = subprocess.run([self.binary, "-c", path, "--mode", "validate"], capture_output=True, text=True,
                              check=False)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def test_the_order_of_filters_is_checked(self):
        at = "filter_chains[0].filters"
        self.assertIn(f"{at}[0].typed_config: network filter 'echo.v3.Echo' must be the last",
                      self.problems(ECHO, self.proxied()))
        self.assertIn(f"{at}[0].typed_config: network filter 'connection_limit.v3.ConnectionLimit' cannot be the last",
                      self.problems(connection_limit(1)))
        unknown = network_filter("redis_proxy.v3.RedisProxy", stat_prefix="r", settings={"op_timeout": "1s"})
        self.assertIn("envoy.extensions.filters.network.redis_proxy.v3.RedisProxy", self.problems(unknown))
        self.assertEqual(self.problems(connection_limit(1), rate_limit(1), rbac(), ECHO), "")

    def test_the_bootstraps_of_the_page_are_valid(self):
        report.check_bootstraps(self, 5)

    def test_what_cannot_be_honoured_is_refused_by_name(self):
        self.assertIn("on_demand", self.problems(tcp.tcp_proxy(on_demand={"resources_locator": "xdstp://a"})))
        self.assertIn("max_early_data_bytes", self.problems(tcp.tcp_proxy(upstream_connect_mode="ON_DOWNSTREAM_DATA")))
        header = {"header": {"name": "a", "present_match": True}}
        self.assertIn("header: a connection has no such thing", self.problems(rbac(rules=rules(header)), ECHO))

    def test_a_chain_without_filters_closes(self):
        running = self.start()
        for _ in range(2):
            data, end = tcp.end_of(tcp.connect(running.port))
            self.assertEqual(data, b"")
            self.assertIn(end, ("closed", "reset"))

    def test_echo(self):
        running = self.start(ECHO)
        client = tcp.connect(running.port)
        data = os.urandom(300_000)
        client.settimeout(20)
        sent = memoryview(data)
        got = bytearray()
        while len(got) < len(data):
            if sent:
                sent = sent[client.send(sent[:30_000]):]
            got += client.recv(1 << 16)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(tcp.end_of(client), (b"", "closed"))
        self.assertEqual(bytes(got), data)

    def test_direct_response(self):
        running = self.start(network_filter("direct_response.v3.Config", response={"inline_string": "go away\n"}))
        client = tcp.connect(running.port)
        client.sendall(b"much that nobody reads " * 1000)
        self.assertEqual(tcp.end_of(client), (b"go away\n", "closed"))

    def test_connection_limit(self):
        running = self.start(connection_limit(2, delay="0.05s"), self.proxied())
        first, second = self.ask(running.port), self.ask(running.port)
        self.assertTrue(first and second)
        self.assertIsNone(self.ask(running.port))
        stats = running.stats()
        self.assertEqual(stats["connection_limit.l.limited_connections"], 1)
        self.assertEqual(stats["connection_limit.l.active_connections"], 2)
        self.assertEqual(self.lines(running, 1)[0], "- to=- -")
        first.close()
        running.wait(lambda: running.stats()["connection_limit.l.active_connections"] == 1)
        self.assertTrue(self.ask(running.port))

    def test_connection_limit_before_http(self):
        running = self.start(connection_limit(1), http_filter())
        held = tcp.connect(running.port)
        running.wait(lambda: running.stats()["connection_limit.l.active_connections"] == 1)
        self.assertIsNone(self.ask(running.port, GET))
        held.sendall(GET)
        self.assertIn(b"200 OK", tcp.end_of(held)[0])
        held.close()
        running.wait(lambda: running.stats()["connection_limit.l.active_connections"] == 0)
        self.assertTrue(self.ask(running.port, GET))

    def test_what_one_filter_refuses_no_other_keeps(self):
        running = self.start(connection_limit(5), rate_limit(1), self.proxied())
        client = self.ask(running.port)
        for _ in range(10):
            self.assertIsNone(self.ask(running.port))
        self.assertEqual(running.stats()["connection_limit.l.active_connections"], 1)
        client.close()
        running.wait(lambda: running.stats()["connection_limit.l.active_connections"] == 0)

    def test_rate_limit(self):
        running = self.start(rate_limit(2), self.proxied())
        kept = [self.ask(running.port), self.ask(running.port)]
        self.assertTrue(all(kept))
        self.assertIsNone(self.ask(running.port))
        self.assertEqual(running.stats()["local_rate_limit.r.rate_limited"], 1)
        self.assertEqual(self.lines(running, 1)[0], "URX to=- -")
        off = self.start(rate_limit(1, runtime_enabled={"default_value": False, "runtime_key": "x"}), ECHO)
        self.assertTrue(all([self.ask(off.port), self.ask(off.port)]))

    def test_rbac_allows_and_denies(self):
        running = self.start(rbac(rules=rules(HERE), shadow_rules=rules(HERE, "DENY"), shadow_rules_stat_prefix="s"),
                             self.proxied())
        self.assertTrue(self.ask(running.port))
        stats = running.stats()
        self.assertEqual((stats["p.rbac.allowed"], stats["p.rbac.denied"]), (1, 0))
        self.assertEqual((stats["p.rbac.s.shadow_allowed"], stats["p.rbac.s.shadow_denied"]), (0, 1))

        running = self.start(rbac(rules=rules(ELSEWHERE)), self.proxied())
        self.assertIsNone(self.ask(running.port))
        self.assertEqual(running.stats()["p.rbac.denied"], 1)
        running.wait(lambda: self.lines(running, 1)[-1].endswith(" rbac_access_denied_matched_policy[none]"))

        running = self.start(rbac(rules=rules(HERE, "DENY"), delay_deny="0.05s"), self.proxied())
        self.assertIsNone(self.ask(running.port))
        running.wait(lambda: self.lines(running, 1)[-1].endswith(" rbac_access_denied_matched_policy[the_rule]"))

    def test_rbac_judges_at_the_first_bytes(self):
        running = self.start(rbac(rules=rules(ELSEWHERE)), self.proxied())
        client = tcp.connect(running.port)
        # The host is connected meanwhile: it may have to speak first.
        running.wait(lambda: running.stats().get("cluster.origin.upstream_cx_total"))
        self.assertEqual(running.stats()["p.rbac.denied"], 0)
        client.sendall(b"x")
        self.assertEqual(tcp.end_of(client)[0], b"")
        self.assertEqual(running.stats()["p.rbac.denied"], 1)

    def test_rbac_before_http(self):
        port = {"destination_port_range": {"start": 1, "end": 65536}}
        running = self.start(rbac(rules=rules(HERE, permission=port)), http_filter())
        client = tcp.connect(running.port)
        client.sendall(GET)
        self.assertIn(b"200 OK", tcp.end_of(client)[0])
        running = self.start(rbac(rules=rules(HERE, "DENY")), http_filter())
        client = tcp.connect(running.port)
        client.sendall(GET)
        self.assertEqual(tcp.end_of(client)[0], b"")
        self.assertEqual(running.stats()["p.rbac.denied"], 1)

    def test_rbac_by_certificate(self):
        authority = certificates.Authority()
        self.addCleanup(authority.folder.cleanup)
        server = authority.issue("server", ["DNS:a.example"])
        good = authority.issue("good", ["URI:spiffe://a/good"])
        bad = authority.issue("bad", ["URI:spiffe://a/bad"])
        principal = {"authenticated": {"principal_name": {"exact": "spiffe://a/good"}}}
        transport = bootstrap.downstream_tls(server, alpn=(), require_client_certificate=True, common={
            "validation_context": {"trusted_ca": {"filename": authority.root.chain}}})
        running = self.start(rbac(rules=rules(principal)), ECHO, transport=transport)

        def ask(pair):
            context = ssl.create_default_context(cafile=authority.root.chain)
            context.load_cert_chain(pair.chain, pair.key)
            with context.wrap_socket(tcp.connect(running.port), server_hostname="a.example") as client:
                client.sendall(b"hello")
                try:
                    return client.recv(5)
                except OSError:
                    return b""
        self.assertEqual(ask(good), b"hello")
        self.assertEqual(ask(bad), b"")
        self.assertEqual((running.stats()["p.rbac.allowed"], running.stats()["p.rbac.denied"]), (1, 1))

    def test_the_listener_logs_its_connections(self):
        line = "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% chain=%FILTER_CHAIN_NAME% to=%DOWNSTREAM_LOCAL_PORT%"
        log = tcp.tcp_proxy(self.log, line)["typed_config"]["access_log"]
        running = self.start(http_filter(), access_log=log)
        client = tcp.connect(running.port)
        client.sendall(GET)
        tcp.end_of(client)
        client.close()
        self.assertEqual(self.lines(running, 1)[0], f"- - chain=- to={running.port}")
        nowhere = self.start(ECHO, access_log=log, match={"server_names": ["a.example"]})
        self.assertIsNone(self.ask(nowhere.port))
        self.assertEqual(self.lines(nowhere, 2)[1], f"NR filter_chain_not_found chain=- to={nowhere.port}")

    def test_sockets_as_configured(self):
        running = self.start(ECHO, enable_reuse_port=False, freebind=True, tcp_fast_open_queue_length=5,
                             tcp_keepalive={"keepalive_time": 100},
                             socket_options=[{"level": socket.SOL_SOCKET, "name": socket.SO_RCVBUF, "int_value": 100000,
                                              "state": "STATE_LISTENING"}])
        self.assertTrue(self.ask(running.port))
        wrong = tcp.listener(ECHO, socket_options=[{"level": 1, "name": 9999, "int_value": 1}])
        with self.assertRaisesRegex(RuntimeError, "cannot set option 9999 of level 1"):
            with proxy.Proxy(self.binary, bootstrap.of([wrong], [])):
                pass

    def test_listener_filters_by_port(self):
        listener = bootstrap.TYPE + "envoy.extensions.filters.listener."
        everywhere = {"destination_port_range": {"start": 1, "end": 65536}}
        for disabled in (everywhere, {"not_match": everywhere}):
            # The host speaks first: a client that waits for it says nothing that could be inspected.
            inspector = {"name": "i", "filter_disabled": {"or_match": {"rules": [disabled, disabled]}}, "typed_config": {
                "@type": listener + "tls_inspector.v3.TlsInspector"}}
            welcome = network_filter("direct_response.v3.Config", response={"inline_string": "welcome"})
            running = self.start(welcome, listener_filters=[inspector])
            client = tcp.connect(running.port)
            if disabled == everywhere:
                self.assertEqual(tcp.end_of(client)[0], b"welcome")
            else:
                running.wait(lambda running=running: running.stats()[
                    "listener.127.0.0.1_0.downstream_pre_cx_active"] == 1)
                client.sendall(b"no TLS")
                self.assertEqual(tcp.end_of(client)[0], b"welcome")

    def test_the_old_way_to_ask_for_proxy_headers(self):
        one = tcp.listener(http_filter(), access_log=tcp.tcp_proxy(self.log, "%DOWNSTREAM_REMOTE_ADDRESS%")[
            "typed_config"]["access_log"])
        one["filter_chains"][0]["use_proxy_proto"] = True
        running = proxy.Proxy(self.binary, bootstrap.of([one], []))
        self.addCleanup(running.__exit__)
        client = tcp.connect(running.port)
        client.sendall(b"PROXY TCP4 10.1.2.3 10.1.2.4 555 80\r\n" + GET)
        self.assertIn(b"200 OK", tcp.end_of(client)[0])
        client.close()
        self.assertEqual(self.lines(running, 1)[0], "10.1.2.3:555")

    def test_one_socket_for_all_workers(self):
        listeners = [tcp.listener(ECHO, enable_reuse_port=False)]
        with proxy.Proxy(self.binary, bootstrap.of(listeners, []), concurrency=3) as running:
            clients = [self.ask(running.port) for _ in range(60)]
            self.assertTrue(all(clients))
            with socket.socket() as other:  # Not even with SO_REUSEPORT may anybody join.
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                self.assertRaises(OSError, other.bind, ("127.0.0.1", running.port))


if __name__ == "__main__":
    report.main_of_page("network_filters", NetworkFiltersTest)
