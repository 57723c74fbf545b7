"""Idle connections that change workers, on the real binary with several of them.

  lending_test.py --proxy BINARY --page docs/lending.md [CASE...]
"""

import concurrent.futures
import pathlib
import sys
import threading
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

LENDING = "proxenos.upstream.lending.v3.ConnectionLending"
WORKERS = 4


def lending(**options):
    """A cluster's field."""
    return {"typed_extension_protocol_options": {LENDING: {"@type": bootstrap.TYPE + LENDING, **options}}}


class CountingOrigin(origin.Origin):
    """Counts its connections."""

    def __init__(self):
        self.connections = 0
        super().__init__()

    def serve(self, sock):
        with self.lock:
            self.connections += 1
        super().serve(sock)


class LendingTest(unittest.TestCase):
    binary = ""
    page = None

    def start(self, upstream, **cluster):
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            clusters=[bootstrap.cluster("origin", upstream.port, **cluster)]), concurrency=WORKERS)
        self.addCleanup(running.__exit__)
        return running

    def ask(self, running, sock):
        sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        self.assertEqual(wire.Reader(sock).response("GET")["status"], 200)

    def one_after_another(self, running, clients=24):
        """On a connection each, so that all workers have some."""
        for _ in range(clients):
            with wire.connect(running.port) as sock:
                self.ask(running, sock)

    def test_one_connection_serves_all_workers(self):
        upstream = CountingOrigin()
        running = self.start(upstream, **lending(max_wait="1s"))
        self.one_after_another(running)
        stats = running.stats()
        self.assertEqual(upstream.connections, 1)
        self.assertEqual(stats["cluster.origin.upstream_cx_total"], 1)
        self.assertEqual(stats["cluster.origin.upstream_cx_active"], 1)
        self.assertGreaterEqual(stats["cluster.origin.upstream_cx_borrowed"], 1)
        self.assertEqual(stats["cluster.origin.upstream_cx_borrowed"], stats["cluster.origin.upstream_cx_lent"])

    def test_without_it_each_worker_has_its_own(self):
        upstream = CountingOrigin()
        running = self.start(upstream)
        self.one_after_another(running)
        self.assertGreater(upstream.connections, 1)
        self.assertNotIn("cluster.origin.upstream_cx_borrowed", running.stats())

    def test_limit_of_connections_is_kept_under_load(self):
        """As many clients at once as connections are allowed, and more."""
        upstream = CountingOrigin()
        running = self.start(upstream, **lending(max_wait="1s"),
                             circuit_breakers={"thresholds": [{"max_connections": 8, "max_pending_requests": 1000}]})
        start = threading.Barrier(16)

        def client(_):
            with wire.connect(running.port) as sock:
                start.wait(wire.PATIENCE_S)
                for _ in range(50):
                    self.ask(running, sock)

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            for done in [pool.submit(client, number) for number in range(16)]:
                done.result()
        stats = running.stats()
        self.assertEqual(stats["cluster.origin.upstream_rq_total"], 16 * 50)
        self.assertEqual(stats["cluster.origin.upstream_rq_200"], 16 * 50)
        # A worker without any may have one beyond the limit, as in Envoy.
        self.assertLessEqual(stats["cluster.origin.upstream_cx_active"], 8 + WORKERS - 1)
        self.assertTrue(running.alive())

    def test_what_is_no_wait_is_refused(self):
        for wait in ("0s", "2s"):
            with self.assertRaisesRegex(RuntimeError, r"max_wait: expected more than 0 and at most 1 s"):
                self.start(CountingOrigin(), **lending(max_wait=wait))

    def test_the_page_shows_what_works(self):
        upstream = CountingOrigin()
        block, = report.yaml_blocks(self.page)
        for shown, used in ((8081, upstream.port), (10000, 0), (9901, 0)):
            block = block.replace(f"port_value: {shown}", f"port_value: {used}")
        running = proxy.Proxy(self.binary, yaml.safe_load(block), concurrency=WORKERS)
        self.addCleanup(running.__exit__)
        self.one_after_another(running)
        self.assertEqual(upstream.connections, 1)


if __name__ == "__main__":
    report.main_of_page("lending", LendingTest)
