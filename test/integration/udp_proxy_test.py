"""The UDP proxy through the real binary: sessions over several workers, hosts and clusters that come and go, limits,
what is logged and counted. With the real Envoy beside it: that both say the same.

  udp_proxy_test.py --proxy BINARY --oracle ENVOY --page PAGE [CASE...]
"""

import argparse
import errno
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
import proxy  # noqa: E402
import report  # noqa: E402
import tcp  # noqa: E402
import udp  # noqa: E402

LINE = ("%ACCESS_LOG_TYPE% to=%UPSTREAM_HOST% cluster=%UPSTREAM_CLUSTER% rx=%BYTES_RECEIVED% tx=%BYTES_SENT% "
        "at=%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% from=%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% code=%RESPONSE_CODE% "
        "protocol=%PROTOCOL% flags=%RESPONSE_FLAGS% %DYNAMIC_METADATA(udp.proxy.session)%")
PROXY_LINE = "%ACCESS_LOG_TYPE% rx=%BYTES_RECEIVED% tx=%BYTES_SENT% %DYNAMIC_METADATA(udp.proxy.proxy)%"
OWN = "127.0.0.9"  # No connection of another process begins there and takes a port.
DISCOVERY = "envoy.service.discovery.v3.DiscoveryResponse"


def file_log(path, line=LINE):
    return [{"name": "file", "typed_config": {
        "@type": tcp.FILE_LOG, "path": path,
        "log_format": {"text_format_source": {"inline_string": line + "\n"}}}}]


def place(path, kind, resources):
    """A file of discovery, whole, by a rename."""
    with open(path + ".new", "w", encoding="utf-8") as out:
        json.dump({"resources": [{"@type": bootstrap.TYPE + kind, **each} for each in resources]}, out)
    os.rename(path + ".new", path)


def source(path):
    return {"resource_api_version": "V3", "path_config_source": {"path": path}}


class UdpProxyTest(unittest.TestCase):
    binary = None
    oracle = None
    page = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="udp-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.log = os.path.join(self.folder, "log")
        self.origin = self.host()

    def host(self, name=b"", host="127.0.0.1"):
        made = udp.Origin(name, host)
        self.addCleanup(made.close)
        return made

    def run_proxy(self, config, concurrency=1, binary=None):
        running = proxy.Proxy(binary or self.binary, config, concurrency=concurrency)
        self.addCleanup(running.__exit__)
        return running

    def start(self, listener=None, clusters=None, concurrency=1, binary=None, **fields):
        listener = listener or udp.listener(udp.udp_proxy(**fields))
        clusters = clusters or [bootstrap.cluster("origin", self.origin.port)]
        return self.run_proxy(bootstrap.of([listener], clusters), concurrency, binary)

    def wait_stat(self, running, name, value):
        running.wait(lambda: running.stats().get(name) == value)

    def lines(self, running, count, path=None):
        def read():
            with open(path or self.log, encoding="utf-8") as text:
                lines = text.read().splitlines()
            return lines if len(lines) >= count else None
        return running.wait(read)

    def problems(self, listener):
        """What --mode validate says of a listener."""
        path = os.path.join(self.folder, "bootstrap.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(bootstrap.of([listener], []), out)
        done = subprocess.run([self.binary, "-c", path, "--mode", "validate"], capture_output=True, text=True,
                              check=False)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def test_clients_keep_their_sessions_over_all_workers(self):
        running = self.start(concurrency=4)
        clients = [udp.client(running.port) for _ in range(40)]
        for turn in range(5):
            for number, client in enumerate(clients):
                client.send(b"%d/%d" % (number, turn))
            for number, client in enumerate(clients):
                self.assertEqual(client.recv(100), b"%d/%d" % (number, turn))
        self.assertEqual(len(self.origin.peers), 40)
        stats = running.stats()
        self.assertEqual(stats["udp.u.downstream_sess_total"], 40)
        self.assertEqual(stats["udp.u.downstream_sess_active"], 40)
        self.assertEqual(stats["udp.u.downstream_sess_rx_datagrams"], 200)
        self.assertEqual(stats["cluster.origin.udp.sess_tx_datagrams"], 200)
        self.assertEqual(stats["cluster.origin.udp.sess_rx_datagrams"], 200)
        self.assertIn("main::127.0.0.1:", running.admin("/listeners"))
        self.assertIn("UdpProxyConfig", running.admin("/config_dump"))

    def test_without_reuse_port_one_worker_has_them_all(self):
        running = self.start(udp.listener(enable_reuse_port=False), concurrency=3)
        for _ in range(20):
            self.assertEqual(udp.ask(running.port, b"x"), b"x")
        self.assertEqual(running.stats()["udp.u.downstream_sess_total"], 20)

    def test_addresses_of_both_families(self):
        """Of any address: the answer comes from the one that was asked, or the client would not take it."""
        running = self.start(udp.listener(host="0.0.0.0"))
        for host in ("127.0.0.1", "127.0.0.7"):
            self.assertEqual(udp.ask(running.port, host=host), b"x")
        origin = self.host(b"six ", "::1")
        cluster = {"name": "origin", "load_assignment": {"cluster_name": "origin", "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": {"socket_address": {"protocol": "UDP", "address": "::1",
                                                         "port_value": origin.port}}}}]}]}}
        listener = udp.listener(host="::")
        listener["address"]["socket_address"]["ipv4_compat"] = True
        running = self.start(listener, [cluster])
        for host in ("::1", "127.0.0.1", "127.0.0.7"):
            self.assertEqual(udp.ask(running.port, host=host), b"six x")

    def test_sizes(self):
        running = self.start()
        for size in (0, 1, 1500):
            self.assertEqual(udp.ask(running.port, b"x" * size), b"x" * size)
        with udp.client(running.port) as client:
            client.send(b"x" * 1501)
            self.assertTrue(udp.silent(client))
        stats = running.stats()
        address = f"listener.127.0.0.1_{running.port}"
        dropped = [name for name in stats if name.endswith(".udp.downstream_rx_datagram_dropped")]
        self.assertEqual(len(dropped), 1, address)
        self.assertEqual(stats[dropped[0]], 1)
        large = {"max_rx_datagram_size": 60000}
        running = self.start(udp.listener(udp.udp_proxy(upstream_socket_config=large),
                                          udp_listener_config={"downstream_socket_config": large}))
        self.assertEqual(len(udp.ask(running.port, b"x" * 60000)), 60000)
        # What hosts send is measured as well.
        running = self.start(udp.listener(udp_listener_config={"downstream_socket_config": large}))
        with udp.client(running.port) as client:
            client.send(b"x" * 3000)
            self.wait_stat(running, "cluster.origin.udp.sess_rx_datagrams_dropped", 1)

    def test_routes(self):
        matcher = {
            "matcher_list": {"matchers": [{
                "predicate": {"single_predicate": {"input": udp.data_input("SourceIPInput"),
                                                   "value_match": {"exact": "127.0.0.5"}}},
                "on_match": udp.to("five")}]},
            "on_no_match": {"matcher": {"matcher_tree": {
                "input": udp.data_input("SourceIPInput"),
                "prefix_match_map": {"map": {"127.0.0.1": udp.to("one"), "127.0.0.9": udp.to("missing")}}}}}}
        hosts = {name: self.host(name.encode()) for name in ("one", "five")}
        clusters = [bootstrap.cluster(name, host.port) for name, host in hosts.items()]
        running = self.start(clusters=clusters, matcher=matcher)
        for source_ip, answer in (("127.0.0.1", b"one"), ("127.0.0.5", b"five"), ("127.0.0.9", None),
                                  ("127.0.0.8", None)):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.bind((source_ip, 0))
                client.connect(("127.0.0.1", running.port))
                client.settimeout(20)
                client.send(b"")
                if answer:
                    self.assertEqual(client.recv(100), answer)
        self.wait_stat(running, "udp.u.downstream_sess_no_route", 2)

    def test_an_idle_session_ends(self):
        running = self.start(idle_timeout="0.2s", access_log=file_log(self.log))
        self.assertEqual(udp.ask(running.port, b"hello"), b"hello")
        self.wait_stat(running, "udp.u.idle_timeout", 1)
        self.wait_stat(running, "udp.u.downstream_sess_active", 0)
        self.assertEqual(self.lines(running, 1), [
            f"UdpSessionEnd to=127.0.0.1:{self.origin.port} cluster=- rx=5 tx=5 at=127.0.0.1 from=127.0.0.1 code=0 "
            'protocol=- flags=- {"bytes_received":5,"bytes_sent":5,"cluster_name":"origin","datagrams_received":1,'
            '"datagrams_sent":1,"errors_sent":0}'])

    def test_the_circuit_breaker_holds_over_all_workers(self):
        cluster = bootstrap.cluster("origin", self.origin.port,
                                    circuit_breakers={"thresholds": [{"max_connections": 10}]})
        running = self.start(clusters=[cluster], concurrency=3)
        clients = [udp.client(running.port) for _ in range(30)]
        for client in clients:
            client.send(b"x")
        self.wait_stat(running, "cluster.origin.upstream_cx_overflow", 20)
        stats = running.stats()
        self.assertEqual(stats["udp.u.downstream_sess_active"], 10)
        self.assertEqual(stats["cluster.origin.circuit_breakers.default.cx_open"], 1)

    def test_a_flood_of_clients_is_bounded(self):
        """Each from a port of its own, as a forger would: memory and sessions stay what the limits allow."""
        running = self.start(idle_timeout="0.5s")
        before = running.rss_bytes()
        sock = None
        for _ in range(5000):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.sendto(b"x" * 100, ("127.0.0.1", running.port))
            sock.close()
        self.assertLessEqual(running.stats()["udp.u.downstream_sess_active"], 1024)
        self.assertLess(running.rss_bytes() - before, 32 << 20)
        self.wait_stat(running, "udp.u.downstream_sess_active", 0)
        self.assertEqual(udp.ask(running.port), b"x")

    def test_hosts_come_and_go(self):
        hosts = [self.host(name) for name in (b"a", b"b")]
        path = os.path.join(self.folder, "hosts")

        def publish(*chosen):
            place(path, "envoy.config.endpoint.v3.ClusterLoadAssignment", [
                bootstrap.cluster("origin", *(host.port for host in chosen))["load_assignment"]])
        publish(*hosts)
        cluster = {"name": "origin", "type": "EDS", "eds_cluster_config": {"eds_config": source(path)}}
        running = self.start(clusters=[cluster], concurrency=2)
        clients = [udp.client(running.port) for _ in range(10)]

        def answers():
            for client in clients:
                client.send(b"")
            return [client.recv(10) for client in clients]
        first = answers()
        self.assertEqual(set(first), {b"a", b"b"})
        self.assertEqual(answers(), first)
        publish(hosts[1])
        self.wait_stat(running, "udp.u.downstream_sess_active", first.count(b"b"))
        self.assertEqual(answers(), [b"b"] * 10)
        publish()
        self.wait_stat(running, "udp.u.downstream_sess_active", 0)
        clients[0].send(b"")
        self.wait_stat(running, "cluster.origin.upstream_cx_none_healthy", 1)

    def test_clusters_and_listeners_come_and_go(self):
        clusters, listeners = (os.path.join(self.folder, name) for name in ("clusters", "listeners"))
        other = self.host(b"other ")

        def publish_cluster(*made):
            place(clusters, "envoy.config.cluster.v3.Cluster", made)

        def publish_listener(*made):
            place(listeners, "envoy.config.listener.v3.Listener", made)
        publish_cluster(bootstrap.cluster("origin", self.origin.port))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind((OWN, 0))
            port = free.getsockname()[1]
        publish_listener(udp.listener(host=OWN, port=port))
        running = self.run_proxy({"admin": {"address": bootstrap.address(0)}, "node": {"id": "n", "cluster": "c"},
                                  "dynamic_resources": {"cds_config": source(clusters),
                                                        "lds_config": source(listeners)}}, concurrency=2)
        client = udp.client(port, OWN)
        client.send(b"1")
        self.assertEqual(client.recv(10), b"1")
        publish_cluster()
        self.wait_stat(running, "udp.u.downstream_sess_active", 0)
        client.send(b"2")
        self.wait_stat(running, "udp.u.downstream_sess_no_route", 1)
        publish_cluster(bootstrap.cluster("origin", other.port))
        running.wait(lambda: "origin::" in running.admin("/clusters"))
        client.send(b"3")
        self.assertEqual(client.recv(10), b"other 3")
        # Another version of the listener takes its sockets.
        publish_listener(udp.listener(udp.udp_proxy("v"), host=OWN, port=port))
        self.wait_stat(running, "listener_manager.listener_modified", 1)
        client.send(b"4")
        self.assertEqual(client.recv(10), b"other 4")
        self.assertEqual(running.stats()["udp.v.downstream_sess_total"], 1)
        # TCP and UDP may have the same port.
        publish_listener(udp.listener(udp.udp_proxy("v"), host=OWN, port=port),
                         {**bootstrap.listener("tcp", routes=[bootstrap.direct({"prefix": "/"}, "ok")]),
                          "address": {"socket_address": {"address": OWN, "port_value": port}}})
        self.wait_stat(running, "listener_manager.total_listeners_active", 2)
        publish_listener()
        self.wait_stat(running, "listener_manager.total_listeners_active", 0)
        running.wait(lambda: udp.silent(client, 0.01) and "udp.v.downstream_sess_active" not in running.stats())
        client.close()

    def test_a_hash_of_the_client_or_of_a_key(self):
        hosts = [self.host(name) for name in (b"a", b"b", b"c", b"d")]
        cluster = bootstrap.cluster("origin", *(host.port for host in hosts), lb_policy="RING_HASH")
        for policy in ({"source_ip": True}, {"key": "call"}):
            running = self.start(clusters=[cluster], hash_policies=[policy])
            self.assertEqual(len({udp.ask(running.port, b"") for _ in range(10)}), 1)

    def test_datagrams_one_by_one(self):
        hosts = [self.host(name) for name in (b"a", b"b")]
        cluster = bootstrap.cluster("origin", *(host.port for host in hosts))
        running = self.start(clusters=[cluster], use_per_packet_load_balancing=True)
        with udp.client(running.port) as client:
            for _ in range(4):
                client.send(b"")
            self.assertEqual(sorted(client.recv(10) for _ in range(4)), [b"a", b"a", b"b", b"b"])

    def host_with_listener(self, name):
        """A host of datagrams with a TCP listener on the same port: another process may have that one, so it asks on."""
        while True:
            host = self.host(name)
            try:
                listening = socket.create_server(("127.0.0.1", host.port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            self.addCleanup(listening.close)
            return host, listening

    def test_a_session_leaves_a_host_that_fails_its_checks(self):
        """Checked over TCP: the host of datagrams has a listener beside it."""
        good, _ = self.host_with_listener(b"good")
        bad, listening = self.host_with_listener(b"bad")
        cluster = bootstrap.cluster("origin", bad.port, good.port, common_lb_config={
            "healthy_panic_threshold": {"value": 0}}, health_checks=[{
                "timeout": "1s", "interval": "0.1s", "no_traffic_interval": "0.1s", "unhealthy_threshold": 1,
                "healthy_threshold": 1, "tcp_health_check": {}}])
        running = self.start(clusters=[cluster])
        self.wait_stat(running, "cluster.origin.membership_healthy", 2)
        clients = [udp.client(running.port) for _ in range(2)]
        for client in clients:
            client.send(b"")
        self.assertEqual(sorted(client.recv(10) for client in clients), [b"bad", b"good"])
        listening.close()
        self.wait_stat(running, "cluster.origin.membership_healthy", 1)
        for client in clients:
            client.send(b"")
        self.assertEqual([client.recv(10) for client in clients], [b"good", b"good"])

    def test_logs_at_intervals_and_of_the_proxy(self):
        path = os.path.join(self.folder, "proxy")
        running = self.start(idle_timeout="100s", access_log=file_log(self.log),
                             proxy_access_log=file_log(path, PROXY_LINE),
                             access_log_options={"access_log_flush_interval": "0.05s"})
        self.assertEqual(udp.ask(running.port), b"x")
        self.assertTrue(all(line.startswith("UdpPeriodic to=127.0.0.1:") for line in self.lines(running, 2)))
        running.admin("/quitquitquit", "POST")
        running.process.wait(20)
        with open(path, encoding="utf-8") as text:
            self.assertEqual(text.read(), (
                'NotSet rx=1 tx=1 {"bytes_received":1,"bytes_sent":1,"datagrams_received":1,"datagrams_sent":1,'
                '"errors_received":0,"errors_sent":0,"idle_timeout":0,"no_route":0,"session_total":1}\n'))
        with open(self.log, encoding="utf-8") as text:
            self.assertTrue(text.read().splitlines()[-1].startswith("UdpSessionEnd "))

    def test_what_cannot_be_honoured_is_refused_by_name(self):
        self.assertEqual(self.problems(udp.listener()), "")
        for fields, part in (({"session_filters": [{"name": "f"}]}, "session_filters"),
                             ({"tunneling_config": {"proxy_host": "a", "target_host": "b", "default_target_port": 1}},
                              "tunneling_config"),
                             ({"use_original_src_ip": True}, "use_original_src_ip"),
                             ({"idle_timeout": "0s"}, "idle_timeout: expected more than nothing")):
            self.assertIn(part, self.problems(udp.listener(udp.udp_proxy(**fields))))
        self.assertIn("quic_options", self.problems(udp.listener(udp_listener_config={"quic_options": {}})))
        self.assertIn("filter_chains: cannot stand in a listener of UDP",
                      self.problems(udp.listener(filter_chains=[{"filters": [tcp.tcp_proxy()]}])))

    def test_the_bootstraps_of_the_page_are_valid(self):
        report.check_bootstraps(self, 2)

    def told_by(self, binary, number):
        """Stats and logs of the same exchange through one of the two."""
        logs = [os.path.join(self.folder, f"{kind}{number}") for kind in ("session", "proxy")]
        running = self.start(binary=binary, idle_timeout="0.5s", access_log=file_log(logs[0]),
                             proxy_access_log=file_log(logs[1], PROXY_LINE))
        for size in (5, 0, 1500, 1501, 7):
            with udp.client(running.port) as client:
                client.send(b"y" * size)
                if size != 1501:
                    self.assertEqual(len(client.recv(65536)), size)
        self.wait_stat(running, "udp.u.idle_timeout", 4)
        stats = running.stats()
        told = {name.replace(str(running.port), "PORT"): value for name, value in stats.items()
                if name.startswith("udp.u.") or ".udp." in name or ".upstream_cx_" in name}
        lines = sorted(self.lines(running, 4, logs[0]))
        running.process.terminate()
        running.process.wait(30)
        with open(logs[1], encoding="utf-8") as text:
            return told, lines, text.read()

    def test_the_same_as_envoy(self):
        ours, our_lines, our_proxy = self.told_by(self.binary, 0)
        theirs, their_lines, their_proxy = self.told_by(self.oracle, 1)
        self.assertEqual(our_lines, their_lines)
        self.assertEqual(our_proxy, their_proxy)
        wanted = {name: value for name, value in theirs.items() if name in ours or value}
        self.assertEqual({name: ours.get(name) for name in wanted}, wanted)
        self.assertGreater(len(wanted), 15)


if __name__ == "__main__":
    PARSER = argparse.ArgumentParser()
    PARSER.add_argument("--proxy", required=True)
    PARSER.add_argument("--oracle", required=True)
    PARSER.add_argument("--page", type=pathlib.Path, required=True)
    PARSER.add_argument("cases", nargs="*")
    ARGS = PARSER.parse_args()
    UdpProxyTest.binary, UdpProxyTest.oracle, UdpProxyTest.page = ARGS.proxy, ARGS.oracle, ARGS.page
    report.main("udp_proxy", ARGS.cases)
