"""The xDS stream over proxenos' own gRPC client (envoy_grpc), seen from the other end frame by frame: its request,
the PINGs that keep it, and what becomes of it when the other end falls silent.

  envoy_grpc_test.py --proxy BINARY [CASE...]
"""

import argparse
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import h2wire  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"


class ControlPlane(origin.Origin):
    """Takes streams and answers PINGs, and nothing else; each connection so many PINGs, then it falls silent."""

    def __init__(self, pings):
        self.pings = pings
        self.connections = []
        self.forever = threading.Event()
        super().__init__()

    def serve(self, sock):
        connection = h2wire.Connection(sock, server=True)
        connection.bytes(len(h2wire.PREFACE))
        connection.asked = 0
        with self.lock:
            self.connections.append(connection)
        while connection.asked < self.pings:
            frame = connection.read()
            if frame is None:
                return
            connection.asked += frame[0] == h2wire.PING and not frame[1] & h2wire.ACK
        self.forever.wait()


class KeepaliveTest(unittest.TestCase):
    binary = ""

    def start(self, control_plane, **keepalive):
        config = bootstrap.of([], [bootstrap.cluster("xds", control_plane.port, **bootstrap.http2(
            connection_keepalive=keepalive))])
        return self.subscribe(config)

    def subscribe(self, config, **service):
        config["node"] = {"id": "test", "cluster": "test"}
        config["dynamic_resources"] = {
            "cds_config": {"resource_api_version": "V3", "ads": {}},
            "ads_config": {"api_type": "GRPC", "transport_api_version": "V3", "grpc_services": [
                {"envoy_grpc": {"cluster_name": "xds", **service}}]}}
        running = proxy.Proxy(self.binary, config, ready=False)
        self.addCleanup(running.__exit__)
        return running

    def test_stream_is_kept_by_pings(self):
        control_plane = ControlPlane(pings=1000)
        running = self.start(control_plane, interval="0.05s", timeout="5s")
        first = running.wait(lambda: control_plane.connections and control_plane.connections[0])
        running.wait(lambda: first.asked >= 5 and first.message(1).body)
        fields = dict(first.message(1).headers)
        self.assertEqual((fields[":path"], fields[":method"], fields["content-type"], fields["te"]),
                         (METHOD, "POST", "application/grpc", "trailers"))
        self.assertFalse(first.message(1).ended)
        self.assertEqual(len(control_plane.connections), 1)
        self.assertEqual(running.stats().get("cluster.xds.http2.keepalive_timeout"), 0)

    def test_stream_waits_for_its_cluster_and_no_longer(self):
        """The cluster is there once its name is looked up: nobody waits for the pause after a failure."""
        control_plane = ControlPlane(pings=1000)
        cluster = bootstrap.cluster("xds", control_plane.port, type="STRICT_DNS", **bootstrap.http2())
        patient = {"retry_back_off": {"base_interval": "600s", "max_interval": "600s"}}
        running = self.subscribe(bootstrap.of([], [cluster]), retry_policy=patient)
        stream = running.wait(lambda: control_plane.connections and control_plane.connections[0])
        running.wait(lambda: stream.message(1).body)

    def test_silent_peer_is_left(self):
        """No PING is answered any more: the stream is opened anew, on another connection."""
        control_plane = ControlPlane(pings=3)
        running = self.start(control_plane, interval="0.05s", timeout="0.2s")
        running.wait(lambda: len(control_plane.connections) >= 2)
        second = control_plane.connections[1]
        running.wait(lambda: second.message(1).body)
        self.assertEqual(dict(second.message(1).headers)[":path"], METHOD)
        self.assertGreaterEqual(running.stats()["cluster.xds.http2.keepalive_timeout"], 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    KeepaliveTest.binary = args.proxy
    report.main("envoy_grpc", args.cases)
