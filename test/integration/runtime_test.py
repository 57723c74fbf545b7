"""The runtime of the real binary: each kind of layer, and who asks it.

  runtime_test.py --proxy BINARY --xds-server BINARY [CASE...]
"""

import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import control_plane  # noqa: E402
import tcp  # noqa: E402
import xds_case  # noqa: E402

RUNTIME = "envoy.service.runtime.v3.Runtime"


def switched(key, path="/"):
    """Answers "on" for that share of requests, none by default, and else "off"."""
    fraction = {"default_value": {"numerator": 0}, "runtime_key": key}
    return [bootstrap.direct({"prefix": path, "runtime_fraction": fraction}, "on"),
            bootstrap.direct({"prefix": path}, "off")]


class RuntimeTest(xds_case.XdsTest):
    def config(self, *layers, routes=None, **more):
        clusters = [bootstrap.cluster("origin", self.origin.port)]
        return {**bootstrap.bootstrap(routes=routes or switched("key"), clusters=clusters, **more),
                "layered_runtime": {"layers": list(layers)}}

    @staticmethod
    def runtime(running):
        """Values of each key by layer, and what is in force."""
        page = json.loads(running.admin("/runtime"))
        return page["layers"], {key: entry["layer_values"] + [entry["final_value"]]
                                for key, entry in page["entries"].items()}

    def modify(self, running, query):
        return xds_case.ask(running.admin_port, "/runtime_modify" + query, method="POST")

    def runtime_stats(self, running):
        return {name[8:]: value for name, value in running.stats().items() if name.startswith("runtime.")}

    def test_static_and_admin_layers(self):
        running = self.start(self.config(
            {"name": "base", "static_layer": {
                "key": 100, "envoy": {"reloadable_features": {"anything": False}}, "a": {"b": "text"}}},
            {"name": "people", "admin_layer": {}}))
        self.assertEqual(self.runtime(running), (["base", "people"], {
            "key": ["100", "", "100"], "a.b": ["text", "", "text"],
            "envoy.reloadable_features.anything": ["false", "", "false"]}))
        self.assertEqual(xds_case.body(running.port), "on")
        self.assertEqual(self.modify(running, "?key=0&a.b=%7Bnumerator:%203%7D"), (200, "OK\n"))
        running.wait(lambda: xds_case.body(running.port) == "off")
        self.assertEqual(self.runtime(running)[1]["a.b"], ["text", "{numerator: 3}", "{numerator: 3}"])
        self.assertEqual({name: self.runtime_stats(running)[name]
                          for name in ("admin_overrides_active", "num_keys", "num_layers", "num_ignored_keys", "load_error")},
                         {"admin_overrides_active": 1, "num_keys": 3, "num_layers": 2, "num_ignored_keys": 1, "load_error": 0})
        self.modify(running, "?key=&a.b=")
        running.wait(lambda: xds_case.body(running.port) == "on")
        self.assertEqual(self.runtime_stats(running)["admin_overrides_active"], 0)
        self.assertEqual(self.modify(running, "")[0], 400)
        self.assertEqual(xds_case.ask(running.admin_port, "/runtime_modify?key=0")[0], 405)
        self.assertEqual(xds_case.body(running.port), "on")

    def test_without_layers(self):
        running = self.start(self.config())
        self.assertEqual(self.runtime(running), ([], {}))
        self.assertEqual(self.modify(running, "?key=100"), (503, "No admin layer specified"))
        self.assertEqual(xds_case.body(running.port), "off")

    def test_disk_layers(self):
        root = self.folder()

        def write(path, text):
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            xds_case.place(os.path.join(root, path), text)

        def exchange(folder):
            os.symlink(folder, os.path.join(root, "new"))
            os.rename(os.path.join(root, "new"), os.path.join(root, "current"))

        write("one/app/key", "# all of them\n100\n")
        write("one/app/deep/er", "numerator: 5\ndenominator: TEN_THOUSAND\n")
        write("two/app/key", "0")
        write("two/override/us/key", "100")
        write("three/app/large", "x" * 100000)
        exchange("one")
        link = os.path.join(root, "current")
        running = self.start({**self.config(
            {"name": "files", "disk_layer": {"symlink_root": link, "subdirectory": "app"}},
            {"name": "ours", "disk_layer": {"symlink_root": link, "subdirectory": "override", "append_service_cluster": True}}),
            "node": {"id": "n", "cluster": "us"}})
        self.assertEqual(xds_case.body(running.port), "on")
        self.assertEqual(self.runtime(running), (["files"], {
            "key": ["100", "100"], "deep.er": ["numerator: 5\ndenominator: TEN_THOUSAND"] * 2}))
        exchange("two")
        running.wait(lambda: self.runtime(running) == (["files", "ours"], {"key": ["0", "100", "100"]}))
        self.assertEqual(xds_case.body(running.port), "on")
        stats = self.runtime_stats(running)
        self.assertEqual((stats["load_error"], stats["override_dir_exists"], stats["override_dir_not_exists"]), (0, 1, 1))
        exchange("three")
        running.wait(lambda: self.runtime_stats(running)["load_error"] == 1)
        # What could not be read stays as it was; what is gone is gone.
        running.wait(lambda: self.runtime(running) == (["files"], {"key": ["0", "0"]}))
        running.wait(lambda: xds_case.body(running.port) == "off")

    def test_discovered_layer(self):
        plane = self.start_control_plane()
        config = {**self.config({"name": "first", "static_layer": {"key": 100}},
                                {"name": "told", "rtds_layer": {"name": "ours", "rtds_config": control_plane.ADS}}),
                  **plane.bootstrap_fields()}
        running = self.start(config, ready=False)
        running.wait(lambda: running.stats().get("control_plane.connected_state") == 1)
        # No listener is opened before the layer is there.
        self.assertFalse(running.admin("/ready").startswith("LIVE"))
        plane.serve("runtime", xds_case.resource(RUNTIME, name="ours", layer={"key": 0}))
        running.wait_ready()
        self.assertEqual(xds_case.body(running.port), "off")
        plane.serve("runtime", xds_case.resource(RUNTIME, name="ours", layer={"key": {"numerator": 100}}))
        running.wait(lambda: xds_case.body(running.port) == "on")
        bad = {"list": [1], "key": 0}
        plane.serve("runtime", xds_case.resource(RUNTIME, name="ours", layer=bad))
        running.wait(lambda: self.runtime_stats(running)["update_rejected"] >= 1)
        self.assertEqual(xds_case.body(running.port), "on")

    def test_who_asks(self):
        """Weights of clusters, filters of access logs, the limit of connections."""
        log = os.path.join(self.folder(), "access.log")
        weights = {"weighted_clusters": {"runtime_key_prefix": "split", "clusters": [
            {"name": "origin", "weight": 1}, {"name": "nobody", "weight": 0}]}}
        manager = {"access_log": [{"name": "file", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": log,
            "log_format": {"text_format_source": {"inline_string": "%REQ(:PATH)%\n"}}},
            "filter": {"status_code_filter": {"comparison": {"op": "GE", "value": {"default_value": 500, "runtime_key": "log"}}}}}]}
        config = self.config({"name": "people", "admin_layer": {}},
                             routes=[{"match": {"prefix": "/"}, "route": weights}], manager=manager)
        config["static_resources"]["clusters"].append(bootstrap.cluster("nobody"))
        running = self.start(config)
        self.assertEqual(xds_case.ask(running.port, "/first")[0], 200)
        self.modify(running, "?split.origin=0&split.nobody=7")
        running.wait(lambda: xds_case.ask(running.port, "/second")[0] == 503)
        self.modify(running, "?split.origin=&split.nobody=&log=200")
        running.wait(lambda: xds_case.ask(running.port, "/third")[0] == 200)
        running.wait(lambda: "/third" in open(log, encoding="ascii").read())
        with open(log, encoding="ascii") as lines:
            self.assertEqual(sorted(set(lines.read().split())), ["/second", "/third"])
        self.modify(running, "?overload.global_downstream_max_connections=0")
        running.wait(lambda: self.refused(running.port))

    def test_maintenance(self):
        """Of one cluster, in percent."""
        running = self.start(self.config({"name": "people", "admin_layer": {}}, routes=[bootstrap.to()]))
        self.modify(running, "?upstream.maintenance_mode.other=100")
        self.assertEqual(xds_case.ask(running.port)[0], 200)
        self.modify(running, "?upstream.maintenance_mode.origin=100")
        running.wait(lambda: xds_case.ask(running.port) == (503, "maintenance mode"))
        self.assertEqual(xds_case.ask(running.port, headers={"content-type": "application/grpc"})[0], 200)
        self.modify(running, "?upstream.maintenance_mode.origin=0")
        running.wait(lambda: xds_case.ask(running.port)[0] == 200)

    def test_limits_of_a_listeners_connections(self):
        limit = "envoy.resource_limits.listener.main.connection_limit"
        running = self.start(self.config(
            {"name": "base", "static_layer": {"envoy": {"resource_limits": {"listener": {"main": {"connection_limit": 2}}}}}},
            {"name": "people", "admin_layer": {}}), concurrency=2)
        name = "listener.127.0.0.1_0."

        def held(count):
            """Connections that the proxy has taken in."""
            socks = [tcp.connect(running.port) for _ in range(count)]
            for sock in socks:
                self.addCleanup(sock.close)
            running.wait(lambda: running.stats()[name + "downstream_cx_active"] == count)
            return socks

        first, second = held(2)
        self.assertTrue(self.refused(running.port))
        self.assertEqual(running.stats()[name + "downstream_cx_overflow"], 1)
        # What was refused is not counted, and what went makes room.
        first.close()
        running.wait(lambda: running.stats()[name + "downstream_cx_active"] == 1)
        self.assertEqual(xds_case.body(running.port), "off")
        # It counts for the process neither: refusals give back what they took.
        self.modify(running, f"?{limit}=0")
        running.wait(lambda: self.refused(running.port))
        self.modify(running, f"?{limit}=")
        running.wait(lambda: not self.refused(running.port))
        second.close()
        running.wait(lambda: running.stats()["server.total_connections"] == 0)
        self.assertEqual(running.stats()[name + "downstream_global_cx_overflow"], 0)

    @staticmethod
    def refused(port):
        try:
            xds_case.ask(port)
            return False
        except OSError:
            return True


if __name__ == "__main__":
    xds_case.main("runtime")
