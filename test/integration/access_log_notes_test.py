"""What the access log of the real binary says of attempts, of how connections ended, of the sizes of heads and of
instants: what is written down only where a format asks for it.

  access_log_notes_test.py --proxy BINARY [CASE...]
"""

import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import h2wire  # noqa: E402
import origin  # noqa: E402
import tcp  # noqa: E402
import tls_case  # noqa: E402
import tls_origin  # noqa: E402
import wire  # noqa: E402

FILE_LOG = bootstrap.TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog"
LISTS = ("UPSTREAM_HOSTS_ATTEMPTED", "UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT", "UPSTREAM_HOST_NAMES_ATTEMPTED",
         "UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT", "UPSTREAM_CONNECTION_IDS_ATTEMPTED", "UPSTREAM_CONNECTION_ID")
CLOSING = ("DOWNSTREAM_DETECTED_CLOSE_TYPE", "DOWNSTREAM_LOCAL_CLOSE_REASON", "UPSTREAM_DETECTED_CLOSE_TYPE",
           "UPSTREAM_LOCAL_CLOSE_REASON")


class RecordingOrigin(origin.Origin):
    """Remembers how many bytes each head took."""

    def serve(self, sock):
        with sock:
            bytes_read = b""
            while b"\r\n\r\n" not in bytes_read:
                part = sock.recv(65536)
                if not part:
                    return
                bytes_read += part
            self.remember({"head": bytes_read.index(b"\r\n\r\n") + 4})
            sock.sendall(origin.OK.encode())


def closed_port(test):
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    test.addCleanup(taken.close)
    return taken.getsockname()[1]


def retrying(on, **more):
    return bootstrap.to(retry_policy={"retry_on": on, "num_retries": 2, "retry_back_off": {"base_interval": "0.001s"}}, **more)


class NotesTest(tls_case.TlsTest):
    def log_of(self, names):
        self.names = names
        self.log = pathlib.Path(self.authority.path("access.log"))
        self.log.unlink(missing_ok=True)
        return [{"name": "file", "typed_config": {"@type": FILE_LOG, "path": str(self.log), "log_format": {
            "text_format_source": {"inline_string": " ".join(f"%{name}%" for name in names) + "\n"}}}}]

    def lines(self, running, count):
        """Lines of the log, each by its operators' names."""
        running.wait(lambda: self.log.exists() and len(self.log.read_text().splitlines()) >= count)
        return [dict(zip(self.names, line.split(" "), strict=True)) for line in self.log.read_text().splitlines()]

    def start_http(self, names, cluster, route=None, transport=None):
        return self.start(bootstrap.bootstrap([route or bootstrap.to()], {"access_log": self.log_of(names)}, [cluster],
                                              transport=transport))

    def start_tcp(self, names, cluster, **fields):
        proxy = {"name": "tcp", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", "stat_prefix": "tcp",
            "cluster": "origin", "access_log": self.log_of(names), **fields}}
        listener = {"name": "main", "address": bootstrap.address(0), "filter_chains": [{"filters": [proxy]}]}
        return self.start(bootstrap.of([listener], [cluster]))

    def ask(self, running, path="/"):
        with wire.connect(running.port) as sock:
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
            return wire.Reader(sock).response("GET")

    def named(self, cluster, *names):
        for endpoint, name in zip(cluster["load_assignment"]["endpoints"][0]["lb_endpoints"], names, strict=True):
            endpoint["endpoint"]["hostname"] = name
        return cluster

    def test_attempts_of_a_request(self):
        cluster = self.named(bootstrap.cluster("origin", self.origin.port), "one.example:80")
        running = self.start_http(LISTS, cluster, retrying("5xx"))
        self.assertEqual(self.ask(running)["status"], 200)
        self.assertEqual(self.ask(running, "/503")["status"], 503)
        one, three = self.lines(running, 2)
        port = self.origin.port
        self.assertEqual(one["UPSTREAM_HOSTS_ATTEMPTED"], f"127.0.0.1:{port}")
        self.assertEqual(one["UPSTREAM_CONNECTION_IDS_ATTEMPTED"], one["UPSTREAM_CONNECTION_ID"])
        self.assertEqual(three["UPSTREAM_HOSTS_ATTEMPTED"], ",".join([f"127.0.0.1:{port}"] * 3))
        self.assertEqual(three["UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT"], "127.0.0.1,127.0.0.1,127.0.0.1")
        self.assertEqual(three["UPSTREAM_HOST_NAMES_ATTEMPTED"], ",".join(["one.example:80"] * 3))
        self.assertEqual(three["UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT"], "one.example,one.example,one.example")
        ids = three["UPSTREAM_CONNECTION_IDS_ATTEMPTED"].split(",")
        self.assertEqual((len(ids), ids[-1]), (3, three["UPSTREAM_CONNECTION_ID"]))

    def test_a_request_that_breaks_on_its_way_keeps_its_attempts(self):
        running = self.start_http(LISTS, bootstrap.cluster("origin", self.origin.port))
        with wire.connect(running.port) as sock:
            sock.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            running.wait(lambda: self.origin.take_seen())
            sock.sendall(b"nonsense\r\n")
            while sock.recv(4096):
                pass
        self.assertEqual(self.lines(running, 1)[0]["UPSTREAM_HOSTS_ATTEMPTED"], f"127.0.0.1:{self.origin.port}")

    def test_attempts_that_met_no_connection(self):
        port = closed_port(self)
        running = self.start_http(LISTS, bootstrap.cluster("origin", port), retrying("connect-failure"))
        self.assertEqual(self.ask(running)["status"], 503)
        line = self.lines(running, 1)[0]
        self.assertEqual(line["UPSTREAM_HOSTS_ATTEMPTED"], ",".join([f"127.0.0.1:{port}"] * 3))
        self.assertEqual(line["UPSTREAM_CONNECTION_IDS_ATTEMPTED"], "-")

    def test_attempts_of_a_connection(self):
        port = closed_port(self)
        running = self.start_tcp(LISTS, bootstrap.cluster("origin", port), max_connect_attempts=2)
        with wire.connect(running.port) as sock:
            self.assertEqual(sock.recv(1), b"")
        self.assertEqual(self.lines(running, 1)[0]["UPSTREAM_HOSTS_ATTEMPTED"], f"127.0.0.1:{port},127.0.0.1:{port}")

    def test_fields_that_are_added_ask_too(self):
        """No log asks, but the route does."""
        route = {**retrying("5xx"), "response_headers_to_add": [
            {"header": {"key": "x-hosts", "value": "%UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT%"}},
            {"header": {"key": "x-metadata", "value": "%METADATA(ROUTE:space:key)%"}}],
            "metadata": {"filter_metadata": {"space": {"key": "value"}}}}
        running = self.start(bootstrap.bootstrap([route], clusters=[bootstrap.cluster("origin", self.origin.port)]))
        headers = dict(self.ask(running, "/503")["headers"])
        self.assertEqual(headers["x-hosts"], "127.0.0.1,127.0.0.1,127.0.0.1")
        self.assertEqual(headers["x-metadata"], "value")

    def test_ends_of_requests(self):
        running = self.start_http(CLOSING, bootstrap.cluster("origin", self.origin.port))
        self.assertEqual(self.ask(running)["status"], 200)
        self.assertEqual(self.ask(running, "/reset")["status"], 503)
        self.origin.take_seen()
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET /silent HTTP/1.1\r\nHost: h\r\n\r\n")
            running.wait(lambda: self.origin.take_seen())
            tcp.reset(sock)
        told = [list(line.values()) for line in self.lines(running, 3)]
        self.assertEqual(told, [["Normal", "-", "Normal", "-"], ["Normal", "-", "RemoteReset", "-"],
                                ["RemoteReset", "-", "Normal", "-"]])

    def test_ends_of_connections(self):
        host = tcp.Origin()
        self.addCleanup(host.close)
        running = self.start_tcp(CLOSING, bootstrap.cluster("origin", host.port), idle_timeout="0.5s")
        client = wire.connect(running.port)
        client.sendall(b"x")
        upstream = host.accept()
        self.assertEqual(tcp.exactly(upstream, 1), b"x")
        tcp.reset(upstream)
        self.assertRaises(ConnectionResetError, client.recv, 1)
        client.close()
        self.assertEqual(list(self.lines(running, 1)[0].values()), ["LocalReset", "-", "RemoteReset", "-"])
        client = wire.connect(running.port)
        client.sendall(b"x")
        self.assertEqual(tcp.exactly(host.accept(), 1), b"x")
        tcp.reset(client)
        self.assertEqual(list(self.lines(running, 2)[1].values()), ["RemoteReset", "-", "Normal", "-"])
        with wire.connect(running.port) as client:
            host.accept()
            self.assertEqual(client.recv(1), b"")
        idle = "tcp_session_idle_timeout"
        self.assertEqual(list(self.lines(running, 3)[2].values()), ["Normal", idle, "Normal", idle])

    def test_connections_that_last_too_long_or_lead_nowhere(self):
        host = tcp.Origin()
        self.addCleanup(host.close)
        running = self.start_tcp(CLOSING, bootstrap.cluster("origin", host.port), max_downstream_connection_duration="0.2s")
        with wire.connect(running.port) as client:
            self.assertEqual(client.recv(1), b"")
        reason = "max_connection_duration_reached"
        self.assertEqual(list(self.lines(running, 1)[0].values()), ["Normal", reason, "Normal", reason])
        running = self.start_tcp(CLOSING, bootstrap.cluster("origin", closed_port(self)))
        with wire.connect(running.port) as client:
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(list(self.lines(running, 1)[0].values()), ["Normal", "tcp_initializion_failure:0", "Normal", "-"])

    HEADS = ("UPSTREAM_HEADER_BYTES_SENT", "UPSTREAM_HEADER_BYTES_RECEIVED", "UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT",
             "UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED", "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED",
             "DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT")

    def test_sizes_of_heads_over_http1(self):
        upstream = RecordingOrigin()
        running = self.start_http(self.HEADS, bootstrap.cluster("origin", upstream.port))
        request = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        with wire.connect(running.port) as sock:
            sock.sendall(request)
            got = b""
            while part := sock.recv(65536):
                got += part
        sent = upstream.take_seen()[0]["head"]
        received = len(origin.OK) - len("origin")
        ours = got.index(b"\r\n\r\n") + 4
        self.assertEqual([int(value) for value in self.lines(running, 1)[0].values()],
                         [sent, received, sent, received, len(request), ours])

    def test_sizes_of_heads_over_http2(self):
        """Before HPACK: names and values."""
        upstream = tls_origin.Http2Origin()
        running = self.start_http(self.HEADS, bootstrap.cluster("origin", upstream.port, **bootstrap.http2()))
        with wire.connect(running.port) as sock:
            client = h2wire.Connection(sock)
            fields = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a.example")]
            answer = client.response(client.open(fields, end=True))
        sent, received, plain_sent, plain_received, asked, answered = map(int, self.lines(running, 1)[0].values())
        self.assertEqual(asked, sum(len(name) + len(value) for name, value in fields))
        self.assertEqual(answered, sum(len(name) + len(value) for name, value in answer.headers))
        seen = upstream.take_seen()[0]
        self.assertEqual(plain_sent, len(":methodGET:path/:schemehttp") + len(":authoritya.example") + sum(
            len(name) + len(value) for name, value in seen["headers"] if name != "host" and not name.startswith(":")))
        self.assertTrue(0 < sent < plain_sent + 9, (sent, plain_sent))
        self.assertTrue(0 < received < plain_received + 9 + 20, (received, plain_received))

    def test_an_upgrade_that_the_host_does_not_know(self):
        """It ends before anything of it was sent."""
        upstream = tls_origin.Http2Origin()
        running = self.start(bootstrap.bootstrap(
            [bootstrap.to()], {"access_log": self.log_of(self.HEADS), "upgrade_configs": [{"upgrade_type": "websocket"}]},
            [bootstrap.cluster("origin", upstream.port, **bootstrap.http2())]))
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                         b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
            self.assertEqual(wire.Reader(sock).response("GET")["status"], 503)
        self.assertEqual(self.lines(running, 1)[0]["UPSTREAM_HEADER_BYTES_SENT"], "0")

    INSTANTS = ("COMMON_DURATION(DS_CX_BEG:DS_RX_BEG:ns)", "COMMON_DURATION(DS_RX_BEG:DS_RX_HDR_END:ns)",
                "COMMON_DURATION(US_CX_BEG:US_CX_END:ns)", "COMMON_DURATION(US_CX_END:US_HS_END:ns)",
                "COMMON_DURATION(US_CX_BEG:US_TX_BEG:ns)", "COMMON_DURATION(US_RX_BEG:US_RX_BODY_BEG:ns)",
                "UPSTREAM_CONNECTION_POOL_READY_DURATION", "ROUTE_RESOLUTION_COUNT")

    def test_instants_of_a_request(self):
        self.origin = tls_origin.TlsOrigin(tls_origin.server_context(self.ecdsa))
        secure = bootstrap.cluster("origin", self.origin.port,
                                   transport_socket=bootstrap.upstream_tls(self.authority.root, sni="a.example"))
        running = self.start_http(self.INSTANTS, secure)
        self.assertEqual(self.ask(running)["status"], 200)
        line = self.lines(running, 1)[0]
        self.assertNotIn("-", line.values(), line)
        connect, shake, whole = (int(line[f"COMMON_DURATION({name}:ns)"]) for name in (
            "US_CX_BEG:US_CX_END", "US_CX_END:US_HS_END", "US_CX_BEG:US_TX_BEG"))
        self.assertLessEqual(connect + shake, whole)
        self.assertGreater(shake, 0)
        self.assertEqual(line["ROUTE_RESOLUTION_COUNT"], "1")

    def test_instants_without_tls_and_without_a_host(self):
        running = self.start_http(self.INSTANTS, bootstrap.cluster("origin", self.origin.port))
        self.assertEqual(self.ask(running)["status"], 200)
        absent = [name for name, value in self.lines(running, 1)[0].items() if value == "-"]
        self.assertEqual(absent, ["COMMON_DURATION(US_CX_END:US_HS_END:ns)"])
        running = self.start_http(self.INSTANTS, bootstrap.cluster("origin", self.origin.port),
                                  bootstrap.direct({"prefix": "/"}, "here"))
        self.assertEqual(self.ask(running)["status"], 200)
        given = [name for name, value in self.lines(running, 1)[0].items() if value != "-"]
        self.assertEqual(given, [*self.INSTANTS[:2], "ROUTE_RESOLUTION_COUNT"])

    def test_the_listener_tells_too(self):
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", self.origin.port)])
        config["static_resources"]["listeners"][0]["access_log"] = self.log_of(CLOSING[:2])
        running = self.start(config)
        self.assertEqual(self.ask(running)["status"], 200)
        sock = wire.connect(running.port)
        sock.sendall(b"GET / HTTP/1.1\r\n")
        tcp.reset(sock)
        told = sorted(line["DOWNSTREAM_DETECTED_CLOSE_TYPE"] for line in self.lines(running, 2))
        self.assertEqual(told, ["Normal", "RemoteReset"])


if __name__ == "__main__":
    tls_case.main("access_log_notes")
