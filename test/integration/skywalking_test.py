"""SkyWalking's tracer on the real binary: what its collector is told, and what origins are. Envoy 1.40 passes the same
cases.

  skywalking_test.py --proxy BINARY [CASE...]
"""

import argparse
import base64
import pathlib
import queue
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import collectors  # noqa: E402
import origin  # noqa: E402
import protobuf_wire  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import tcp  # noqa: E402
import wire  # noqa: E402

SKYWALKING = bootstrap.TYPE + "envoy.config.trace.v3.SkyWalkingConfig"


def sw8(*parts):
    """The header's value, from its plain parts."""
    return "-".join(part if at in (0, 3) else base64.b64encode(part.encode()).decode() for at, part in enumerate(parts))


def plain(value):
    """The plain parts of the header's value."""
    return [part if at in (0, 3) else base64.b64decode(part).decode() for at, part in enumerate(value.split("-"))]


CLIENT = sw8("1", "trace", "segment", "3", "shop", "shop-1", "/buy", "10.0.0.1:80")


def text(message, number):
    return (protobuf_wire.one(message, number) or b"").decode()


def span_of(message):
    of = protobuf_wire.fields(message)
    return {"id": of.get(1, [0])[0], "parent": of.get(2, [0])[0], "name": text(message, 6), "peer": text(message, 7),
            "type": of.get(8, [0])[0], "layer": of[9][0], "component": of[10][0], "error": of.get(11, [0])[0],
            "start": of[3][0], "end": of[4][0],
            "refs": [[text(ref, number) for number in (2, 3, 5, 6, 7, 8)] + [protobuf_wire.one(ref, 4)]
                     for ref in of.get(5, [])],
            "tags": {text(tag, 1): text(tag, 2) for tag in of.get(12, [])}}


class SkyWalkingTest(unittest.TestCase):
    binary = ""

    def start(self, collector=None, client_config=None, routes=None, **tracing):
        self.origin = origin.Origin()
        self.collector = collector or collectors.StreamCollector()
        provider = {"name": "envoy.tracers.skywalking", "typed_config": {
            "@type": SKYWALKING, "grpc_service": {"envoy_grpc": {"cluster_name": "collector"}, "timeout": "0.25s"},
            "client_config": client_config or {}}}
        config = bootstrap.of(
            [bootstrap.listener("main", {"tracing": {"provider": provider, **tracing}}, routes)],
            [bootstrap.cluster("origin", self.origin.port),
             bootstrap.cluster("collector", self.collector.port, **bootstrap.http2())])
        config["node"] = {"id": "node-1", "cluster": "edge"}
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        return running

    @staticmethod
    def ask(running, *fields, path="/"):
        with wire.connect(running.port) as sock:
            sock.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: shop.example", *fields, "", ""]).encode())
            return wire.Reader(sock).response("GET")

    def told_origin(self):
        return dict(self.origin.take_seen()[-1]["headers"]).get("sw8")

    def segment(self):
        """The next segment's (trace, id, service, instance), and its spans by their numbers."""
        message = self.collector.next()
        spans = [span_of(span) for span in protobuf_wire.fields(message)[3]]
        return [text(message, number) for number in (1, 2, 4, 5)], {span["id"]: span for span in spans}

    def test_a_request_becomes_a_segment(self):
        running = self.start(client_config={"backend_token": "secret"}, spawn_upstream_span=True)
        self.assertEqual(self.ask(running, path="/a?b=c")["status"], 200)
        (trace, segment, service, instance), spans = self.segment()
        called = self.collector.called.get(timeout=wire.PATIENCE_S)
        self.assertEqual((called[":path"], called["authentication"]),
                         ("/skywalking.v3.TraceSegmentReportService/collect", "secret"))
        self.assertEqual((service, instance), ("edge", "node-1"))
        self.assertEqual(sorted(spans), [0, 1])
        entry, attempt = spans[0], spans[1]
        for span in spans.values():
            self.assertEqual((span["layer"], span["component"], span["error"], span["refs"]), (3, 9000, 0, []))
            self.assertEqual((span["name"], span["tags"]["status_code"]), ("/a?b=c", "200"))
            self.assertLessEqual(span["start"], span["end"])
        self.assertEqual((entry["type"], entry["parent"] & 0xffffffff, entry["peer"]), (0, 0xffffffff, "127.0.0.1"))
        host = f"127.0.0.1:{self.origin.port}"
        self.assertEqual((attempt["type"], attempt["parent"], attempt["peer"]), (1, 0, host))
        self.assertEqual(entry["tags"]["url"], "http://shop.example/a?b=c")
        self.assertNotIn("peer.address", entry["tags"])
        self.assertEqual(plain(self.told_origin()), ["1", trace, segment, "1", "edge", "node-1", "/a?b=c", host])
        self.assertEqual(running.stats()["tracing.skywalking.segments_sent"], 1)

    def test_a_client_that_tells_of_its_own(self):
        running = self.start(client_config={"service_name": "s", "instance_name": "i"}, spawn_upstream_span=True,
                             random_sampling={"value": 0})
        self.ask(running, "sw8: " + CLIENT)  # It has decided: what is configured does not matter.
        (trace, segment, service, instance), spans = self.segment()
        self.assertEqual((trace, service, instance), ("trace", "s", "i"))
        self.assertNotEqual(segment, "segment")
        self.assertEqual(spans[0]["refs"], [["trace", "segment", "shop", "shop-1", "/buy", "10.0.0.1:80", 3]])
        self.assertEqual(spans[1]["refs"], [])
        self.assertEqual(plain(self.told_origin())[:4], ["1", "trace", segment, "1"])

    def test_who_is_not_sampled(self):
        running = self.start(spawn_upstream_span=True, random_sampling={"value": 0})
        for field in ("x: y", "sw8: nonsense", "sw8: 2" + CLIENT[1:]):
            self.ask(running, field)
            told = self.told_origin()
            self.assertEqual(told, field[5:] if field.startswith("sw8") else None)
        self.assertRaises(queue.Empty, self.collector.came.get_nowait)
        self.assertEqual(running.stats()["tracing.skywalking.segments_sent"], 0)

    def test_without_spans_of_attempts_nothing_is_told(self):
        running = self.start()
        self.ask(running)
        self.assertIsNone(self.told_origin())
        self.assertEqual(sorted(self.segment()[1]), [0])
        self.ask(running, "sw8: " + CLIENT)
        self.assertEqual(self.told_origin(), CLIENT)
        self.assertEqual(self.segment()[0][0], "trace")

    def test_failures_and_retries(self):
        policy = {"retry_on": "5xx", "num_retries": 1, "retry_back_off": {"base_interval": "0.001s"}}
        running = self.start(spawn_upstream_span=True, routes=[bootstrap.to(retry_policy=policy)])
        self.assertEqual(self.ask(running, path="/500")["status"], 500)
        _, spans = self.segment()
        self.assertEqual(sorted(spans), [0, 1, 2])
        self.assertEqual([spans[at]["error"] for at in range(3)], [1, 1, 1])
        self.assertEqual(spans[0]["tags"]["status_code"], "500")
        self.assertEqual(plain(self.told_origin())[3], "2")

    def test_a_collector_that_comes_later(self):
        port, holder = tcp.closed_port()

        class Later:
            pass
        later = Later()
        later.port = port
        running = self.start(later, client_config={"max_cache_size": 2})
        # The first fails its call, or waits for the next one; of those that wait two stay.
        for _ in range(8):
            self.ask(running)
        running.wait(lambda: running.stats()["tracing.skywalking.segments_dropped"] >= 1)
        holder.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("names", nargs="*", help="cases to run; none: all")
    SkyWalkingTest.binary = parser.parse_args().proxy
    report.main("skywalking", parser.parse_args().names)
