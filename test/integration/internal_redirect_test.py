"""Redirects that the real binary follows in its client's place. Envoy 1.40 passes the same cases.

  internal_redirect_test.py --proxy BINARY [CASE...]
"""

import argparse
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import h2wire  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

PREDICATE = "envoy.extensions.internal_redirect."
LISTED = PREDICATE + "allow_listed_routes.v3.AllowListedRoutesConfig"
PREVIOUS = PREDICATE + "previous_routes.v3.PreviousRoutesConfig"
SAFE = PREDICATE + "safe_cross_scheme.v3.SafeCrossSchemeConfig"


class Redirector(origin.Origin):
    """Answers with redirects by the path's first segment; keeps the bodies that came."""

    def __init__(self, **places):
        self.places = places  # By segment: status and location, and fields besides.
        self.bodies = []
        super().__init__()

    def serve(self, sock):
        reader = wire.Reader(sock)
        with sock:
            while (request := reader.head()) is not None:
                reader.body(request)
                with self.lock:
                    self.bodies.append(request.get("body", ""))
                    self.seen.append(request)
                status, location, *fields = self.places.get(re.split("[/?]", request["start"].split()[1])[1], (200, ""))
                lines = [f"HTTP/1.1 {status} Whatever", "content-length: 2", *fields]
                lines += [f"location: {location}"] if location else []
                sock.sendall(("\r\n".join(lines) + "\r\n\r\nok").encode())


def predicate(kind, **fields):
    return {"name": kind.split(".")[3], "typed_config": {"@type": bootstrap.TYPE + kind, **fields}}


class InternalRedirectTest(unittest.TestCase):
    binary = ""

    def start(self, policy, places, routes=None, logged="%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %REQ(:PATH)%"):
        self.origin = Redirector(**places)
        log = {"name": "log", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
            "log_format": {"text_format_source": {"inline_string": f"LOG {logged}\n"}}}}
        manager = {"access_log": [log]}
        routes = routes or [{**bootstrap.to(internal_redirect_policy=policy), "name": "all"}]
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes=routes, manager=manager, clusters=[bootstrap.cluster("origin", self.origin.port)]))
        self.addCleanup(running.__exit__)
        return running

    @staticmethod
    def ask(running, *fields, method="GET", path="/", body="", chunks=()):
        with wire.connect(running.port) as sock:
            length = [f"Content-Length: {len(body)}"] if body else []
            length += ["Transfer-Encoding: chunked"] if chunks else []
            lines = [f"{method} {path} HTTP/1.1", "Host: h", *fields, *length]
            sock.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
            for chunk in chunks:
                sock.sendall(f"{len(chunk):x}\r\n{chunk}\r\n".encode())
            if chunks:
                sock.sendall(b"0\r\n\r\n")
            return wire.Reader(sock).response(method)

    def lines(self):
        return [request["start"].split(" HTTP")[0] for request in self.origin.take_seen()]

    def test_redirect_is_followed(self):
        running = self.start({}, {"a": (302, "http://other:81/b?c=d#e")})
        self.assertEqual(self.ask(running, path="/a?x")["status"], 200)
        first, second = self.origin.take_seen()
        self.assertEqual(second["start"], "GET /b?c=d HTTP/1.1")
        fields = dict(second["headers"])
        self.assertEqual((fields["host"], fields["x-envoy-original-url"]), ("other:81", "http://h/a?x"))
        self.assertNotIn("x-envoy-original-url", dict(first["headers"]))
        stats = running.stats()
        self.assertEqual(stats["cluster.origin.upstream_internal_redirect_succeeded_total"], 1)

    def test_access_log_has_a_line_for_each(self):
        running = self.start({}, {"a": (302, "http://h/b")})
        self.ask(running, path="/a")
        running.wait(lambda: len([line for line in running.words().splitlines() if line.startswith("LOG ")]) == 2)
        logged = [line for line in running.words().splitlines() if line.startswith("LOG ")]
        self.assertEqual(logged[1], "LOG 200 via_upstream /b")
        self.assertTrue(logged[0].startswith("LOG 302 internal_redirect "), logged)

    def test_only_some_statuses(self):
        running = self.start({}, {"a": (301, "http://h/b")})
        self.assertEqual(self.ask(running, path="/a")["status"], 301)
        running = self.start({"redirect_response_codes": [301, 307]}, {"a": (301, "http://h/b"), "c": (302, "http://h/b")})
        self.assertEqual(self.ask(running, path="/a")["status"], 200)
        self.assertEqual(self.ask(running, path="/c")["status"], 302)

    def test_bodies_go_again(self):
        running = self.start({"redirect_response_codes": [303, 307]}, {"again": (307, "http://h/b"), "other": (303, "http://h/b")})
        body = "".join(f"{number};" for number in range(5000))
        self.assertEqual(self.ask(running, path="/again", method="POST", body=body)["status"], 200)
        self.assertEqual(self.origin.bodies, [body, body])
        self.assertEqual(self.lines(), ["POST /again", "POST /b"])
        self.origin.bodies.clear()
        self.assertEqual(self.ask(running, path="/again", method="POST", chunks=["abc", "def"])["status"], 200)
        self.assertEqual(self.origin.bodies, ["abcdef", "abcdef"])
        self.origin.take_seen()
        self.origin.bodies.clear()
        self.assertEqual(self.ask(running, path="/other", method="POST", body="abc")["status"], 200)
        self.assertEqual(self.origin.bodies, ["abc", ""])
        self.assertEqual(self.lines(), ["POST /other", "GET /b"])

    def test_no_more_than_allowed(self):
        places = {"a": (302, "http://h/b"), "b": (302, "http://h/c"), "c": (302, "http://h/d")}
        for policy, path in (({}, "/c"), ({"max_internal_redirects": 2}, "/d"), ({"max_internal_redirects": 0}, "/b")):
            running = self.start(policy, places)
            answer = self.ask(running, path="/a")
            self.assertEqual((answer["status"], dict(answer["headers"])["location"]), (302, "http://h" + path))
            stats = running.stats()
            self.assertEqual(stats["http.main.passthrough_internal_redirect_too_many_redirects"], 1)
            self.assertEqual(stats["cluster.origin.upstream_internal_redirect_failed_total"], 1)

    def test_places_that_are_not_gone_to(self):
        places = {"relative": (302, "/b"), "nothing": (302, ""), "https": (302, "https://h/b"), "ftp": (302, "ftp://h/b"),
                  "nowhere": (302, "http://h/unknown")}
        routes = [{"match": {"prefix": "/unknown"}, "direct_response": {"status": 200}, "name": "direct"},
                  {**bootstrap.to(internal_redirect_policy={}), "name": "all", "match": {"safe_regex": {"regex": "/[^u].*"}}}]
        running = self.start({}, places, routes=routes[1:])
        for path in places:
            self.assertEqual(self.ask(running, path="/" + path)["status"], 302, path)
        stats = running.stats()
        self.assertEqual(stats["http.main.passthrough_internal_redirect_unsafe_scheme"], 2)
        self.assertEqual(stats["http.main.passthrough_internal_redirect_no_route"], 1)
        self.assertEqual(stats["http.main.passthrough_internal_redirect_bad_location"], 1)
        self.assertEqual(stats["cluster.origin.upstream_internal_redirect_failed_total"], 5)
        self.assertEqual(len(self.origin.take_seen()), 5)

    def test_other_scheme(self):
        running = self.start({"allow_cross_scheme_redirect": True}, {"a": (302, "https://h/b")})
        self.assertEqual(self.ask(running, path="/a")["status"], 200)
        running = self.start({"allow_cross_scheme_redirect": True, "predicates": [predicate(SAFE)]}, {"a": (302, "https://h/b")})
        self.assertEqual(self.ask(running, path="/a")["status"], 302)
        self.assertEqual(running.stats()["http.main.passthrough_internal_redirect_predicate"], 1)

    def test_predicates_of_the_route(self):
        def route(name, policy):
            return {"match": {"prefix": "/" + name}, "name": name,
                    "route": {"cluster": "origin", "internal_redirect_policy": policy}}
        places = {"a": (302, "http://h/b"), "b": (302, "http://h/a"), "c": (302, "http://h/b")}
        previous = {"max_internal_redirects": 10, "predicates": [predicate(PREVIOUS)]}
        listed = {"predicates": [predicate(LISTED, allowed_route_names=["b"])]}
        running = self.start({}, places, routes=[route("a", previous), route("b", previous), route("c", listed)])
        answer = self.ask(running, path="/a")
        self.assertEqual((answer["status"], dict(answer["headers"])["location"]), (302, "http://h/b"))
        self.assertEqual(self.lines(), ["GET /a", "GET /b", "GET /a"])
        self.ask(running, path="/c")
        self.assertEqual(self.lines()[:2], ["GET /c", "GET /b"])
        running = self.start({}, places, routes=[
            route("a", {"predicates": [predicate(LISTED, allowed_route_names=["c"])]}), route("b", {})])
        self.assertEqual(self.ask(running, path="/a")["status"], 302)
        self.assertEqual(self.lines(), ["GET /a"])

    def test_headers_come_along(self):
        running = self.start({"response_headers_to_copy": ["x-token", "x-gone"]},
                             {"a": (302, "http://h/b", "x-token: t1", "x-token: t2")})
        self.ask(running, "x-token: client", "x-gone: client", "x-kept: client", path="/a")
        first, second = self.origin.take_seen()
        self.assertEqual(sorted(value for name, value in second["headers"] if name == "x-token"), ["t1", "t2"])
        fields = dict(second["headers"])
        self.assertNotIn("x-gone", fields)
        self.assertEqual(fields["x-kept"], "client")

    def test_body_beyond_the_limit(self):
        routes = [{**bootstrap.to(internal_redirect_policy={"redirect_response_codes": [307]}), "request_body_buffer_limit": 100}]
        running = self.start({}, {"a": (307, "http://h/b")}, routes=routes)
        self.assertEqual(self.ask(running, path="/a", method="POST", body="x" * 2000)["status"], 307)
        self.assertEqual(self.ask(running, path="/a", method="POST", body="x" * 50)["status"], 200)

    def test_older_fields(self):
        routes = [bootstrap.to(internal_redirect_action="HANDLE_INTERNAL_REDIRECT", max_internal_redirects=2)]
        running = self.start({}, {"a": (302, "http://h/b"), "b": (302, "http://h/c")}, routes=routes)
        self.assertEqual(self.ask(running, path="/a")["status"], 200)

    def test_several_streams_of_one_connection(self):
        running = self.start({}, {"a": (302, "http://h/b")})
        client = h2wire.connect(running.port)
        streams = [client.open(h2wire.request("/a")) for _ in range(20)]
        self.assertEqual([client.response(stream).status for stream in streams], [200] * 20)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    InternalRedirectTest.binary = args.proxy
    report.main("internal_redirect", args.cases)
