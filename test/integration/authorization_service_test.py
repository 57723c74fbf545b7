"""External authorization by a service on grpc-go, on the real binary.

  authorization_service_test.py --proxy BINARY --services BINARY [CASE...]

The real Envoy passes all of it but test_what_no_service_may_do, where it is less strict.
"""

import base64
import json
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import filter_services  # noqa: E402
import wire  # noqa: E402
from filter_services import CLUSTER, values  # noqa: E402

AUTHZ = bootstrap.TYPE + "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"
PER_ROUTE = AUTHZ + "PerRoute"
NAME = "envoy.filters.http.ext_authz"
# What may take as long as it likes; only tests of silence say less.
PATIENT = {**CLUSTER, "timeout": f"{wire.PATIENCE_S}s"}
NOT_FOUND, INTERNAL, UNAVAILABLE = 5, 13, 14


def says(answer):
    """The field of a request that makes the service answer so."""
    return "X-Check: " + json.dumps(answer)


def field(name, value, action=None, append=None):
    option = {"header": {"key": name, "value": value}}
    if action:
        option["append_action"] = action
    if append is not None:
        option["append"] = append
    return option


class AuthorizationServiceTest(filter_services.ServicesTest):
    def authorized(self, routes=None, hosts=None, manager=None, clusters=(), **fields):
        config = {"@type": AUTHZ, "transport_api_version": "V3", "grpc_service": PATIENT, **fields}
        return self.start({"name": NAME, "typed_config": config}, routes=routes, hosts=hosts, manager=manager, clusters=clusters)

    def checked(self):
        """What the service was told of the request."""
        return self.services.wait_message("check")["attributes"]

    def test_what_the_service_is_told(self):
        running = self.authorized()
        self.assertEqual(self.ask(running, "X-A: 1", "X-A: 2", path="/p?q=1")["status"], 200)
        path, _, fields = self.services.wait("called").partition(" ")
        self.assertEqual(path, "/envoy.service.auth.v3.Authorization/Check")
        self.assertEqual(json.loads(fields)["content-type"], ["application/grpc"])
        told = self.checked()
        request = told["request"]["http"]
        self.assertEqual((request["method"], request["path"], request["host"], request["protocol"], request["scheme"]),
                         ("GET", "/p?q=1", "h", "HTTP/1.1", "http"))
        self.assertEqual(request["headers"]["x-a"], "1,2")
        self.assertEqual(told["source"]["address"]["socket_address"]["address"], "127.0.0.1")
        self.assertEqual(told["destination"]["address"]["socket_address"]["port_value"], running.port)

    def test_changes_of_a_request_that_may_pass(self):
        running = self.authorized()
        response = self.ask(running, says({"ok_response": {
            # Of a request's fields `append` alone counts, and joins only what is there; as in Envoy.
            "headers": [field("x-set", "new"), field("x-joined", "more", append=True),
                        field("x-unjoined", "more", append=True), field("x-kept", "other", "ADD_IF_ABSENT")],
            "headers_to_remove": ["x-gone", "x-check"],
            "query_parameters_to_set": [{"key": "user", "value": "a%20b"}], "query_parameters_to_remove": ["secret"],
            "response_headers_to_add": [field("x-answer", "1"), field("x-answer", "2", "APPEND_IF_EXISTS_OR_ADD")]}}),
            "X-Set: old", "X-Joined: one", "X-Kept: 1", "X-Gone: 1", path="/p?secret=1&kept=2")
        self.assertEqual(response["status"], 200)
        [request] = self.origin.take_seen()
        fields = request["headers"]
        self.assertEqual(request["start"], "GET /p?kept=2&user=a%20b HTTP/1.1")
        for name, wanted in (("x-set", ["new"]), ("x-joined", ["one,more"]), ("x-unjoined", []), ("x-kept", ["other"]),
                             ("x-gone", []), ("x-check", [])):
            self.assertEqual(values(fields, name), wanted, name)
        self.assertEqual(values(response["headers"], "x-answer"), ["1", "2"])

    def test_what_no_service_may_do(self):
        running = self.authorized()
        answer = {"ok_response": {"headers": [field("x-split", "a\r\nx-smuggled: 1"), field("content-length", "7"),
                                              field("transfer-encoding", "chunked"), field(":path", "no-path"),
                                              field("x-good", "1")], "headers_to_remove": ["host", ":method"],
                                  "query_parameters_to_set": [{"key": "q", "value": "a HTTP/1.1"}]}}
        response = self.ask(running, says(answer))
        self.assertEqual(response["status"], 200)
        [request] = self.origin.take_seen()
        fields = request["headers"]
        self.assertEqual(request["start"], "GET / HTTP/1.1")
        self.assertEqual(values(fields, "host"), ["h"])
        self.assertEqual(values(fields, "x-good"), ["1"])
        for name in ("x-smuggled", "x-split", "content-length", "transfer-encoding"):
            self.assertEqual(values(fields, name), [], name)
        strict = self.authorized(validate_mutations=True)
        self.assertEqual(self.ask(strict, says(answer))["status"], 500)
        self.assertEqual(self.origin.take_seen(), [])
        self.assertEqual(strict.stats()["http.main.ext_authz.invalid"], 1)

    def test_rules_for_fields(self):
        running = self.authorized(
            allowed_headers={"patterns": [{"prefix": "x-"}]}, disallowed_headers={"patterns": [{"exact": "x-secret"}]},
            decoder_header_mutation_rules={"disallow_expression": {"regex": "x-fixed"}})
        response = self.ask(running, "Cookie: c", "X-Secret: s", "X-Fixed: 1", says({"ok_response": {
            "headers": [field("x-fixed", "2"), field("x-user", "me")]}}))
        self.assertEqual(response["status"], 200)
        told = self.checked()["request"]["http"]["headers"]
        self.assertEqual(told["x-fixed"], "1")
        self.assertFalse({"cookie", "x-secret"} & told.keys())
        fields = self.seen()
        self.assertEqual((values(fields, "x-fixed"), values(fields, "x-user")), (["1"], ["me"]))
        self.assertEqual((values(fields, "x-secret"), values(fields, "cookie")), (["s"], ["c"]))

    def test_denials(self):
        running = self.authorized()
        answer = {"status": {"code": 16}, "denied_response": {
            "status": {"code": "Unauthorized"}, "body": "who are you?",
            "headers": [field("www-authenticate", "Basic"), field("set-cookie", "a=1"),
                        field("set-cookie", "b=2", "APPEND_IF_EXISTS_OR_ADD")]}}
        response = self.ask(running, says(answer))
        self.assertEqual((response["status"], response["body"]), (401, "who are you?"))
        self.assertEqual(values(response["headers"], "www-authenticate"), ["Basic"])
        self.assertEqual(values(response["headers"], "set-cookie"), ["a=1", "b=2"])
        response = self.ask(running, says({"status": {"code": 7}}))
        self.assertEqual((response["status"], response["body"]), (403, ""))
        self.assertEqual(self.origin.take_seen(), [])
        stats = running.stats()
        self.assertEqual((stats["http.main.ext_authz.denied"], stats["cluster.origin.ext_authz.denied"]), (2, 2))
        # The connection outlives a denial, and its body is not read as a request.
        with wire.connect(running.port) as sock:
            reader = wire.Reader(sock)
            self.send(sock, says(answer), method="POST", body=b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(reader.response("POST")["status"], 401)
            self.send(sock)
            response = reader.response("GET")
            self.assertIn(response and response["status"], (200, None))
        self.assertFalse([request for request in self.origin.take_seen() if "smuggled" in request["start"]])

    def test_metadata(self):
        user = f"%DYNAMIC_METADATA({NAME}:user:name)%"
        running = self.authorized(hosts=[{
            "name": "all", "domains": ["*"], "routes": [bootstrap.to()], "response_headers_to_add": [
                {"header": {"key": "x-user", "value": user}}]}])
        response = self.ask(running, says({"ok_response": {}, "dynamic_metadata": {"user": {"name": "ann"}}}))
        self.assertEqual((response["status"], values(response["headers"], "x-user")), (200, ["ann"]))

    def test_by_route(self):
        def of(config):
            return {"typed_per_filter_config": {NAME: {"@type": PER_ROUTE, **config}}}

        running = self.authorized(hosts=[{
            "name": "all", "domains": ["*"], **of({"check_settings": {"context_extensions": {"host": "h", "level": "host"}}}),
            "routes": [{**bootstrap.to(), "match": {"prefix": "/free"}, **of({"disabled": True})},
                       {**bootstrap.to(), **of({"check_settings": {"context_extensions": {"level": "route"}}})}]}])
        denied = says({"status": {"code": 7}})
        self.assertEqual(self.ask(running, denied, path="/free")["status"], 200)
        self.assertEqual(self.ask(running, denied)["status"], 403)
        told = self.checked()
        self.assertEqual(told["request"]["http"]["path"], "/")
        self.assertEqual(told["context_extensions"], {"host": "h", "level": "route"})

    def test_bodies(self):
        running = self.authorized(with_request_body={"max_request_bytes": 10})
        self.assertEqual(self.ask(running, method="POST", body=b"0123456789")["status"], 200)
        self.assertEqual(self.checked()["request"]["http"]["body"], "0123456789")
        self.assertEqual(self.origin.take_seen()[0]["body"], "0123456789")
        self.assertEqual(self.ask(running, method="POST", body=b"0123456789a")["status"], 413)
        cut = self.authorized(with_request_body={
            "max_request_bytes": 10, "allow_partial_message": True, "pack_as_bytes": True})
        body = b"\xff\0" * 50_000
        self.assertEqual(self.ask(cut, method="POST", body=body)["status"], 200)
        request = self.checked()["request"]["http"]
        self.assertEqual(base64.b64decode(request["raw_body"]), body[:10])
        self.assertEqual(request["headers"]["x-envoy-auth-partial-body"], "true")
        self.assertEqual(self.origin.take_seen()[0]["body"], body.decode("latin-1"))

    def test_silence(self):
        quick = {**CLUSTER, "timeout": "0.2s"}
        closed = self.authorized(grpc_service=quick, status_on_error={"code": "ServiceUnavailable"})
        self.assertEqual(self.ask(closed, "X-Check: hold")["status"], 503)
        self.services.wait("gone")  # The call is taken back, not left to itself.
        self.assertEqual(self.origin.take_seen(), [])
        opened = self.authorized(grpc_service=quick, failure_mode_allow=True, failure_mode_allow_header_add=True)
        self.assertEqual(self.ask(opened, "X-Check: hold")["status"], 200)
        self.services.wait("gone")
        self.assertEqual(values(self.seen(), "x-envoy-auth-failure-mode-allowed"), ["true"])
        self.assertEqual((closed.stats()["http.main.ext_authz.error"], opened.stats()["http.main.ext_authz.failure_mode_allowed"]),
                         (1, 1))

    def test_a_client_that_leaves_takes_its_call_along(self):
        running = self.authorized()
        with wire.connect(running.port) as sock:
            self.send(sock, "X-Check: hold")
            self.checked()
        self.services.wait("gone")
        running.wait(lambda: running.stats()["cluster.services.upstream_rq_active"] == 0)
        self.assertEqual(self.origin.take_seen(), [])

    def test_errors(self):
        closed, opened = self.authorized(), self.authorized(failure_mode_allow=True)
        for code in (NOT_FOUND, INTERNAL, UNAVAILABLE):
            self.assertEqual(self.ask(closed, f"X-Check: {code}")["status"], 403)
            self.assertEqual(self.ask(opened, f"X-Check: {code}")["status"], 200)
        self.assertEqual(len(self.origin.take_seen()), 3)
        self.assertEqual((closed.stats()["http.main.ext_authz.error"], opened.stats()["http.main.ext_authz.error"]), (3, 3))

    def died(self, running, wanted):
        """What a request gets whose service dies while it is asked, and what the next one gets."""
        with wire.connect(running.port) as sock:
            self.send(sock, "X-Check: hold")
            self.checked()
            self.services.kill()
            self.assertEqual(wire.Reader(sock).response("GET")["status"], wanted)
        self.assertEqual(self.ask(running)["status"], wanted)
        self.restart_services()
        running.wait(lambda: self.ask(running, says({"status": {"code": 16}, "denied_response": {
            "status": {"code": "Unauthorized"}}}))["status"] == 401)
        self.assertEqual(self.ask(running)["status"], 200)

    def test_a_service_that_dies(self):
        self.died(self.authorized(), 403)
        self.origin.take_seen()
        self.died(self.authorized(failure_mode_allow=True), 200)

    def test_many_at_a_time(self):
        """They share one connection, and each gets what is its own."""
        running = self.authorized()
        socks = [wire.connect(running.port) for _ in range(60)]
        for sock in socks:
            self.addCleanup(sock.close)
        got = {}

        def ask(number):
            answer = {"denied_response": {"status": {"code": "Forbidden"}, "body": f"b{number}"}, "status": {"code": 7}}
            for _ in range(5):
                self.send(socks[number], says(answer))
                got.setdefault(number, set()).add(wire.Reader(socks[number]).response("GET")["body"])

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(socks))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(got, {number: {f"b{number}"} for number in range(len(socks))})
        stats = running.stats()
        self.assertEqual((stats["cluster.services.upstream_rq_total"], stats["cluster.services.upstream_cx_total"]), (300, 1))

    def test_a_service_by_its_address(self):
        running = self.authorized(grpc_service={"timeout": f"{wire.PATIENCE_S}s", "google_grpc": {
            "target_uri": f"127.0.0.1:{self.services.port}", "stat_prefix": "authz"},
            "initial_metadata": [{"key": "x-tenant", "value": "edge"}]})
        self.assertEqual(self.ask(running, says({"status": {"code": 7}}))["status"], 403)
        self.assertEqual(self.ask(running)["status"], 200)
        self.assertEqual(json.loads(self.services.wait("called").partition(" ")[2])["x-tenant"], ["edge"])


if __name__ == "__main__":
    filter_services.main("authorization_service")
