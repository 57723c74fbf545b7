"""Listeners that change while they are used: whose connections go on, whose end, and that nobody is turned away.

  listener_chains_test.py --proxy BINARY --xds-server BINARY [CASE...]
"""

import json
import os
import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import certificates  # noqa: E402
import h2wire  # noqa: E402
import tcp  # noqa: E402
import tls_case  # noqa: E402
import wire  # noqa: E402
import xds_case  # noqa: E402

LISTENER = "envoy.config.listener.v3.Listener"
LOCAL_RATE_LIMIT = bootstrap.TYPE + "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
ROUTER = {"name": "envoy.filters.http.router", "typed_config": {"@type": bootstrap.ROUTER}}


def chain(name, match, text=None, filters=None, **manager):
    """A chain whose answers are `text`."""
    made, = bootstrap.listener(routes=[bootstrap.direct({"prefix": "/"}, text or name)],
                               manager={"http_filters": [*(filters or []), ROUTER], "drain_timeout": "0.2s", **manager}
                               )["filter_chains"]
    return {"name": name, "filter_chain_match": match, **made}


def from_address(host):
    return {"source_prefix_ranges": [{"address_prefix": host, "prefix_len": 32}]}


def buckets(tokens):
    """A filter that lets this many requests pass for a long time."""
    percent = {"default_value": {"numerator": 100}}
    return {"name": "limit", "typed_config": {
        "@type": LOCAL_RATE_LIMIT, "stat_prefix": "limit", "filter_enabled": percent, "filter_enforced": percent,
        "token_bucket": {"max_tokens": tokens, "tokens_per_fill": tokens, "fill_interval": "3600s"}}}


class Http1:
    """A connection of HTTP/1.1 that is kept."""

    def __init__(self, sock):
        self.sock = sock
        self.reader = wire.Reader(sock)

    def get(self):
        """Status, body, and whether it was told to end; None when the connection did."""
        try:
            self.sock.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
        except OSError:
            return None
        answer = self.reader.response("GET")
        return answer and (answer["status"], answer["body"], dict(answer["headers"]).get("connection") == "close")

    def expect_end(self):
        while self.reader.fill():
            pass
        return self.reader.ended


class ListenerChainsTest(xds_case.XdsTest):
    def start_listener(self, *chains, arguments=(), **listener):
        """Listeners come from a file; the one here is called "main"."""
        self.path = os.path.join(self.folder(), "listeners.json")
        self.versions = 0
        self.fields = {"name": "main", "address": bootstrap.address(0), **listener}
        self.place(*chains)
        config = bootstrap.of([], [bootstrap.cluster("origin", self.origin.port)])
        config["dynamic_resources"] = {"lds_config": {"resource_api_version": "V3", "path_config_source": {"path": self.path}}}
        config["node"] = {"id": "test", "cluster": "test"}
        self.running = self.start(config, arguments=["--drain-time-s", "5", "--drain-strategy", "immediate", *arguments])
        return self.running

    def place(self, *chains, **changes):
        self.versions += 1
        self.fields.update(changes)
        xds_case.place(self.path, json.dumps({"version_info": str(self.versions), "resources": [
            xds_case.resource(LISTENER, **self.fields, filter_chains=list(chains))]}))

    def update(self, *chains, **changes):
        """Waits until it is in force."""
        before = self.stat("listener_modified")
        self.place(*chains, **changes)
        self.running.wait(lambda: self.stat("listener_modified") > before)

    def stat(self, name):
        return self.running.stats().get("listener_manager." + name)

    def connect(self, host="127.0.0.1", port=None):
        sock = socket.socket()
        sock.settimeout(wire.PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((host, 0))
        sock.connect(("127.0.0.1", port or self.running.port))
        self.addCleanup(sock.close)
        return sock

    def http1(self, host="127.0.0.1", **more):
        return Http1(self.connect(host, **more))

    def http2(self, host="127.0.0.1"):
        return h2wire.Connection(self.connect(host))

    def check_kept(self, first, second, text):
        """A connection of each protocol that nothing happened to."""
        self.assertEqual(first.get(), (200, text, False))
        answer = second.get()
        self.assertEqual((answer.status, answer.body.decode(), second.goaway), (200, text, None))

    def check_told_to_end(self, first, second, text):
        """What they were answered by goes on answering; then they end. One that was quiet for a second may be closed
        before it asks."""
        self.assertIn(first.get(), ((200, text, True), None))
        self.assertIn(first.expect_end(), ("closed", "reset"))
        self.assertEqual(second.expect_end(), "closed")
        self.assertEqual(second.goaway[1], 0)

    def test_updates_without_a_pause_do_not_keep_what_drains(self):
        one, two = (chain(name, from_address(host)) for name, host in (("one", "127.0.0.2"), ("two", "127.0.0.3")))
        self.start_listener(one, two)
        ending = self.http1("127.0.0.3")
        self.assertEqual(ending.get(), (200, "two", False))
        deadline = time.monotonic() + wire.PATIENCE_S
        ending.sock.setblocking(False)
        while time.monotonic() < deadline:
            self.place(one, chain("new", from_address("127.0.0.4"), text=str(self.versions)))
            try:
                self.assertEqual(ending.sock.recv(1), b"")
                return
            except BlockingIOError:
                pass
        self.fail("the connection of a chain that is gone was kept")

    def test_chains_by_source(self):
        one, two = (chain(name, from_address(host)) for name, host in (("one", "127.0.0.2"), ("two", "127.0.0.3")))
        other = chain("rest", {})
        del other["filter_chain_match"]
        running = self.start_listener(one, two, default_filter_chain=other)
        kept = [(self.http1(host), self.http2(host), text)
                for host, text in (("127.0.0.2", "one"), ("127.0.0.1", "rest"))]
        ending = self.http1("127.0.0.3"), self.http2("127.0.0.3")
        for first, second, text in [*kept, (*ending, "two")]:
            self.check_kept(first, second, text)
        addresses = running.admin("/listeners")

        # Another text for one of them, and a new one before all others.
        new = chain("new", from_address("127.0.0.4"))
        self.update(new, chain("two", from_address("127.0.0.3"), text="changed"), one)
        self.assertEqual([self.stat(name) for name in (
            "listener_added", "listener_modified", "listener_in_place_updated", "total_listeners_active",
            "total_listeners_draining", "total_filter_chains_draining")], [1, 1, 1, 1, 0, 1])
        self.check_told_to_end(*ending, "two")
        for first, second, text in kept:
            self.check_kept(first, second, text)
        self.assertEqual([self.http1(f"127.0.0.{last}").get() for last in (1, 2, 3, 4)],
                         [(200, text, False) for text in ("rest", "one", "changed", "new")])
        self.assertEqual(running.admin("/listeners"), addresses)
        listener, = xds_case.dump(running, "ListenersConfigDump")[0]["dynamic_listeners"]
        self.assertNotIn("draining_state", listener)
        self.assertEqual([each["name"] for each in listener["active_state"]["listener"]["filter_chains"]],
                         ["new", "two", "one"])
        running.wait(lambda: self.stat("total_filter_chains_draining") == 0)

        # A chain that goes, and the default one.
        self.fields.pop("default_filter_chain")
        self.update(new, one)
        self.check_told_to_end(*kept[1])
        self.check_kept(*kept[0])
        self.assertIsNone(self.http1().get())

    def test_chains_by_name(self):
        authority = certificates.Authority()
        pairs = [authority.issue(name, [f"DNS:{name}.example"]) for name in ("a", "b")]
        transports = [bootstrap.downstream_tls(pair) for pair in pairs]
        one, two = ({**chain(name, {"server_names": [f"{name}.example"]}), "transport_socket": transport}
                    for name, transport in zip("ab", transports))
        self.start_listener(one, two, listener_filters=[tls_case.TLS_INSPECTOR])

        def connect(name, protocol):
            context = tls_case.client_context(authority, alpn=[protocol])
            secure = context.wrap_socket(self.connect(), server_hostname=f"{name}.example")
            return h2wire.Connection(secure) if protocol == "h2" else Http1(secure)

        first, second = ([connect(name, protocol) for protocol in ("http/1.1", "h2")] for name in "ab")
        self.check_kept(*first, "a")
        self.check_kept(*second, "b")
        changed = authority.issue("changed", ["DNS:b.example"])
        self.update(one, {**two, "transport_socket": bootstrap.downstream_tls(changed)})
        self.check_told_to_end(*second, "b")
        self.check_kept(*first, "a")
        later = connect("b", "http/1.1")
        self.assertEqual(dict(part[0] for part in later.sock.getpeercert()["subject"])["commonName"], "changed")
        self.assertEqual(later.get(), (200, "b", False))
        self.assertEqual(self.stat("listener_in_place_updated"), 1)

    def test_chains_by_port(self):
        held = [tcp.closed_port() for _ in range(2)]
        ports = [port for port, _ in held]
        for _, sock in held:
            sock.close()
        one, two = (chain(name, {"destination_port": port}) for name, port in zip(("one", "two"), ports))
        self.start_listener(one, two, address=bootstrap.address(ports[0]),
                            additional_addresses=[{"address": bootstrap.address(ports[1])}])
        first, second = (self.http1(port=port) for port in ports)
        self.assertEqual([each.get() for each in (first, second)], [(200, "one", False), (200, "two", False)])
        self.update(one, {**two, "name": "second"})
        self.assertEqual(first.get(), (200, "one", False))
        self.assertIn(second.get(), ((200, "two", True), None))
        self.assertIn(second.expect_end(), ("closed", "reset"))
        self.assertEqual(self.stat("listener_in_place_updated"), 1)

    def test_chains_of_tcp(self):
        """Nobody can tell what TCP carries to end: it is cut when the drain time is over."""
        peer = tcp.Origin(tcp.echo)
        self.addCleanup(peer.close)

        self.origin.port = peer.port
        one, two = (tcp.listener(tcp.tcp_proxy(), match=from_address(host))["filter_chains"][0]
                    for host in ("127.0.0.2", "127.0.0.3"))
        self.start_listener(one, two)
        first, second = self.connect("127.0.0.2"), self.connect("127.0.0.3")
        for sock in (first, second):
            sock.sendall(b"hello")
            self.assertEqual(tcp.exactly(sock, 5), b"hello")
        changed = json.loads(json.dumps(two))
        changed["filters"][0]["typed_config"]["idle_timeout"] = "3000s"
        self.update(one, changed)
        second.sendall(b"still here")
        self.assertEqual(tcp.exactly(second, 10), b"still here")
        self.assertEqual(tcp.end_of(second)[0], b"")
        first.sendall(b"for good")
        self.assertEqual(tcp.exactly(first, 8), b"for good")
        self.running.wait(lambda: self.stat("total_filter_chains_draining") == 0)

    def test_filters_keep_what_they_know(self):
        limited = chain("one", from_address("127.0.0.2"), filters=[buckets(2)])
        self.start_listener(limited, chain("two", from_address("127.0.0.3")))
        self.assertEqual([self.http1("127.0.0.2").get()[0] for _ in range(3)], [200, 200, 429])
        self.update(chain("two", from_address("127.0.0.3"), text="changed"), limited)
        self.assertEqual(self.http1("127.0.0.2").get()[0], 429)
        self.assertEqual(self.http1("127.0.0.3").get(), (200, "changed", False))
        self.update(chain("one", from_address("127.0.0.2"), text="more", filters=[buckets(2)]))
        self.assertEqual(self.http1("127.0.0.2").get()[:2], (200, "more"))

    def test_matcher_chooses_among_the_same_chains(self):
        def matcher(**names):
            return {"matcher_tree": {
                "input": {"name": "ip", "typed_config": {
                    "@type": bootstrap.TYPE + "envoy.extensions.matching.common_inputs.network.v3.SourceIPInput"}},
                "exact_match_map": {"map": {
                    f"127.0.0.{last[1:]}": {"action": {"name": name, "typed_config": {
                        "@type": bootstrap.TYPE + "google.protobuf.StringValue", "value": name}}}
                    for last, name in names.items()}}}}

        one, two = (chain(name, {}) for name in ("one", "two"))
        for each in (one, two):
            del each["filter_chain_match"]
        self.start_listener(one, two, filter_chain_matcher=matcher(_2="one", _3="two"))
        kept = self.http1("127.0.0.2"), self.http2("127.0.0.2")
        self.check_kept(*kept, "one")
        self.update(one, two, filter_chain_matcher=matcher(_2="two", _3="one"))
        self.assertEqual([self.stat(name) for name in ("listener_in_place_updated", "total_filter_chains_draining")], [1, 0])
        self.check_kept(*kept, "one")
        self.assertEqual(self.http1("127.0.0.2").get(), (200, "two", False))

    def test_what_is_not_of_the_chains_changes_the_whole(self):
        one, two = (chain(name, from_address(host)) for name, host in (("one", "127.0.0.2"), ("two", "127.0.0.3")))
        running = self.start_listener(one, two)
        ending = [(self.http1(host), self.http2(host), text) for host, text in (("127.0.0.2", "one"), ("127.0.0.3", "two"))]
        for each in ending:
            self.check_kept(*each)
        address = running.admin("/listeners")
        self.update(one, two, per_connection_buffer_limit_bytes=100000)
        self.assertEqual([self.stat(name) for name in ("listener_in_place_updated", "total_listeners_draining")], [0, 1])
        self.assertEqual(self.http1("127.0.0.2").get(), (200, "one", False))
        for each in ending:
            self.check_told_to_end(*each)
        self.assertEqual(running.admin("/listeners"), address)
        running.wait(lambda: self.stat("total_listeners_draining") == 0)

    def test_nobody_is_turned_away(self):
        """New connections, and requests on kept ones, while the listener changes over and over in both ways."""
        chains = [chain("one", from_address("127.0.0.2")), chain("two", {})]
        self.start_listener(*chains)
        over, failures, answers = threading.Event(), [], []

        def fresh(host):
            while not over.is_set():
                try:
                    with socket.socket() as sock:
                        sock.settimeout(wire.PATIENCE_S)
                        sock.bind((host, 0))
                        sock.connect(("127.0.0.1", self.running.port))
                        answer = Http1(sock).get()
                    (answers if answer and answer[0] == 200 else failures).append(answer)
                except OSError as error:
                    failures.append(error)

        def kept():
            connection = self.http1("127.0.0.2")
            while not over.is_set():
                answer = connection.get()
                if answer != (200, "one", False):
                    failures.append(answer)
                    return

        threads = [threading.Thread(target=fresh, args=(host,)) for host in ("127.0.0.1", "127.0.0.2")]
        threads.append(threading.Thread(target=kept))
        for thread in threads:
            thread.start()
        try:
            for number in range(10):
                self.update(chains[0], chain("two", {}, text=f"text {number}"))
        finally:
            over.set()
        for thread in threads:
            thread.join()
        self.assertEqual((failures, self.stat("listener_in_place_updated")), ([], 10))
        over.clear()
        threads = [threading.Thread(target=fresh, args=(host,)) for host in ("127.0.0.1", "127.0.0.2")]
        for thread in threads:
            thread.start()
        try:
            for number in range(10):
                self.update(*chains, per_connection_buffer_limit_bytes=100000 + number)
        finally:
            over.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertGreater(len(answers), 20)


if __name__ == "__main__":
    xds_case.main("listener_chains")
