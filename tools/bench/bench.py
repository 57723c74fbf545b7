#!/usr/bin/env python3
"""Measures proxenos beside nginx, HAProxy, Envoy and a bare relay, all in one run on this machine.

  bench.py --proxenos BINARY [--only NAME,...] [--rounds N] [--seconds S] [--connections N,...]
           [--idle N] [--write FILE] [--json FILE]

The figure of merit is CPU-µs per request: user and kernel time of the proxy's processes during a run,
over the requests that the run completed. HTTP/1.1 keep-alive GET of 1 KiB, one worker, the proxy alone
on CPU 0, load (wrk) and origin (nginx) on CPU 1. Rounds are interleaved over the proxies; medians count.
Each figure is divided by how slow the CPU was during its run (measure.py: SpeedProbe).
"""

import argparse
import http.client
import json
import os
import platform
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import measure
import peers

PROXY_CPU, LOAD_CPU = 0, 1
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Bench:
    """Starts what is measured, and measures it."""

    def __init__(self, args):
        self.args = args
        self.folder = tempfile.mkdtemp(prefix="bench-")
        self.port, self.origin_port = measure.free_ports(2)
        self.commands = self.find_proxies()
        self.origin = measure.Program(
            ["nginx", "-e", "stderr", "-c", self.write("origin.conf", peers.origin(self.folder, self.origin_port))],
            LOAD_CPU, self.origin_port, self.path("origin.log"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)
        return self.path(name)

    def close(self):
        self.origin.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def find_proxies(self):
        relay = self.args.relay or os.path.join(os.path.dirname(self.args.proxenos), "../../tools/bench/relay")
        bootstrap = self.write("envoy.json", peers.envoy(self.port, self.origin_port))
        flags = ["-c", bootstrap, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
        nginx = self.write("nginx.conf", peers.nginx_proxy(self.folder, self.port, self.origin_port))
        haproxy = self.write("haproxy.cfg", peers.haproxy(self.port, self.origin_port))
        commands = {
            "relay": [relay, str(self.port), str(self.origin_port)],
            "nginx": ["nginx", "-e", "stderr", "-c", nginx],
            "haproxy": ["haproxy", "-f", haproxy],
            "envoy": [self.args.envoy, *flags],
            "proxenos": [self.args.proxenos, *flags],
        }
        chosen = self.args.only.split(",") if self.args.only else list(commands)
        missing = [name for name in chosen if name not in commands or not shutil.which(commands[name][0])]
        if missing:
            sys.exit(f"bench: not there: {', '.join(missing)}")
        return {name: commands[name] for name in chosen}

    def start(self, name):
        program = measure.Program(self.commands[name], PROXY_CPU, self.port, self.path(name + ".log"))
        self.verify(name)
        return program

    def verify(self, name):
        """The answer is whole, came through, and is the origin's."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        for _ in range(3):
            connection.request("GET", "/", headers={"Host": "bench.test"})
            response = connection.getresponse()
            body = response.read()
            if (response.status, len(body), response.getheader("x-origin")) != (200, peers.BODY_BYTES, "yes"):
                sys.exit(f"bench: {name} answers {response.status} with {len(body)} bytes")
        connection.close()

    def load(self, seconds, connections):
        """Requests completed, and latencies; any error ends the run."""
        out = subprocess.run(
            ["taskset", "-c", str(LOAD_CPU), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
             "-H", "Host: bench.test", f"http://127.0.0.1:{self.port}/"], capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in out or "Socket errors" in out:
            sys.exit(f"bench: the load met errors:\n{out}")
        return {"requests": int(re.search(r"(\d+) requests in", out).group(1)),
                "rps": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
                "p99": re.search(r"99%\s+(\S+)", out).group(1)}

    def run_load(self, name, connections):
        program = self.start(name)
        try:
            self.load(1, connections)
            probe = measure.SpeedProbe(PROXY_CPU)
            before = program.cpu_ns()
            result = self.load(self.args.seconds, connections)
            cost = program.cpu_ns() - before
            result.update(probe=probe.result(), raw_us=cost / 1000 / result["requests"])
            return result
        finally:
            program.stop()

    def run_idle(self, name):
        """RSS per connection that has made a request and keeps quiet."""
        program = self.start(name)
        try:
            self.load(1, 16)
            before = program.rss_bytes()
            connections = []
            for _ in range(self.args.idle):
                sock = socket.create_connection(("127.0.0.1", self.port), timeout=10)
                sock.sendall(b"GET / HTTP/1.1\r\nHost: bench.test\r\n\r\n")
                got = b""
                while len(got.partition(b"\r\n\r\n")[2]) < peers.BODY_BYTES:
                    data = sock.recv(65536)
                    if not data:
                        sys.exit(f"bench: {name} closed an idle connection")
                    got += data
                connections.append(sock)
            time.sleep(1)  # Lets what is freed late be freed.
            result = {"bytes": (program.rss_bytes() - before) / self.args.idle, "before": before}
            for sock in connections:
                sock.close()
            return result
        finally:
            program.stop()

    def run(self):
        results = {"load": {}, "idle": {}}
        for connections in self.args.connections:
            for number in range(self.args.rounds):
                for name in self.commands:
                    result = self.run_load(name, connections)
                    results["load"].setdefault(str(connections), {}).setdefault(name, []).append(result)
                    print(f"round {number + 1}: {connections} connections, {name}: {result['raw_us']:.2f} µs, "
                          f"{result['rps']:.0f}/s", file=sys.stderr)
        if self.args.idle:
            for name in self.commands:
                if name == "relay":
                    continue  # It holds a connection to the origin for each; not the same thing.
                results["idle"][name] = self.run_idle(name)
                print(f"idle: {name}: {results['idle'][name]['bytes']:.0f} bytes", file=sys.stderr)
        return results


def scale(results):
    """CPU-µs as on the fastest CPU that any run saw."""
    runs = [run for names in results["load"].values() for many in names.values() for run in many]
    fastest = min(run["probe"] for run in runs if run["probe"])
    for run in runs:
        run["slow"] = run["probe"] / fastest if run["probe"] else 1.0
        run["cpu_us"] = run["raw_us"] / run["slow"]


def versions(names, args):
    commands = {"nginx": ["nginx", "-v"], "haproxy": ["haproxy", "-v"], "envoy": [args.envoy, "--version"]}
    found = []
    for name in names:
        if name in commands:
            out = subprocess.run(commands[name], capture_output=True, text=True, check=False)
            match = re.search(r"\d+\.\d+\.\d+", out.stdout + out.stderr)
            found.append(f"{name} {match.group(0) if match else '?'}")
    return ", ".join(found)


def table(results, args):
    names = list(next(iter(results["load"].values())))
    lines = [f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} CPUs, Linux {platform.release()}; "
             f"{versions(names, args)}; {args.rounds} rounds of {args.seconds} s.", "",
             "| CPU-µs per request, median (least to most) | " + " | ".join(names) + " |",
             "| --- |" + " --- |" * len(names)]
    for connections, by_name in results["load"].items():
        cells = []
        for name in names:
            costs = [run["cpu_us"] for run in by_name[name]]
            cells.append(f"{statistics.median(costs):.1f} ({min(costs):.1f} to {max(costs):.1f})")
        lines.append(f"| {connections} connections | " + " | ".join(cells) + " |")
        if "proxenos" in names:
            ours = statistics.median(run["cpu_us"] for run in by_name["proxenos"])
            cells = [f"{ours / statistics.median(run['cpu_us'] for run in by_name[name]):.2f}" for name in names]
            lines.append(f"| {connections} connections: proxenos over each | " + " | ".join(cells) + " |")
        cells = [f"{statistics.median(run['rps'] for run in by_name[name]):.0f}" for name in names]
        lines.append(f"| {connections} connections: requests/s | " + " | ".join(cells) + " |")
    if results["idle"]:
        cells = [f"{results['idle'][name]['bytes']:.0f}" if name in results["idle"] else "" for name in names]
        lines.append(f"| RSS bytes per idle connection ({args.idle}) | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def write_table(path, text):
    """Between the two marks of the file, which is made if it is not there."""
    old = f"{BEGIN}\n{END}\n"
    if os.path.exists(path):
        with open(path, encoding="utf-8") as current:
            old = current.read()
    if BEGIN not in old:
        old += f"\n{BEGIN}\n{END}\n"
    head, _, rest = old.partition(BEGIN)
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"{head}{BEGIN}\n{text}{END}{rest.partition(END)[2]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxenos", required=True)
    parser.add_argument("--envoy", default=os.path.join(ROOT, ".deps/oracle/envoy"))
    parser.add_argument("--relay")
    parser.add_argument("--only")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=lambda text: [int(n) for n in text.split(",")], default=[64, 512])
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--write")
    parser.add_argument("--json")
    args = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        sys.exit("bench: needs two CPUs, one for the proxy alone")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Bench(args)
    try:
        results = bench.run()
    finally:
        bench.close()
    scale(results)
    text = table(results, args)
    print(text)
    if args.write:
        write_table(args.write, text)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(results, out, indent=1)


if __name__ == "__main__":
    main()
