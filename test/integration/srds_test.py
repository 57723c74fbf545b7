"""Scoped routes: listed in a listener, and by discovery (SRDS).

  srds_test.py --proxy BINARY --xds-server BINARY [CASE...]
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import control_plane  # noqa: E402
import xds_case  # noqa: E402

SCOPE = "envoy.config.route.v3.ScopedRouteConfiguration"
ROUTES = "envoy.config.route.v3.RouteConfiguration"


def scope(name, key, routes):
    return {"name": name, "route_configuration_name": routes, "key": {"fragments": [{"string_key": part} for part in key]}}


def routes(name, text=None):
    hosts = [{"name": "all", "domains": ["*"], "routes": [bootstrap.direct({"prefix": "/"}, text or name)]}]
    return xds_case.resource(ROUTES, name=name, virtual_hosts=hosts)


class SrdsTest(xds_case.XdsTest):
    def config(self, plane, **specifier):
        builder = {"fragments": [
            {"header_value_extractor": {"name": "x-area", "element_separator": ";", "element": {"separator": "=", "key": "area"}}},
            {"header_value_extractor": {"name": "x-kind", "element_separator": ",", "index": 1}}]}
        manager = {"route_config": None, "scoped_routes": {
            "name": "areas", "scope_key_builder": builder, "rds_config_source": control_plane.ADS, **specifier}}
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", self.origin.port)], manager=manager)
        del config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]
        return {**config, **plane.bootstrap_fields()}

    def ask(self, running, area, kind):
        return xds_case.ask(running.port, headers={"x-area": f"zone=9;area={area}", "x-kind": f"any,{kind}"})

    def stats(self, running):
        prefix = "http.main.scoped_rds.areas."
        return {name.removeprefix(prefix): value for name, value in running.stats().items() if name.startswith(prefix)}

    def test_listed(self):
        plane = self.start_control_plane()
        listed = [scope("north", ("n", "a"), "first"), scope("south", ("s", "a"), "second"), scope("west", ("w", "a"), "first")]
        config = self.config(plane, scoped_route_configurations_list={"scoped_route_configurations": listed})
        running = self.start(config, ready=False)
        plane.serve("routes", routes("first"), routes("second"))
        running.wait_ready()
        self.assertEqual([self.ask(running, area, "a") for area in "nsw"], [(200, "first"), (200, "second"), (200, "first")])
        self.assertEqual([self.ask(running, *key)[0] for key in (("x", "a"), ("n", "b"))], [404, 404])
        self.assertEqual(xds_case.ask(running.port)[0], 404)
        inline, = xds_case.dump(running, "ScopedRoutesConfigDump")[0]["inline_scoped_route_configs"]
        self.assertEqual((inline["name"], [each["name"] for each in inline["scoped_route_configs"]]),
                         ("areas", ["north", "south", "west"]))

    def test_written_in_the_listener(self):
        plane = self.start_control_plane()
        written = {**scope("north", ("n", "a"), ""), "on_demand": True, "route_configuration": routes("own", "written")}
        del written["route_configuration_name"], written["route_configuration"]["@type"]
        running = self.start(self.config(plane, scoped_route_configurations_list={"scoped_route_configurations": [written]}))
        self.assertEqual(self.ask(running, "n", "a"), (200, "written"))
        self.assertEqual(self.ask(running, "s", "a")[0], 404)

    def test_discovered(self):
        plane = self.start_control_plane()
        config = self.config(plane, scoped_rds={"scoped_rds_config_source": control_plane.ADS})
        running = self.start(config, ready=False)
        running.wait(lambda: running.stats().get("control_plane.connected_state") == 1)
        self.assertFalse(running.admin("/ready").startswith("LIVE"))
        plane.serve("routes", routes("first"), routes("second"))
        plane.serve("scopes", xds_case.resource(SCOPE, **scope("north", ("n", "a"), "first")))
        running.wait_ready()
        self.assertEqual(self.ask(running, "n", "a"), (200, "first"))
        # Another table for a scope, whose routes come later: the one before serves until then.
        plane.serve("scopes", xds_case.resource(SCOPE, **scope("north", ("n", "a"), "third")),
                    xds_case.resource(SCOPE, **scope("south", ("s", "a"), "second")))
        running.wait(lambda: self.stats(running)["update_success"] >= 2)
        self.assertEqual(self.ask(running, "n", "a"), (200, "first"))
        plane.serve("routes", routes("first"), routes("second"), routes("third"))
        running.wait(lambda: self.ask(running, "n", "a") == (200, "third"))
        self.assertEqual(self.ask(running, "s", "a"), (200, "second"))
        self.assertEqual(self.stats(running)["active_scopes"], 2)
        # Two with one key: the second is refused, what was in force stays.
        plane.serve("scopes", xds_case.resource(SCOPE, **scope("north", ("n", "a"), "third")),
                    xds_case.resource(SCOPE, **scope("other", ("n", "a"), "second")))
        running.wait(lambda: self.stats(running)["update_rejected"] >= 1)
        running.wait(lambda: self.ask(running, "s", "a")[0] == 404)
        self.assertEqual(self.ask(running, "n", "a"), (200, "third"))
        dynamic, = xds_case.dump(running, "ScopedRoutesConfigDump")[0]["dynamic_scoped_route_configs"]
        self.assertEqual([each["name"] for each in dynamic["scoped_route_configs"]], ["north"])
        self.assertIn("is that of scope north too", dynamic["error_state"]["details"])


if __name__ == "__main__":
    xds_case.main("srds")
