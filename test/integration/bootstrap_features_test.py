"""What a bootstrap asks of the whole process: which stats there are and how their names come apart, the form of log
lines, what happens when memory runs short, requests that keep to their zone; and CONNECT that ends at the proxy.

  bootstrap_features_test.py --proxy BINARY [CASE...]
"""

import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import collectors  # noqa: E402
import h2wire  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import tcp  # noqa: E402
import wire  # noqa: E402

HEAP = "envoy.resource_monitors.fixed_heap"
FIXED_HEAP = bootstrap.TYPE + "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig"
ROUND_ROBIN = bootstrap.TYPE + "envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin"


class BootstrapFeaturesTest(unittest.TestCase):
    binary = ""

    def run_proxy(self, config, **more):
        running = proxy.Proxy(self.binary, config, **more)
        self.addCleanup(running.__exit__)
        return running

    def start(self, routes=None, clusters=None, **fields):
        routes = routes or [bootstrap.direct({"prefix": "/"}, "hello")]
        config = bootstrap.bootstrap(routes=routes, clusters=clusters or [bootstrap.cluster("origin", 1)])
        return self.run_proxy({**config, **fields})

    @staticmethod
    def ask(port, path="/"):
        with wire.connect(port) as sock:
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            return wire.Reader(sock).response("GET")

    def validate(self, config):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(config, file)
            file.flush()
            done = subprocess.run([self.binary, "--mode", "validate", "-c", file.name], capture_output=True, check=False)
        return done.returncode, (done.stdout + done.stderr).decode()

    # Threads.

    def expect_worker_cpus(self, concurrency, expected):
        """Waits until each worker may use these CPUs."""
        config = bootstrap.bootstrap(routes=[bootstrap.direct({"prefix": "/"}, "hello")],
                                     clusters=[bootstrap.cluster("origin", 1)])
        running = self.run_proxy({**config, "enable_worker_cpu_affinity": True}, concurrency=concurrency)

        def cpus():
            found = {}
            for task in pathlib.Path(f"/proc/{running.process.pid}/task").iterdir():
                name = (task / "comm").read_text().strip()
                if name.startswith(("worker_", "wrk:worker_")):
                    found[int(name.rpartition("_")[2])] = os.sched_getaffinity(int(task.name))
            return found
        running.wait(lambda: cpus() == expected)

    def test_workers_each_have_a_cpu(self):
        allowed = sorted(os.sched_getaffinity(0))
        count = min(len(allowed), 2)
        self.expect_worker_cpus(count, {at: {allowed[at]} for at in range(count)})

    def test_workers_that_are_too_many_share_all_cpus(self):
        allowed = os.sched_getaffinity(0)
        if len(allowed) > 16:
            self.skipTest("more workers than CPUs would be too many")
        self.expect_worker_cpus(len(allowed) + 1, {at: allowed for at in range(len(allowed) + 1)})

    def test_what_watches_threads(self):
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", 1)])
        late = {"miss_timeout": "0.1s", "megamiss_timeout": "1s", "kill_timeout": "0s", "multikill_timeout": "0s"}
        io_uring = {"name": "s", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.network.socket_interface.v3.DefaultSocketInterface",
            "io_uring_options": {}}}
        code, words = self.validate({
            **config, "watchdogs": {"main_thread_watchdog": late, "worker_watchdog": late},
            "bootstrap_extensions": [io_uring],
            "default_socket_interface": "envoy.extensions.network.socket_interface.default_socket_interface"})
        self.assertEqual(code, 0, words)
        for field, value in (("watchdog", {"kill_timeout": "1s"}), ("fatal_actions", [{"config": {"name": "x"}}]),
                             ("default_socket_interface", "other"),
                             ("watchdogs", {"worker_watchdog": {"multikill_timeout": "1s"}})):
            code, words = self.validate({**config, field: value})
            self.assertEqual(code, 1, field)
            self.assertIn(field, words)

    # Stats.

    def test_stats_that_the_matcher_leaves_out_do_not_exist(self):
        running = self.start(stats_config={"stats_matcher": {"inclusion_list": {"patterns": [
            {"prefix": "http.main"}, {"safe_regex": {"regex": "server\\.(live|uptime)"}}]}}})
        self.ask(running.port)
        names = set(running.stats())
        self.assertIn("http.main.downstream_rq_total", names)
        self.assertIn("server.live", names)
        self.assertFalse([name for name in names if not name.startswith(("http.main", "server.live", "server.uptime"))])
        self.assertNotIn("envoy_cluster_", running.admin("/stats/prometheus"))

    def test_no_stats_at_all(self):
        running = self.start(stats_config={"stats_matcher": {"reject_all": True}})
        self.assertEqual(running.stats(), {})

    def test_tags_of_the_configuration(self):
        running = self.start(routes=[bootstrap.to()], stats_config={"stats_tags": [
            {"tag_name": "kind", "regex": "^cluster\\..*upstream(_(cx|rq))_total$"},
            {"tag_name": "where", "fixed_value": "lab"}]})
        self.ask(running.port)
        page = running.admin("/stats/prometheus?filter=_total$")
        self.assertIn('# TYPE envoy_cluster_upstream_total counter\n'
                      'envoy_cluster_upstream_total{kind="cx",envoy_cluster_name="origin",where="lab"} 1\n', page)
        self.assertNotIn("envoy_cluster_upstream_cx_total", page)
        self.assertIn('envoy_http_downstream_rq_total{envoy_http_conn_manager_prefix="main",where="lab"} 1', page)

    def test_without_default_tags_names_stay_whole(self):
        running = self.start(stats_config={"use_all_default_tags": False})
        page = running.admin("/stats/prometheus?filter=membership_total$")
        self.assertIn("envoy_cluster_origin_membership_total{} 1", page)

    def test_buckets_of_the_configuration(self):
        host = origin.Origin()
        self.addCleanup(host.listener.close)
        running = self.start([bootstrap.to()], [bootstrap.cluster("origin", host.port)], stats_config={"histogram_bucket_settings": [
            {"match": {"suffix": "upstream_rq_time"}, "buckets": [600000, 1, 50]}, {"match": {"prefix": "cluster"}, "buckets": [7]}]})
        self.ask(running.port)
        page = running.admin("/stats/prometheus?filter=upstream_rq_time")
        self.assertEqual([line.split('le="')[1].split('"')[0] for line in page.splitlines() if "le=" in line],
                         ["1", "50", "600000", "+Inf"])
        self.assertIn("B1(", running.admin("/stats?histogram_buckets=cumulative&filter=cluster.origin.upstream_rq_time"))
        self.assertIn("B7(", running.admin("/stats?histogram_buckets=cumulative&filter=cluster.origin.upstream_cx_connect_ms"))

    def test_a_tag_that_cannot_be_is_refused(self):
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", 1)])
        code, words = self.validate({**config, "stats_config": {"stats_tags": [{"tag_name": "a", "regex": "(("}]}})
        self.assertEqual(code, 1)
        self.assertIn("stats_config.stats_tags[0].regex: is not RE2 syntax", words)

    def test_endpoints_and_sizes_are_counted_where_that_is_asked_for(self):
        host = origin.Origin()
        self.addCleanup(host.listener.close)
        port, keeper = tcp.closed_port()
        self.addCleanup(keeper.close)
        running = self.start(
            routes=[{"match": {"prefix": "/nobody"}, "route": {"cluster": "nobody"}}, bootstrap.to()],
            clusters=[bootstrap.cluster("origin", host.port, track_cluster_stats={
                "request_response_sizes": True, "per_endpoint_stats": True}),
                bootstrap.cluster("nobody", port, track_cluster_stats={"per_endpoint_stats": True})])
        self.assertEqual(self.ask(running.port)["status"], 200)
        self.assertEqual(self.ask(running.port, "/500")["status"], 500)
        self.assertEqual(self.ask(running.port, "/nobody")["status"], 503)
        stats = running.stats()
        prefix = f"cluster.origin.endpoint.127.0.0.1_{host.port}."
        expected = {"cx_total": 1, "cx_active": 1, "cx_connect_fail": 0, "rq_total": 2, "rq_active": 0, "rq_success": 1,
                    "rq_error": 1, "rq_timeout": 0}
        self.assertEqual({name: stats[prefix + name] for name in expected}, expected)
        prefix = f"cluster.nobody.endpoint.127.0.0.1_{port}."
        expected = {"cx_total": 1, "cx_active": 0, "cx_connect_fail": 1, "rq_total": 0, "rq_error": 1}
        self.assertEqual({name: stats[prefix + name] for name in expected}, expected)
        page = running.admin("/stats/prometheus?filter=size|endpoint")
        self.assertIn(f'envoy_cluster_endpoint_rq_total{{envoy_endpoint_address="127.0.0.1_{host.port}",'
                      'envoy_cluster_name="origin"} 2', page)
        self.assertIn('envoy_cluster_upstream_rs_body_size_sum{envoy_cluster_name="origin"} 6', page)
        self.assertIn('envoy_cluster_upstream_rq_headers_size_count{envoy_cluster_name="origin"} 2', page)

    # The process log.

    def test_log_lines_have_the_form_that_was_asked_for(self):
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", 1)])
        config["application_log_config"] = {"log_format": {"json_format": {"level": "%l", "what": "%j"}}}
        running = self.run_proxy(config, arguments=("--log-level", "info"))
        lines = running.wait(lambda: [line for line in running.words().splitlines() if "live with" in line])
        line = json.loads(lines[0])
        self.assertEqual(line["level"], "info")

    # Sinks.

    def test_stats_are_sent_to_a_collector(self):
        collector = collectors.GrpcCollector()
        self.addCleanup(collector.close)
        sink = {"name": "otlp", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig",
            "grpc_service": {"envoy_grpc": {"cluster_name": "collector"}}, "prefix": "edge"}}
        running = self.start(
            clusters=[bootstrap.cluster("collector", collector.port, **bootstrap.http2())],
            stats_sinks=[sink], stats_flush_interval="0.05s")
        self.ask(running.port)
        for _ in range(100):
            fields, message = collector.next()
            if b"edge.http.downstream_rq_total" in message:
                break
        self.assertEqual(fields[":path"], "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export")
        self.assertIn(b"envoy.http_conn_manager_prefix", message)
        self.assertIn(b"edge.server.live", message)

    def test_a_collector_that_is_not_there_is_refused(self):
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", 1)])
        code, words = self.validate({**config, "stats_sinks": [{"name": "otlp", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.stat_sinks.open_telemetry.v3.SinkConfig",
            "grpc_service": {"envoy_grpc": {"cluster_name": "nobody"}}}}]})
        self.assertEqual(code, 1)
        self.assertIn("stats_sinks[0].typed_config.grpc_service.envoy_grpc.cluster_name: value nobody", words)

    # Overload.

    def overload(self, action, **trigger):
        return {"refresh_interval": "0.05s", "resource_monitors": [
            {"name": HEAP, "typed_config": {"@type": FIXED_HEAP, "max_heap_size_bytes": 1}}],
            "actions": [{"name": "envoy.overload_actions." + action, "triggers": [
                {"name": HEAP, **(trigger or {"threshold": {"value": 0.9}})}]}]}

    def test_requests_are_refused_when_memory_is_short(self):
        running = self.start(overload_manager=self.overload("stop_accepting_requests"))
        answer = self.ask(running.port)
        self.assertEqual((answer["status"], answer["body"]), (503, "envoy overloaded"))
        stats = running.stats()
        self.assertEqual(stats["http.main.downstream_rq_overload_close"], 1)
        self.assertEqual(stats["overload.envoy.overload_actions.stop_accepting_requests.active"], 1)

    def test_the_processor_is_watched(self):
        cpu = "envoy.resource_monitors.cpu_utilization"
        kind = bootstrap.TYPE + "envoy.extensions.resource_monitors.cpu_utilization.v3.CpuUtilizationConfig"
        for mode in ("HOST", "CONTAINER"):
            running = self.start(overload_manager={
                "refresh_interval": "0.05s",
                "resource_monitors": [{"name": cpu, "typed_config": {"@type": kind, "mode": mode}}],
                "actions": [{"name": "envoy.overload_actions.stop_accepting_requests", "triggers": [
                    {"name": cpu, "threshold": {"value": 0}}]}]})
            self.assertEqual(self.ask(running.port)["status"], 503)
            self.assertIn(f"overload.{cpu}.pressure", running.stats())

    def test_connections_are_refused_when_memory_is_short(self):
        running = self.start(overload_manager=self.overload("reject_incoming_connections"))
        with wire.connect(running.port) as sock:
            self.assertIn(tcp.end_of(sock)[1], ("closed", "reset"))
        names = [name for name in running.stats() if name.endswith("downstream_cx_overload_reject")]
        self.assertEqual(len(names), 1)

    def test_connections_end_when_memory_is_short(self):
        running = self.start(overload_manager=self.overload("disable_http_keepalive"))
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            answer = wire.Reader(sock).response("GET")
        self.assertEqual(answer["status"], 200)
        self.assertIn(["connection", "close"], [list(field) for field in answer["headers"]])

    def test_nothing_is_accepted_while_memory_is_short(self):
        running = self.start(overload_manager=self.overload("stop_accepting_connections"))
        running.wait(lambda: running.stats().get(
            "overload.envoy.overload_actions.stop_accepting_connections.active") == 1)
        with socket.create_connection(("127.0.0.1", running.port)):
            self.assertEqual(running.stats().get("http.main.downstream_cx_active", 0), 0)

    def test_heap_is_given_back(self):
        running = self.start(overload_manager=self.overload("shrink_heap"))
        self.assertEqual(self.ask(running.port)["status"], 200)

    def test_a_heap_that_suffices_changes_nothing(self):
        manager = self.overload("stop_accepting_requests")
        manager["resource_monitors"][0]["typed_config"]["max_heap_size_bytes"] = 1 << 40
        self.assertEqual(self.ask(self.start(overload_manager=manager).port)["status"], 200)

    def test_a_trigger_without_its_monitor_is_refused(self):
        manager = self.overload("shrink_heap")
        manager["resource_monitors"][0]["name"] = "another"
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", 1)])
        code, words = self.validate({**config, "overload_manager": manager})
        self.assertEqual(code, 1)
        self.assertIn("overload_manager.actions[0].triggers[0].name", words)

    # Zones.

    def zones(self, near, far, local):
        """A cluster with one host here and one elsewhere; `local` says where proxies like this one are."""
        def endpoints(name, *places):
            return {"name": name, "connect_timeout": "5s", "load_assignment": {"cluster_name": name, "endpoints": [
                {"locality": {"zone": zone}, "lb_endpoints": [
                    {"endpoint": {"address": bootstrap.address(port)}} for port in ports]} for zone, ports in places]}}
        spread = {"policies": [{"typed_extension_config": {"name": "rr", "typed_config": {
            "@type": ROUND_ROBIN, "locality_lb_config": {"zone_aware_lb_config": {"min_cluster_size": "1"}}}}}]}
        clusters = [{**endpoints("origin", ("here", [near.port]), ("there", [far.port])),
                     "load_balancing_policy": spread}, endpoints("local", *local)]
        config = bootstrap.bootstrap(clusters=clusters)
        config["node"] = {"id": "n", "cluster": "local", "locality": {"zone": "here"}}
        config["cluster_manager"] = {"local_cluster_name": "local"}
        return self.run_proxy(config)

    def origins(self):
        pair = origin.Origin(), origin.Origin()
        for each in pair:
            self.addCleanup(each.listener.close)
        return pair

    def test_requests_stay_in_their_zone(self):
        near, far = self.origins()
        running = self.zones(near, far, [("here", [1]), ("there", [2])])
        for _ in range(20):
            self.assertEqual(self.ask(running.port)["status"], 200)
        self.assertEqual((len(near.seen), len(far.seen)), (20, 0))
        self.assertEqual(running.stats()["cluster.origin.lb_zone_routing_all_directly"], 20)

    def test_what_is_too_much_for_a_zone_goes_elsewhere(self):
        near, far = self.origins()
        # All proxies are here, half of the hosts are: half of the requests stay.
        running = self.zones(near, far, [("here", [1, 2])])
        for _ in range(60):
            self.assertEqual(self.ask(running.port)["status"], 200)
        stats = running.stats()
        self.assertEqual(stats["cluster.origin.lb_zone_routing_sampled"], len(near.seen))
        self.assertEqual(stats["cluster.origin.lb_zone_routing_cross_zone"], len(far.seen))
        self.assertGreater(len(near.seen), 5)
        self.assertGreater(len(far.seen), 5)

    def test_the_local_cluster_must_exist(self):
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", 1)])
        config["cluster_manager"] = {"local_cluster_name": "nobody"}
        code, words = self.validate(config)
        self.assertEqual(code, 1)
        self.assertIn("cluster_manager.local_cluster_name: value nobody", words)

    # Mirrors.

    def mirror(self, *policies, mirrored=None, **action):
        """An origin and what gets copies."""
        pair = self.origins()
        clusters = [bootstrap.cluster("origin", pair[0].port), bootstrap.cluster("copies", mirrored or pair[1].port)]
        running = self.run_proxy(bootstrap.bootstrap(
            routes=[bootstrap.to(request_mirror_policies=list(policies), **action)], clusters=clusters))
        return running, pair[0], pair[1]

    @staticmethod
    def send(port, text):
        with wire.connect(port) as sock:
            sock.sendall(text.encode())
            return wire.Reader(sock).response("POST")

    def test_copies_go_to_another_cluster(self):
        running, host, copies = self.mirror({"cluster": "copies"})
        answer = self.send(running.port, "POST /a?b HTTP/1.1\r\nHost: shop.example:80\r\nX-A: b\r\nContent-Length: 5\r\n"
                                         "\r\nhello")
        self.assertEqual(answer["status"], 200)
        copy = running.wait(lambda: copies.seen)[0]
        headers = dict(copy["headers"])
        self.assertEqual((copy["start"], headers["host"], headers["x-a"], headers["content-length"]),
                         ("POST /a?b HTTP/1.1", "shop.example-shadow:80", "b", "5"))
        running.wait(lambda: copy.get("body") == "hello")
        self.assertEqual(dict(host.seen[0]["headers"])["host"], "shop.example:80")

    def test_policies_of_copies_are_inherited(self):
        """A route's own, else its virtual host's, else the table's: they are not merged."""
        host, copies = self.origins()
        def copied_to(cluster):
            return {"request_mirror_policies": [{"cluster": cluster}]}
        hosts = [{"name": "own", "domains": ["own"], **copied_to("copies"), "routes": [
            {**bootstrap.to(**copied_to("origin")), "match": {"path": "/route"}}, bootstrap.to()]},
                 {"name": "none", "domains": ["*"], "routes": [bootstrap.to()]}]
        config = bootstrap.bootstrap(hosts=hosts, clusters=[
            bootstrap.cluster("origin", host.port), bootstrap.cluster("copies", copies.port)])
        manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        manager["route_config"].update(copied_to("copies"))
        running = self.run_proxy(config)
        for name, path in (("own", "/host"), ("other", "/table"), ("own", "/route")):
            self.assertEqual(self.send(running.port, f"GET {path} HTTP/1.1\r\nHost: {name}\r\n\r\n")["status"], 200)
        running.wait(lambda: len(copies.seen) == 2 and len(host.seen) == 4)
        self.assertEqual(sorted(copy["start"] for copy in copies.seen), ["GET /host HTTP/1.1", "GET /table HTTP/1.1"])

    def test_a_copy_whose_answer_never_comes_harms_nobody(self):
        running, _, copies = self.mirror({"cluster": "copies"})
        for _ in range(3):
            self.assertEqual(self.ask(running.port, "/ok")["status"], 200)
        running.wait(lambda: len(copies.seen) == 3)

    def test_copies_to_nobody_harm_nobody(self):
        port, keeper = tcp.closed_port()
        self.addCleanup(keeper.close)
        running, host, _ = self.mirror({"cluster": "copies"}, mirrored=port)
        self.assertEqual(self.ask(running.port)["status"], 200)
        self.wait_for(running, "cluster.copies.upstream_cx_connect_fail")
        self.assertEqual(len(host.seen), 1)

    def wait_for(self, running, stat):
        running.wait(lambda: running.stats().get(stat))

    def test_a_header_may_name_the_cluster_of_copies(self):
        running, _, copies = self.mirror({"cluster_header": "X-Copy", "disable_shadow_host_suffix_append": True})
        self.assertEqual(self.ask(running.port)["status"], 200)
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET /wanted HTTP/1.1\r\nHost: h\r\nX-Copy: copies\r\n\r\n")
            self.assertEqual(wire.Reader(sock).response("GET")["status"], 200)
        copy = running.wait(lambda: copies.seen)[0]
        self.assertEqual((copy["start"], dict(copy["headers"])["host"]), ("GET /wanted HTTP/1.1", "h"))

    def test_copies_may_have_another_host_and_other_fields(self):
        running, host, copies = self.mirror({
            "cluster": "copies", "host_rewrite_literal": "copies.example", "request_headers_mutations": [
                {"append": {"header": {"key": "x-copy-of", "value": "%REQ(:PATH)%"},
                            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}, {"remove": "cookie"}]})
        self.assertEqual(self.send(running.port, "GET /a HTTP/1.1\r\nHost: shop\r\nCookie: c\r\n\r\n")["status"], 200)
        copied = dict(running.wait(lambda: copies.seen)[0]["headers"])
        self.assertEqual((copied["host"], copied["x-copy-of"], copied.get("cookie")), ("copies.example", "/a", None))
        headers = dict(host.seen[0]["headers"])
        self.assertEqual((headers["host"], headers.get("x-copy-of"), headers["cookie"]), ("shop", None, "c"))

    def test_none_of_the_requests_may_be_copied(self):
        running, host, copies = self.mirror({"cluster": "copies", "runtime_fraction": {
            "default_value": {"numerator": 0, "denominator": "HUNDRED"}}})
        for _ in range(5):
            self.assertEqual(self.ask(running.port)["status"], 200)
        self.assertEqual((len(host.seen), len(copies.seen)), (5, 0))
        self.assertEqual(running.stats()["cluster.copies.upstream_rq_total"], 0)

    # CONNECT.

    def connect_to(self, host, **connect):
        routes = [{"match": {"connect_matcher": {}}, "route": {"cluster": "origin", "upgrade_configs": [
            {"upgrade_type": "CONNECT", "connect_config": connect}]}},
            {"match": {"prefix": "/"}, "route": {"cluster": "origin", "upgrade_configs": [
                {"upgrade_type": "CONNECT", "connect_config": connect}]}}]
        manager = {"http2_protocol_options": {"allow_connect": True}}
        return self.run_proxy(bootstrap.bootstrap(routes=routes, manager=manager,
                                                  clusters=[bootstrap.cluster("origin", host.port)]))

    def test_connect_ends_here_and_its_bytes_go_on(self):
        host = tcp.Origin()
        self.addCleanup(host.close)
        running = self.connect_to(host)
        with wire.connect(running.port) as client:
            client.sendall(b"CONNECT target.example:443 HTTP/1.1\r\nHost: target.example:443\r\n\r\n")
            server = host.accept()
            self.assertEqual(wire.Reader(client).head()["start"].split()[1], "200")
            client.sendall(b"hello")
            self.assertEqual(tcp.exactly(server, 5), b"hello")
            server.sendall(b"well met")
            self.assertEqual(tcp.exactly(client, 8), b"well met")
            server.close()
            self.assertEqual(tcp.end_of(client), (b"", "closed"))

    def test_the_client_may_end_first(self):
        host = tcp.Origin()
        self.addCleanup(host.close)
        running = self.connect_to(host)
        with wire.connect(running.port) as client:
            client.sendall(b"CONNECT target.example:443 HTTP/1.1\r\nHost: target.example:443\r\n\r\nearly")
            server = host.accept()
            self.assertEqual(tcp.exactly(server, 5), b"early")
        self.assertEqual(tcp.end_of(server)[0], b"")

    def test_connect_in_a_stream_of_http2(self):
        host = tcp.Origin()
        self.addCleanup(host.close)
        running = self.connect_to(host)
        with wire.connect(running.port) as sock:
            client = h2wire.Connection(sock)
            stream = client.open([(":method", "CONNECT"), (":authority", "target.example:443")], end=False)
            server = host.accept()
            server.sendall(b"well met")
            server.close()
            answer = client.response(stream)
        self.assertEqual(dict(answer.headers)[":status"], "200")
        self.assertEqual(bytes(answer.body), b"well met")

    def test_connect_to_a_host_that_is_not_there(self):
        port, keeper = tcp.closed_port()
        self.addCleanup(keeper.close)
        routes = [{"match": {"connect_matcher": {}}, "route": {"cluster": "origin", "upgrade_configs": [
            {"upgrade_type": "CONNECT", "connect_config": {}}]}}]
        running = self.run_proxy(bootstrap.bootstrap(routes=routes, clusters=[bootstrap.cluster("origin", port)]))
        with wire.connect(running.port) as client:
            client.sendall(b"CONNECT target.example:443 HTTP/1.1\r\nHost: target.example:443\r\n\r\n")
            self.assertEqual(wire.Reader(client).head()["start"].split()[1], "503")

    def test_post_is_carried_where_that_is_allowed(self):
        host = tcp.Origin()
        self.addCleanup(host.close)
        running = self.connect_to(host, allow_post=True)
        with wire.connect(running.port) as client:
            client.sendall(b"POST /pipe HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
            server = host.accept()
            self.assertEqual(tcp.end_of(server), (b"hello", "closed"))
            server.sendall(b"well met")
            server.close()
            answer = wire.Reader(client).response("POST")
        self.assertEqual((answer["status"], answer["body"]), (200, "well met"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    BootstrapFeaturesTest.binary = args.proxy
    report.main("bootstrap features", args.cases)
