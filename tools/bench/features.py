#!/usr/bin/env python3
"""What a feature of clusters and routes adds to a request: the same requests through proxenos with and without it.

  features.py --proxenos BINARY [--requests N] [--rounds N] [--no-callgrind] [--write FILE]

Two figures for each. User-space instructions for a request, counted by callgrind: the difference of two runs of
different length, so that starting does not count; noise does not touch them. And CPU time for a request, the median of
rounds that are interleaved, which wants a quiet machine. One connection, requests sent in batches, an origin that
answers at once.
"""

import argparse
import pathlib
import re
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import os

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "test" / "support"))

import proxy  # noqa: E402
import wire  # noqa: E402
from bootstrap import bootstrap, cluster, to  # noqa: E402

BEGIN, END = "<!-- features: begin -->", "<!-- features: end -->"
BATCH = 50
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
QUESTION = b"GET /path HTTP/1.1\r\nhost: h.example\r\nuser-agent: bench\r\naccept: */*\r\n\r\n"
CHECK = {"timeout": "5s", "interval": "5s", "no_traffic_interval": "5s", "unhealthy_threshold": 2, "healthy_threshold": 1,
         "http_health_check": {"path": "/check"}}
THRESHOLDS = [{"priority": priority, "max_connections": 1000, "max_pending_requests": 1000, "max_requests": 1000, "max_retries": 3,
               "track_remaining": True} for priority in ("DEFAULT", "HIGH")]
RETRY = {"retry_policy": {"retry_on": "5xx,reset,connect-failure", "num_retries": 2}}

# Fields of the cluster, fields of the route's action.
FEATURES = {
    "bare routing": ({}, {}),
    "active health checks": ({"health_checks": [CHECK]}, {}),
    "outlier detection": ({"outlier_detection": {"consecutive_5xx": 5}}, {}),
    "outlier detection, local origin apart": ({"outlier_detection": {"split_external_local_origin_errors": True}}, {}),
    "retry policy": ({}, RETRY),
    "circuit breakers": ({"circuit_breakers": {"thresholds": THRESHOLDS}}, {}),
    "all of them": ({"health_checks": [CHECK], "outlier_detection": {"consecutive_5xx": 5},
                     "circuit_breakers": {"thresholds": THRESHOLDS}}, RETRY),
}


class Origin:
    """Answers as fast as it can, on one thread."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        ready = selectors.DefaultSelector()
        ready.register(self.listener, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is self.listener:
                    ready.register(self.listener.accept()[0], selectors.EVENT_READ)
                    continue
                data = key.fileobj.recv(65536)
                if data:
                    key.fileobj.sendall(ANSWER * data.count(b"\r\n\r\n"))
                else:
                    ready.unregister(key.fileobj)
                    key.fileobj.close()


def ask(port, count):
    with wire.connect(port) as sock:
        for _ in range(count // BATCH):
            sock.sendall(QUESTION * BATCH)
            data = b""
            while data.count(b"HTTP/1.1 200") < BATCH or not data.endswith(b"\r\n\r\n"):
                more = sock.recv(65536)
                if not more:
                    sys.exit(f"the proxy closed the connection: {data[-200:]}")
                data += more


def configuration(origin, feature):
    of_cluster, of_route = FEATURES[feature]
    return bootstrap([to(**of_route) | {"route": {"cluster": "origin", **of_route}}],
                     clusters=[cluster("origin", origin.port, **of_cluster)])


def cpu_us(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as text:
        fields = text.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")


def cpu_for_request(binary, origin, feature, count):
    with proxy.Proxy(binary, configuration(origin, feature)) as running:
        ask(running.port, BATCH * 20)
        before = cpu_us(running.process.pid)
        ask(running.port, count)
        return (cpu_us(running.process.pid) - before) / count


def instructions(binary, origin, feature, count):
    """Of the whole run of a proxy that serves so many requests."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "counts")
        script = os.path.join(folder, "counted")
        with open(script, "w", encoding="utf-8") as text:
            text.write(f'#!/bin/sh\nexec valgrind --tool=callgrind --callgrind-out-file={out} {binary} "$@"\n')
        os.chmod(script, 0o700)
        with proxy.Proxy(script, configuration(origin, feature)) as running:
            ask(running.port, count)
            running.admin("/quitquitquit", "POST")
            running.process.wait(60)
        with open(out, encoding="utf-8") as text:
            return int(re.search(r"^(?:totals|summary): (\d+)", text.read(), re.MULTILINE)[1])


def measure(args, origin):
    """{feature: (instructions for a request or None, CPU-us for a request)}"""
    times = {feature: [] for feature in FEATURES}
    for _ in range(args.rounds):
        for feature in FEATURES:
            times[feature].append(cpu_for_request(args.proxenos, origin, feature, args.requests))
    counts = dict.fromkeys(FEATURES)
    if not args.no_callgrind:
        few, many = BATCH * 10, BATCH * 50
        for feature in FEATURES:
            more = [instructions(args.proxenos, origin, feature, count) for count in (few, many)]
            counts[feature] = (more[1] - more[0]) / (many - few)
    return {feature: (counts[feature], statistics.median(times[feature]) if times[feature] else None) for feature in FEATURES}


def table(results):
    bare_count, bare_time = results["bare routing"]
    lines = ["| a request with | instructions | … more | CPU-µs | … more |", "| --- | --- | --- | --- | --- |"]
    for feature, (count, spent) in results.items():
        cells = [f"{count:,.0f}" if count else "", f"{100 * (count / bare_count - 1):+.1f} %" if count else "",
                 f"{spent:.2f}" if spent else "", f"{100 * (spent / bare_time - 1):+.1f} %" if spent else ""]
        lines.append(f"| {feature} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proxenos", required=True)
    parser.add_argument("--requests", type=int, default=50000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-callgrind", action="store_true")
    parser.add_argument("--write", type=pathlib.Path, help="the page whose table is replaced")
    args = parser.parse_args()
    subprocess.run(["valgrind", "--version"], check=not args.no_callgrind, stdout=subprocess.DEVNULL)
    text = table(measure(args, Origin()))
    print(text)
    if args.write:
        page = args.write.read_text(encoding="utf-8")
        head, _, rest = page.partition(BEGIN)
        args.write.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
