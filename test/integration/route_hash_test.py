"""Hashes of requests: which of several clusters and hosts they choose, on the real binary. Envoy 1.40 passes the same
cases.

  route_hash_test.py --proxy BINARY [CASE...]
"""

import argparse
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

BY_USER = [{"header": {"header_name": "x-user"}}]
BY_OTHER = [{"header": {"header_name": "x-other"}}]
HOSTS = 5


class Named(origin.Origin):
    """Answers with its name."""

    def __init__(self, name):
        self.answer = f"HTTP/1.1 200 OK\r\ncontent-length: {len(name)}\r\n\r\n{name}".encode()
        super().__init__()

    def serve(self, sock):
        reader = wire.Reader(sock)
        with sock:
            while reader.head() is not None:
                sock.sendall(self.answer)


class RouteHashTest(unittest.TestCase):
    binary = ""

    def start(self, routes, clusters):
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(routes=routes, clusters=clusters))
        self.addCleanup(running.__exit__)
        return running

    @staticmethod
    def who(running, user, other):
        with wire.connect(running.port) as sock:
            sock.sendall(f"GET / HTTP/1.1\r\nHost: h\r\nx-user: {user}\r\nx-other: {other}\r\n\r\n".encode())
            return wire.Reader(sock).response("GET")["body"]

    def test_cluster_says_what_to_hash(self):
        hosts = [Named(str(number)) for number in range(HOSTS)]
        ports = [host.port for host in hosts]
        own = bootstrap.protocol(explicit_http_config={"http_protocol_options": {}}, hash_policy=BY_USER)
        routes = [{**bootstrap.to("plain", hash_policy=BY_OTHER), "match": {"prefix": "/plain"}},
                  bootstrap.to("own", hash_policy=BY_OTHER)]
        running = self.start(routes, [bootstrap.cluster("own", *ports, lb_policy="MAGLEV", **own),
                                      bootstrap.cluster("plain", *ports, lb_policy="MAGLEV")])
        of_users = [{self.who(running, user, other) for other in range(8)} for user in range(16)]
        self.assertEqual({len(of) for of in of_users}, {1})
        self.assertGreater(len(set().union(*of_users)), 1)

    def test_weighted_clusters_by_hash(self):
        hosts = [Named("left"), Named("right")]
        weights = {"clusters": [{"name": "left", "weight": 50}, {"name": "right", "weight": 50}], "use_hash_policy": True}
        routes = [{"match": {"prefix": "/"}, "route": {"weighted_clusters": weights, "hash_policy": BY_USER}}]
        running = self.start(routes, [bootstrap.cluster("left", hosts[0].port), bootstrap.cluster("right", hosts[1].port)])
        of_users = [{self.who(running, user, other) for other in range(8)} for user in range(24)]
        self.assertEqual({len(of) for of in of_users}, {1})
        self.assertEqual(set().union(*of_users), {"left", "right"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    RouteHashTest.binary = args.proxy
    report.main("route_hash", args.cases)
