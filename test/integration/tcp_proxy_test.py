"""The TCP proxy through the real binary: bytes, ends and resets both ways, hosts that are not there, limits,
times, what is logged and counted.

  tcp_proxy_test.py --proxy BINARY [CASE...]
"""

import argparse
import hashlib
import os
import pathlib
import socket
import ssl
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import certificates  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import tcp  # noqa: E402
import wire  # noqa: E402

LINE = ("%RESPONSE_FLAGS% rx=%BYTES_RECEIVED% tx=%BYTES_SENT% to=%UPSTREAM_HOST% cluster=%UPSTREAM_CLUSTER% "
        "protocol=%PROTOCOL% code=%RESPONSE_CODE% tries=%UPSTREAM_REQUEST_ATTEMPT_COUNT% sni=%REQUESTED_SERVER_NAME%")
INSPECTOR = {"name": "tls", "typed_config": {
    "@type": bootstrap.TYPE + "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"}}
PROXY_PROTOCOL = {"name": "proxy", "typed_config": {
    "@type": bootstrap.TYPE + "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
    "allow_requests_without_proxy_protocol": True}}
SNI_CLUSTER = {"name": "sni", "typed_config": {
    "@type": bootstrap.TYPE + "envoy.extensions.filters.network.sni_cluster.v3.SniCluster"}}


class TcpProxyTest(unittest.TestCase):
    binary = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tcp-")
        self.addCleanup(folder.cleanup)
        self.log = os.path.join(folder.name, "log")
        self.origin = tcp.Origin()
        self.addCleanup(self.origin.close)

    def start(self, listeners=None, clusters=None, **fields):
        clusters = clusters or [bootstrap.cluster("origin", self.origin.port)]
        listeners = listeners or [tcp.listener(tcp.tcp_proxy(self.log, LINE, **fields))]
        running = proxy.Proxy(self.binary, bootstrap.of(listeners, clusters))
        self.addCleanup(running.__exit__)
        return running

    def pair(self, running):
        """A client's connection and the origin's end of it."""
        return tcp.connect(running.port), self.origin.accept()

    def wait_stat(self, running, name, least=1):
        running.wait(lambda: running.stats().get(name, 0) >= least)

    def lines(self, running, count):
        """The first lines of the log, once they are there."""
        def read():
            with open(self.log, encoding="utf-8") as text:
                lines = text.read().splitlines()
            return lines if len(lines) >= count else None
        return running.wait(read)

    def named(self, *names):
        """A host for each name, which it says to whoever connects."""
        hosts = [tcp.Origin(lambda sock, name=name: (sock.sendall(name.encode()), sock.close())) for name in names]
        for host in hosts:
            self.addCleanup(host.close)
        return [host.port for host in hosts]

    @staticmethod
    def met(running, connections):
        """The names of those that so many connections, one after another, met."""
        return {tcp.exactly(tcp.connect(running.port), 1).decode() for _ in range(connections)}

    def test_subsets(self):
        """Of the proxy, and of a weighted cluster over it."""
        cluster = bootstrap.cluster("origin", *self.named("a", "b"), lb_subset_config={
            "fallback_policy": "NO_FALLBACK", "subset_selectors": [{"keys": ["v"]}]})
        for endpoint, version in zip(cluster["load_assignment"]["endpoints"][0]["lb_endpoints"], "ab"):
            endpoint["metadata"] = {"filter_metadata": {"envoy.lb": {"v": version}}}

        def match(version):
            return {"filter_metadata": {"envoy.lb": {"v": version}}}
        running = self.start(clusters=[cluster], metadata_match=match("b"))
        self.assertEqual(self.met(running, 4), {"b"})
        running = self.start(clusters=[cluster], metadata_match=match("b"), weighted_clusters={"clusters": [
            {"name": "origin", "weight": 1, "metadata_match": match("a")}]})
        self.assertEqual(self.met(running, 4), {"a"})

    def test_hash_of_the_client(self):
        cluster = bootstrap.cluster("origin", *self.named(*"abcd"), lb_policy="RING_HASH")
        running = self.start(clusters=[cluster], hash_policy=[{"source_ip": {}}])
        self.assertEqual(len(self.met(running, 8)), 1)

    def test_hash_of_a_text_that_a_filter_left(self):
        cluster = bootstrap.cluster("origin", *self.named(*"abcd"), lb_policy="RING_HASH")
        tenant = {"name": "tenant", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.filters.network.set_filter_state.v3.Config",
            "on_new_connection": [{"object_key": "tenant", "factory_key": "envoy.hashable_string",
                                   "format_string": {"text_format_source": {"inline_string": "acme"}}}]}}
        for filters, hosts in (([tenant], 1), ([], 2)):
            proxied = tcp.tcp_proxy(self.log, LINE, hash_policy=[{"filter_state": {"key": "tenant"}}])
            running = self.start([tcp.listener(*filters, proxied)], [cluster])
            self.assertGreaterEqual(len(self.met(running, 16)), hosts)
            if hosts == 1:
                self.assertEqual(len(self.met(running, 8)), 1)

    def test_bytes_pass_both_ways_and_are_counted(self):
        running = self.start()
        client, host = self.pair(running)
        client.sendall(b"hello")
        self.assertEqual(tcp.exactly(host, 5), b"hello")
        host.sendall(b"well met")
        self.assertEqual(tcp.exactly(client, 8), b"well met")
        client.close()
        self.assertEqual(tcp.end_of(host), (b"", "closed"))
        host.close()
        line = self.lines(running, 1)[0]
        self.assertEqual(line, f"- rx=5 tx=8 to=127.0.0.1:{self.origin.port} cluster=origin protocol=- code=0 tries=1 "
                               "sni=-")
        self.wait_stat(running, "cluster.origin.upstream_cx_destroy")
        stats = running.stats()
        expected = {
            "tcp.t.downstream_cx_total": 1, "tcp.t.downstream_cx_rx_bytes_total": 5,
            "tcp.t.downstream_cx_tx_bytes_total": 8, "tcp.t.downstream_cx_tx_bytes_buffered": 0,
            "cluster.origin.upstream_cx_total": 1, "cluster.origin.upstream_cx_active": 0,
            "cluster.origin.upstream_cx_tx_bytes_total": 5, "cluster.origin.upstream_cx_rx_bytes_total": 8,
            "cluster.origin.upstream_rq_total": 1, "cluster.origin.upstream_rq_active": 0,
            "cluster.origin.upstream_cx_destroy_remote_with_active_rq": 1,
            "cluster.origin.upstream_rq_pending_total": 1, "cluster.origin.upstream_rq_pending_active": 0,
        }
        self.assertEqual({name: stats[name] for name in expected}, expected)

    def test_host_may_speak_first(self):
        running = self.start()
        client, host = self.pair(running)
        host.sendall(b"220 ready")
        self.assertEqual(tcp.exactly(client, 9), b"220 ready")

    def test_each_direction_ends_for_itself(self):
        running = self.start()
        client, host = self.pair(running)
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(tcp.end_of(host), (b"question", "closed"))
        host.sendall(b"answer")
        host.sendall(b", and more")
        host.close()
        self.assertEqual(tcp.end_of(client), (b"answer, and more", "closed"))

        client, host = self.pair(running)
        host.sendall(b"all I have")
        host.shutdown(socket.SHUT_WR)
        self.assertEqual(tcp.end_of(client), (b"all I have", "closed"))
        client.sendall(b"still here")
        client.close()
        self.assertEqual(tcp.end_of(host), (b"still here", "closed"))
        running.wait(lambda: running.stats()["cluster.origin.upstream_cx_active"] == 0)

    def test_a_reset_is_a_reset_on_the_other_side(self):
        running = self.start()
        client, host = self.pair(running)
        client.sendall(b"x")
        tcp.exactly(host, 1)
        tcp.reset(client)
        self.assertEqual(tcp.end_of(host)[1], "reset")
        self.assertTrue(self.lines(running, 1)[0].startswith("- rx=1 "))

        client, host = self.pair(running)
        client.sendall(b"x")
        tcp.exactly(host, 1)
        tcp.reset(host)
        self.assertEqual(tcp.end_of(client)[1], "reset")
        self.assertTrue(self.lines(running, 2)[1].startswith("UR rx=1 "))

    def test_much_both_ways_at_once(self):
        running = self.start(clusters=[bootstrap.cluster("origin", self.origin.port,
                                                         per_connection_buffer_limit_bytes=20000)])
        client, host = self.pair(running)
        data = {"up": os.urandom(5_000_000), "down": os.urandom(7_000_000)}
        got = {}

        def send(sock, direction):
            sock.sendall(data[direction])
            sock.shutdown(socket.SHUT_WR)

        def receive(sock, direction):
            got[direction] = tcp.end_of(sock)

        threads = [threading.Thread(target=work, args=(sock, direction)) for work, sock, direction in (
            (send, client, "up"), (receive, host, "up"), (send, host, "down"), (receive, client, "down"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for direction, sent in data.items():
            received, how = got[direction]
            self.assertEqual(how, "closed")
            self.assertEqual(hashlib.sha256(received).digest(), hashlib.sha256(sent).digest(), direction)

    def test_a_host_that_does_not_read_holds_its_client_back(self):
        running = self.start(clusters=[bootstrap.cluster("origin", self.origin.port,
                                                         per_connection_buffer_limit_bytes=10000)])
        client, host = self.pair(running)
        client.setblocking(False)
        sent = 0
        piece = bytes(range(256)) * 256
        paused = "tcp.t.downstream_flow_control_paused_reading_total"
        for _ in range(10000):
            try:
                sent += client.send(piece[sent % 256:])
            except BlockingIOError:
                if running.stats().get(paused, 0):
                    break
        self.assertGreater(running.stats()[paused], 0)
        # Its limit and what one read brings.
        self.assertLess(running.stats()["tcp.t.downstream_cx_rx_bytes_buffered"], 10000 + 65536 + 1)
        client.settimeout(wire.PATIENCE_S)
        client.shutdown(socket.SHUT_WR)
        received, how = tcp.end_of(host)
        self.assertEqual((len(received), how), (sent, "closed"))
        self.assertEqual(received, (piece * (sent // len(piece) + 1))[:sent])

    def test_a_host_that_refuses(self):
        port, keeper = tcp.closed_port()
        self.addCleanup(keeper.close)
        running = self.start(clusters=[bootstrap.cluster("origin", port)], max_connect_attempts=3)
        client = tcp.connect(running.port)
        self.assertEqual(tcp.end_of(client), (b"", "closed"))
        line = self.lines(running, 1)[0]
        self.assertEqual(line, f"URX,UF rx=0 tx=0 to=127.0.0.1:{port} cluster=origin protocol=- code=0 tries=3 sni=-")
        stats = running.stats()
        self.assertEqual(stats["cluster.origin.upstream_cx_connect_fail"], 3)
        self.assertEqual(stats["cluster.origin.upstream_cx_connect_attempts_exceeded"], 1)
        self.assertEqual(stats["cluster.origin.upstream_rq_pending_failure_eject"], 3)
        self.assertNotIn("cluster.origin.upstream_rq_total: 1", running.admin("/stats"))

    def test_another_host_after_one_that_refuses(self):
        port, keeper = tcp.closed_port()
        self.addCleanup(keeper.close)
        running = self.start(clusters=[bootstrap.cluster("origin", port, self.origin.port)], max_connect_attempts=2,
                             backoff_options={"base_interval": "0.001s", "max_interval": "0.002s"})
        for _ in range(4):
            client, host = self.pair(running)
            client.sendall(b"there?")
            self.assertEqual(tcp.exactly(host, 6), b"there?")

    def test_no_cluster_no_hosts_no_room(self):
        running = self.start(cluster="nobody")
        self.assertEqual(tcp.end_of(tcp.connect(running.port)), (b"", "closed"))
        self.assertTrue(self.lines(running, 1)[0].startswith("NC rx=0 tx=0 to=- cluster=- "))
        self.assertEqual(running.stats()["tcp.t.downstream_cx_no_route"], 1)

        running = self.start(clusters=[bootstrap.cluster("origin")])
        self.assertEqual(tcp.end_of(tcp.connect(running.port)), (b"", "closed"))
        self.assertTrue(self.lines(running, 2)[1].startswith("UH rx=0 tx=0 to=- cluster=origin "))
        self.assertEqual(running.stats()["cluster.origin.upstream_cx_none_healthy"], 1)

        running = self.start(clusters=[bootstrap.cluster(
            "origin", self.origin.port, circuit_breakers={"thresholds": [{"max_connections": 1}]})])
        client, host = self.pair(running)
        self.assertEqual(tcp.end_of(tcp.connect(running.port)), (b"", "closed"))
        self.assertTrue(self.lines(running, 3)[2].startswith("UO rx=0 tx=0 to=- cluster=origin "))
        self.assertEqual(running.stats()["cluster.origin.upstream_cx_overflow"], 1)
        client.sendall(b"x")
        self.assertEqual(tcp.exactly(host, 1), b"x")

    def test_connections_that_are_silent_or_last_too_long_end(self):
        running = self.start(idle_timeout="0.05s")
        client, host = self.pair(running)
        self.assertEqual(tcp.end_of(client), (b"", "closed"))
        self.assertEqual(tcp.end_of(host), (b"", "closed"))
        self.assertEqual(running.stats()["tcp.t.idle_timeout"], 1)

        running = self.start(max_downstream_connection_duration="0.05s",
                             max_downstream_connection_duration_jitter_percentage={"value": 10})
        client, host = self.pair(running)
        self.assertEqual(tcp.end_of(client), (b"", "closed"))
        self.assertEqual(tcp.end_of(host), (b"", "closed"))
        self.assertTrue(self.lines(running, 2)[1].startswith("DT "))
        self.assertEqual(running.stats()["tcp.t.max_downstream_connection_duration"], 1)

    def test_lines_at_the_beginning_when_connected_and_at_intervals(self):
        running = self.start(access_log_options={"flush_access_log_on_start": True, "flush_access_log_on_connected": True,
                                                 "access_log_flush_interval": "0.02s"})
        client, host = self.pair(running)
        client.sendall(b"abc")
        tcp.exactly(host, 3)
        lines = running.wait(lambda: next((found for found in [self.lines(running, 5)] if "rx=3" in found[-1]), None))
        self.assertTrue(lines[0].startswith("- rx=0 tx=0 to=- cluster=- "))
        # On a slow machine lines of the interval come before there is a connection.
        connected = next(line for line in lines if " to=- " not in line)
        self.assertTrue(connected.startswith(f"- rx=0 tx=0 to=127.0.0.1:{self.origin.port} "), connected)
        client.close()
        host.close()

    def test_connects_when_the_client_has_said_something(self):
        running = self.start(upstream_connect_mode="ON_DOWNSTREAM_DATA", max_early_data_bytes=1000)
        client = tcp.connect(running.port)
        self.wait_stat(running, "tcp.t.downstream_cx_total")
        self.assertEqual(running.stats().get("cluster.origin.upstream_cx_total", 0), 0)
        client.sendall(b"first")
        host = self.origin.accept()
        self.assertEqual(tcp.exactly(host, 5), b"first")

    def test_clusters_by_weight(self):
        other = tcp.Origin(tcp.echo)
        self.addCleanup(other.close)
        never = tcp.Origin()
        self.addCleanup(never.close)
        running = self.start(
            clusters=[bootstrap.cluster("a", self.origin.port), bootstrap.cluster("b", other.port)],
            weighted_clusters={"clusters": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]})
        clients = [tcp.connect(running.port) for _ in range(40)]
        running.wait(lambda: sum(running.stats().get(f"cluster.{name}.upstream_cx_total", 0) for name in "ab") == 40)
        # Each of them gets its share: to miss one of two 40 times over happens once in 10^12.
        for name in "ab":
            self.assertGreater(running.stats()[f"cluster.{name}.upstream_cx_total"], 0)
        for client in clients:
            client.close()

    def authority(self):
        authority = certificates.Authority()
        self.addCleanup(authority.folder.cleanup)
        return authority

    def tls_client(self, port, authority, name):
        context = ssl.create_default_context(cafile=authority.root.chain)
        return context.wrap_socket(tcp.connect(port), server_hostname=name)

    def serve_tls(self, pair, text):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.chain, pair.key)

        def script(sock):
            with context.wrap_socket(sock, server_side=True) as tls:
                tls.sendall(text + tls.recv(100))
        origin = tcp.Origin(script)
        self.addCleanup(origin.close)
        return origin

    def test_a_drained_connection_ends_when_bytes_have_passed(self):
        """check_drain_close; without it nothing happens to the connection."""
        for checks in (True, False):
            running = self.start(check_drain_close=checks)
            client, host = self.pair(running)
            client.sendall(b"before")
            self.assertEqual(tcp.exactly(host, 6), b"before")
            running.admin("/drain_listeners?graceful&skip_exit", "POST")
            host.sendall(b"x" * 100_000)
            self.assertEqual(tcp.exactly(client, 100_000), b"x" * 100_000)
            if checks:
                self.assertEqual(tcp.end_of(client), (b"", "closed"))
                self.assertEqual(running.stats()["tcp.t.downstream_cx_drain_close"], 1)
            else:
                client.sendall(b"after")
                self.assertEqual(tcp.exactly(host, 5), b"after")

    def test_connections_are_spread_exactly(self):
        """exact_balance; the kernel would hardly do so with so few."""
        listener = tcp.listener(tcp.tcp_proxy(self.log, LINE), connection_balance_config={"exact_balance": {}})
        running = proxy.Proxy(self.binary, bootstrap.of([listener], [bootstrap.cluster("origin", self.origin.port)]),
                              concurrency=2)
        self.addCleanup(running.__exit__)
        ends = [self.pair(running) for _ in range(10)]

        def active():
            stats = running.stats()
            return [stats[f"listener.127.0.0.1_0.worker_{worker}.downstream_cx_active"] for worker in range(2)]
        running.wait(lambda: active() == [5, 5])
        for client, host in ends[:6]:
            client.close()
            self.assertEqual(tcp.end_of(host), (b"", "closed"))
            host.close()
        running.wait(lambda: sum(active()) == 4)
        ends = [self.pair(running) for _ in range(4)] + ends[6:]
        running.wait(lambda: active() == [4, 4])
        for client, host in ends:
            client.sendall(b"there")
            self.assertEqual(tcp.exactly(host, 5), b"there")

    def test_tls_passes_to_the_host_that_its_server_name_says(self):
        authority = self.authority()
        origins = {name: self.serve_tls(authority.issue(name, [f"DNS:{name}"]), name.encode() + b":")
                   for name in ("a.example", "b.example")}
        clusters = [bootstrap.cluster(name, origin.port) for name, origin in origins.items()]
        chains = [tcp.listener(tcp.tcp_proxy(self.log, LINE, cluster=name), match={"server_names": [name]})
                  ["filter_chains"][0] for name in origins]
        by_chain = {"name": "main", "address": bootstrap.address(0), "listener_filters": [INSPECTOR],
                    "filter_chains": chains}
        by_name = tcp.listener(SNI_CLUSTER, tcp.tcp_proxy(self.log, LINE, cluster="nobody"),
                               listener_filters=[INSPECTOR])
        for count, listener in enumerate((by_chain, by_name)):
            running = self.start([listener], clusters)
            for name in origins:
                client = self.tls_client(running.port, authority, name)
                client.sendall(b"hello")
                self.assertEqual(client.recv(100), name.encode() + b":hello")
                client.close()
            lines = self.lines(running, 2 * count + 2)
            self.assertEqual({line.rpartition("sni=")[2] for line in lines}, set(origins))

    def test_tls_on_either_side(self):
        authority = self.authority()
        origin = self.serve_tls(authority.issue("inner", ["DNS:inner.example"]), b"secret ")
        outer = authority.issue("outer", ["DNS:outer.example"])
        cluster = bootstrap.cluster("origin", origin.port,
                                    transport_socket=bootstrap.upstream_tls(authority.root, sni="inner.example"))
        listener = tcp.listener(tcp.tcp_proxy(self.log, LINE),
                                transport=bootstrap.downstream_tls(outer, alpn=()))
        running = self.start([listener], [cluster])
        client = self.tls_client(running.port, authority, "outer.example")
        client.sendall(b"hello")
        self.assertEqual(client.recv(100), b"secret hello")
        client.close()
        self.assertIn("sni=outer.example", self.lines(running, 1)[0])

    def test_listeners_inside_the_process(self):
        inner = tcp.listener(tcp.tcp_proxy(self.log, LINE + " local=%DOWNSTREAM_LOCAL_ADDRESS%", stat_prefix="inner"),
                             name="inner", internal_listener={})
        del inner["address"]
        inside = {"envoy_internal_address": {"server_listener_name": "inner", "endpoint_id": "one"}}
        clusters = [bootstrap.cluster("origin", self.origin.port), bootstrap.cluster("inner"),
                    bootstrap.cluster("gone")]
        for cluster, address in ((clusters[1], inside), (clusters[2], {"envoy_internal_address": {
                "server_listener_name": "nobody"}})):
            cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
        outer = tcp.listener(tcp.tcp_proxy(self.log, LINE, cluster="inner", stat_prefix="outer"))
        lost = tcp.listener(tcp.tcp_proxy(self.log, LINE, cluster="gone", stat_prefix="lost"), name="lost")
        running = self.start([outer, inner, lost], clusters)
        client, host = self.pair(running)
        client.sendall(b"in and out")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(tcp.end_of(host), (b"in and out", "closed"))
        host.sendall(b"and back")
        host.close()
        self.assertEqual(tcp.end_of(client), (b"and back", "closed"))
        lines = sorted(self.lines(running, 2), key=len)
        self.assertIn("rx=10 tx=8 to=envoy://inner/one cluster=inner ", lines[0])
        self.assertIn(f"rx=10 tx=8 to=127.0.0.1:{self.origin.port} cluster=origin ", lines[1])
        self.assertTrue(lines[1].endswith(" local=envoy://inner/one"))
        self.assertEqual(running.stats()["listener.envoy_internal_inner.downstream_cx_total"], 1)
        self.assertEqual(tcp.end_of(tcp.connect(running.listener_port("lost"))), (b"", "closed"))
        self.assertTrue(self.lines(running, 3)[2].startswith("URX,UF "))

    def tunnel_origin(self, seen, status=b"200 OK"):
        """An HTTP proxy that answers so, and echoes what it is to carry."""
        def script(sock):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += tcp.exactly(sock, 1)
            seen.append(head.decode())
            sock.sendall(b"HTTP/1.1 " + status + b"\r\n\r\n")
            tcp.echo(sock)
        origin = tcp.Origin(script)
        self.addCleanup(origin.close)
        return origin

    def test_a_tunnel_through_another_proxy(self):
        seen = []
        running = self.start(
            clusters=[bootstrap.cluster("origin", self.tunnel_origin(seen).port)],
            tunneling_config={"hostname": "%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%.example:443", "headers_to_add": [
                {"header": {"key": "X-From", "value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}},
                {"header": {"key": "x-fixed", "value": "100%%"}}]})
        client = tcp.connect(running.port)
        client.sendall(b"through the tunnel")
        self.assertEqual(tcp.exactly(client, 18), b"through the tunnel")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(tcp.end_of(client), (b"", "closed"))
        lines = seen[0].split("\r\n")
        self.assertEqual(lines[0], "CONNECT 127.0.0.1.example:443 HTTP/1.1")
        self.assertLessEqual({"host: 127.0.0.1.example:443", "x-from: 127.0.0.1", "x-fixed: 100%"}, set(lines))
        self.assertTrue(self.lines(running, 1)[0].startswith("- rx=18 tx=18 "))
        self.assertEqual(running.stats()["cluster.origin.upstream_rq_total"], 1)

    def test_a_tunnel_that_is_refused(self):
        seen = []
        running = self.start(
            clusters=[bootstrap.cluster("origin", self.tunnel_origin(seen, b"403 Forbidden").port)],
            max_connect_attempts=2, tunneling_config={"hostname": "a.example:443"})
        self.assertEqual(tcp.end_of(tcp.connect(running.port)), (b"", "closed"))
        self.assertEqual(len(seen), 2)
        self.assertTrue(self.lines(running, 1)[0].startswith("URX,UF rx=0 tx=0 "))

    def test_all_attempts_at_a_tunnel_go_to_the_cluster_that_was_drawn(self):
        seen = {"a": [], "b": []}
        limits = {"thresholds": [{"max_requests": 100, "track_remaining": True}]}
        running = self.start(
            clusters=[bootstrap.cluster(name, self.tunnel_origin(heads, b"403 Forbidden").port, circuit_breakers=limits)
                      for name, heads in seen.items()],
            weighted_clusters={"clusters": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]},
            max_connect_attempts=3, tunneling_config={"hostname": "%DOWNSTREAM_REMOTE_PORT%.example:443"})
        for _ in range(10):
            self.assertEqual(tcp.end_of(tcp.connect(running.port)), (b"", "closed"))
        clients = {name: {head.split()[1] for head in heads} for name, heads in seen.items()}
        self.assertEqual(len(clients["a"]) + len(clients["b"]), 10, clients)
        self.assertEqual([len(seen[name]) for name in "ab"], [3 * len(clients[name]) for name in "ab"])
        for name in "ab":
            self.assertEqual(running.stats().get(f"cluster.{name}.circuit_breakers.default.remaining_rq", 100), 100)

    def test_where_the_client_wanted_to_go(self):
        """A cluster of type ORIGINAL_DST, and a header that says where that was."""
        original = {"name": "origin", "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED", "connect_timeout": "5s"}
        running = self.start([tcp.listener(tcp.tcp_proxy(self.log, LINE), listener_filters=[PROXY_PROTOCOL])], [original])
        for name, port in zip("ab", self.named("a", "b")):
            client = tcp.connect(running.port)
            client.sendall(f"PROXY TCP4 192.0.2.1 127.0.0.1 1111 {port}\r\n".encode())
            self.assertEqual(tcp.end_of(client), (name.encode(), "closed"))
        # Where nobody told, it would be this proxy itself.
        client = tcp.connect(running.port)
        client.sendall(b"hello")
        self.assertEqual(tcp.end_of(client)[0], b"")
        # Workers log for themselves: their lines are in no order.
        self.assertEqual(sorted(line.split()[0] for line in self.lines(running, 3)), ["-", "-", "UH"])

    def test_a_proxy_header_tells_the_host_who_the_client_is(self):
        config = bootstrap.TYPE + "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport"
        raw = bootstrap.TYPE + "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"
        cluster = bootstrap.cluster("origin", self.origin.port, transport_socket={
            "name": "proxy", "typed_config": {"@type": config, "config": {"version": "V1"},
                                              "transport_socket": {"name": "raw", "typed_config": {"@type": raw}}}})
        running = self.start(clusters=[cluster])
        client, host = self.pair(running)
        client.sendall(b"bytes")
        header = f"PROXY TCP4 127.0.0.1 127.0.0.1 {client.getsockname()[1]} {running.port}\r\n".encode()
        self.assertEqual(tcp.exactly(host, len(header) + 5), header + b"bytes")

    def test_tlvs_of_the_proxy_header(self):
        """Formats are filled in for each connection; the cluster lets pass what it wants."""
        transport = bootstrap.TYPE + "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport"
        raw = bootstrap.TYPE + "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"
        passing = {"match_type": "INCLUDE", "tlv_type": [224, 225]}
        cluster = bootstrap.cluster("origin", self.origin.port, transport_socket={"name": "proxy", "typed_config": {
            "@type": transport, "config": {"version": "V2", "pass_through_tlvs": passing},
            "transport_socket": {"name": "raw", "typed_config": {"@type": raw}}}})
        client_port = {"text_format_source": {"inline_string": "from %DOWNSTREAM_REMOTE_PORT%"}}
        running = self.start(clusters=[cluster], proxy_protocol_tlvs=[
            {"type": 224, "format_string": client_port}, {"type": 225, "value": "Zml4ZWQ="}, {"type": 226, "value": "aGVsZA=="}])
        client, host = self.pair(running)
        client.sendall(b"bytes")
        value = f"from {client.getsockname()[1]}".encode()
        tlvs = b"\xe1\x00\x05fixed" + b"\xe0" + len(value).to_bytes(2, "big") + value
        head = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + (12 + len(tlvs)).to_bytes(2, "big")
        got = tcp.exactly(host, len(head) + 12 + len(tlvs) + 5)
        self.assertEqual(got[:len(head)] + got[len(head) + 12:], head + tlvs + b"bytes")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    TcpProxyTest.binary = args.proxy
    report.main("tcp_proxy", args.cases)


if __name__ == "__main__":
    main()
