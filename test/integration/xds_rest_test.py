"""The real binary and a control plane that is asked at intervals, by HTTP (api_type REST).

  xds_rest_test.py --proxy BINARY [CASE...]
"""

import argparse
import http.client
import http.server
import json
import pathlib
import socket
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402


class RestControlPlane:
    """Answers POST /v3/discovery:TYPE with `responses[TYPE]`, or with a status that stands there instead."""

    def __init__(self):
        plane = self
        self.responses, self.requests = {}, {}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                kind = self.path.removeprefix("/v3/discovery:")
                plane.requests.setdefault(kind, []).append((dict(self.headers), json.loads(body)))
                answer = plane.responses.get(kind, 404)
                text = answer if isinstance(answer, str) else json.dumps(answer)
                self.send_response(answer if isinstance(answer, int) else 200)
                self.send_header("content-length", "0" if isinstance(answer, int) else str(len(text)))
                self.end_headers()
                if not isinstance(answer, int):
                    self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def serve(self, kind, version, *resources):
        self.responses[kind] = {"version_info": version, "resources": resources}


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class RestTest(unittest.TestCase):
    binary = ""

    def setUp(self):
        self.origin = origin.Origin()
        self.plane = RestControlPlane()
        self.addCleanup(self.plane.close)
        self.port = free_port()
        self.source = {"resource_api_version": "V3", "api_config_source": {
            "api_type": "REST", "transport_api_version": "V3", "cluster_names": ["plane"],
            "refresh_delay": "0.05s", "request_timeout": "5s"}}

    def serve_world(self, version):
        kind = bootstrap.TYPE + "envoy.config."
        self.plane.serve("clusters", version, {
            "@type": kind + "cluster.v3.Cluster", "name": "one", "type": "EDS",
            "eds_cluster_config": {"eds_config": self.source}})
        self.plane.serve("endpoints", version, {
            "@type": kind + "endpoint.v3.ClusterLoadAssignment",
            **bootstrap.cluster("one", self.origin.port)["load_assignment"]})
        listener = bootstrap.listener("main", manager={
            "rds": {"route_config_name": "routes", "config_source": self.source}})
        del listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]
        listener["address"] = bootstrap.address(self.port)
        self.plane.serve("listeners", version, {"@type": kind + "listener.v3.Listener", **listener})
        self.serve_routes(version)

    def serve_routes(self, version):
        self.plane.serve("routes", version, {
            "@type": bootstrap.TYPE + "envoy.config.route.v3.RouteConfiguration", "name": "routes",
            "response_headers_to_add": [{"header": {"key": "x-version", "value": version}}],
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [bootstrap.to("one")]}]})

    def start(self):
        config = bootstrap.of([], [bootstrap.cluster("plane", self.plane.port)])
        config["node"] = {"id": "rest-1", "cluster": "test"}
        config["dynamic_resources"] = {"lds_config": self.source, "cds_config": self.source}
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        return running

    def get(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=wire.PATIENCE_S)
        try:
            connection.request("GET", "/")
            response = connection.getresponse()
            return response.status, response.read().decode(), response.getheader("x-version")
        finally:
            connection.close()

    def test_everything_comes_and_changes(self):
        self.serve_world("1")
        running = self.start()
        self.assertEqual(self.get(), (200, "origin", "1"))
        headers, request = self.plane.requests["routes"][0]
        self.assertEqual(request["resource_names"], ["routes"])
        self.assertEqual(request["node"]["id"], "rest-1")
        self.assertEqual({k.lower(): v for k, v in headers.items()}["content-type"], "application/json")
        self.serve_routes("2")
        running.wait(lambda: self.get()[2] == "2")
        running.wait(lambda: self.plane.requests["routes"][-1][1].get("version_info") == "2")
        self.assertNotIn("resource_names", self.plane.requests["clusters"][0][1])

    def test_bad_answers_change_nothing(self):
        self.serve_world("1")
        running = self.start()
        for answer in (500, 304, "no JSON", json.dumps({"resources": [{"@type": "nonsense"}]}),
                       json.dumps({"unknown_field": 1})):
            self.plane.responses["clusters"] = answer
            asked = len(self.plane.requests["clusters"])
            running.wait(lambda: len(self.plane.requests["clusters"]) > asked + 1)
            self.assertEqual(self.get()[0], 200)
        self.assertGreater(running.stats()["cluster_manager.cds.update_failure"], 0)
        self.plane.serve("clusters", "gone")
        running.wait(lambda: self.get()[0] == 503)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    RestTest.binary = args.proxy
    report.main("xds_rest", args.cases)


if __name__ == "__main__":
    main()
