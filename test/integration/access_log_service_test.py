"""Access logs that go to a service on grpc-go, on the real binary.

  access_log_service_test.py --proxy BINARY --services BINARY [CASE...]
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import filter_services  # noqa: E402
import tcp  # noqa: E402
import wire  # noqa: E402
from filter_services import CLUSTER  # noqa: E402

ALS = bootstrap.TYPE + "envoy.extensions.access_loggers.grpc.v3."


def access_log(kind, common=None, **fields):
    return {"name": "als", "typed_config": {"@type": ALS + kind, "common_config": {
        "log_name": "edge", "grpc_service": CLUSTER, "transport_api_version": "V3",
        "buffer_flush_interval": "0.05s", **(common or {})}, **fields}}


class AccessLogServiceTest(filter_services.ServicesTest):
    def entries(self, count, kind="http_logs"):
        """So many entries, of as many messages as they came in."""
        entries = []
        while len(entries) < count:
            entries += self.services.wait_message("log")[kind]["log_entry"]
        return entries

    def test_entries_of_requests(self):
        log = access_log("HttpGrpcAccessLogConfig", additional_request_headers_to_log=["x-tenant"],
                         additional_response_headers_to_log=["content-type"])
        running = self.start(manager={"access_log": [log]})
        self.assertEqual(self.ask(running, "X-Tenant: a", "User-Agent: test", path="/p?q")["status"], 200)
        path, _, _ = self.services.wait("called").partition(" ")
        self.assertEqual(path, "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs")
        message = self.services.wait_message("log")
        self.assertEqual(message["identifier"]["log_name"], "edge")
        [entry] = message["http_logs"]["log_entry"]
        self.assertEqual(entry["protocol_version"], "HTTP11")
        request, response, common = entry["request"], entry["response"], entry["common_properties"]
        self.assertEqual((request["request_method"], request["path"], request["authority"], request["user_agent"]),
                         ("GET", "/p?q", "h", "test"))
        self.assertEqual(request["request_headers"], {"x-tenant": "a"})
        self.assertEqual((response["response_code"], response["response_body_bytes"]), (200, "6"))
        self.assertEqual(response["response_headers"], {"content-type": "text/plain"})
        self.assertEqual((common["upstream_cluster"], common["upstream_remote_address"]["socket_address"]["port_value"]),
                         ("origin", self.origin.port))
        self.assertEqual(common["downstream_direct_remote_address"]["socket_address"]["address"], "127.0.0.1")

    def test_entries_of_what_failed(self):
        port, held = tcp.closed_port()
        self.addCleanup(held.close)
        running = self.start(manager={"access_log": [access_log("HttpGrpcAccessLogConfig")]},
                             clusters=[bootstrap.cluster("origin", port)])
        self.assertEqual(self.ask(running)["status"], 503)
        [entry] = self.entries(1)
        self.assertEqual(entry["response"]["response_code"], 503)
        self.assertTrue(entry["common_properties"]["response_flags"]["upstream_connection_failure"])

    def test_one_connection_for_all_and_a_new_one_after_it_broke(self):
        log = access_log("HttpGrpcAccessLogConfig", {"grpc_stream_retry_policy": {"retry_back_off": {
            "base_interval": "0.01s", "max_interval": "0.05s"}}})
        running = self.start(manager={"access_log": [log]})
        paths = [f"/{number}" for number in range(50)]
        with wire.connect(running.port) as sock:
            reader = wire.Reader(sock)
            for path in paths:
                self.send(sock, path=path)
                self.assertEqual(reader.response("GET")["status"], 200)
        # Messages on streams of their own may overtake each other.
        self.assertEqual(sorted(entry["request"]["path"] for entry in self.entries(len(paths))), sorted(paths))
        self.assertEqual(running.stats()["cluster.services.upstream_cx_total"], 1)
        self.services.kill()
        for _ in range(5):  # Nobody waits for a log.
            self.assertEqual(self.ask(running, path="/lost")["status"], 200)
        self.restart_services()

        def logged():
            self.assertEqual(self.ask(running, path="/again")["status"], 200)
            return any(word.startswith("log ") and "/again" in word for word in list(self.services.lines.queue))

        running.wait(logged)
        self.assertEqual(json.loads(self.services.wait("log"))["identifier"]["log_name"], "edge")

    def test_entries_of_connections(self):
        echo = tcp.Origin(tcp.echo)
        self.addCleanup(echo.close)
        proxy_filter = tcp.tcp_proxy()
        proxy_filter["typed_config"]["access_log"] = [access_log("TcpGrpcAccessLogConfig")]
        running = self.start(clusters=[bootstrap.cluster("origin", echo.port)], listeners=[tcp.listener(proxy_filter)])
        with tcp.connect(running.port) as sock:
            sock.sendall(b"ping")
            self.assertEqual(tcp.exactly(sock, 4), b"ping")
        [entry] = self.entries(1, "tcp_logs")
        self.assertEqual((entry["connection_properties"]["received_bytes"], entry["connection_properties"]["sent_bytes"]), ("4", "4"))
        self.assertEqual(entry["common_properties"]["upstream_cluster"], "origin")


if __name__ == "__main__":
    filter_services.main("access_log_service")
