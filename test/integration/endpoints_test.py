"""Hosts with several addresses, sources of connections, bounded loads and endpoints that grow old, with the real
binary. Envoy 1.40 passes the same cases, those of `named_endpoints` apart.

  endpoints_test.py --proxy BINARY --page docs/endpoints.md [CASE...]
"""

import json
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
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402


class Named(origin.Origin):
    """Answers with its name; remembers where connections came from."""

    def __init__(self, name="origin", family=socket.AF_INET):
        self.name = name
        self.peers = []
        super().__init__()
        if family == socket.AF_INET6:
            self.listener = socket.create_server(("::1", self.port), family=family, backlog=256)
            threading.Thread(target=self.accept, daemon=True).start()

    def serve(self, sock):
        with self.lock:
            self.peers.append(sock.getpeername()[0])
        super().serve(sock)

    def answer(self, sock, request):
        if "silent" in request["start"]:
            return True
        body = self.name
        sock.sendall(f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
        return True


class Silent:
    """A port at which connecting neither succeeds nor fails: what listens there takes no more."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = self.listener.getsockname()[1]
        self.waiting = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", self.port))
            self.waiting.append(sock)


def refusing():
    """A port at which nobody listens any more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        return True
    except OSError:
        return False


def socket_address(ip, port):
    return {"socket_address": {"address": ip, "port_value": port}}


def at(*places, **more):
    """A cluster of one host at all of these: (IP address, port)."""
    first, *further = [socket_address(*place) for place in places]
    endpoint = {"address": first, "additional_addresses": [{"address": each} for each in further]}
    return {"name": "origin", "connect_timeout": "5s", "load_assignment": {
        "cluster_name": "origin", "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]}, **more}


class EndpointsTest(unittest.TestCase):
    binary = ""
    page = None

    def start(self, cluster, routes=None, manager=None):
        config = bootstrap.bootstrap(routes=routes, manager=manager, clusters=[cluster])
        config["node"] = {"id": "n", "cluster": "n"}  # Envoy has none discover without.
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        return running

    def ask(self, running, *fields):
        with wire.connect(running.port) as sock:
            sock.sendall("".join(f"{line}\r\n" for line in ("GET / HTTP/1.1", "Host: h", *fields, "")).encode())
            return wire.Reader(sock).response("GET")

    def answer(self, running, *fields):
        response = self.ask(running, *fields)
        return response["status"], response["body"]


class AddressesTest(EndpointsTest):
    def test_the_next_address_when_one_refuses(self):
        upstream = Named()
        running = self.start(at(("127.0.0.1", refusing()), ("127.0.0.1", refusing()), ("127.0.0.1", upstream.port)))
        self.assertEqual(self.answer(running), (200, "origin"))
        stats = running.stats()
        self.assertEqual(stats["cluster.origin.upstream_cx_total"], 3)
        self.assertEqual(stats["cluster.origin.upstream_cx_active"], 1)
        self.assertEqual(stats["cluster.origin.upstream_cx_connect_fail"], 0)

    def test_the_next_address_when_one_is_silent(self):
        silent, upstream = Silent(), Named()
        running = self.start(at(("127.0.0.1", silent.port), ("127.0.0.1", upstream.port)))
        self.assertEqual(self.answer(running), (200, "origin"))
        self.assertEqual(running.stats()["cluster.origin.upstream_cx_total"], 2)

    def test_logs_name_the_address_that_won(self):
        upstream = Named()
        first = refusing()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        log = os.path.join(folder.name, "log")
        running = self.start(at(("127.0.0.1", first), ("127.0.0.1", upstream.port)), manager={"access_log": [{
            "name": "log", "typed_config": {
                "@type": bootstrap.TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": log,
                "log_format": {"text_format_source": {"inline_string":
                    "%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS% %UPSTREAM_REMOTE_PORT%\n"}}}}]})
        for _ in range(2):  # The second goes over the same connection.
            self.assertEqual(self.answer(running), (200, "origin"))

        def lines():
            with open(log, encoding="utf-8") as text:
                read = text.read().splitlines()
            return read if len(read) == 2 else None
        port = upstream.port
        self.assertEqual(running.wait(lines), [f"127.0.0.1:{first} 127.0.0.1:{port} {port}"] * 2)

    def test_none_is_one_failure(self):
        running = self.start(at(("127.0.0.1", refusing()), ("127.0.0.1", refusing())))
        self.assertEqual(self.ask(running)["status"], 503)
        self.assertEqual(running.stats()["cluster.origin.upstream_cx_connect_fail"], 1)

    @unittest.skipUnless(has_ipv6(), "there is no IPv6 here")
    def test_a_family_may_come_first(self):
        four, six = Named("four"), Named("six", socket.AF_INET6)
        places = (("127.0.0.1", four.port), ("::1", six.port))
        self.assertEqual(self.answer(self.start(at(*places))), (200, "four"))
        running = self.start(at(*places, upstream_connection_options={
            "happy_eyeballs_config": {"first_address_family_version": "V6"}}))
        self.assertEqual(self.answer(running), (200, "six"))

    def test_connections_have_their_source(self):
        upstream = Named()
        running = self.start(bootstrap.cluster("origin", upstream.port, upstream_bind_config={
            "source_address": {"address": "127.0.0.7", "port_value": 0}, "freebind": True,
            "extra_source_addresses": [{"address": {"address": "::1", "port_value": 0}}],
            "local_address_selector": {"name": "default", "typed_config": {"@type": bootstrap.TYPE +
                "envoy.config.upstream.local_address_selector.v3.DefaultLocalAddressSelector"}},
            "socket_options": [{"level": socket.SOL_SOCKET, "name": socket.SO_PRIORITY, "int_value": 4}]}))
        self.assertEqual(self.answer(running), (200, "origin"))
        self.assertEqual(upstream.peers, ["127.0.0.7"])

    def test_an_option_that_the_kernel_refuses_fails_the_connection(self):
        upstream = Named()
        running = self.start(bootstrap.cluster("origin", upstream.port, upstream_bind_config={
            "source_address": {"address": "127.0.0.1", "port_value": 0},
            "socket_options": [{"level": socket.SOL_SOCKET, "name": 9999, "int_value": 4}]}))
        self.assertEqual(self.ask(running)["status"], 503)


class BoundedLoadTest(EndpointsTest):
    def test_what_is_too_much_goes_elsewhere(self):
        upstreams = [Named(), Named()]
        running = self.start(
            bootstrap.cluster("origin", *(each.port for each in upstreams), lb_policy="RING_HASH",
                              common_lb_config={"consistent_hashing_lb_config": {"hash_balance_factor": 100}}),
            routes=[bootstrap.to(hash_policy=[{"header": {"header_name": "x-key"}}], timeout="0s")])
        clients = []
        for count in range(1, 9):
            sock = wire.connect(running.port)
            self.addCleanup(sock.close)
            sock.sendall(b"GET /silent HTTP/1.1\r\nHost: h\r\nx-key: hot\r\n\r\n")
            clients.append(sock)
            running.wait(lambda: sum(len(each.seen) for each in upstreams) == count)
        # The host of the hash may go one beyond its share before the other gets what comes.
        self.assertEqual(sorted(len(each.seen) for each in upstreams), [3, 5])


class AssignmentTest(EndpointsTest):
    def start_eds(self, **policy):
        """A cluster whose endpoints stand in a file."""
        upstream = Named()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "eds.json")
        assignment = bootstrap.cluster("origin", upstream.port)["load_assignment"]
        with open(path, "w", encoding="utf-8") as out:
            json.dump({"resources": [{"@type": bootstrap.TYPE + "envoy.config.endpoint.v3.ClusterLoadAssignment",
                                      **assignment, "policy": policy}]}, out)
        return self.start({"name": "origin", "type": "EDS", "connect_timeout": "5s", "eds_cluster_config": {
            "eds_config": {"path_config_source": {"path": path}, "resource_api_version": "V3"}}})

    def test_old_endpoints_are_given_up(self):
        running = self.start_eds(endpoint_stale_after="2s")
        self.assertEqual(self.answer(running), (200, "origin"))
        self.assertEqual(running.stats()["cluster.origin.assignment_timeout_received"], 1)
        running.wait(lambda: running.stats()["cluster.origin.membership_total"] == 0)
        self.assertEqual(running.stats()["cluster.origin.assignment_stale"], 1)
        self.assertEqual(self.ask(running)["status"], 503)


class AlpnOrigin(Named):
    """Speaks TLS; remembers what ALPN chose."""

    def __init__(self, pair):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pair.chain, pair.key)
        self.context.set_alpn_protocols(["check", "http/1.1"])
        self.chosen = []
        super().__init__()

    def serve(self, sock):
        try:
            wrapped = self.context.wrap_socket(sock, server_side=True)
        except OSError:
            return
        with self.lock:
            self.chosen.append(wrapped.selected_alpn_protocol())
        super().serve(wrapped)


class HealthCheckTest(EndpointsTest):
    def test_checks_may_offer_another_protocol(self):
        authority = certificates.Authority()
        self.addCleanup(authority.folder.cleanup)
        upstream = AlpnOrigin(authority.issue("origin", sans=["DNS:a.example"]))
        running = self.start(bootstrap.cluster(
            "origin", upstream.port, transport_socket=bootstrap.upstream_tls(authority.root, alpn=["http/1.1"]),
            health_checks=[{"timeout": "5s", "interval": "60s", "healthy_threshold": 1, "unhealthy_threshold": 1,
                            "http_health_check": {"path": "/"}, "tls_options": {"alpn_protocols": ["check"]}}]))
        running.wait(lambda: running.stats()["cluster.origin.membership_healthy"] == 1)
        self.assertEqual(upstream.chosen, ["check"])
        self.assertEqual(self.answer(running), (200, "origin"))
        self.assertEqual(upstream.chosen, ["check", "http/1.1"])


class OldConnectionsTest(EndpointsTest):
    def test_a_response_may_be_the_one_to_end_an_old_connection(self):
        upstream = Named()
        running = self.start(bootstrap.cluster("origin", upstream.port), manager={
            "http1_safe_max_connection_duration": True,
            "common_http_protocol_options": {"max_connection_duration": "0.5s",
                                             "max_connection_duration_jitter": {"value": 10}}})
        with wire.connect(running.port) as sock:
            reader = wire.Reader(sock)
            fields = {}
            while "connection" not in fields:
                sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                response = reader.response("GET")
                self.assertEqual(response["status"], 200)
                fields = dict(response["headers"])
            self.assertEqual(fields["connection"], "close")
            self.assertIsNone(reader.head())


class PageTest(EndpointsTest):
    def test_the_page_shows_what_works(self):
        """Each block on the page stands in a cluster."""
        for block in report.yaml_blocks(self.page):
            upstream = Named()
            text = block.replace("10.0.0.7", "127.0.0.1").replace("2001:db8::7", "::1")
            indented = "".join(f"    {line}\n" for line in text.splitlines())
            running = proxy.Proxy(self.binary, bootstrap.of([bootstrap.listener()], []), arguments=(
                "--config-yaml", "static_resources:\n  clusters:\n  - name: origin\n"
                "    load_assignment: {cluster_name: origin, endpoints: [{lb_endpoints: [{endpoint: {address: "
                f"{{socket_address: {{address: 127.0.0.1, port_value: {upstream.port}}}}}}}}}]}}]}}\n" + indented))
            self.addCleanup(running.__exit__)
            self.assertEqual(self.answer(running), (200, "origin"))


if __name__ == "__main__":
    report.main_of_page("endpoints", EndpointsTest)
