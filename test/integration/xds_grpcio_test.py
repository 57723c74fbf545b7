"""Control planes that mean harm, or do not know what they do, on the real gRPC for Python: whatever they say, the real
binary serves what it served, and takes what is good afterwards. In both protocols, by envoy_grpc and by google_grpc.

  xds_grpcio_test.py --proxy BINARY --packages FOLDER [CASE...]

What must stay within bounds is counted beside a number of requests that are served meanwhile: a slow machine slows both.
"""

import argparse
import http.client
import pathlib
import socket
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import control_plane  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import tcp  # noqa: E402
import wire  # noqa: E402

grpc = grpcio_plane = None  # Once `main` knows where the packages are.

MAX_MEMORY = 300 << 20
# What a message may be (docs/xds.md).
MAX_MESSAGE = 64 << 20
GZIP = 2  # GRPC_COMPRESS_GZIP
RETRY = {"retry_policy": {"retry_back_off": {"base_interval": "0.1s", "max_interval": "0.5s"}}}


class HostileControlPlane(unittest.TestCase):
    """The cases; the classes below say how the proxy asks."""

    binary = ""
    delta = False
    google = False

    def setUp(self):
        self.origin = origin.Origin()
        self.plane = grpcio_plane.Plane()
        self.addCleanup(lambda: self.plane.close())
        self.updates = 0
        self.plane.serve(self.cluster(), self.endpoints(), self.routes("first"), self.listener())

    # The world.

    @staticmethod
    def cluster(name="one"):
        return {"@type": grpcio_plane.CLUSTERS, "name": name, "type": "EDS", "connect_timeout": "5s",
                "eds_cluster_config": {"eds_config": control_plane.ADS}}

    def endpoints(self, name="one"):
        return {"@type": grpcio_plane.ENDPOINTS, **bootstrap.cluster(name, self.origin.port)["load_assignment"]}

    @staticmethod
    def routes(version, name="routes", cluster="one", hosts=None):
        return {"@type": grpcio_plane.ROUTES, "name": name,
                "response_headers_to_add": [{"header": {"key": "x-version", "value": version}}],
                "virtual_hosts": hosts or [{"name": "all", "domains": ["*"], "routes": [bootstrap.to(cluster)]}]}

    @staticmethod
    def listener():
        listener = bootstrap.listener("main", {"rds": {"route_config_name": "routes", "config_source": control_plane.ADS}})
        del listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]
        return {"@type": grpcio_plane.LISTENERS, **listener}

    # The proxy.

    def start(self, port=None, ready=True, timeout="15s"):
        port = port or self.plane.port
        service = ({"google_grpc": {"target_uri": f"127.0.0.1:{port}", "stat_prefix": "plane"}} if self.google else
                   {"envoy_grpc": {"cluster_name": "plane"}})
        source = {**control_plane.ADS, "initial_fetch_timeout": timeout}
        config = {**bootstrap.of([], [bootstrap.cluster("plane", port, **bootstrap.http2())]),
                  "node": {"id": "test", "cluster": "test"}, "dynamic_resources": {
                      "ads_config": {"api_type": "DELTA_GRPC" if self.delta else "GRPC", "transport_api_version": "V3",
                                     "grpc_services": [{**service, **RETRY}]},
                      "cds_config": source, "lds_config": source}}
        self.running = proxy.Proxy(self.binary, config, ready=ready)
        self.addCleanup(self.running.__exit__)
        return self.running

    def serving(self):
        self.start()
        self.assertEqual(self.get(), (200, "first"))

    def get(self):
        """Status and version of the routes, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=wire.PATIENCE_S)
        try:
            connection.request("GET", "/")
            response = connection.getresponse()
            response.read()
            return response.status, response.getheader("x-version")
        finally:
            connection.close()

    def serve_many(self, count=2000):
        """So many requests, none of which fails."""
        with wire.connect(self.running.port) as sock:
            reader = wire.Reader(sock)
            for _ in range(count):
                sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertEqual(reader.response("GET")["status"], 200)

    def well(self):
        """It serves, takes what is good, and is not swollen."""
        self.assertEqual(self.get()[0], 200)
        self.updates += 1
        version = f"well-{self.updates}"
        self.plane.serve(self.routes(version))
        self.running.wait(lambda: self.get() == (200, version))
        self.assertLess(self.running.rss_bytes(), MAX_MEMORY)

    def next_stream(self, before):
        self.plane.wait(lambda: self.plane.streams_ever > before and self.plane.streams)

    # What they do.

    def test_nonces(self):
        self.serving()
        nonces = ["twice", "twice", "n1", "\u00e9", "x" * 100_000, " "]
        for nonce in nonces:
            self.plane.send(grpcio_plane.ROUTES, nonce, self.routes("odd"))
            self.assertEqual(self.plane.wait_answer(grpcio_plane.ROUTES, nonce), "")
        self.running.wait(lambda: self.get() == (200, "odd"))
        self.assertEqual(len(self.plane.answers(grpcio_plane.ROUTES, "twice")), 2)
        self.plane.send(grpcio_plane.ROUTES, "", self.routes("without"))
        self.running.wait(lambda: self.get() == (200, "without"))
        self.well()

    def test_names(self):
        self.serving()
        nameless = self.routes("x", name="")
        self.plane.send(grpcio_plane.ROUTES, "names", self.routes("good"), self.routes("again"), nameless,
                        self.routes("x", name="nobody's"), self.cluster("not a route"))
        reason = self.plane.wait_answer(grpcio_plane.ROUTES, "names")
        self.assertIn("routes: is in the response more than once", reason)
        self.assertIn("resources[2]: name: must not be empty", reason)
        self.assertIn("resources[4]: type ", reason)
        self.assertNotIn("nobody's", reason)
        self.running.wait(lambda: self.get() == (200, "good"))
        # What is missing is not gone: nobody but clusters and listeners can be taken away.
        self.plane.send(grpcio_plane.ROUTES, "nothing", removed=["routes", "nobody's", "", "x" * 100_000])
        self.assertEqual(self.plane.wait_answer(grpcio_plane.ROUTES, "nothing"), "")
        self.assertEqual(self.get(), (200, "good"))
        self.well()

    def test_names_of_another(self):
        """Delta: the wrapper says one name, the resource another."""
        self.serving()
        self.plane.send(grpcio_plane.ROUTES, "other", self.routes("stolen", name="elsewhere"), names=["routes"])
        answer = self.plane.wait_answer(grpcio_plane.ROUTES, "other")
        self.assertEqual(bool(answer), self.delta)  # Of the other protocol it is one that nobody asked for.
        self.assertEqual(self.get(), (200, "first"))
        self.well()

    def test_types(self):
        self.serving()
        secret = grpcio_plane.TYPE + "envoy.extensions.transport_sockets.tls.v3.Secret"
        for kind in (grpcio_plane.TYPE + "nobody.Knows", secret, "", "/", "\u00e9", "x" * 100_000):
            before = self.plane.streams_ever
            self.plane.send(kind, "type", self.routes("wrong"))
            self.plane.send(grpcio_plane.ROUTES, f"after-{kind[-20:]}", self.routes("right"))
            # It is passed over, or the stream is opened anew; either way the next one is heard.
            self.plane.wait(lambda kind=kind, before=before: self.plane.streams_ever > before or self.plane.answers(
                grpcio_plane.ROUTES, f"after-{kind[-20:]}"))
            self.assertIn(self.get(), [(200, "right"), (200, "first")])
        self.well()

    def test_values_that_are_no_messages(self):
        self.serving()
        broken = grpcio_plane.packed(self.routes("broken"))
        broken.value = broken.value[:-3]
        stream = self.plane.newest()
        stream.put(grpcio_plane.response(self.delta, grpcio_plane.ROUTES, "broken", [("routes", broken)]))
        self.assertNotEqual(self.plane.wait_answer(grpcio_plane.ROUTES, "broken"), "")
        self.assertEqual(self.get(), (200, "first"))
        self.well()

    def test_truncated_messages(self):
        self.serving()
        whole = grpcio_plane.response(self.delta, grpcio_plane.ROUTES, "cut", [
            ("routes", grpcio_plane.packed(self.routes("cut")))]).SerializeToString()
        for length in range(1, len(whole), len(whole) // 7):
            before = self.plane.streams_ever
            self.plane.newest().put(whole[:length])
            self.plane.newest().put(b"\xff\xff\xff")  # No message at all: ends the stream in any case.
            self.next_stream(before)
            self.assertEqual(self.get()[0], 200)
        self.well()

    def test_huge_messages(self):
        self.serving()
        before = self.plane.streams_ever
        self.plane.newest().put(b"x" * (MAX_MESSAGE + 1))
        self.next_stream(before)
        self.assertEqual(self.get(), (200, "first"))
        # As large as may be, of what nobody asked for.
        stranger = grpcio_plane.packed(self.routes("x", name="y" * 100_000))
        count = MAX_MESSAGE // 110_000
        self.plane.newest().put(grpcio_plane.response(self.delta, grpcio_plane.ROUTES, "large", [
            (f"nobody's-{number}", stranger) for number in range(count)]))
        self.plane.wait_answer(grpcio_plane.ROUTES, "large")
        self.assertEqual(self.get(), (200, "first"))
        self.well()

    def replace_plane(self, version, **more):
        """Another one at its port, with all of the world."""
        port = self.plane.port
        self.plane.close()
        self.plane = grpcio_plane.Plane(port, **more)
        self.plane.serve(self.cluster(), self.endpoints(), self.routes(version), self.listener())

    def test_compressed_messages(self):
        """gRPC C++ takes them, and no bomb: 64 MiB and more of zeros are some kilobytes on the wire. A cluster's
        connection does not take any, as in Envoy; such a server is tried again."""
        self.serving()
        self.replace_plane("packed", options=[("grpc.default_compression_algorithm", GZIP)])
        if self.google:
            self.running.wait(lambda: self.get() == (200, "packed"))
            before = self.plane.streams_ever
            self.plane.newest().put(bytes(2 * MAX_MESSAGE))
            self.next_stream(before)
        else:
            self.plane.wait(lambda: self.plane.streams_ever >= 3)
            self.assertEqual(self.get(), (200, "first"))
        self.serve_many(100)
        self.replace_plane("plain")
        self.running.wait(lambda: self.get() == (200, "plain"))
        self.well()

    def test_a_flood(self):
        self.serving()
        filler = "x" * 10_000
        count = 3000
        stranger = grpcio_plane.packed(self.routes(filler, name="nobody's"))
        stream = self.plane.newest()
        for number in range(count):
            stream.put(grpcio_plane.response(self.delta, grpcio_plane.ROUTES, f"flood-{number}", [
                (f"nobody's {number}", stranger)]))
        self.serve_many()
        self.plane.wait_answer(grpcio_plane.ROUTES, f"flood-{count - 1}")
        self.well()
        with self.plane.changed:
            self.assertLess(len(self.plane.requests), count + 100)  # At most an answer to each.

    def test_a_flood_of_clusters(self):
        self.serving()
        clusters = [self.cluster(f"c{number}") for number in range(1000)]
        for cluster in clusters:
            del cluster["eds_cluster_config"]
            cluster["type"] = "STATIC"
        for _ in range(3):
            self.plane.send(grpcio_plane.CLUSTERS, "many", self.cluster(), *clusters)
            self.running.wait(lambda: self.running.stats()["cluster_manager.active_clusters"] >= 1001)
            self.plane.send(grpcio_plane.CLUSTERS, "few", self.cluster(), removed=[one["name"] for one in clusters])
            self.running.wait(lambda: self.running.stats()["cluster_manager.active_clusters"] < 10)
        self.well()

    def test_reasons_are_no_echo(self):
        """What is refused comes back as a reason, not as itself."""
        self.serving()
        bad = [self.routes("x", name="routes", hosts=[{"name": "h" * 100_000, "domains": ["d" * 100_000]}] * 20)]
        self.plane.send(grpcio_plane.ROUTES, "long", *bad)
        reason = self.plane.wait_answer(grpcio_plane.ROUTES, "long")
        self.assertNotEqual(reason, "")
        self.assertLess(len(reason), 64 << 10)
        self.assertEqual(self.get(), (200, "first"))
        self.well()

    def test_a_refusal_that_is_sent_again_at_once(self):
        """Each NACK is answered by the same: that must not be a circle."""
        self.serving()
        bad = self.routes("x", hosts=[{"name": "", "domains": ["*"]}])
        self.plane.on_request = lambda stream, request: request.HasField("error_detail") and self.plane.send(
            grpcio_plane.ROUTES, "again", bad)
        self.plane.send(grpcio_plane.ROUTES, "again", bad)
        self.plane.wait_answer(grpcio_plane.ROUTES, "again")
        self.serve_many(2000)
        self.assertLess(len(self.plane.answers(grpcio_plane.ROUTES, "again")), 60)
        self.plane.on_request = None
        self.well()

    def test_streams_that_end_at_once(self):
        self.serving()
        ends = [(None, ""), (grpc.StatusCode.UNAVAILABLE, "x" * 4000), (grpc.StatusCode.OK, ""),
                (grpc.StatusCode.PERMISSION_DENIED, "\u00e9\n"), (grpc.StatusCode.UNIMPLEMENTED, "")]
        for code, details in ends:
            before = self.plane.streams_ever
            self.plane.on_stream = lambda stream, code=code, details=details: stream.end(
                None if code == grpc.StatusCode.OK else code, details) or True
            self.plane.newest().end()
            self.serve_many(1000)
            # It tries again, but not as fast as it can.
            self.plane.wait(lambda before=before: self.plane.streams_ever > before)
            self.assertLess(self.plane.streams_ever - before, 100)
            self.plane.on_stream = None
            self.next_stream(before)
            self.well()

    def test_streams_that_end_after_a_word(self):
        """Each gives a good answer first: a pause that begins anew with each answer would be none."""
        self.serving()
        before = self.plane.streams_ever
        self.plane.on_request = lambda stream, request: stream.end() if request.response_nonce else None
        self.plane.newest().end()
        self.serve_many(2000)
        self.plane.wait(lambda: self.plane.streams_ever > before)
        self.assertLess(self.plane.streams_ever - before, 200)
        self.plane.on_request = None
        self.well()

    def test_silence(self):
        """A stream that is taken and never answered holds nothing up for ever, neither the start nor what is served."""
        self.plane.on_stream = lambda stream: True
        self.start(ready=False, timeout="0.2s")
        self.running.wait(lambda: self.running.admin("/ready").startswith("LIVE"))
        self.assertEqual(self.running.stats()["cluster_manager.cds.init_fetch_timeout"], 1)
        self.replace_plane("late")
        self.running.wait_ready()
        self.running.wait(lambda: self.get() == (200, "late"))
        self.well()

    def test_connections_that_are_half_open(self):
        """The other side is gone without a word; then its machine says so."""
        relay = Relay(self.plane.port)
        self.addCleanup(relay.close)
        self.start(port=relay.port)
        self.assertEqual(self.get(), (200, "first"))
        relay.freeze()
        self.plane.serve(self.routes("unheard"))
        self.serve_many(200)
        self.assertEqual(self.get(), (200, "first"))
        before = self.plane.streams_ever
        relay.reset()
        self.next_stream(before)
        self.running.wait(lambda: self.get() == (200, "unheard"))
        self.well()

    def test_connections_of_little_patience(self):
        """The server ends each connection soon after it began (GOAWAY), as those behind load balancers do."""
        self.replace_plane("first", options=[
            ("grpc.max_connection_age_ms", 100), ("grpc.max_connection_age_grace_ms", 100)])
        self.serving()
        for streams in (2, 3, 4):
            self.plane.wait(lambda streams=streams: self.plane.streams_ever >= streams)
            self.serve_many(100)
            self.well()

    def test_a_server_that_goes_and_comes(self):
        self.serving()
        for grace in (None, 1):
            self.plane.close(grace)
            self.serve_many(200)
            self.replace_plane("back")
            self.running.wait(lambda: self.get() == (200, "back"))
            self.well()


class Relay:
    """Carries connections to a port, until it is told to freeze: then it holds them and carries nothing."""

    def __init__(self, port):
        self.target = port
        self.frozen = threading.Event()
        self.socks = []
        self.listener = tcp.Origin(self.carry)
        self.port = self.listener.port

    def carry(self, near):
        far = socket.create_connection(("127.0.0.1", self.target))
        near.settimeout(None)
        self.socks += [near, far]
        thread = threading.Thread(target=self.copy, args=(far, near), daemon=True)
        thread.start()
        self.copy(near, far)

    def copy(self, one, other):
        frozen = self.frozen
        try:
            while (data := one.recv(1 << 16)) and not frozen.is_set():
                other.sendall(data)
            if not frozen.is_set():
                other.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def freeze(self):
        self.frozen.set()

    def reset(self):
        """Connections that are held end; new ones are carried."""
        self.frozen = threading.Event()
        for sock in self.socks:
            try:
                sock.shutdown(socket.SHUT_RDWR)  # Wakes who reads it, which alone lets it go.
            except OSError:
                pass
            sock.close()
        self.socks = []

    def close(self):
        self.listener.close()
        self.reset()


class SotwTest(HostileControlPlane):
    pass


class DeltaTest(HostileControlPlane):
    delta = True


class SotwGoogleTest(HostileControlPlane):
    google = True


class DeltaGoogleTest(HostileControlPlane):
    delta = google = True


def load_tests(loader, *_):
    """All but the class of the cases itself."""
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (SotwTest, DeltaTest, SotwGoogleTest, DeltaGoogleTest))


def main():
    global grpc, grpcio_plane
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--packages", required=True, help="where the packages of tools/deps/python-peers.txt are")
    parser.add_argument("--sanitized", action="store_true", help="the binary's memory says nothing")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    sys.path.insert(1, args.packages)
    import grpc
    import grpcio_plane
    HostileControlPlane.binary, proxy.Proxy.sanitized = args.proxy, args.sanitized
    report.main("xds_grpcio", args.cases)


if __name__ == "__main__":
    main()
