"""Network filters that ask somebody, or tell others, through the real binary: ext_authz, ratelimit,
sni_dynamic_forward_proxy, set_filter_state. Envoy 1.40 passes the same cases.

  network_services_test.py --proxy BINARY --page network_services.md [CASE...]
"""

import pathlib
import queue
import socket
import ssl
import struct
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import certificates  # noqa: E402
import client_hello  # noqa: E402
import collectors  # noqa: E402
import protobuf_wire  # noqa: E402
import report  # noqa: E402
import tcp  # noqa: E402
import tcp_case  # noqa: E402
import wire  # noqa: E402

NETWORK = bootstrap.TYPE + "envoy.extensions.filters.network."
ECHO = {"name": "echo", "typed_config": {"@type": NETWORK + "echo.v3.Echo"}}
INSPECTOR = {"name": "tls_inspector", "typed_config": {
    "@type": bootstrap.TYPE + "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"}}
LINE = "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%"
SERVICE = {"transport_api_version": "V3", "grpc_service": {"envoy_grpc": {"cluster_name": "service"}, "timeout": "10s"}}
GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def network_filter(kind, **fields):
    return {"name": kind, "typed_config": {"@type": NETWORK + kind, **fields}}


def ext_authz(**more):
    return network_filter("ext_authz.v3.ExtAuthz", stat_prefix="a", **SERVICE, **more)


def rate_limit(value="v", **more):
    return network_filter("ratelimit.v3.RateLimit", stat_prefix="r", domain="d", timeout="10s",
                          rate_limit_service=SERVICE, descriptors=[{"entries": [{"key": "k", "value": value}]}], **more)


def set_state(when="on_new_connection", **texts):
    entries = [{"object_key": key.replace("__", "."), "format_string": {"text_format_source": {"inline_string": text}},
                **({} if key.startswith("envoy") else {"factory_key": "envoy.string"})} for key, text in texts.items()]
    return network_filter("set_filter_state.v3.Config", **{when: entries})


def field(number, value):
    """A field of a protobuf message, with a number below 128 or with bytes."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


def struct_of(**texts):
    """google.protobuf.Struct with texts."""
    return b"".join(field(1, field(1, key.encode()) + field(2, field(3, text.encode()))) for key, text in texts.items())


ALLOWED = field(1, b"")
DENIED = field(1, field(1, 7))
WITHIN = field(1, 1)
OVER = field(1, 2)


class Service(collectors.UnaryService):
    """`asked` has the messages, and what is put into `answers` they get, None being an error."""

    def __init__(self, *answers):
        self.asked = queue.Queue()
        self.answers = queue.Queue()
        for answer in answers:
            self.answers.put(answer)
        super().__init__()

    def reply(self, fields, message):
        self.asked.put(message)
        try:
            return self.answers.get(timeout=wire.PATIENCE_S)
        except queue.Empty as nothing:
            raise ConnectionError("the test has no answer") from nothing

    def question(self):
        return self.asked.get(timeout=wire.PATIENCE_S)


class NameServer:
    """A DNS server for which every name but those below "none" is 127.0.0.1."""

    def __init__(self):
        self.names = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(512)
            except OSError:
                return
            end, labels = 12, []
            while data[end]:
                labels.append(data[end + 1:end + 1 + data[end]].decode())
                end += 1 + data[end]
            question = data[12:end + 5]
            self.names.append(".".join(labels))
            known = labels[-1] != "none" and question[-4:-2] == b"\0\1"
            head = data[:2] + struct.pack(">HHHHH", 0x8180 if labels[-1] != "none" else 0x8183, 1, int(known), 0, 0)
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1" if known else b""
            self.socket.sendto(head + question + answer, peer)

    def close(self):
        self.socket.close()


class NetworkServicesTest(tcp_case.TcpCase):
    def start(self, *filters, service=None, clusters=(), **more):
        port = service.port if service else tcp.closed_port()[0]
        asked = bootstrap.cluster("service", port, **bootstrap.http2())
        return super().start(*filters, clusters=[asked, *clusters], **more)

    def proxied(self, line=LINE, **more):
        return tcp.tcp_proxy(self.log, line, **more)

    @staticmethod
    def stats(running, scope, **expected):
        """Waits until the stats below `scope` are these."""
        running.wait(lambda: all(running.stats().get(f"{scope}.{name}", 0) == value for name, value in expected.items()))

    @staticmethod
    def echoes(client, data=b"hello"):
        """Whether what is sent comes back; else it was closed."""
        try:
            client.sendall(data)
            return tcp.exactly(client, len(data)) == data
        except OSError:
            return False

    # ext_authz

    def test_a_service_lets_connections_pass(self):
        service = Service()
        running = self.start(ext_authz(), self.proxied("%DYNAMIC_METADATA(envoy.filters.network.ext_authz:why)%"),
                             service=service)
        client = tcp.connect(running.port)
        # The host is connected meanwhile: it may have to speak first. Nobody is asked before the client speaks.
        running.wait(lambda: running.stats().get("cluster.origin.upstream_cx_total"))
        self.assertEqual(running.stats().get("ext_authz.a.total", 0), 0)
        client.sendall(b"hello")
        question = service.question()
        self.stats(running, "ext_authz.a", total=1, active=1)
        service.answers.put(ALLOWED + field(4, struct_of(why="because")))
        self.assertEqual(tcp.exactly(client, 5), b"hello")
        self.assertTrue(self.echoes(client, b"more"))  # Nobody is asked again.
        self.stats(running, "ext_authz.a", total=1, active=0, ok=1, denied=0, cx_closed=0)
        for number, port in ((1, client.getsockname()[1]), (2, running.port)):
            address = protobuf_wire.one(question, 1, number, 1, 1)
            self.assertEqual(protobuf_wire.one(address, 2), b"127.0.0.1")
            self.assertEqual(protobuf_wire.one(address, 3), port)
        client.close()
        self.assertEqual(self.lines(running, 1), ["because"])

    def test_a_service_denies(self):
        service = Service(DENIED, DENIED)
        running = self.start(ext_authz(failure_mode_allow=True), self.proxied(), service=service)
        client = tcp.connect(running.port)
        self.assertFalse(self.echoes(client))
        self.stats(running, "ext_authz.a", total=1, active=0, denied=1, cx_closed=1, failure_mode_allowed=0)
        self.assertEqual(self.lines(running, 1), ["UAEX ext_authz_denied"])

    def test_a_service_that_fails(self):
        for allow in (False, True):
            with self.subTest(failure_mode_allow=allow):
                running = self.start(ext_authz(failure_mode_allow=allow), self.proxied(), service=Service(None))
                self.assertEqual(self.echoes(tcp.connect(running.port)), allow)
                self.stats(running, "ext_authz.a", error=1, active=0, cx_closed=int(not allow),
                           failure_mode_allowed=int(allow))

    def test_a_client_that_does_not_wait(self):
        service = Service()
        running = self.start(ext_authz(), self.proxied(), service=service)
        client = tcp.connect(running.port)
        client.sendall(b"hello")
        service.question()
        tcp.reset(client)
        self.stats(running, "ext_authz.a", active=0, total=1, ok=0, error=0)
        self.stats(running, "listener.127.0.0.1_0", downstream_cx_active=0)

    def test_before_http(self):
        service = Service(ALLOWED, DENIED)
        chain = bootstrap.listener(routes=[bootstrap.direct({"prefix": "/"}, "ok")])["filter_chains"][0]
        running = self.start(ext_authz(), *chain["filters"], service=service)
        client = tcp.connect(running.port)
        client.sendall(GET)
        self.assertIn(b"200 OK", tcp.end_of(client)[0])
        client = tcp.connect(running.port)
        client.sendall(GET)
        self.assertEqual(tcp.end_of(client)[0], b"")
        self.stats(running, "ext_authz.a", ok=1, denied=1, active=0)

    def test_certificates_are_told(self):
        authority = certificates.Authority()
        self.addCleanup(authority.folder.cleanup)
        pair = authority.issue("client", ["URI:spiffe://a/client"])
        transport = bootstrap.downstream_tls(authority.issue("server", ["DNS:a.example"]), alpn=(), common={
            "validation_context": {"trusted_ca": {"filename": authority.root.chain}}})
        service = Service(ALLOWED)
        running = self.start(ext_authz(include_peer_certificate=True, include_tls_session=True), ECHO,
                             service=service, transport=transport)
        context = ssl.create_default_context(cafile=authority.root.chain)
        context.load_cert_chain(pair.chain, pair.key)
        with context.wrap_socket(tcp.connect(running.port), server_hostname="a.example") as client:
            self.assertTrue(self.echoes(client))
        question = service.question()
        self.assertEqual(protobuf_wire.one(question, 1, 1, 4), b"spiffe://a/client")
        self.assertIn(b"BEGIN%20CERTIFICATE", protobuf_wire.one(question, 1, 1, 5))
        self.assertEqual(protobuf_wire.one(question, 1, 12, 1), b"a.example")

    def test_only_some_are_asked_about(self):
        # What goes by a name of its own is not there before the filter, so nothing matches.
        matcher = {"filter": "nobody", "path": [{"key": "k"}], "value": {"string_match": {"exact": "v"}}}
        running = self.start(ext_authz(filter_enabled_metadata=matcher), self.proxied(), service=Service())
        self.assertTrue(self.echoes(tcp.connect(running.port)))
        self.assertGreaterEqual(running.stats()["ext_authz.a.disabled"], 1)
        self.assertEqual(running.stats()["ext_authz.a.total"], 0)

    # ratelimit

    def test_limits_of_the_fleet(self):
        service = Service(WITHIN + field(6, struct_of(why="first")), OVER)
        running = self.start(rate_limit("from %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"),
                             self.proxied("%DYNAMIC_METADATA(envoy.filters.network.ratelimit:why)%"), service=service)
        first = tcp.connect(running.port)
        self.assertTrue(self.echoes(first))
        question = service.question()
        self.assertEqual(protobuf_wire.one(question, 1), b"d")
        entry = protobuf_wire.one(question, 2, 1)
        self.assertEqual((protobuf_wire.one(entry, 1), protobuf_wire.one(entry, 2)), (b"k", b"from 127.0.0.1"))
        self.assertFalse(self.echoes(tcp.connect(running.port)))
        self.stats(running, "ratelimit.r", total=2, ok=1, over_limit=1, cx_closed=1, active=0, error=0)
        first.close()
        self.assertIn("first", self.lines(running, 2))

    def test_limits_before_anything_is_read(self):
        service = Service()
        running = self.start(rate_limit(), self.proxied(), service=service)
        client = tcp.connect(running.port)
        service.question()  # The client has said nothing.
        self.stats(running, "ratelimit.r", active=1)
        service.answers.put(WITHIN)
        self.assertTrue(self.echoes(client))
        gone = tcp.connect(running.port)
        service.question()
        tcp.reset(gone)
        self.stats(running, "ratelimit.r", active=0, total=2, ok=1)

    def test_limits_that_cannot_be_asked_for(self):
        for deny in (False, True):
            with self.subTest(failure_mode_deny=deny):
                running = self.start(rate_limit(failure_mode_deny=deny), self.proxied(), service=Service(None))
                self.assertEqual(self.echoes(tcp.connect(running.port)), not deny)
                self.stats(running, "ratelimit.r", error=1, active=0, cx_closed=int(deny),
                           failure_mode_allowed=int(not deny))

    def test_what_one_filter_refuses_no_other_keeps(self):
        limit = network_filter("connection_limit.v3.ConnectionLimit", stat_prefix="l", max_connections=5)
        service = Service(OVER, None)
        running = self.start(limit, rate_limit(failure_mode_deny=True), self.proxied(), service=service)
        for _ in range(2):
            self.assertFalse(self.echoes(tcp.connect(running.port)))
        gone = tcp.connect(running.port)
        for _ in range(3):
            service.question()
        tcp.reset(gone)
        running.wait(lambda: running.stats()["connection_limit.l.active_connections"] == 0)

    # sni_dynamic_forward_proxy

    def dynamic(self, names, cache="cache"):
        """The filter's and the cluster's settings."""
        resolver = {"name": "cares", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            "resolvers": [bootstrap.address(names.port)]}}
        settings = {"name": cache, "dns_lookup_family": "V4_ONLY", "typed_dns_resolver_config": resolver}
        cluster = {"name": "anywhere", "lb_policy": "CLUSTER_PROVIDED", "cluster_type": {"name": "d", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig",
            "dns_cache_config": settings}}}
        return network_filter("sni_dynamic_forward_proxy.v3.FilterConfig", dns_cache_config=settings,
                              port_value=self.origin.port), cluster

    def test_where_the_server_name_says(self):
        names = NameServer()
        self.addCleanup(names.close)
        chosen, cluster = self.dynamic(names)
        running = self.start(chosen, self.proxied("%RESPONSE_FLAGS% %UPSTREAM_CLUSTER% %UPSTREAM_HOST%",
                                                  cluster="anywhere"),
                             clusters=[cluster], listener_filters=[INSPECTOR])
        for name in (b"one.example", b"two.example", b"one.example"):
            client = tcp.connect(running.port)
            self.assertTrue(self.echoes(client, client_hello.chrome(name)), name)
            client.close()
        self.assertEqual(names.names, ["one.example", "two.example"])
        self.assertEqual(set(self.lines(running, 3)), {f"- anywhere 127.0.0.1:{self.origin.port}"})
        self.assertFalse(self.echoes(tcp.connect(running.port), client_hello.chrome(b"nobody.none")))
        self.assertEqual(self.lines(running, 4)[3].split()[0], "UH")
        self.assertFalse(self.echoes(tcp.connect(running.port), b"no TLS at all"))
        self.assertEqual(self.lines(running, 5)[4].split()[0], "UH")

    def test_where_the_filter_state_says(self):
        names = NameServer()
        self.addCleanup(names.close)
        chosen, cluster = self.dynamic(names)
        chosen["typed_config"]["port_value"] = 1
        state = set_state(envoy__upstream__dynamic_host="given.example",
                          envoy__upstream__dynamic_port=str(self.origin.port))
        running = self.start(state, chosen, self.proxied(cluster="anywhere"), clusters=[cluster])
        self.assertTrue(self.echoes(tcp.connect(running.port)))
        self.assertEqual(names.names, ["given.example"])

    # set_filter_state

    def test_state_chooses_the_cluster(self):
        other = tcp.Origin(lambda sock: sock.sendall(b"other"))
        self.addCleanup(other.close)
        state = set_state(envoy__tcp_proxy__cluster="to-%REQUESTED_SERVER_NAME%")
        running = self.start(state, self.proxied(), clusters=[bootstrap.cluster("to-one.example", other.port)],
                             listener_filters=[INSPECTOR])
        client = tcp.connect(running.port)
        client.sendall(client_hello.chrome(b"one.example"))
        self.assertEqual(tcp.exactly(client, 5), b"other")

    def test_state_is_there_for_requests(self):
        text = "%FILTER_STATE(a.b:PLAIN)% %FILTER_STATE(c:PLAIN)% %FILTER_STATE(d:PLAIN)%"
        chain = bootstrap.listener(routes=[{**bootstrap.direct({"prefix": "/"}, "ok"), "response_headers_to_add": [
            {"header": {"key": "x-state", "value": text}}]}])["filter_chains"][0]
        state = [set_state(a__b="new %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"),
                 set_state("on_downstream_tls_handshake", c="shaken"), set_state("on_downstream_data", d="data")]
        running = self.start(*state, *chain["filters"])
        client = tcp.connect(running.port)
        client.sendall(GET)
        self.assertIn(b"x-state: new 127.0.0.1 shaken data", tcp.end_of(client)[0])

    # The page.

    def test_the_bootstraps_of_the_page_are_valid(self):
        report.check_bootstraps(self, 3)


if __name__ == "__main__":
    report.main_of_page("network_services", NetworkServicesTest)
