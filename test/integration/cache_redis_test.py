"""The HTTP cache over a real Redis that several proxies share: what one stored another serves, what one purges is gone
for all, and a Redis that dies, hangs, forgets or lies costs no more than a look-up.

  cache_redis_test.py --proxy BINARY --page docs/filters/cache.md [CASE...]
"""

import argparse
import pathlib
import re
import socket
import sys
import tempfile
import threading
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import certificates  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import redis_server  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

ARGS = None
CACHE = bootstrap.TYPE + "envoy.extensions.filters.http.cache.v3.CacheConfig"
STORE = bootstrap.TYPE + "proxenos.http.cache.v3.CacheStore"


class Origin(origin.Origin):
    """Answers as `script` says: with its fields and body for a request."""

    def __init__(self, script):
        self.script = script
        super().__init__()

    def answer(self, sock, request):
        fields, body = self.script(request["start"].split(" ")[1], dict(request["headers"]))
        lines = "".join(f"{field}\r\n" for field in fields)
        sock.sendall(f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n{lines}\r\n{body}".encode("latin-1"))
        return True


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def fresh(*more):
    """Answers that are good for ten minutes, and say their path."""
    return lambda path, _: (["cache-control: max-age=600", *more], f"body of {path}")


class CacheRedisTest(unittest.TestCase):
    stats_of = "cache.default.redis."

    def setUp(self):
        self.redis = redis_server.Redis()
        self.addCleanup(lambda: self.redis.close())

    def start(self, upstream, concurrency=1, redis_cluster=None, **store):
        """One proxy of the fleet, which knows its Redis."""
        redis = redis_cluster or bootstrap.cluster("redis")
        if redis_cluster is None:
            redis["load_assignment"]["endpoints"] = [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": self.redis.path}}}}]}]
        typed = {"@type": STORE, "allow_any_vary": True, "redis": {"cluster": "redis", "timeout": "2s", **store}}
        filters = {"http_filters": [
            {"name": "cache", "typed_config": {"@type": CACHE, "typed_config": typed}},
            {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}]}
        running = proxy.Proxy(ARGS.proxy, bootstrap.bootstrap(
            manager=filters, clusters=[bootstrap.cluster("origin", upstream.port), redis]), concurrency=concurrency)
        self.addCleanup(running.__exit__)
        return running

    def fleet(self, upstream, count=2, **more):
        proxies = [self.start(upstream, **more) for _ in range(count)]
        for running in proxies:
            self.wait_connected(running)
        return proxies

    def stat(self, running, name):
        return running.stats().get(self.stats_of + name, 0)

    def wait_connected(self, running):
        """Until its look-ups reach Redis: until a URL that nobody has was missed there."""
        def missed():
            before = self.stat(running, "miss")
            self.ask(running, "/connected?", "cache-control: no-cache", method="HEAD")
            return self.stat(running, "miss") > before
        running.wait(missed)

    def wait_saved(self, running, count):
        running.wait(lambda: self.stat(running, "saved") >= count)
        # In the order of the connection; another one is not behind it.
        running.wait(lambda: len(self.redis.keys("*e:*")) >= 1)

    def ask(self, running, path="/", *fields, method="GET"):
        with wire.connect(running.port) as sock:
            lines = "".join(f"{field}\r\n" for field in fields)
            sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: h\r\n{lines}\r\n".encode())
            return wire.Reader(sock).response(method)

    def body(self, *arguments):
        return self.ask(*arguments)["body"]

    def is_hit(self, *arguments):
        return "; hit" in dict(self.ask(*arguments)["headers"])["cache-status"]

    @staticmethod
    def paths(upstream):
        return [request["start"].split(" ")[1] for request in upstream.take_seen()]

    def test_one_stores_and_another_serves(self):
        upstream = Origin(fresh("etag: \"a\"", "x-a: b"))
        one, other = self.fleet(upstream)
        upstream.take_seen()
        self.assertEqual(self.body(one, "/a"), "body of /a")
        self.wait_saved(one, 1)
        answer = self.ask(other, "/a")
        self.assertEqual((answer["status"], answer["body"], dict(answer["headers"])["x-a"]), (200, "body of /a", "b"))
        self.assertIn("; hit", dict(answer["headers"])["cache-status"])
        self.assertEqual(self.paths(upstream), ["/a"])
        self.assertEqual(self.stat(other, "hit"), 1)
        self.redis.kill()
        self.assertTrue(self.is_hit(other, "/a"), "in memory by now")

    def test_what_is_kept_goes_by_itself(self):
        upstream = Origin(lambda path, _: (
            ["cache-control: max-age=100, stale-if-error=50", *(["etag: \"a\""] if path == "/tagged" else [])], path))
        one, = self.fleet(upstream, 1)
        self.ask(one, "/plain")
        self.wait_saved(one, 1)
        key, = self.redis.keys("*e:*")
        self.assertTrue(120 < self.redis.command("TTL", key) <= 150)
        self.redis.command("DEL", key)
        self.ask(one, "/tagged")
        self.wait_saved(one, 2)
        key, = self.redis.keys("*e:*")
        self.assertTrue(3700 < self.redis.command("TTL", key) <= 3750)

    def test_variants(self):
        upstream = Origin(lambda path, headers: (
            ["cache-control: max-age=600", "vary: x-kind, accept-encoding"], headers.get("x-kind", "none")))
        one, other = self.fleet(upstream)
        for kind in ("a", "b"):
            self.assertEqual(self.body(one, "/v", f"x-kind: {kind}"), kind)
        self.wait_saved(one, 2)
        upstream.take_seen()
        for kind in ("b", "a"):
            self.assertEqual(self.body(other, "/v", f"x-kind: {kind}"), kind)
        self.assertEqual(self.paths(upstream), [])
        self.assertEqual(self.body(other, "/v", "x-kind: c"), "c")
        self.assertEqual(self.paths(upstream), ["/v"])

    def test_what_is_too_large_or_for_one_alone_is_not_kept(self):
        upstream = Origin(lambda path, _: (
            ["cache-control: private, max-age=9" if path == "/private" else "cache-control: max-age=600"], "x" * 3000))
        one, = self.fleet(upstream, 1, max_entry_bytes=2000)
        self.assertEqual(len(self.body(one, "/large")), 3000)
        self.ask(one, "/private")
        self.assertTrue(self.is_hit(one, "/large"), "in memory alone")
        self.assertEqual(self.redis.keys("*e:*"), [])
        self.assertEqual(self.stat(one, "not_saved"), 1)

    def test_purges_reach_the_fleet(self):
        upstream = Origin(lambda path, _: (["cache-control: max-age=600", f"surrogate-key: {path[1:2]}"], path))
        one, other = self.fleet(upstream)
        paths = ["/a/1", "/a/2", "/b/1", "/c/1"]
        for query, gone in (("tag=a", ["/a/1", "/a/2"]), ("prefix=http://h/b", ["/b/1"]), ("url=http://h/c/1", ["/c/1"]), ("all", paths)):
            with self.subTest(query):
                for path in paths:
                    self.ask(one, path)
                self.wait_saved(one, len(paths))
                # In the memory of both.
                one.wait(lambda: all([self.is_hit(other, path) for path in paths]))
                upstream.take_seen()
                before = len(self.log())
                self.assertIn("purged", one.admin(f"/cache/purge?{query}", method="POST"))
                one.wait(lambda: len(self.log()) > before)
                other.wait(lambda: not any([self.cached(other, path) for path in gone]))
                for path in paths:
                    self.assertEqual(self.cached(other, path), path not in gone, path)
                # What Redis still has of it is older than the purge.
                for path in gone:
                    self.assertEqual(self.body(other, path), path)
                self.assertEqual(sorted(self.paths(upstream)), sorted(gone))

    def cached(self, running, path):
        return self.ask(running, path, "cache-control: only-if-cached")["status"] == 200

    def log(self):
        key, = self.redis.keys("*purges")
        return self.redis.command("XRANGE", key, "-", "+")

    def test_a_purge_that_redis_is_not_there_for_is_told_later(self):
        upstream = Origin(fresh())
        one, other = self.fleet(upstream)
        for running in (one, other):
            self.ask(running, "/a")
        self.redis.kill()
        one.wait(lambda: self.stat(one, "cx_ready") == 0)
        one.admin("/cache/purge?url=http://h/a", method="POST")
        self.redis.start()
        # It has lost all that it knew: what the others hold is as good as unknown.
        other.wait(lambda: not self.cached(other, "/a"))
        one.wait(lambda: any(b"http://h/a" in entry[1] for entry in self.log()))

    def test_an_unsafe_method_reaches_the_fleet(self):
        upstream = Origin(fresh())
        one, other = self.fleet(upstream)
        self.ask(one, "/a")
        self.wait_saved(one, 1)
        one.wait(lambda: self.is_hit(other, "/a"))
        self.ask(one, "/a", "content-length: 0", method="POST")
        other.wait(lambda: not self.cached(other, "/a"))
        # Of what nobody stored, nobody is told.
        before = len(self.log())
        self.ask(one, "/never", "content-length: 0", method="POST")
        self.ask(one, "/a")
        self.ask(one, "/a", "content-length: 0", method="POST")
        one.wait(lambda: len(self.log()) > before)
        self.assertEqual(len(self.log()), before + 1)

    def test_a_redis_that_dies_and_comes_back(self):
        upstream = Origin(fresh())
        one, other = self.fleet(upstream)
        self.ask(one, "/a")
        self.wait_saved(one, 1)
        self.redis.kill()
        for number in range(20):
            self.assertEqual(self.body(other, f"/{number}"), f"body of /{number}")
        one.wait(lambda: self.stat(one, "cx_ready") == 0)
        self.assertTrue(self.stat(other, "unavailable") + self.stat(other, "miss") >= 20)
        self.redis.start()
        for running in (one, other):
            self.wait_connected(running)
        self.assertEqual(self.body(one, "/later"), "body of /later")
        one.wait(lambda: len(self.redis.keys("*e:*")) == 1)
        upstream.take_seen()
        other.wait(lambda: self.is_hit(other, "/later"))

    def test_a_redis_that_hangs(self):
        upstream = Origin(fresh())
        one, = self.fleet(upstream, 1, timeout="0.05s")
        self.redis.hang()
        try:
            for number in range(20):
                self.assertEqual(self.body(one, f"/{number}"), f"body of /{number}")
            self.assertGreaterEqual(self.stat(one, "rq_timeout"), 1)
            self.assertGreaterEqual(self.stat(one, "unavailable"), 1, "it is not asked each time")
        finally:
            self.redis.go_on()
        self.wait_connected(one)

    def test_what_is_not_as_it_was_written_is_not_served(self):
        upstream = Origin(fresh("etag: \"a\""))
        one, other = self.fleet(upstream)
        self.ask(one, "/a")
        self.ask(one, "/b")
        self.wait_saved(one, 2)
        one.wait(lambda: len(self.redis.keys("*e:*")) == 2)
        names = self.redis.keys("*e:*")
        good = [self.redis.command("GET", name) for name in names]
        broken = [b"", b"x", good[0][:-1], good[0] + b"x", good[0][:40]]
        for at in range(0, len(good[0]), max(len(good[0]) // 23, 1)):
            broken.append(good[0][:at] + bytes([good[0][at] ^ 4]) + good[0][at + 1:])
        path = "/a" if b"body of /a" in good[0] else "/b"
        for number, value in enumerate(broken):
            self.redis.command("SET", names[0], value)
            with self.subTest(number):
                self.assertFalse(self.cached(other, path))
        self.assertEqual(self.stat(other, "corrupt"), len(broken))
        # Somebody else's, and of another kind.
        self.redis.command("SET", names[0], good[1])
        self.assertFalse(self.cached(other, path))
        self.redis.command("DEL", names[0])
        self.redis.command("LPUSH", names[0], "x")
        self.assertFalse(self.cached(other, path))
        self.redis.command("DEL", names[0])
        self.redis.command("SET", names[0], good[0])
        self.assertTrue(self.cached(other, path))

    def test_a_log_that_is_lost_takes_the_memory_with_it(self):
        upstream = Origin(fresh())
        one, = self.fleet(upstream, 1)
        self.ask(one, "/a")
        self.assertTrue(self.cached(one, "/a"))
        self.redis.command("FLUSHALL")
        one.wait(lambda: not self.cached(one, "/a"))

    def test_requests_for_one_url_are_collapsed(self):
        gate = threading.Event()

        def script(path, _):
            if path == "/slow":
                gate.wait(wire.PATIENCE_S)
            return ["cache-control: max-age=600"], "slow"
        upstream = Origin(script)
        one, = self.fleet(upstream, 1)
        upstream.take_seen()
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.body(one, "/slow"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        one.wait(lambda: one.stats()["http.main.downstream_rq_active"] == 8 and len(upstream.seen) >= 1)
        gate.set()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, ["slow"] * 8)
        self.assertEqual(self.paths(upstream), ["/slow"])

    def test_passwords_databases_and_several_workers(self):
        self.redis.close()
        self.redis = redis_server.Redis()
        self.redis.command("ACL", "SETUSER", "proxy", "on", ">secret", "~*", "+@all")
        self.redis.command("ACL", "SETUSER", "default", "-@all")
        upstream = Origin(fresh())
        with tempfile.NamedTemporaryFile("w") as secret:
            secret.write("secret")
            secret.flush()
            one = self.start(upstream, concurrency=2, username="proxy", password={"filename": secret.name}, database=3)
            self.wait_connected(one)
        wrong = self.start(upstream, username="proxy", password={"inline_string": "guess"})
        wrong.wait(lambda: self.stat(wrong, "cx_refused") >= 1)
        self.assertEqual(self.body(wrong, "/a"), "body of /a")
        self.assertEqual(self.stat(wrong, "cx_ready"), 0)
        for number in range(8):
            self.ask(one, f"/{number}")
        one.wait(lambda: self.stat(one, "saved") >= 8)

    def test_over_tls(self):
        authority = certificates.Authority()
        pair = authority.issue("redis", ["IP:127.0.0.1"])
        self.redis.close()
        self.redis = redis_server.Redis("--tls-port", str(free_port()), "--tls-cert-file", pair.chain, "--tls-key-file", pair.key,
                                        "--tls-ca-cert-file", authority.root.chain, "--tls-auth-clients", "no")
        port = int(self.redis.command("CONFIG", "GET", "tls-port")[1])
        cluster = bootstrap.cluster("redis", port, transport_socket=bootstrap.upstream_tls(authority.root))
        upstream = Origin(fresh())
        one, other = self.fleet(upstream, redis_cluster=cluster)
        self.ask(one, "/a")
        self.wait_saved(one, 1)
        self.assertTrue(self.is_hit(other, "/a"))

    def test_the_page_as_it_stands(self):
        """Its filter and its cluster, with the address of this Redis in the place of a name."""
        text = pathlib.Path(ARGS.page).read_text(encoding="utf-8")
        blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "redis" in block]
        cache, cluster = blocks
        cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"] = {"pipe": {"path": self.redis.path}}
        cluster["type"] = "STATIC"
        with tempfile.NamedTemporaryFile("w") as secret:
            secret.write("secret")
            secret.flush()
            cache["typed_config"]["typed_config"]["redis"]["password"]["filename"] = secret.name
            self.redis.command("ACL", "SETUSER", "proxenos", "on", ">secret", "~*", "+@all")
            upstream = Origin(fresh())
            filters = {"http_filters": [cache, {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}]}
            running = proxy.Proxy(ARGS.proxy, bootstrap.bootstrap(
                manager=filters, clusters=[bootstrap.cluster("origin", upstream.port), cluster]))
            self.addCleanup(running.__exit__)
            self.stats_of = "cache.shop.redis."
            self.wait_connected(running)
            self.ask(running, "/a")
            running.wait(lambda: self.redis.keys("{proxenos:shop}:e:*"))

    def test_what_cannot_be_is_refused(self):
        upstream = Origin(fresh())
        for store, told in (({"cluster": ""}, "cluster"), ({"username": "u"}, "password"), ({"password": {}}, "password"),
                            ({"password": {"filename": "/none"}}, "filename"), ({"timeout": "0s"}, "timeout"), ({"max_entry_bytes": 1 << 27}, "max_entry_bytes")):
            with self.subTest(told), self.assertRaisesRegex(RuntimeError, told):
                self.start(upstream, **store)


def main():
    global ARGS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--page", required=True)
    parser.add_argument("cases", nargs="*")
    ARGS = parser.parse_args()
    report.main("cache_redis", ARGS.cases)


if __name__ == "__main__":
    main()
