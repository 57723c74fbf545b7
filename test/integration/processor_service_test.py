"""External processing by a service on grpc-go, on the real binary.

  processor_service_test.py --proxy BINARY --services BINARY [CASE...]

The real Envoy passes it but for what docs/filters/ext_proc.md lists as other than in Envoy.
"""

import base64
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import filter_services  # noqa: E402
import origin  # noqa: E402
import wire  # noqa: E402
from filter_services import CLUSTER, values  # noqa: E402

EXT_PROC = bootstrap.TYPE + "envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor"
PER_ROUTE = bootstrap.TYPE + "envoy.extensions.filters.http.ext_proc.v3.ExtProcPerRoute"
NAME = "envoy.filters.http.ext_proc"
NO_HEADERS = {"request_header_mode": "SKIP", "response_header_mode": "SKIP"}
TRAILERS = {"http_protocol_options": {"enable_trailers": True}}


def says(**script):
    """The field of a request that makes the processor answer so, by the kind of message: [words and answers]."""
    return "X-Process: " + json.dumps(script)


def field(name, value, action=None):
    option = {"header": {"key": name, "raw_value": base64.b64encode(value.encode()).decode()}}
    return {**option, "append_action": action} if action else option


def change(kind, *set_headers, remove=(), **more):
    """An answer that changes a head or a body's head."""
    return {kind: {"response": {"header_mutation": {"set_headers": list(set_headers), "remove_headers": list(remove)}, **more}}}


def fields_of(headers):
    """The fields of a message's head, as the processor was shown them."""
    return {one["key"]: base64.b64decode(one.get("raw_value", "")).decode() for one in headers["headers"]["headers"]}


class ProcessorServiceTest(filter_services.ServicesTest):
    def processed(self, mode=None, manager=None, hosts=None, clusters=(), **fields):
        config = {"@type": EXT_PROC, "grpc_service": CLUSTER, "message_timeout": f"{wire.PATIENCE_S}s", **fields}
        if mode:
            config["processing_mode"] = mode
        return self.start({"name": NAME, "typed_config": config}, manager=manager, hosts=hosts, clusters=clusters)

    def test_heads(self):
        running = self.processed()
        response = self.ask(
            running, "X-Old: 1", "X-Gone: 1", "X-There: yes",
            says(request_headers=[change("request_headers", field("x-old", "2", "OVERWRITE_IF_EXISTS_OR_ADD"),
                                         field("x-there", "no", "ADD_IF_ABSENT"), field("x-new", "3"), remove=["x-gone"])],
                 response_headers=[change("response_headers", field("x-from", "processor"), remove=["content-type"])]))
        self.assertEqual((response["status"], response["body"]), (200, "origin"))
        self.assertEqual(values(response["headers"], "x-from"), ["processor"])
        self.assertEqual(values(response["headers"], "content-type"), [])
        fields = self.seen()
        for name, wanted in (("x-old", ["2"]), ("x-there", ["yes"]), ("x-new", ["3"]), ("x-gone", [])):
            self.assertEqual(values(fields, name), wanted, name)
        self.assertTrue(self.services.wait("called").startswith("/envoy.service.ext_proc.v3.ExternalProcessor/Process "))
        shown = self.services.wait_part("request_headers")
        self.assertTrue(shown["end_of_stream"])
        self.assertEqual(fields_of(shown)[":path"], "/")
        self.assertEqual(fields_of(self.services.wait_part("response_headers"))[":status"], "200")
        self.services.wait_end()
        stats = running.stats()
        self.assertEqual((stats["http.main.ext_proc.streams_started"], stats["http.main.ext_proc.streams_closed"]), (1, 1))

    def test_what_no_processor_may_do(self):
        running = self.processed()
        response = self.ask(running, says(request_headers=[change(
            "request_headers", field("x-good", "1"), field("host", "other"), field("x-envoy-original-path", "/other"),
            field(":method", "POST"), remove=["host", ":method"])]))
        self.assertEqual(response["status"], 200)
        [request] = self.origin.take_seen()
        self.assertEqual(request["start"], "GET / HTTP/1.1")
        self.assertEqual((values(request["headers"], "host"), values(request["headers"], "x-good")), (["h"], ["1"]))
        self.assertGreaterEqual(running.stats()["http.main.ext_proc.rejected_header_mutations"], 1)

    def test_buffered_bodies(self):
        running = self.processed(mode={"request_body_mode": "BUFFERED", "response_body_mode": "BUFFERED"})
        body = b"body" * 50_000
        response = self.ask(running, says(request_body=["upper"], response_body=["upper"]), method="POST", body=body)
        self.assertEqual((response["status"], response["body"]), (200, "ORIGIN"))
        self.assertEqual(values(response["headers"], "content-length"), ["6"])
        [request] = self.origin.take_seen()
        self.assertEqual(request["body"], body.upper().decode())
        shown = self.services.wait_part("request_body")
        self.assertEqual((base64.b64decode(shown["body"]), shown["end_of_stream"]), (body, True))
        shown = self.services.wait_part("response_body")
        self.assertEqual(base64.b64decode(shown["body"]), b"origin")
        self.services.wait_end()

    def test_a_body_that_is_taken_away(self):
        running = self.processed(mode={"request_body_mode": "BUFFERED", **NO_HEADERS, "request_header_mode": "SEND"})
        answer = {"request_body": {"response": {"body_mutation": {"clear_body": True}}}}
        self.assertEqual(self.ask(running, says(request_body=[answer]), method="POST", body=b"secret")["status"], 200)
        [request] = self.origin.take_seen()
        self.assertEqual(request["body"], "")

    def test_streamed_bodies(self):
        running = self.processed(mode={"request_body_mode": "STREAMED", "response_body_mode": "STREAMED"})
        body = b"body" * 750_000  # More than is ever held.
        response = self.ask(running, says(request_body=["upper"], response_body=["upper"]), method="POST", body=body)
        self.assertEqual((response["status"], response["body"]), (200, "ORIGIN"))
        [request] = self.origin.take_seen()
        self.assertEqual(request["body"], body.upper().decode())
        pieces = []
        while not pieces or not pieces[-1].get("end_of_stream"):
            pieces.append(self.services.wait_part("request_body"))
        self.assertGreater(len(pieces), 1)
        self.assertEqual(b"".join(base64.b64decode(piece.get("body", "")) for piece in pieces), body)
        self.services.wait_end()

    def test_full_duplex_bodies(self):
        running = self.processed(mode={
            "request_body_mode": "FULL_DUPLEX_STREAMED", "request_trailer_mode": "SEND",
            "response_body_mode": "FULL_DUPLEX_STREAMED", "response_trailer_mode": "SEND"})
        body = b"body" * 40_000
        response = self.ask(running, says(request_headers=[], request_body=["gather"], response_body=["stream"]),
                            method="POST", body=body)
        self.assertEqual((response["status"], response["body"]), (200, "ORIGIN"))
        [request] = self.origin.take_seen()
        self.assertEqual(request["body"], body.upper().decode())
        self.assertEqual(values(request["headers"], "x-size"), [str(len(body))])
        self.services.wait_end()

    def test_trailers(self):
        upstream = bootstrap.protocol(explicit_http_config=TRAILERS)
        running = self.processed(
            mode={"request_body_mode": "STREAMED", "request_trailer_mode": "SEND", "response_trailer_mode": "SEND"},
            manager=TRAILERS, clusters=[bootstrap.cluster("origin", self.origin.port, **upstream)])
        change_of = {kind: {"header_mutation": {"set_headers": [field(f"x-{kind[:3]}", "added")]}}
                     for kind in ("request_trailers", "response_trailers")}
        with wire.connect(running.port) as sock:
            script = says(request_trailers=[{"request_trailers": change_of["request_trailers"]}],
                          response_trailers=[{"response_trailers": change_of["response_trailers"]}])
            sock.sendall(f"POST /trailers HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n{script}\r\n\r\n"
                         "4\r\nbody\r\n0\r\nX-Mine: 1\r\n\r\n".encode())
            response = wire.Reader(sock).response("POST")
        self.assertEqual((response["status"], response["body"]), (200, "abc"))
        self.assertEqual(sorted(response["trailers"]), [("x-res", "added"), ("x-sum", "3")])
        [request] = self.origin.take_seen()
        self.assertEqual(sorted(request["trailers"]), [("x-mine", "1"), ("x-req", "added")])
        shown = self.services.wait_part("request_trailers")
        self.assertEqual([one["key"] for one in shown["trailers"]["headers"]], ["x-mine"])

    def test_answers_in_the_place_of_the_origin(self):
        running = self.processed(mode={"response_body_mode": "BUFFERED"})
        answer = {"immediate_response": {
            "status": {"code": "TooManyRequests"}, "body": base64.b64encode(b"slow down").decode(),
            "headers": {"set_headers": [field("retry-after", "7")]}, "details": "too many"}}
        response = self.ask(running, says(request_headers=[answer]))
        self.assertEqual((response["status"], response["body"]), (429, "slow down"))
        self.assertEqual(values(response["headers"], "retry-after"), ["7"])
        self.assertEqual(self.origin.take_seen(), [])
        for kind in ("response_headers", "response_body"):
            response = self.ask(running, says(**{kind: [answer]}))
            self.assertEqual((response["status"], response["body"]), (429, "slow down"), kind)
            self.assertEqual(len(self.origin.take_seen()), 1)

    def test_a_stream_that_ends_in_order(self):
        """The processor has nothing more to say: the rest goes as it is."""
        running = self.processed()
        response = self.ask(running, says(request_headers=[change("request_headers", field("x-new", "1")), "end"]))
        self.assertEqual((response["status"], response["body"]), (200, "origin"))
        self.assertEqual(values(self.seen(), "x-new"), ["1"])

    def test_errors(self):
        closed = self.processed()
        opened = self.processed(failure_mode_allow=True)
        strange = {"response_body": {}}  # Answers what it was not asked.
        for step in ("fail", strange):
            for kind in ("request_headers", "response_headers"):
                self.assertEqual(self.ask(closed, says(**{kind: [step]}))["status"], 500, (kind, step))
                response = self.ask(opened, says(**{kind: [step]}))
                self.assertEqual((response["status"], response["body"]), (200, "origin"), (kind, step))
        stats = opened.stats()
        self.assertEqual(stats["http.main.ext_proc.failure_mode_allowed"], 4)

    def test_silence(self):
        closed = self.processed(message_timeout="0.2s")
        opened = self.processed(message_timeout="0.2s", failure_mode_allow=True)
        for kind in ("request_headers", "response_headers"):
            self.assertEqual(self.ask(closed, says(**{kind: ["hold"]}))["status"], 504)
            self.services.wait("gone")
            self.assertEqual(self.ask(opened, says(**{kind: ["hold"]}))["status"], 200)
            self.services.wait("gone")
        self.assertEqual((closed.stats()["http.main.ext_proc.message_timeouts"], opened.stats()["http.main.ext_proc.message_timeouts"]),
                         (2, 2))

    def test_a_client_that_leaves_takes_its_stream_along(self):
        running = self.processed()
        with wire.connect(running.port) as sock:
            self.send(sock, says(request_headers=["hold"]))
            self.services.wait_part("request_headers")
        self.services.wait("gone")
        running.wait(lambda: running.stats()["cluster.services.upstream_rq_active"] == 0)

    def died(self, running, wanted):
        """What a request gets whose processor dies while it is asked, and what the next one gets."""
        for kind in ("request_headers", "response_headers"):
            with wire.connect(running.port) as sock:
                self.send(sock, says(**{kind: ["hold"]}))
                self.services.wait_part(kind)
                self.services.kill()
                self.assertEqual(wire.Reader(sock).response("GET")["status"], wanted, kind)
            self.assertEqual(self.ask(running)["status"], wanted)
            self.restart_services()
            answer = says(response_headers=[change("response_headers", field("x-back", "1"))])
            running.wait(lambda: values(self.ask(running, answer)["headers"], "x-back") == ["1"])

    def test_a_processor_that_dies(self):
        self.died(self.processed(), 500)
        self.died(self.processed(failure_mode_allow=True), 200)

    def test_a_processor_that_dies_within_a_body(self):
        script = origin.Script(("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf", "rest"))
        self.origin = script
        running = self.processed(mode={"response_body_mode": "STREAMED", "request_header_mode": "SEND"})
        with wire.connect(running.port) as sock:
            self.send(sock, says(response_body=["upper"]))
            reader = wire.Reader(sock)
            head = reader.head()
            self.assertEqual(head["start"], "HTTP/1.1 200 OK")
            while b"HALF" not in reader.buffer:
                self.assertTrue(reader.fill())
            self.services.kill()
            running.wait(lambda: running.stats()["http.main.ext_proc.streams_failed"] == 1)
            script.go.release()
            while reader.fill():
                pass
            # What comes in the clear would be what the processor was to see first.
            self.assertNotIn(b"rest", reader.buffer)

    def test_modes_that_the_processor_chooses(self):
        running = self.processed(mode={"response_header_mode": "SKIP"}, allow_mode_override=True)
        override = {"request_headers": {}, "mode_override": {
            "response_header_mode": "SEND", "response_body_mode": "BUFFERED"}}
        response = self.ask(running, says(request_headers=[override], response_body=["upper"]))
        self.assertEqual((response["status"], response["body"]), (200, "ORIGIN"))
        self.assertEqual(self.ask(running)["body"], "origin")

    def test_metadata_and_routes(self):
        user = f"%DYNAMIC_METADATA({NAME}:user)%"
        other = bootstrap.cluster("other", origin.Script("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother").port)
        running = self.processed(
            metadata_options={"receiving_namespaces": {"untyped": [NAME]}}, clusters=[other], hosts=[{
                "name": "all", "domains": ["*"],
                "response_headers_to_add": [{"header": {"key": "x-user", "value": user}}], "routes": [
                    {"match": {"prefix": "/", "headers": [{"name": "x-to", "string_match": {"exact": "other"}}]},
                     "route": {"cluster": "other"}},
                    {**bootstrap.to(), "match": {"prefix": "/free"},
                     "typed_per_filter_config": {NAME: {"@type": PER_ROUTE, "disabled": True}}}, bootstrap.to()]}])
        answer = change("request_headers", field("x-to", "other"), clear_route_cache=True)
        response = self.ask(running, says(request_headers=[{**answer, "dynamic_metadata": {NAME: {"user": "ann"}}}]))
        self.assertEqual((response["status"], response["body"]), (200, "other"))
        self.assertEqual(values(response["headers"], "x-user"), ["ann"])
        before = running.stats()["http.main.ext_proc.streams_started"]
        self.assertEqual(self.ask(running, path="/free")["body"], "origin")
        self.assertEqual(running.stats()["http.main.ext_proc.streams_started"], before)

    def test_attributes(self):
        running = self.processed(request_attributes=["request.path", "xds.route_name"], response_attributes=["response.code"])
        self.assertEqual(self.ask(running, path="/a?b")["status"], 200)
        told = self.services.wait_message("process")["attributes"][NAME]
        self.assertEqual(told["request.path"], "/a?b")
        told = self.services.wait_message("process")["attributes"][NAME]
        self.assertEqual(told["response.code"], 200)

    def test_observers(self):
        running = self.processed(mode={"request_body_mode": "STREAMED", "response_body_mode": "STREAMED"},
                                 observability_mode=True, failure_mode_allow=True)
        change_all = says(request_headers=[change("request_headers", field("x-new", "1"))], request_body=["upper"],
                          response_headers=[{"immediate_response": {"status": {"code": "Forbidden"}}}])
        response = self.ask(running, change_all, method="POST", body=b"body")
        self.assertEqual((response["status"], response["body"]), (200, "origin"))
        [request] = self.origin.take_seen()
        self.assertEqual((request["body"], values(request["headers"], "x-new")), ("body", []))
        self.assertEqual(base64.b64decode(self.services.wait_part("request_body")["body"]), b"body")
        self.services.wait_part("response_headers")
        # One that does not read on, or is gone, stops nobody.
        self.assertEqual(self.ask(running, says(request_headers=["hold"]))["status"], 200)
        self.services.kill()
        self.assertEqual(self.ask(running)["status"], 200)


if __name__ == "__main__":
    filter_services.main("processor_service")
