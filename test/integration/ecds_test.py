"""Filters that come by themselves (ECDS): waited for, exchanged under a listener, refused.

  ecds_test.py --proxy BINARY --xds-server BINARY [CASE...]
"""

import http.client
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import control_plane  # noqa: E402
import wire  # noqa: E402
import xds_case  # noqa: E402

BUFFER = bootstrap.TYPE + "envoy.extensions.filters.http.buffer.v3.Buffer"
CORS = bootstrap.TYPE + "envoy.extensions.filters.http.cors.v3.Cors"
ROUTER = {"name": "envoy.filters.http.router", "typed_config": {"@type": bootstrap.ROUTER}}


def extension(size=None, name="limit", **config):
    return xds_case.resource("envoy.config.core.v3.TypedExtensionConfig", name=name,
                             typed_config=config or {"@type": BUFFER, "max_request_bytes": size})


class EcdsTest(xds_case.XdsTest):
    def config(self, plane, **more):
        discovered = {"name": "limit", "config_discovery": {
            "config_source": {**control_plane.ADS, "initial_fetch_timeout": "30s"}, "type_urls": [BUFFER], **more}}
        return {**bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", self.origin.port)],
                                      manager={"http_filters": [discovered, ROUTER]}), **plane.bootstrap_fields()}

    def post(self, running, size, connection=None):
        connection = connection or http.client.HTTPConnection("127.0.0.1", running.port, timeout=wire.PATIENCE_S)
        connection.request("POST", "/", body=b"x" * size)
        response = connection.getresponse()
        response.read()
        return response.status

    def stats(self, running):
        prefix = "extension_config_discovery.http_filter.limit."
        return {name.removeprefix(prefix): value for name, value in running.stats().items() if name.startswith(prefix)}

    def test_waited_for_and_exchanged(self):
        plane = self.start_control_plane()
        running = self.start(self.config(plane), ready=False)
        running.wait(lambda: running.stats().get("control_plane.connected_state") == 1)
        self.assertFalse(running.admin("/ready").startswith("LIVE"))
        plane.serve("filters", extension(10))
        running.wait_ready()
        kept = http.client.HTTPConnection("127.0.0.1", running.port, timeout=wire.PATIENCE_S)
        self.assertEqual((self.post(running, 10, kept), self.post(running, 11)), (200, 413))
        before = running.stats()
        plane.serve("filters", extension(20))
        running.wait(lambda: self.post(running, 20) == 200)
        self.assertEqual(self.post(running, 21), 413)
        # Neither the listener nor its connections noticed.
        self.assertEqual(self.post(running, 20, kept), 200)
        after = running.stats()
        for name in ("listener_manager.listener_create_success", "listener_manager.listener_modified"):
            self.assertEqual(after[name], before[name], name)
        self.assertEqual(self.stats(running)["config_reload"], 2)

    def test_refused(self):
        plane = self.start_control_plane()
        plane.serve("filters", extension(10))
        running = self.start(self.config(plane))
        plane.serve("filters", extension(**{"@type": CORS}))
        running.wait(lambda: self.stats(running)["update_rejected"] >= 1)
        self.assertEqual((self.post(running, 10), self.post(running, 11)), (200, 413))
        entry, = xds_case.dump(running, "EcdsConfigDump")[0]["ecds_filters"]
        self.assertEqual(entry["ecds_filter"]["typed_config"]["max_request_bytes"], 10)
        self.assertIn("cors.v3.Cors", entry["error_state"]["details"])
        self.assertGreaterEqual(self.stats(running)["config_fail"], 1)
        plane.serve("filters", extension(30))
        running.wait(lambda: self.post(running, 30) == 200)
        entry, = xds_case.dump(running, "EcdsConfigDump")[0]["ecds_filters"]
        self.assertNotIn("error_state", entry)

    def test_default_at_once(self):
        plane = self.start_control_plane()
        running = self.start(self.config(plane, apply_default_config_without_warming=True,
                                         default_config={"@type": BUFFER, "max_request_bytes": 5}))
        self.assertEqual((self.post(running, 5), self.post(running, 6)), (200, 413))
        plane.serve("filters", extension(10))
        running.wait(lambda: self.post(running, 6) == 200)

    def test_nothing_came(self):
        plane = self.start_control_plane()
        running = self.start(self.config(plane, config_source={**control_plane.ADS, "initial_fetch_timeout": "0.2s"}))
        self.assertEqual(self.post(running, 1), 500)
        plane.serve("filters", extension(10))
        running.wait(lambda: self.post(running, 10) == 200)


if __name__ == "__main__":
    xds_case.main("ecds")
