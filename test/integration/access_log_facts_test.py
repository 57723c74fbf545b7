"""What the access log and the stats of the real binary say of connections, against what both of their ends know:
bytes on the wire, TLS on either side.

  access_log_facts_test.py --proxy BINARY [CASE...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import client_hello  # noqa: E402
import h2wire  # noqa: E402
import origin  # noqa: E402
import tls_case  # noqa: E402
import tls_origin  # noqa: E402
import wire  # noqa: E402

FILE_LOG = bootstrap.TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog"


class Counting(h2wire.Connection):
    """Counts what passes of each stream, with frame headers."""

    def __init__(self, *arguments, **more):
        self.got = {}
        super().__init__(*arguments, **more)

    def take(self, kind, flags, stream, payload):
        if kind in (h2wire.HEADERS, h2wire.CONTINUATION, h2wire.DATA):
            self.got[stream] = self.got.get(stream, 0) + 9 + len(payload)
        super().take(kind, flags, stream, payload)


class CountingOrigin(tls_origin.Http2Origin):
    """Answers everything; remembers what each request took, and its answer."""

    def serve(self, sock):
        connection = Counting(sock, server=True)
        connection.bytes(len(h2wire.PREFACE))
        answered = set()
        while connection.read() is not None:
            for stream, message in list(connection.streams.items()):
                if not message.ended or stream in answered:
                    continue
                answered.add(stream)
                answer = h2wire.headers(stream, [(":status", "200"), ("content-type", "text/plain")])
                answer += h2wire.frame(h2wire.DATA, h2wire.END_STREAM, stream, b"origin")
                self.remember({"received": connection.got[stream], "sent": len(answer)})
                connection.send(answer)


class LoggingTest(tls_case.TlsTest):
    def lines(self, running, count):
        running.wait(lambda: self.log.exists() and len(self.log.read_text().splitlines()) >= count)
        return [line.split(" ") for line in self.log.read_text().splitlines()]


class FactsTest(LoggingTest):
    def start_logging(self, names, cluster, transport=None):
        """Lines of the log are the values of these operators."""
        self.log = pathlib.Path(self.authority.path("access.log"))
        self.log.unlink(missing_ok=True)
        text = " ".join(f"%{name}%" for name in names) + "\n"
        return self.start(bootstrap.bootstrap(clusters=[cluster], transport=transport, manager={"access_log": [
            {"name": "file", "typed_config": {"@type": FILE_LOG, "path": str(self.log), "log_format": {
                "text_format_source": {"inline_string": text}}}}]}))

    WIRE = ("DOWNSTREAM_WIRE_BYTES_RECEIVED", "DOWNSTREAM_WIRE_BYTES_SENT", "UPSTREAM_WIRE_BYTES_SENT",
            "UPSTREAM_WIRE_BYTES_RECEIVED")

    def test_wire_bytes_of_http1(self):
        running = self.start_logging(self.WIRE, bootstrap.cluster("origin", self.origin.port))
        requests = [b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
                    b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
                    b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]
        sizes = []
        for request in requests:
            with wire.connect(running.port) as sock:
                sock.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                size = 0
                while data := sock.recv(65536):
                    size += len(data)
                sizes.append(size)
        for request, size, line in zip(requests, sizes, self.lines(running, 3)):
            received, sent, upstream_sent, upstream_received = map(int, line)
            self.assertEqual((received, sent), (len(request) + len("Connection: close\r\n"), size))
            self.assertEqual(upstream_received, len(origin.OK))
            self.assertGreater(upstream_sent, received)  # What the proxy adds is more than what it takes out.

    def test_wire_bytes_of_http2(self):
        self.origin = CountingOrigin()
        running = self.start_logging(self.WIRE, bootstrap.cluster("origin", self.origin.port, **bootstrap.http2()))
        client = Counting(wire.connect(running.port))
        sent = []
        for size in (0, 5, 40000):
            fields = h2wire.request("/", method="POST" if size else "GET")
            stream = client.open(fields, end=not size)
            sent.append(len(h2wire.headers(stream, fields, not size)))
            if size:
                client.send_body(stream, b"x" * size)
                sent[-1] += size + 9 * -(-size // h2wire.LARGEST_FRAME)
            client.response(stream)
        lines = self.lines(running, 3)
        for stream, ours, line, theirs in zip((1, 3, 5), sent, lines, self.origin.take_seen()):
            received, answered, upstream_sent, upstream_received = map(int, line)
            self.assertEqual((received, answered), (ours, client.got[stream]))
            self.assertEqual(upstream_received, theirs["sent"])
            # How many frames a large body is cut into is known when it has gone; all else is exact.
            self.assertAlmostEqual(upstream_sent, theirs["received"], delta=40 if ours > 40000 else 0)

    TLS = ("DOWNSTREAM_TLS_VERSION", "DOWNSTREAM_TLS_GROUP", "DOWNSTREAM_PEER_SUBJECT", "DOWNSTREAM_PEER_FINGERPRINT_256",
           "UPSTREAM_PROTOCOL", "UPSTREAM_TLS_VERSION", "UPSTREAM_PEER_SUBJECT", "UPSTREAM_PEER_DNS_SAN", "UPSTREAM_LOCAL_DNS_SAN",
           "UPSTREAM_SERVER_NAME")

    def test_tls_on_both_sides(self):
        client = self.authority.issue("client", ["DNS:client.example"])
        self.origin = tls_origin.TlsOrigin(tls_origin.server_context(self.ecdsa))
        cluster = bootstrap.cluster("origin", self.origin.port, transport_socket=bootstrap.upstream_tls(
            self.authority.root, common={"tls_certificates": [bootstrap.certificate(client)]}, sni="a.example"))
        trusted = {"validation_context": {"trusted_ca": {"filename": self.authority.root.chain}}}
        running = self.start_logging(self.TLS, cluster, bootstrap.downstream_tls(self.ecdsa, common=trusted))
        answer = tls_case.ask(running.port, tls_case.client_context(self.authority, client))
        self.assertEqual(answer["status"], 200)
        line = self.lines(running, 1)[0]
        subject = "CN=client,O=proxenos"  # Up to the blank in the organisation's name.
        self.assertEqual(line[:3], ["TLSv1.3", "X25519", subject])
        text = self.log.read_text()
        self.assertIn(client.fingerprint(), text)
        self.assertIn(" HTTP/1.1 TLSv1.3 CN=ecdsa,O=proxenos test a.example,*.b.example client.example a.example\n", text)
        # The connection with the host may be gone when the log is written; the handshakes are counted by name.
        stats = running.stats()
        for side, count in (("listener.", 1), ("cluster.origin.", 1)):
            versions = sum(value for name, value in stats.items() if name.startswith(side) and name.endswith(".ssl.versions.TLSv1.3"))
            self.assertEqual(versions, count, side)
        self.assertIn('envoy_cluster_ssl_versions{envoy_ssl_version="TLSv1.3",envoy_cluster_name="origin"} 1',
                      running.admin("/stats/prometheus"))
        self.assertRegex(running.admin("/stats/prometheus"), 'envoy_listener_ssl_curves{envoy_ssl_curve="X25519",')

    def test_why_a_handshake_failed(self):
        """%DOWNSTREAM_TRANSPORT_FAILURE_REASON%, in the line that the listener writes of the connection."""
        self.log = pathlib.Path(self.authority.path("failures.log"))
        log = {"name": "file", "typed_config": {"@type": FILE_LOG, "path": str(self.log), "log_format": {
            "text_format_source": {"inline_string": "[%DOWNSTREAM_TRANSPORT_FAILURE_REASON%]\n"}}}}
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", self.origin.port)],
                                     transport=bootstrap.downstream_tls(self.ecdsa))
        config["static_resources"]["listeners"][0]["access_log"] = [log]
        running = self.start(config)
        self.assertEqual(tls_case.ask(running.port, tls_case.client_context(self.authority))["status"], 200)
        self.assertEqual(self.lines(running, 1), [["[-]"]])
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            while sock.recv(4096):
                pass
        self.assertRegex(self.lines(running, 2)[1][0], r"^\[.*HTTP_REQUEST.*\]$")

    def test_instants_of_connections(self):
        names = ("DOWNSTREAM_HANDSHAKE_DURATION", "COMMON_DURATION(DS_CX_BEG:DS_HS_BEG:ns)",
                 "COMMON_DURATION(DS_HS_BEG:DS_HS_END:ns)", "COMMON_DURATION(DS_HS_END:DS_RX_BEG:ns)",
                 "COMMON_DURATION(DS_CX_BEG:DS_RX_BEG:ns)")
        cluster = bootstrap.cluster("origin", self.origin.port)
        running = self.start_logging(names, cluster, bootstrap.downstream_tls(self.ecdsa))
        tls_case.ask(running.port, tls_case.client_context(self.authority))
        duration, waited, shaking, idle, whole = map(int, self.lines(running, 1)[0])
        self.assertEqual(waited + shaking + idle, whole)
        self.assertEqual(duration, (waited + shaking) // 1_000_000)
        running = self.start_logging(names, cluster)
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            while sock.recv(4096):
                pass
        line = self.lines(running, 1)[0]
        self.assertEqual(line[:4], ["-"] * 4)
        self.assertGreaterEqual(int(line[4]), 0)


class FingerprintTest(LoggingTest):
    """%TLS_JA3_FINGERPRINT% and %TLS_JA4_FINGERPRINT%."""

    NAMES = ("TLS_JA3_FINGERPRINT", "TLS_JA4_FINGERPRINT", "REQUESTED_SERVER_NAME")

    def start_inspecting(self, config, **settings):
        config["static_resources"]["listeners"][0]["listener_filters"] = [
            {**tls_case.TLS_INSPECTOR, "typed_config": {**tls_case.TLS_INSPECTOR["typed_config"], **settings}}]
        return self.start(config)

    def log_of(self, name):
        self.log = pathlib.Path(self.authority.path(name))
        text = " ".join(f"%{operator}%" for operator in self.NAMES) + "\n"
        return [{"name": "file", "typed_config": {"@type": FILE_LOG, "path": str(self.log), "log_format": {
            "text_format_source": {"inline_string": text}}}}]

    def passing_on(self, name):
        """A bootstrap that carries TLS to the origin as it comes."""
        tcp = {"name": "tcp", "typed_config": {"@type": bootstrap.TYPE + "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                                               "stat_prefix": "tcp", "cluster": "origin", "access_log": self.log_of(name)}}
        listener = {"name": "main", "address": bootstrap.address(0), "filter_chains": [{"filters": [tcp]}]}
        return bootstrap.of([listener], [bootstrap.cluster("origin", self.origin.port)])

    def send(self, port, data):
        with wire.connect(port) as sock:
            sock.sendall(data)

    def test_public_fingerprints(self):
        both = {"enable_ja3_fingerprinting": True, "enable_ja4_fingerprinting": True}
        running = self.start_inspecting(self.passing_on("both.log"), **both)
        for count, grease in enumerate((0x1a1a, 0xfafa), 1):
            self.send(running.port, client_hello.chrome(b"a.example", grease))
            self.assertEqual(self.lines(running, count)[-1], [client_hello.chrome_ja3(grease), client_hello.CHROME_JA4, "a.example"])
        self.send(running.port, b"GET / HTTP/1.1\r\n\r\n")
        self.assertEqual(self.lines(running, 3)[-1], ["-", "-", "-"])

    def test_each_is_wanted_for_itself(self):
        running = self.start_inspecting(self.passing_on("one.log"), enable_ja4_fingerprinting=True)
        self.send(running.port, client_hello.chrome(b"a.example"))
        self.assertEqual(self.lines(running, 1)[0], ["-", client_hello.CHROME_JA4, "a.example"])

    def test_with_http_behind(self):
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", self.origin.port)],
                                     transport=bootstrap.downstream_tls(self.ecdsa),
                                     manager={"access_log": self.log_of("http.log")})
        running = self.start_inspecting(config, enable_ja3_fingerprinting=True, enable_ja4_fingerprinting=True)
        for _ in range(2):
            self.assertEqual(tls_case.ask(running.port, tls_case.client_context(self.authority))["status"], 200)
        first, second = self.lines(running, 2)
        self.assertEqual(first, second)
        self.assertRegex(" ".join(first), r"^[0-9a-f]{32} t13d\d{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12} a.example$")

    def test_hellos_above_the_limit_are_refused(self):
        running = self.start_inspecting(self.passing_on("limit.log"), max_client_hello_size=256)
        self.send(running.port, client_hello.chrome(b"a.example"))
        self.send(running.port, client_hello.hello([0x1301], client_hello.server_name(b"a.example")))
        self.assertEqual(self.lines(running, 1), [["-", "-", "a.example"]])
        self.assertEqual(running.stats()["tls_inspector.client_hello_too_large"], 1)


if __name__ == "__main__":
    tls_case.main("access_log_facts")
