#!/usr/bin/env python3
"""Measures what configuration costs: proxenos beside Envoy, two workers each, driven by xds-load over ADS.

  scale.py --proxenos BINARY --xds-load BINARY [--envoy BINARY] [--clusters N] [--only NAME,...]
           [--measures NAME,...] [--write FILE] [--json FILE]

Times are from the control plane's message (or the file's rename) until the effect was seen from outside: in the
admin endpoint's stats, or in the responses on eight connections, so on all workers. CPU is that of the whole
process until the control plane has the answer.
"""

import argparse
import json
import os
import queue
import re
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import yaml

import bench
import measure
import peers

BEGIN, END = "<!-- scale: begin -->", "<!-- scale: end -->"
PROBES = 8  # Connections on which a change must show.
TIMEOUT = 120


class ControlPlane:
    """xds-load, its commands and its events."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.events = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        self.port = int(self.wait("listening")["address"].rpartition(":")[2])

    def read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))

    def do(self, *commands):
        for command in commands:
            self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def wait(self, event, kind=None):
        """The next event of this kind; what comes before it is dropped."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            found = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            if found["event"] == "nack":
                sys.exit(f"scale: the proxy refused {found['type']}")
            if found["event"] == event and kind in (None, found.get("type")):
                return found

    def drop_events(self):
        while not self.events.empty():
            self.events.get()

    def stop(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def cluster(name, port, **more):
    return {"name": name, "connect_timeout": "5s", **more, "load_assignment": {"cluster_name": name, "endpoints": [
        {"lb_endpoints": [{"endpoint": {"address": address(port)}}]}]}}


def routes(target, count=0):
    many = [{"match": {"prefix": f"/r{i}/"}, "route": {"cluster": target}} for i in range(count)]
    return {"name": "local", "validate_clusters": False, "virtual_hosts": [
        {"name": "all", "domains": ["*"], "routes": many + [{"match": {"prefix": "/"}, "route": {"cluster": target}}]}]}


def bootstrap(port, admin, source, route):
    """`source`: what the clusters come from; `route`: the manager's `route_config` or `rds`."""
    manager = {"@type": peers.MANAGER, "stat_prefix": "scale", **route,
               "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": peers.ROUTER}}]}
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {"node": {"id": "scale", "cluster": "scale"}, "enable_dispatcher_stats": True, "admin": {"address": address(admin)}, "dynamic_resources": source,
            "static_resources": {"listeners": [{"name": "in", "address": address(port), "filter_chains": [chain]}]}}


def ads(api_type, port):
    control_plane = cluster("control_plane", port, typed_extension_protocol_options={peers.PROTOCOL_OPTIONS: {
        "@type": peers.TYPE + peers.PROTOCOL_OPTIONS, "explicit_http_config": {"http2_protocol_options": {}}}})
    source = {"ads_config": {"api_type": api_type, "transport_api_version": "V3",
                             "grpc_services": [{"envoy_grpc": {"cluster_name": "control_plane"}}]},
              "cds_config": {"ads": {}, "resource_api_version": "V3"}}
    return source, control_plane


class Proxy:
    """A proxy under measurement, whose command `before` begins; `with` ends it."""

    def __init__(self, run, name, config, before=()):
        self.admin_port, self.port = run.admin_port, run.port
        path = run.path(name + ".json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(config, out)
        self.program = measure.Program([*before, run.program(name), "-c", path, "--concurrency", "2", "--disable-hot-restart", "--log-level",
                                        "error", "--base-id", str(os.getpid() % 10000)], f"0-{os.cpu_count() - 1}",
                                       self.admin_port, run.path(name + ".log"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.stop()

    def stat(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/stats?filter=^{name}$", timeout=30) as answer:
            match = re.search(rb": (\d+)", answer.read())
            return int(match.group(1)) if match else -1

    def wait_for_stat(self, name, value):
        deadline = time.monotonic() + TIMEOUT
        while self.stat(name) != value:
            if time.monotonic() > deadline:
                sys.exit(f"scale: {name} is {self.stat(name)}, not {value}")
            select.select([], [], [], 0.005)

    def longest(self, name):
        """The highest value that a histogram has seen."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/stats?filter=^{name}$", timeout=30) as answer:
            return max((float(match) for match in re.findall(rb"P100\([^,]*,([\d.]+)\)", answer.read())), default=float("nan"))

    def wait_for_clusters(self, count):
        self.wait_for_stat("cluster_manager.active_clusters", count)
        self.wait_for_stat("cluster_manager.warming_clusters", 0)


class Probes:
    """Connections over all workers that ask until each has the awaited answer."""

    def __init__(self, port):
        self.sockets = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(PROBES)]

    def ask(self, sock, path):
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: scale.test\r\n\r\n".encode())
        got = b""
        while b"\r\n\r\n" not in got:
            got += sock.recv(65536)
        head, _, body = got.partition(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        while len(body) < length:
            body += sock.recv(65536)
        return body

    def wait(self, body, path="/"):
        """The time when all had it. Who asks without pause would take the CPU from those that it waits for."""
        deadline = time.monotonic() + TIMEOUT
        for sock in self.sockets:
            while self.ask(sock, path) != body:
                if time.monotonic() > deadline:
                    sys.exit(f"scale: no answer {body!r}")
                time.sleep(0.0002)
        return time.monotonic_ns()

    def close(self):
        for sock in self.sockets:
            sock.close()


class Run:
    def __init__(self, args):
        self.args = args
        self.folder = tempfile.mkdtemp(prefix="scale-")
        os.chmod(self.folder, 0o755)
        self.port, self.admin_port, self.first, self.second = measure.free_ports(4)
        config = peers.nginx(self.folder, "".join(
            f'server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{port}"; }} }}' for port in (self.first, self.second)))
        with open(self.path("origin.conf"), "w", encoding="utf-8") as out:
            out.write(config)
        self.origin = measure.Program(["nginx", "-e", "stderr", "-c", self.path("origin.conf")], 0, self.first,
                                      self.path("origin.log"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def program(self, name):
        return getattr(self.args, name)

    def close(self):
        self.origin.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def driven(self, name, api_type, commands, before=()):
        """A proxy and its control plane, whose world is made by `commands`."""
        plane = ControlPlane(self.args.xds_load)
        plane.do(*commands, "push")
        source, control_plane = ads(api_type, plane.port)
        config = bootstrap(self.port, self.admin_port, source, {"route_config": routes("c-0")})
        config["static_resources"]["clusters"] = [control_plane]
        return plane, Proxy(self, name, config, before)

    def warm(self, name):
        """All clusters by delta ADS: time until warm, memory for each, then one endpoint moved."""
        count, result = self.args.clusters, {}
        plane, proxy = self.driven(name, "DELTA_GRPC", [f"clusters 1 {self.first}"])
        with proxy:
            proxy.wait_for_clusters(2)
            one = proxy.program.rss_bytes()
        plane.stop()
        plane, proxy = self.driven(name, "DELTA_GRPC", [f"clusters {count} {self.first}"])
        with proxy:
            start = plane.wait("sent", "Cluster")["ns"]
            proxy.wait_for_clusters(count + 1)
            result["all warm, ms"] = (time.monotonic_ns() - start) / 1e6
            result["CPU until warm, ms"] = proxy.program.cpu_ns() / 1e6
            result["RSS bytes per cluster"] = (proxy.program.rss_bytes() - one) / (count - 1)
            measure.wait_for_port(self.port, proxy.program.process)  # Listeners open once all is warm.
            probes, times = Probes(self.port), []
            probes.wait(str(self.first).encode())
            for turn in range(31):
                plane.drop_events()
                port = (self.second, self.first)[turn % 2]
                plane.do(f"move 0 {port}", "push")
                sent = plane.wait("sent", "ClusterLoadAssignment")["ns"]
                times.append((probes.wait(str(port).encode()) - sent) / 1e6)
            result["one endpoint moved, seen by all workers, ms"] = statistics.median(times)
            probes.close()
        plane.stop()
        return result

    def turns(self, name):
        """All clusters by delta ADS again: the longest turns of the loops, which nothing else may interrupt."""
        count, result = self.args.clusters, {}
        plane, proxy = self.driven(name, "DELTA_GRPC", [f"clusters {count} {self.first}"], ("chrt", "--fifo", "1"))
        with proxy:
            proxy.wait_for_clusters(count + 1)
            time.sleep(6)  # Envoy merges histograms each five seconds.
            result["longest turn of the main loop, ms"] = proxy.longest("server.dispatcher.loop_duration_us") / 1000
            result["longest turn of a worker, ms"] = proxy.longest(r"listener_manager.worker_\d.dispatcher.loop_duration_us") / 1000
        plane.stop()
        return result

    def repeat(self, name):
        """The same clusters again, state of the world."""
        count = self.args.clusters
        plane, proxy = self.driven(name, "GRPC", [f"clusters {count} {self.first}"])
        with proxy:
            proxy.wait_for_clusters(count + 1)
            time.sleep(1)
            plane.drop_events()
            before = proxy.program.cpu_ns()
            plane.do("repeat", "push")
            for kind in ("Cluster", "ClusterLoadAssignment"):
                plane.wait("ack", kind)
            time.sleep(0.5)
            result = {"sent again unchanged, CPU ms": (proxy.program.cpu_ns() - before) / 1e6}
        plane.stop()
        return result

    def many(self, name):
        """One endpoint of many changed."""
        result = {}
        for count in (1000, 10000, 100000):
            plane, proxy = self.driven(name, "DELTA_GRPC", [f"clusters 1 {self.first}", f"many {count} 1"])
            with proxy:
                proxy.wait_for_clusters(3)
                time.sleep(1)
                costs = []
                for weight in (2, 3, 4):
                    plane.drop_events()
                    before = proxy.program.cpu_ns()
                    plane.do(f"many {count} {weight}", "push")
                    plane.wait("ack", "ClusterLoadAssignment")
                    time.sleep(0.5)
                    costs.append((proxy.program.cpu_ns() - before) / 1e6)
                result[f"one of {count} endpoints changed, CPU ms"] = statistics.median(costs)
            plane.stop()
        return result

    def replace_file(self, path, resources):
        """Puts the new content there, as YAML, which is what people write; returns when."""
        with open(path + ".new", "w", encoding="utf-8") as out:
            yaml.dump({"version_info": str(time.monotonic_ns()), "resources": resources}, out, Dumper=yaml.CSafeDumper)
        start = time.monotonic_ns()
        os.rename(path + ".new", path)
        return start

    def files(self, name):
        """1,000 routes, then 1,000 clusters, replaced by file."""
        route_file, cluster_file = self.path("rds.yaml"), self.path("cds.yaml")
        route_type, cluster_type = (peers.TYPE + each for each in
                                    ("envoy.config.route.v3.RouteConfiguration", "envoy.config.cluster.v3.Cluster"))

        def route_table(target):
            return [{"@type": route_type, **routes(target, 1000)}]

        def clusters(port):
            return [{"@type": cluster_type, **cluster(f"c-{i}", port if i in (0, 999) else 1, connect_timeout=f"{port % 97 + 1}s")}
                    for i in range(1000)] + [{"@type": cluster_type, **cluster("other", self.second)}]

        self.replace_file(route_file, route_table("c-999"))
        self.replace_file(cluster_file, clusters(self.first))
        source = {"cds_config": {"path_config_source": {"path": cluster_file}, "resource_api_version": "V3"}}
        rds = {"rds": {"route_config_name": "local", "config_source": {"path_config_source": {"path": route_file},
                                                                       "resource_api_version": "V3"}}}
        result = {}
        with Proxy(self, name, bootstrap(self.port, self.admin_port, source, rds)) as proxy:
            proxy.wait_for_clusters(1001)
            measure.wait_for_port(self.port, proxy.program.process)
            probes = Probes(self.port)
            times = {"1,000 routes replaced by file, ms": [], "1,000 clusters replaced by file, ms": []}
            for _ in range(5):
                start = self.replace_file(route_file, route_table("other"))
                times["1,000 routes replaced by file, ms"].append(probes.wait(str(self.second).encode()) - start)
                start = self.replace_file(route_file, route_table("c-999"))
                times["1,000 routes replaced by file, ms"].append(probes.wait(str(self.first).encode()) - start)
                for port in (self.second, self.first):
                    start = self.replace_file(cluster_file, clusters(port))
                    times["1,000 clusters replaced by file, ms"].append(probes.wait(str(port).encode()) - start)
            result = {key: statistics.median(each) / 1e6 for key, each in times.items()}
            probes.close()
        return result

    def cost(self, proxy, path, host):
        """CPU-µs of the proxy for a request."""
        def load(seconds):
            out = subprocess.run(["wrk", "-t1", "-c16", f"-d{seconds}s", "-H", f"Host: {host}", f"http://127.0.0.1:{self.port}{path}"],
                                 capture_output=True, text=True, check=True).stdout
            requests = int(re.search(r"(\d+) requests in", out).group(1))
            if "Non-2xx" in out or "Socket errors" in out or requests == 0:
                sys.exit(f"scale: the load met errors:\n{out}")
            return requests

        load(1)
        before = proxy.program.cpu_ns()
        requests = load(3)
        return (proxy.program.cpu_ns() - before) / 1e3 / requests

    def match(self, name):
        """What a request costs by the size of its table: the last of many prefixes, the last of many domains."""
        def answer(prefix):
            return {"match": {"prefix": prefix}, "direct_response": {"status": 200}}

        def run(label, hosts, path, host):
            config = bootstrap(self.port, self.admin_port, {}, {"route_config": {"name": "local", "virtual_hosts": hosts}})
            with Proxy(self, name, config) as proxy:
                measure.wait_for_port(self.port, proxy.program.process, TIMEOUT)
                result[label] = self.cost(proxy, path, host)

        result = {}
        for count in (10, 100, 1000, 10000):
            hosts = [{"name": "all", "domains": ["*"], "routes": [answer(f"/r{i}/") for i in range(count)]}]
            run(f"a request matched by the last of {count:,} prefixes, CPU µs", hosts, f"/r{count - 1}/x", "scale.test")
        for count in (10, 100000):
            hosts = [{"name": f"h{i}", "domains": [f"h{i}.scale.test"], "routes": [answer("/")]} for i in range(count)]
            run(f"a request to the last of {count:,} domains, CPU µs", hosts, "/", f"h{count - 1}.scale.test")
        return result


def table(results, args):
    names = list(results)
    keys = dict.fromkeys(key for name in names for key in results[name])
    lines = [f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} CPUs, {args.clusters} clusters, two workers; "
             f"{bench.versions(names, args)}.", "",
             "| | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for key in keys:
        cells = [f"{results[name][key]:,.1f}" if key in results[name] else "" for name in names]
        lines.append(f"| {key} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


MEASURES = ("warm", "turns", "repeat", "many", "files", "match")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxenos", required=True)
    parser.add_argument("--xds-load", required=True)
    parser.add_argument("--envoy", default=os.path.join(bench.ROOT, ".deps/oracle/envoy"))
    parser.add_argument("--clusters", type=int, default=10000)
    parser.add_argument("--only", type=lambda text: text.split(","), default=["envoy", "proxenos"])
    parser.add_argument("--measures", type=lambda text: text.split(","), default=list(MEASURES))
    parser.add_argument("--write")
    parser.add_argument("--json")
    args = parser.parse_args()
    unknown = set(args.measures) - set(MEASURES)
    if unknown:
        sys.exit(f"scale: unknown: {', '.join(sorted(unknown))}; there are {', '.join(MEASURES)}")
    run, results = Run(args), {}
    try:
        for name in args.only:
            for each in args.measures:
                result = getattr(run, each)(name)
                results.setdefault(name, {}).update(result)
                print(f"{name}: {json.dumps(result)}", file=sys.stderr)
    finally:
        run.close()
    text = table(results, args)
    print(text)
    if args.write:
        bench.write_table(args.write, text, BEGIN, END)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(results, out, indent=1)


if __name__ == "__main__":
    main()
