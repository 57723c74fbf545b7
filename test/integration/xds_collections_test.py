"""Names of the form xdstp://: glob collections, and control planes that are chosen by authority.

  xds_collections_test.py --proxy BINARY --xds-server BINARY [CASE...]
"""

import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import json  # noqa: E402

import bootstrap  # noqa: E402
import control_plane  # noqa: E402
import xds_case  # noqa: E402

CLUSTER = "envoy.config.cluster.v3.Cluster"
SCOPE = "envoy.config.route.v3.ScopedRouteConfiguration"
LISTENER = "envoy.config.listener.v3.Listener"
ENDPOINTS = "envoy.config.endpoint.v3.ClusterLoadAssignment"
CONTEXT = "?env=test&xds.node.id=test"


def name(kind, tail, authority="mesh.test"):
    return f"xdstp://{authority}/{kind}/{tail}"


def eds(label, assignment, **source):
    return xds_case.resource(CLUSTER, name=label, type="EDS", connect_timeout="5s", eds_cluster_config={
        "service_name": assignment, "eds_config": {"resource_api_version": "V3", **source}})


class XdsCollectionsTest(xds_case.XdsTest):
    def bootstrap(self, plane, **dynamic):
        fields = plane.bootstrap_fields("DELTA_GRPC")
        fields["dynamic_resources"].update({"cds_config": control_plane.ADS, "lds_config": control_plane.ADS, **dynamic})
        return {"admin": {"address": bootstrap.address(0)}, "node_context_params": ["id"], **fields}

    def cluster(self, tail):
        label = name(CLUSTER, tail)
        return {**xds_case.resource(CLUSTER), **bootstrap.cluster(label, self.origin.port)}

    def listener(self, tail, cluster):
        label = name(LISTENER, tail)
        return {**xds_case.resource(LISTENER), **bootstrap.listener(label, routes=[bootstrap.to(cluster)])}

    @staticmethod
    def names(running):
        return sorted({line.partition("::")[0] for line in running.admin("/clusters").splitlines()})

    def port(self, running, label):
        return running.wait(lambda: next(
            (int(line.rpartition(":")[2]) for line in running.admin("/listeners").splitlines()
             if line.startswith(label + "::")), 0))

    def test_collections_of_clusters_and_listeners(self):
        plane = self.start_control_plane()
        one, two = (name(CLUSTER, tail + CONTEXT) for tail in ("web/one", "web/two"))
        plane.serve("clusters", self.cluster("web/one" + CONTEXT), self.cluster("other/three" + CONTEXT),
                    self.cluster("web/four?env=test"))
        plane.serve("listeners", self.listener("main/l" + CONTEXT, one))
        # The order of what is written in a name means nothing; what the node says comes to it.
        running = self.start(self.bootstrap(
            plane, cds_resources_locator=name(CLUSTER, "web/*?env=test"),
            lds_resources_locator=name(LISTENER, "main/*?env=test")), ready=False)
        port = self.port(running, name(LISTENER, "main/l" + CONTEXT))
        self.assertEqual(self.names(running), [one])
        self.assertEqual(xds_case.ask(port)[0], 200)
        plane.serve("clusters", self.cluster("web/one" + CONTEXT), self.cluster("web/two" + CONTEXT))
        running.wait(lambda: self.names(running) == [one, two])
        plane.serve("listeners", self.listener("main/l" + CONTEXT, two))
        plane.serve("clusters", self.cluster("web/two" + CONTEXT))
        running.wait(lambda: self.names(running) == [two])
        self.assertEqual(xds_case.ask(port)[0], 200)

    def scoped_listener(self, locator):
        """Scopes of a collection; those of ADS at large, which there are too, are for others."""
        builder = {"fragments": [{"header_value_extractor": {"name": "x-area", "index": 0}}]}
        scoped = {"name": "areas", "scope_key_builder": builder, "rds_config_source": control_plane.ADS, "scoped_rds": {
            "scoped_rds_config_source": control_plane.ADS, "srds_resources_locator": locator}}
        listener = bootstrap.listener("main", manager={"scoped_routes": scoped})
        del listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]
        return {**xds_case.resource(LISTENER), **listener}

    @staticmethod
    def scope(label, key, routes):
        return xds_case.resource(SCOPE, name=label, route_configuration_name=routes,
                                 key={"fragments": [{"string_key": key}]})

    def test_collections_of_scopes(self):
        plane = self.start_control_plane()
        for label in ("first", "second"):
            plane.serve(label, xds_case.resource("envoy.config.route.v3.RouteConfiguration", name=label, virtual_hosts=[
                {"name": "all", "domains": ["*"], "routes": [bootstrap.direct({"prefix": "/"}, label)]}]))
        north, south = (name(SCOPE, tail + CONTEXT) for tail in ("web/north", "web/south"))
        plane.serve("scopes", self.scope(north, "n", "first"), self.scope(name(SCOPE, "other/east" + CONTEXT), "e", "first"),
                    self.scope("plain", "p", "first"))
        plane.serve("listeners", self.scoped_listener(name(SCOPE, "web/*?env=test")))
        running = self.start(self.bootstrap(plane))

        def ask(area):
            return xds_case.ask(running.port, headers={"x-area": area})

        self.assertEqual(ask("n"), (200, "first"))
        self.assertEqual([ask(area)[0] for area in "epx"], [404, 404, 404])
        plane.serve("scopes", self.scope(south, "s", "second"))
        running.wait(lambda: ask("s") == (200, "second"))
        running.wait(lambda: ask("n")[0] == 404)
        plane.serve("listeners", self.scoped_listener(name(SCOPE, "web")))
        running.wait(lambda: "list collections come from files" in running.admin("/v3/discovery:client_status", "POST"))
        self.assertEqual(ask("s"), (200, "second"))

    @staticmethod
    def collection(version, *resources):
        return json.dumps({"version": version, "resource": {
            "@type": bootstrap.TYPE + LISTENER + "Collection", "entries": [
                {"inline_entry": {"name": one["name"], "version": version, "resource": one}} for one in resources]}})

    def test_list_collections_in_files(self):
        """Both in files, and no config source: what Envoy does with listeners, and with clusters in this collection."""
        folder = pathlib.Path(self.folder())
        first, second = ({**xds_case.resource(CLUSTER), **bootstrap.cluster(label, self.origin.port)}
                         for label in ("first", "second"))
        listener = {**xds_case.resource(LISTENER), **bootstrap.listener("main", routes=[bootstrap.to("first")])}
        clusters, listeners = folder / "the clusters.json", folder / "listeners.json"
        xds_case.place(str(clusters), self.collection("c1", first))
        xds_case.place(str(listeners), self.collection("l1", listener))
        running = self.start({"admin": {"address": bootstrap.address(0)}, "dynamic_resources": {
            "cds_resources_locator": f"file://{folder}/the%20clusters.json",
            "lds_resources_locator": f"file://{listeners}"}})
        self.assertEqual(xds_case.ask(running.port)[0], 200)
        stats = running.stats()
        self.assertEqual([stats[f"{kind}.update_success"] for kind in ("cluster_manager.cds", "listener_manager.lds")], [1, 1])
        xds_case.place(str(clusters), self.collection("c2", second))
        running.wait(lambda: self.names(running) == ["second"])
        xds_case.place(str(listeners), self.collection("l2", {**listener, "name": ""}))
        running.wait(lambda: running.stats()["listener_manager.lds.update_rejected"] == 1)
        xds_case.place(str(listeners), self.collection("l3", {
            **xds_case.resource(LISTENER), **bootstrap.listener("main", routes=[bootstrap.to("second")])}))
        running.wait(lambda: xds_case.ask(running.port)[0] == 200)
        dumped = xds_case.dump(running, "ListenersConfigDump")[0]
        self.assertEqual(dumped["dynamic_listeners"][0]["active_state"]["version_info"], "l3")

    def test_names_are_one_however_they_are_written(self):
        plane = self.start_control_plane()
        asked, sent = (name(ENDPOINTS, "web" + context) for context in ("?b=2&a=1", "?a=1&b=2"))
        plane.serve("clusters", eds("web", asked, ads={}))
        plane.serve("endpoints", xds_case.resource(
            ENDPOINTS, **{**bootstrap.cluster("x", self.origin.port)["load_assignment"], "cluster_name": sent}))
        plane.serve("listeners", {**xds_case.resource(LISTENER), **bootstrap.listener("main", routes=[bootstrap.to("web")])})
        running = self.start(self.bootstrap(plane))
        self.assertEqual(xds_case.ask(running.port)[0], 200)

    def test_the_authority_chooses_the_control_plane(self):
        plane, elsewhere, rest = (self.start_control_plane() for _ in range(3))
        source = {"resource_api_version": "V3"}
        labels = {"a": name(ENDPOINTS, "a", "elsewhere.test"), "b": name(ENDPOINTS, "b", "unknown.test"), "c": "plain"}
        plane.serve("clusters", *[eds(label, assignment, ads={}) for label, assignment in labels.items()])
        for server, label in ((elsewhere, "a"), (rest, "b"), (plane, "c")):
            server.serve("endpoints", xds_case.resource(ENDPOINTS, **{
                **bootstrap.cluster("x", self.origin.port)["load_assignment"], "cluster_name": labels[label]}))
        routes = [{"match": {"prefix": "/" + label}, "route": {"cluster": label}} for label in labels]
        plane.serve("listeners", {**xds_case.resource(LISTENER), **bootstrap.listener("main", routes=routes)})
        config = self.bootstrap(plane)
        config["config_sources"] = [{**source, "authorities": [{"name": "elsewhere.test"}],
                                     "api_config_source": elsewhere.api("AGGREGATED_DELTA_GRPC")}]
        config["default_config_source"] = {**source, "api_config_source": rest.api("AGGREGATED_GRPC")}
        running = self.start(config)
        self.assertEqual([xds_case.ask(running.port, "/" + label)[0] for label in labels], [200, 200, 200])
        # Without the default nobody is for that name.
        del config["default_config_source"]
        plane.serve("listeners", {**xds_case.resource(LISTENER), **bootstrap.listener("main", routes=[routes[0], routes[2]])})
        running = self.start(config)
        self.assertEqual([xds_case.ask(running.port, "/" + label)[0] for label in labels], [200, 404, 200])
        refused = running.admin("/v3/discovery:client_status", "POST")
        self.assertIn("no config source is for the authority of " + labels["b"], refused)

    def refusal(self, config):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as out:
            json.dump(config, out)
            out.flush()
            done = subprocess.run([self.binary, "-c", out.name, "--mode", "validate"], capture_output=True, check=False)
        self.assertEqual(done.returncode, 1)
        return (done.stdout + done.stderr).decode()

    def test_what_is_refused(self):
        plane = self.start_control_plane()
        for locator, problem in {
                "https://mesh.test/clusters": "expected xdstp://AUTHORITY/TYPE/ID/*",
                "file://host/clusters": "expected file:///PATH",
                "file:///clusters#entry=x": "expected file:///PATH",
                name(CLUSTER, "web"): "list collections come from files",
                name(LISTENER, "web/*"): "expected resources of envoy.config.cluster.v3.Cluster",
                name(CLUSTER, "web/*#alt=x"): "directives (after #) are not implemented"}.items():
            words = self.refusal(self.bootstrap(plane, cds_resources_locator=locator))
            self.assertIn("dynamic_resources.cds_resources_locator: ", words)
            self.assertIn(problem, words)
        config = self.bootstrap(plane, cds_resources_locator=name(CLUSTER, "web/*"))
        config["dynamic_resources"]["ads_config"]["api_type"] = "GRPC"
        self.assertIn("collections need cds_config with the delta protocol", self.refusal(config))
        self.assertIn("dynamic_resources.cds_config: has no effect beside a locator of a file",
                      self.refusal(self.bootstrap(plane, cds_resources_locator="file:///clusters")))
        config = self.bootstrap(plane)
        config["config_sources"] = [{"api_config_source": plane.api("DELTA_GRPC"), "resource_api_version": "V3"}]
        words = self.refusal(config)
        self.assertIn("config_sources[0].authorities: must not be empty", words)
        self.assertIn("config_sources[0]: expected api_config_source of api_type AGGREGATED_GRPC", words)
        config = {**self.bootstrap(plane), "node_context_params": ["shoe_size"]}
        self.assertIn("node_context_params[0]: value shoe_size", self.refusal(config))


if __name__ == "__main__":
    xds_case.main("xds_collections")
