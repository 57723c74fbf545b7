"""What the connection manager's and the clusters' HTTP options ask of the real binary. Envoy 1.40 passes the same
cases.

  http_options_test.py --proxy BINARY --page docs/http_options.md [CASE...]
"""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import h2wire  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

PRESERVE = bootstrap.TYPE + "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig"
WORDS = {"header_key_format": {"proper_case_words": {}}}
# Names that a proxy adds of its own accord.
ADDED = ("x-forwarded-proto", "x-request-id", "x-envoy-expected-rq-timeout-ms", "date", "server",
         "x-envoy-upstream-service-time")


def preserve(**more):
    return {"header_key_format": {"stateful_formatter": {"name": "preserve", "typed_config": {"@type": PRESERVE, **more}}}}


class AsWritten(wire.Reader):
    """Keeps the names of fields as they are written, beside what the other one says."""

    def fields(self):
        fields = []
        while (line := self.line()) is not None:
            if not line:
                self.written = [name for name, _ in fields]
                return [(name.lower(), value) for name, value in fields]
            name, _, value = line.partition(":")
            fields.append((name, value.strip()))
        return None


class AsWrittenOrigin(origin.Origin):
    """Answers what it is told to; keeps the names of each request as they came."""

    def __init__(self, answer=origin.OK):
        self.text = answer
        super().__init__()

    def serve(self, sock):
        reader = AsWritten(sock)
        with sock:
            while (request := reader.head()) is not None:
                request["written"] = reader.written
                reader.body(request)
                self.remember(request)
                sock.sendall(self.text.encode())


def own(names):
    """Without those that the proxy added."""
    return [name for name in names if name.lower() not in ADDED]


def added(names):
    return sorted(name for name in names if name.lower() in ADDED)


class HttpOptionsTest(unittest.TestCase):
    binary = ""
    page = None

    def start(self, upstream, http1=None, to_origin=None, manager=None, routes=None, **cluster):
        """`http1` and `to_origin`: Http1ProtocolOptions of the listener and of the cluster."""
        if to_origin is not None:
            cluster.update(bootstrap.protocol(explicit_http_config={"http_protocol_options": to_origin}))
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes=routes, manager={**({"http_protocol_options": http1} if http1 else {}), **(manager or {})},
            clusters=[bootstrap.cluster("origin", upstream.port, **cluster)]))
        self.addCleanup(running.__exit__)
        return running

    @staticmethod
    def send(running, text):
        with wire.connect(running.port) as sock:
            sock.sendall(text.encode())
            reader = AsWritten(sock)
            response = reader.response(text.split(" ")[0])
            if response is not None:
                response["written"] = reader.written
            return response

    def ask(self, running, *fields, start="GET / HTTP/1.1", host="Host: h"):
        return self.send(running, "".join(f"{line}\r\n" for line in (start, host, *fields) if line is not None) + "\r\n")


class AskedOrigin(origin.Origin):
    """Tells one whom it lets go on, and reads the body then; refuses the others by their head."""

    def serve(self, sock):
        reader = wire.Reader(sock)
        with sock:
            while (request := reader.head()) is not None:
                if "expect" in dict(request["headers"]):
                    if "/no" in request["start"]:
                        sock.sendall(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                        return
                    sock.sendall(b"HTTP/1.1 100 Continue\r\nX-From: origin\r\n\r\n")
                self.remember(reader.body(request))
                sock.sendall(origin.OK.encode())


class ExpectTest(HttpOptionsTest):
    POST = "POST /%s HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"

    def test_the_origin_says_whether_to_go_on(self):
        upstream = AskedOrigin()
        running = self.start(upstream, manager={"proxy_100_continue": True})
        with wire.connect(running.port) as sock:
            reader = wire.Reader(sock)
            sock.sendall((self.POST % "yes").encode())
            self.assertEqual(reader.line(), "HTTP/1.1 100 Continue")
            self.assertEqual(reader.line(), "x-from: origin")
            self.assertEqual(reader.line(), "")
            sock.sendall(b"body")
            self.assertEqual(reader.response("POST")["status"], 200)
        self.assertEqual(upstream.take_seen()[0]["body"], "body")
        with wire.connect(running.port) as sock:
            sock.sendall((self.POST % "no").encode())
            self.assertEqual(wire.Reader(sock).response("POST")["status"], 417)

    def test_else_the_proxy_does(self):
        upstream = AskedOrigin()
        running = self.start(upstream)
        with wire.connect(running.port) as sock:
            reader = wire.Reader(sock)
            sock.sendall((self.POST % "no").encode())
            self.assertEqual(reader.line(), "HTTP/1.1 100 Continue")
            self.assertEqual(reader.line(), "")
            sock.sendall(b"body")
            self.assertEqual(reader.response("POST")["status"], 200)
        self.assertNotIn("expect", [name for name, _ in upstream.take_seen()[0]["headers"]])


class NamesTest(HttpOptionsTest):
    FIELDS = ("X-oNE: 1", "x-lower: 2", "ETag: 3", "X-ONE: 4")
    ANSWER = "HTTP/1.1 200 OK\r\nX-mIXed: 1\r\nContent-length: 2\r\nx-lower: 3\r\n\r\nok"

    def names(self, fields=FIELDS, **options):
        """Of the request as the origin got it, and of the response as the client did."""
        upstream = AsWrittenOrigin(self.ANSWER)
        running = self.start(upstream, **options)
        response = self.ask(running, *fields)
        self.assertEqual((response["status"], response["body"]), (200, "ok"))
        return upstream.take_seen()[0]["written"], response["written"]

    def test_lower_case_is_the_default(self):
        request, response = self.names()
        self.assertEqual(own(request), ["host", "x-one", "x-lower", "etag", "x-one"])
        self.assertEqual(own(response), ["x-mixed", "content-length", "x-lower"])

    def test_words(self):
        request, response = self.names(http1=WORDS, to_origin=WORDS)
        self.assertEqual(own(request), ["Host", "X-One", "X-Lower", "Etag", "X-One"])
        self.assertEqual(own(response), ["X-Mixed", "Content-Length", "X-Lower"])
        self.assertIn("X-Request-Id", request)
        self.assertIn("Server", response)

    def test_words_of_one_side(self):
        request, response = self.names(http1=WORDS)
        self.assertEqual(own(request), ["host", "x-one", "x-lower", "etag", "x-one"])
        self.assertEqual(own(response), ["X-Mixed", "Content-Length", "X-Lower"])

    def test_as_they_came(self):
        request, response = self.names(http1=preserve(), to_origin=preserve())
        self.assertEqual(own(request), ["Host", "X-oNE", "x-lower", "ETag", "X-oNE"])
        self.assertEqual(own(response), ["X-mIXed", "Content-length", "x-lower"])
        self.assertIn("x-request-id", request)
        self.assertIn("server", response)

    def test_what_reads_decides(self):
        """The side that reads keeps names; the one that writes then has no say."""
        request, response = self.names(http1=preserve(), to_origin=WORDS)
        self.assertEqual(own(request), ["Host", "X-oNE", "x-lower", "ETag", "X-oNE"])
        self.assertIn("x-request-id", request)
        self.assertEqual(own(response), ["x-mixed", "content-length", "x-lower"])

    def test_added_names_as_words(self):
        words = preserve(formatter_type_on_envoy_headers="PROPER_CASE")
        request, response = self.names(http1=words, to_origin=words)
        self.assertEqual(own(request), ["Host", "X-oNE", "x-lower", "ETag", "X-oNE"])
        self.assertEqual(own(response), ["X-mIXed", "Content-length", "x-lower"])
        for name in added(request) + added(response):
            self.assertEqual(name, "-".join(word.capitalize() for word in name.split("-")))

    def test_names_that_routes_add_and_remove(self):
        """A spelling changes nothing about what a name means."""
        routes = [{**bootstrap.to(), "request_headers_to_remove": ["x-one"],
                   "request_headers_to_add": [{"header": {"key": "etag", "value": "mine"},
                                               "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]}]
        request, _ = self.names(http1=preserve(), routes=routes)
        self.assertEqual(sorted(own(request)), ["ETag", "Host", "x-lower"])

    def test_connection_fields_in_any_case_stay_behind(self):
        request, _ = self.names(("CONNECTION: X-Gone, keep-alive", "X-GONE: 1", "KEEP-ALIVE: 5", "te: gzip"),
                                http1=preserve(), to_origin=preserve())
        self.assertEqual(own(request), ["Host"])

    def test_two_framings_in_any_case_are_refused(self):
        upstream = AsWrittenOrigin()
        running = self.start(upstream, http1=preserve(), to_origin=preserve())
        text = "POST / HTTP/1.1\r\nHost: h\r\nContent-length: 3\r\nTRANSFER-Encoding: chunked\r\n\r\n0\r\n\r\n"
        self.assertEqual(self.send(running, text)["status"], 400)
        self.assertEqual(upstream.take_seen(), [])

    def test_of_a_chunked_body(self):
        upstream = AsWrittenOrigin()
        running = self.start(upstream, http1=preserve())
        text = "POST / HTTP/1.1\r\nHost: h\r\ntransfer-ENCODING: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        self.assertEqual(self.send(running, text)["status"], 200)
        seen = upstream.take_seen()[0]
        self.assertEqual((seen["body"], own(seen["written"])), ("abc", ["Host", "transfer-ENCODING"]))

    def test_names_of_http2_are_lower_case(self):
        """From an HTTP/2 client there is nothing to keep."""
        upstream = AsWrittenOrigin()
        for to_origin, name in ((preserve(formatter_type_on_envoy_headers="PROPER_CASE"), "x-one"), (WORDS, "X-One")):
            running = self.start(upstream, http1=preserve(), to_origin=to_origin)
            self.assertEqual(h2wire.connect(running.port).get("/", fields=[("x-one", "1")]).status, 200)
            self.assertIn(name, upstream.take_seen()[0]["written"])


class TargetsTest(HttpOptionsTest):
    def test_whole_url_to_the_origin(self):
        upstream = AsWrittenOrigin()
        running = self.start(upstream, to_origin={"send_fully_qualified_url": True})
        self.assertEqual(self.ask(running, start="GET /a?b HTTP/1.1")["status"], 200)
        self.assertEqual(upstream.take_seen()[0]["start"], "GET http://h/a?b HTTP/1.1")

    def test_path_by_a_format(self):
        """What may not stand in a target is percent-encoded: Envoy 1.40 sends it as it is."""
        for text, path, becomes in (("/new", "/a?b=c", "/new?b=c"), ("/n%REQ(x-a)%", "/a?b", "/n1?b"),
                                    ("/n%REQ(x-none)%", "/a", "/n"), ("%REQ(x-none)%", "/a?b", "/a?b"),
                                    ("/o%PATH(NQ)%", "/a?b", "/o/a?b"), ("/%REQ(:authority)%", "/a", "/h")):
            upstream = AsWrittenOrigin()
            running = self.start(upstream, routes=[bootstrap.to(path_rewrite=text)])
            self.assertEqual(self.ask(running, "x-a: 1", start=f"GET {path} HTTP/1.1")["status"], 200)
            seen = upstream.take_seen()[0]
            self.assertEqual(seen["start"], f"GET {becomes} HTTP/1.1", text)
            self.assertEqual(dict(seen["headers"]).get("x-envoy-original-path"), None if becomes == path else path)


class DrainTest(HttpOptionsTest):
    def test_drain_when_health_fails(self):
        """A listener drains with /healthcheck/fail unless its drain_type is MODIFY_ONLY."""
        for drain_type, close in (("DEFAULT", True), ("MODIFY_ONLY", False)):
            upstream = AsWrittenOrigin()
            config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", upstream.port)])
            config["static_resources"]["listeners"][0]["drain_type"] = drain_type
            running = proxy.Proxy(self.binary, config)
            self.addCleanup(running.__exit__)
            self.assertNotIn("connection", dict(self.ask(running)["headers"]))
            running.admin("/healthcheck/fail", "POST")
            answer = running.wait(lambda: self.drained(running) == close and self.ask(running))
            self.assertEqual(dict(answer["headers"]).get("connection"), "close" if close else None)

    def drained(self, running):
        return dict(self.ask(running)["headers"]).get("connection") == "close"


def early(*mutations):
    return {"early_header_mutation_extensions": [{"name": "early", "typed_config": {
        "@type": bootstrap.TYPE + "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        "mutations": list(mutations)}}]}


def add(key, value, action="APPEND_IF_EXISTS_OR_ADD"):
    return {"append": {"header": {"key": key, "value": value}, "append_action": action}}


def detect(*detectors):
    return {"original_ip_detection_extensions": [
        {"name": f"detector-{number}", "typed_config": each} for number, each in enumerate(detectors)]}


def xff(**fields):
    return {"@type": bootstrap.TYPE + "envoy.extensions.http.original_ip_detection.xff.v3.XffConfig", **fields}


def ip_header(**fields):
    return {"@type": bootstrap.TYPE + "envoy.extensions.http.original_ip_detection.custom_header.v3.CustomHeaderConfig",
            "header_name": "X-Ip", **fields}


def cidrs(*prefixes):
    return {"cidrs": [{"address_prefix": prefix, "prefix_len": 0 if prefix == "0.0.0.0" else 8} for prefix in prefixes]}


class OriginTest(HttpOptionsTest):
    """Whose a request is, and what becomes of it before it is routed."""

    REMOTE = [{**bootstrap.to(), "request_headers_to_add": [
        {"header": {"key": "x-remote", "value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}}]}]

    def sent(self, manager, *fields, **more):
        """The fields of the request as the origin got it."""
        upstream = AsWrittenOrigin()
        running = self.start(upstream, manager=manager, **more)
        self.assertEqual(self.ask(running, *fields)["status"], 200)
        return dict(upstream.take_seen()[0]["headers"])

    def test_early_changes(self):
        manager = {**early(add("x-seen", "%REQ(x-request-id)%%REQ(x-forwarded-proto)%%REQ(x-envoy-retry-on)% %REQ(:path)%"),
                           add("x-route", "b"), {"remove": "x-gone"},
                           {"remove_on_match": {"key_matcher": {"prefix": "x-any-"}}}), "normalize_path": True}
        routes = [{**bootstrap.to(), "match": {"prefix": "/b", "headers": [
            {"name": "x-route", "string_match": {"exact": "b"}}]}}]
        upstream = AsWrittenOrigin()
        running = self.start(upstream, manager=manager, routes=routes)
        fields = ("x-gone: 1", "x-any-1: 1", "x-any-2: 1", "x-kept: 1", "x-envoy-retry-on: 5xx")
        self.assertEqual(self.ask(running, *fields, start="GET /a/../b HTTP/1.1")["status"], 200)
        seen = dict(upstream.take_seen()[0]["headers"])
        self.assertEqual(seen["x-seen"], "5xx /b")
        self.assertEqual([name for name in seen if name.startswith(("x-gone", "x-any", "x-kept"))], ["x-kept"])

    def test_early_change_of_who_the_client_is(self):
        seen = self.sent(early(add("x-forwarded-for", "9.9.9.9", "OVERWRITE_IF_EXISTS_OR_ADD")),
                         "X-Forwarded-For: 1.1.1.1", routes=self.REMOTE)
        self.assertEqual(seen["x-remote"], "9.9.9.9")

    def test_client_by_trusted_proxies(self):
        forwarded = "1.1.1.1, 2.2.2.2, 3.3.3.3"
        for detector, remote, kept in [
                (xff(), "3.3.3.3", True), (xff(xff_num_trusted_hops=1), "2.2.2.2", True),
                (xff(xff_num_trusted_hops=9), "127.0.0.1", True), (xff(skip_xff_append=False), "3.3.3.3", False),
                (xff(xff_trusted_cidrs=cidrs("127.0.0.0", "3.0.0.0")), "2.2.2.2", True),
                (xff(xff_trusted_cidrs=cidrs("0.0.0.0")), "1.1.1.1", True),
                (xff(xff_trusted_cidrs=cidrs("10.0.0.0")), "127.0.0.1", False)]:
            seen = self.sent(detect(detector), "X-Forwarded-For: " + forwarded, routes=self.REMOTE)
            self.assertEqual(seen["x-remote"], remote, detector)
            if kept:
                self.assertEqual(seen["x-forwarded-for"], forwarded, detector)
            else:
                self.assertTrue(seen["x-forwarded-for"].startswith(forwarded + ","), detector)

    def test_forwarded_list_that_is_none(self):
        trusted = detect(xff(xff_trusted_cidrs=cidrs("127.0.0.0", "3.0.0.0")))
        for value in ("bad, 3.3.3.3", "5.5.5.5, bad", ",", "1.1.1.1:99, 3.3.3.3"):
            seen = self.sent(trusted, "X-Forwarded-For: " + value, routes=self.REMOTE)
            self.assertEqual(seen["x-remote"], "127.0.0.1", value)

    def test_client_by_a_header(self):
        forwarded = "X-Forwarded-For: 3.3.3.3"
        for detectors, field, remote in [
                ([ip_header()], "X-Ip: 8.8.8.8", "8.8.8.8"), ([ip_header()], "X-Ip: bad", "127.0.0.1"),
                ([ip_header()], "X-Other: 1", "127.0.0.1"), ([ip_header(), xff()], "X-Ip: 8.8.8.8:80", "3.3.3.3"),
                ([ip_header(reject_with_status={"code": "NotFound"})], "X-Ip: ::1", "::1")]:
            seen = self.sent(detect(*detectors), forwarded, field, routes=self.REMOTE)
            self.assertEqual(seen["x-remote"], remote, (detectors, field))

    def test_client_that_must_be_known(self):
        for code, status in (("NotFound", 404), ("OK", 403)):
            upstream = AsWrittenOrigin()
            running = self.start(upstream, manager=detect(ip_header(reject_with_status={"code": code})))
            for fields in ((), ("X-Ip: bad",)):
                self.assertEqual(self.ask(running, *fields)["status"], status)
            self.assertEqual(upstream.take_seen(), [])

    def test_scheme(self):
        manager = {"scheme_header_transformation": {"scheme_to_overwrite": "https"}}
        seen = self.sent(manager, "X-Forwarded-Proto: http")
        self.assertEqual(seen["x-forwarded-proto"], "https")

    def test_scheme_of_the_upstream(self):
        """It does not follow what the client says."""
        for manager, scheme in (({}, "https"), ({"scheme_header_transformation": {"match_upstream": True}}, "http")):
            upstream = AsWrittenOrigin()
            running = self.start(upstream, to_origin={"send_fully_qualified_url": True}, manager=manager)
            self.assertEqual(self.ask(running, "X-Forwarded-Proto: https")["status"], 200)
            self.assertEqual(upstream.take_seen()[0]["start"], f"GET {scheme}://h/ HTTP/1.1")

    def test_user_agent(self):
        node = ("--service-cluster", "mine", "--service-node", "node-1")
        for fields, agent in (((), "mine"), (("User-Agent: theirs",), "theirs")):
            upstream = AsWrittenOrigin()
            running = proxy.Proxy(self.binary, bootstrap.bootstrap(
                manager={"add_user_agent": True}, clusters=[bootstrap.cluster("origin", upstream.port)]), arguments=node)
            self.addCleanup(running.__exit__)
            self.ask(running, "x-envoy-downstream-service-node: other", *fields)
            seen = dict(upstream.take_seen()[0]["headers"])
            self.assertEqual((seen["user-agent"], seen["x-envoy-downstream-service-cluster"],
                              seen["x-envoy-downstream-service-node"]), (agent, "mine", "node-1"))

    def test_forwarded_port(self):
        for manager, theirs in (({}, True), ({"use_remote_address": True}, False)):
            upstream = AsWrittenOrigin()
            running = self.start(upstream, manager={"append_x_forwarded_port": True, **manager})
            for fields, port in (((), str(running.port)), (("X-Forwarded-Port: 1",), "1" if theirs else str(running.port))):
                self.ask(running, *fields)
                self.assertEqual(dict(upstream.take_seen()[0]["headers"])["x-forwarded-port"], port)


class PageTest(HttpOptionsTest):
    def test_the_page_shows_what_works(self):
        """The names of fields in the bootstrap on the page are kept both ways."""
        upstream = AsWrittenOrigin(NamesTest.ANSWER)
        block = report.yaml_blocks(self.page)[0].replace("port_value: 8080", f"port_value: {upstream.port}")
        running = proxy.Proxy(self.binary, {"admin": {"address": bootstrap.address(0)}}, arguments=("--config-yaml", block))
        self.addCleanup(running.__exit__)
        response = self.ask(running, "X-oNE: 1")
        self.assertEqual(response["status"], 200)
        self.assertIn("X-oNE", upstream.take_seen()[0]["written"])
        self.assertIn("X-mIXed", response["written"])


if __name__ == "__main__":
    report.main_of_page("http_options", HttpOptionsTest)
