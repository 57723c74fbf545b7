"""The HTTP cache in the real binary: what clients and the origin see of it, over HTTP/1.1 and HTTP/2, on two workers.

  cache_test.py --proxy BINARY --page docs/filters/cache.md [CASE...]
"""

import http.client
import pathlib
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import h2wire  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

CACHE = bootstrap.TYPE + "envoy.extensions.filters.http.cache.v3.CacheConfig"
STORE = bootstrap.TYPE + "proxenos.http.cache.v3.CacheStore"
CACHE_V2 = bootstrap.TYPE + "envoy.extensions.filters.http.cache_v2.v3.CacheV2Config"
SIMPLE_V2 = bootstrap.TYPE + "envoy.extensions.http.cache_v2.simple_http_cache.v3.SimpleHttpCacheV2Config"
SIMPLE = bootstrap.TYPE + "envoy.extensions.http.cache.simple_http_cache.v3.SimpleHttpCacheConfig"


class SlowOrigin(origin.Origin):
    """Answers as the test says, piece by piece: `script` is called with the request and a function that sends."""

    def __init__(self, script):
        self.script = script
        super().__init__()

    def answer(self, sock, request):
        return self.script(request, lambda text: sock.sendall(text.encode("latin-1"))) is not False


def reply(*fields, body="body", status="200 OK"):
    lines = "".join(f"{field}\r\n" for field in fields)
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{lines}\r\n{body}"


def filters(store=None, **more):
    typed = {"@type": STORE, "allow_any_vary": True, **(store or {})}
    return {"http_filters": [
        {"name": "cache", "typed_config": {"@type": CACHE, "typed_config": typed, **more}},
        {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}]}


class CacheTest(unittest.TestCase):
    binary = ""
    page = None
    kills = 200

    def start(self, upstream, manager=None, concurrency=2, routes=None):
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes=routes, manager=manager or filters(),
            clusters=[bootstrap.cluster("origin", upstream.port)]), concurrency=concurrency)
        self.addCleanup(running.__exit__)
        return running

    def ask(self, running, path="/", *fields, method="GET"):
        with wire.connect(running.port) as sock:
            lines = "".join(f"{field}\r\n" for field in fields)
            sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: h\r\n{lines}\r\n".encode())
            return wire.Reader(sock).response(method)

    @staticmethod
    def field(response, name):
        return dict(response["headers"]).get(name)

    def test_a_hit_on_any_worker_and_protocol(self):
        upstream = SlowOrigin(lambda _, send: send(reply("cache-control: max-age=600", "x-a: b")))
        running = self.start(upstream)
        first = self.ask(running, "/a")
        self.assertEqual((first["status"], first["body"]), (200, "body"))
        self.assertIn("fwd=uri-miss", self.field(first, "cache-status"))
        for _ in range(20):
            hit = self.ask(running, "/a")
            self.assertEqual((hit["status"], hit["body"], self.field(hit, "x-a")), (200, "body", "b"))
            self.assertIn("hit", self.field(hit, "cache-status"))
        client = h2wire.connect(running.port)
        answer = client.get("/a", authority="h")
        self.assertEqual((answer.status, bytes(answer.body)), (200, b"body"))
        head = self.ask(running, "/a", method="HEAD")
        self.assertEqual((head["status"], self.field(head, "content-length")), (200, "4"))
        part = self.ask(running, "/a", "Range: bytes=1-2")
        self.assertEqual((part["status"], part["body"], self.field(part, "content-range")), (206, "od", "bytes 1-2/4"))
        self.assertEqual(self.ask(running, "/a", "If-Modified-Since: " + self.field(hit, "date"))["status"], 304)
        self.assertEqual(self.ask(running, "/a", "Range: bytes=9-")["status"], 416)
        self.assertEqual(len(upstream.take_seen()), 1)
        self.assertEqual(running.stats()["http.main.cache.miss"], 1)

    def test_ranges_of_what_is_not_stored(self):
        body = "".join(f"{number:07d}\n" for number in range(20000))
        asked = []

        def script(request, send):
            wanted = dict(request["headers"]).get("range", "")
            asked.append(wanted)
            fields = ["cache-control: max-age=600", 'etag: "a"', "content-type: text/x"]
            if not wanted:
                return send(reply(*fields, body=body))
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            first, last = int(first), min(int(last or len(body)), len(body) - 1)
            return send(reply(*fields, f"content-range: bytes {first}-{last}/{len(body)}", body=body[first:last + 1],
                              status="206 Partial Content"))

        running = self.start(SlowOrigin(script))
        self.assertEqual(self.ask(running, "/a", "range: bytes=8-14")["body"], "0000001")
        self.assertEqual(self.ask(running, "/a", "range: bytes=8-14")["status"], 206)
        self.assertEqual(asked, ["bytes=8-14"] * 2)  # As they are, each time.
        # A part that is all of it is stored as the whole.
        self.assertEqual(self.ask(running, "/b", "range: bytes=0-")["status"], 206)
        whole = self.ask(running, "/b")
        self.assertEqual((whole["status"], whole["body"], self.field(whole, "content-type")), (200, body, "text/x"))
        self.assertEqual(asked[2:], ["bytes=0-"])

        running = self.start(SlowOrigin(script), filters({"name": "whole", "fetch_whole_for_ranges": True}))
        del asked[:]
        self.assertEqual(self.ask(running, "/a", "range: bytes=8-14")["body"], "0000001")
        self.assertEqual(self.ask(running, "/a")["body"], body)  # Waits for what is under way.
        part = self.ask(running, "/a", "range: bytes=16-22")
        self.assertEqual((part["status"], part["body"]), (206, "0000002"))
        self.assertEqual(asked, ["bytes=8-14", ""])

    def test_large_bodies_come_whole(self):
        body = "".join(f"{number:07d}\n" for number in range(300000))
        upstream = SlowOrigin(lambda _, send: send(reply("cache-control: max-age=600", body=body)))
        running = self.start(upstream)
        for _ in range(3):
            self.assertEqual(self.ask(running, "/large")["body"], body)
        client = h2wire.connect(running.port)
        self.assertEqual(bytes(client.get("/large", authority="h").body).decode(), body)
        self.assertEqual(self.ask(running, "/large", "Range: bytes=1000000-1000007")["body"], "0125000\n")
        self.assertEqual(len(upstream.take_seen()), 1)

    def test_validation(self):
        def script(request, send):
            if dict(request["headers"]).get("if-none-match") == '"v"':
                return send('HTTP/1.1 304 Not Modified\r\netag: "v"\r\ncache-control: max-age=600\r\nx-a: new\r\n\r\n')
            return send(reply("cache-control: no-cache", 'etag: "v"', "x-a: old"))
        upstream = SlowOrigin(script)
        running = self.start(upstream)
        self.assertEqual(self.field(self.ask(running), "x-a"), "old")
        validated = self.ask(running)
        self.assertEqual((validated["status"], validated["body"], self.field(validated, "x-a")), (200, "body", "new"))
        self.assertIn("fwd-status=304", self.field(validated, "cache-status"))
        self.assertIn("hit", self.field(self.ask(running), "cache-status"))
        self.assertEqual(len(upstream.take_seen()), 2)

    def test_stale_when_the_origin_breaks(self):
        answers = [reply("cache-control: max-age=0, stale-if-error=600", 'etag: "v"')]

        def script(_, send):
            if not answers:
                return False
            return send(answers.pop(0))
        running = self.start(SlowOrigin(script))
        self.ask(running)
        stale = self.ask(running)
        self.assertEqual((stale["status"], stale["body"]), (200, "body"))
        self.assertIn("fwd=stale", self.field(stale, "cache-status"))

    def test_invalidation(self):
        upstream = SlowOrigin(lambda _, send: send(reply("cache-control: max-age=600")))
        running = self.start(upstream)
        for method in ("GET", "GET", "POST", "GET"):
            self.ask(running, "/a", "Content-Length: 0", method=method)
        self.assertEqual([one["start"].split(" ")[0] for one in upstream.take_seen()], ["GET", "POST", "GET"])

    def follow(self, framing, pieces):
        """One response, sent piece by piece, read by clients that asked while it came."""
        first_sent, go_on = threading.Event(), threading.Event()

        def script(_, send):
            send(f"HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\n{framing}\r\n\r\n" + pieces[0])
            first_sent.set()
            go_on.wait(wire.PATIENCE_S)
            send("".join(pieces[1:]))
        upstream = SlowOrigin(script)
        running = self.start(upstream)
        socks = []
        for _ in range(8):
            sock = wire.connect(running.port)
            self.addCleanup(sock.close)
            sock.sendall(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            socks.append(sock)
            first_sent.wait(wire.PATIENCE_S)
        readers = [wire.Reader(sock) for sock in socks]
        # All have the beginning while the origin holds back the rest.
        for reader in readers:
            while b"first" not in reader.buffer:
                self.assertTrue(reader.fill())
        go_on.set()
        bodies = {reader.response("GET")["body"] for reader in readers}
        self.assertEqual(bodies, {"first" + "x" * 100000 + "last"})
        self.assertEqual(len(upstream.take_seen()), 1)
        self.assertEqual(running.stats()["http.main.cache.collapsed"], 7)

    def test_readers_of_a_fill_under_way_by_length(self):
        self.follow("content-length: 100009", ["first", "x" * 100000, "last"])

    def test_readers_of_a_fill_under_way_in_chunks(self):
        self.follow("transfer-encoding: chunked",
                    ["5\r\nfirst\r\n", "186a0\r\n" + "x" * 100000 + "\r\n", "4\r\nlast\r\n0\r\n\r\n"])

    def test_followers_of_what_cannot_be_shared_go_themselves(self):
        arrived = threading.Semaphore(0)
        go_on = threading.Event()

        def script(_, send):
            arrived.release()
            go_on.wait(wire.PATIENCE_S)
            send(reply("cache-control: private"))
        upstream = SlowOrigin(script)
        running = self.start(upstream)
        socks = []
        for _ in range(4):
            sock = wire.connect(running.port)
            self.addCleanup(sock.close)
            sock.sendall(b"GET /private HTTP/1.1\r\nHost: h\r\n\r\n")
            socks.append(sock)
        self.assertTrue(arrived.acquire(timeout=wire.PATIENCE_S))
        go_on.set()
        for sock in socks:
            self.assertEqual(wire.Reader(sock).response("GET")["body"], "body")
        self.assertEqual(len(upstream.take_seen()), 4)

    def test_routes_disable_it(self):
        upstream = SlowOrigin(lambda _, send: send(reply("cache-control: max-age=600")))
        off = {"typed_per_filter_config": {"cache": {
            "@type": bootstrap.TYPE + "envoy.config.route.v3.FilterConfig", "disabled": True}}}
        running = self.start(upstream, routes=[
            {"match": {"prefix": "/off"}, "route": {"cluster": "origin"}, **off}, bootstrap.to()])
        for path in ("/off", "/off", "/on", "/on"):
            self.ask(running, path)
        self.assertEqual(len(upstream.take_seen()), 3)

    def test_what_one_cluster_answered_is_no_answer_of_another(self):
        """Whoever may not be led to a cluster must not get its pages because somebody else was."""
        one, other = (SlowOrigin(lambda _, send, name=name: send(reply("cache-control: max-age=600", body=name)))
                      for name in ("internal", "public"))
        inside = {"prefix": "/", "headers": [{"name": "x-inside", "string_match": {"exact": "1"}}]}
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes=[{"match": inside, "route": {"cluster": "internal"}}, bootstrap.to("public")], manager=filters(),
            clusters=[bootstrap.cluster("internal", one.port), bootstrap.cluster("public", other.port)]))
        self.addCleanup(running.__exit__)
        for _ in range(2):
            self.assertEqual(self.ask(running, "/a", "x-inside: 1")["body"], "internal")
            self.assertEqual(self.ask(running, "/a")["body"], "public")
        self.assertEqual((len(one.take_seen()), len(other.take_seen())), (1, 1))
        self.assertEqual(self.purge(running, "url=http://h/a"), (200, "purged 2\n"))

    def purge(self, running, query, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", running.admin_port, timeout=wire.PATIENCE_S)
        self.addCleanup(connection.close)
        connection.request(method, "/cache/purge?" + query)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def test_purges(self):
        upstream = SlowOrigin(lambda _, send: send(reply("cache-control: max-age=600", "surrogate-key: red blue")))
        running = self.start(upstream)
        for path in ("/a/1?x=y", "/a/2", "/b"):
            self.ask(running, path)
        self.assertEqual(self.purge(running, "all", method="GET")[0], 405)
        self.assertEqual(self.purge(running, "url=http://H:80/a/1%3Fx=y"), (200, "purged 1\n"))
        self.assertEqual(self.purge(running, "prefix=http://h/a/"), (200, "purged 1\n"))
        self.assertIn("hit", self.field(self.ask(running, "/b"), "cache-status"))
        self.assertEqual(self.purge(running, "tag=blue"), (200, "purged 1\n"))
        upstream.take_seen()
        for path in ("/a/1?x=y", "/a/2", "/b"):
            self.ask(running, path)
        self.assertEqual(len(upstream.take_seen()), 3)
        self.assertIn("3 URLs, 3 responses", running.admin("/cache"))

    def test_a_disk_survives_kills(self):
        """The process is killed again and again; what is served is always what the origin said."""
        def script(request, send):
            path = request["start"].split(" ")[1]
            send(reply("cache-control: max-age=600", body=path * 4000))
        upstream = SlowOrigin(script)
        hits = 0
        with tempfile.TemporaryDirectory(prefix="cache-") as folder:
            store = {"disk": {"path": folder, "max_bytes": 1 << 21}}
            for number in range(self.kills):
                running = proxy.Proxy(self.binary, bootstrap.bootstrap(
                    manager=filters(store), clusters=[bootstrap.cluster("origin", upstream.port)]))
                try:
                    for at in range(4):
                        path = f"/{(number * 3 + at) % 40}"
                        answer = self.ask(running, path)
                        self.assertEqual((answer["status"], answer["body"]), (200, path * 4000))
                        hits += "; hit" in self.field(answer, "cache-status")
                finally:
                    running.__exit__()  # Kills it.
        self.assertGreater(hits, self.kills // 4)

    def test_envoys_simple_stores(self):
        upstream = SlowOrigin(lambda _, send: send(reply("cache-control: max-age=600")))
        for kind, store in ((CACHE, SIMPLE), (CACHE_V2, SIMPLE_V2)):
            running = self.start(upstream, manager={"http_filters": [
                {"name": "cache", "typed_config": {"@type": kind, "typed_config": {"@type": store}}},
                {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}]})
            self.ask(running)
            self.assertIn("hit", self.field(self.ask(running), "cache-status"))

    def test_the_page_shows_what_works(self):
        """Each block of YAML on the page is a filter that the binary takes."""
        # What needs a Redis is proved by cache_redis_test.py.
        blocks = [block for block in report.yaml_blocks(self.page) if "redis" not in block]
        self.assertTrue(blocks)
        upstream = SlowOrigin(lambda _, send: send(reply("cache-control: max-age=600", "vary: accept-encoding")))
        for block in blocks:
            item = "- " + "\n            ".join(block.splitlines())
            config = PAGE_CONFIG.replace("FILTER", item).replace("ORIGIN", str(upstream.port))
            with YamlProxy(self.binary, config) as running:
                self.ask(running, "/page")
                self.assertIn("hit", self.field(self.ask(running, "/page"), "cache-status"), block)


PAGE_CONFIG = """
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
static_resources:
  clusters:
  - name: origin
    load_assignment:
      cluster_name: origin
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ORIGIN } } } }] }]
  listeners:
  - name: main
    address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: main
          route_config: { virtual_hosts: [{ name: all, domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: origin } }] }] }
          http_filters:
          FILTER
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
"""


class YamlProxy(proxy.Proxy):
    """A proxy on a bootstrap that is text already."""

    def __init__(self, binary, text):
        super().__init__(binary, {}, ready=True, arguments=("--config-yaml", text))


if __name__ == "__main__":
    report.main_of_page("cache", CacheTest)
