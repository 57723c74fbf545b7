"""Which hosts are ejected, and when they are back: the same requests to hosts that fail in many ways, under the rules of
outlier detection one by one, to proxenos and to the real Envoy. After each step of a case the clients' statuses, the
hosts' flags (/clusters), the counters outlier_detection.*, and at its end the lines of the event log must be the same,
but for what DIFFERENCES has, each with its reason.

Requests name their host (OverrideHost), so a case says exactly what each host comes to. Whatever needs time to come is
waited for; what differs is asked again, without the others.

  outlier_test.py --ours BINARY --envoy BINARY [--only CASE]
"""

import argparse
import json
import os
import pathlib
import re
import select
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import outlier_cases  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402
from bootstrap import TYPE, address, bootstrap  # noqa: E402
from differential_test import Closed  # noqa: E402
from retry_test import FailingOrigin  # noqa: E402

HOSTS = 6  # The last one refuses connections.
LAST = {"rules": outlier_cases.LONG | {"consecutive_5xx": 1}, "steps": [("send", 0, "status-500")]}


def policy(**turns):
    """Requests go to the host that they name, others in turns."""
    kind = "envoy.extensions.load_balancing_policies."
    return {"policies": [{"typed_extension_config": {"name": "envoy.load_balancing_policies.override_host", "typed_config": {
        "@type": TYPE + kind + "override_host.v3.OverrideHost", "override_host_sources": [{"header": "x-host"}],
        "fallback_policy": {"policies": [{"typed_extension_config": {
            "name": "envoy.load_balancing_policies.round_robin",
            "typed_config": {"@type": TYPE + kind + "round_robin.v3.RoundRobin", **turns}}}]}}}}]}


class Origin(FailingOrigin):
    """Can be silent, too, and degraded, and answer to gRPC and to checks."""

    def answer(self, sock, request):
        way = request["start"].split(" ")[1].split("/")[2]
        if way == "silent":
            select.select([sock], [], [], wire.PATIENCE_S)  # Until the proxy gives up.
            return False
        head = {"degraded": "x-envoy-degraded: true\r\n", "check": "",
                "grpc-0": "content-type: application/grpc\r\ngrpc-status: 0\r\n",
                "grpc-13": "content-type: application/grpc\r\ngrpc-status: 13\r\n",
                "grpc-14": "content-type: application/grpc\r\ngrpc-status: 14\r\n"}.get(way)
        if head is None:
            return super().answer(sock, request)
        sock.sendall(f"HTTP/1.1 200 OK\r\n{head}connection: close\r\ncontent-length: 0\r\n\r\n".encode())
        return False


def make_bootstrap(cases, ports, log):
    clusters, routes = [], []
    for place, case in cases.items():
        hosts = [{"endpoint": {"address": address(port)}} for port in ports[:case.get("hosts", 4)] + ports[-1:] * case.get("closed", 0)]
        name = f"c{place}"
        clusters.append({"name": name, "connect_timeout": "5s", "load_balancing_policy": policy(**case.get("turns", {})),
                         "outlier_detection": case["rules"],
                         "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": hosts}]},
                         **case.get("cluster", {})})
        routes.append({"match": {"prefix": f"/{place}/"}, "route": {
            "cluster": name, "timeout": "0.3s" if case.get("short") else "15s", **case.get("route", {})}})
    config = bootstrap(routes, clusters=clusters)
    config["cluster_manager"] = {"outlier_detection": {"event_log_path": log}}
    return config


class Player:
    """Plays one case against one proxy, and writes down what is to be compared."""

    def __init__(self, running, place, case, ports):
        self.running, self.place, self.case, self.seen = running, place, case, []
        self.ports = ports[:case.get("hosts", 4)] + ports[-1:] * case.get("closed", 0)

    def ask(self, host, way):
        with wire.connect(self.running.port) as sock:
            fields = [f"x-host: 127.0.0.1:{self.ports[host]}"] if host is not None else []
            fields += ["content-type: application/grpc"] if way.startswith("grpc") else []
            sock.sendall("\r\n".join([f"GET /{self.place}/{way}/ HTTP/1.1", "host: h", *fields, "", ""]).encode())
            response = wire.Reader(sock).response("GET")
            return (response["status"], response["complete"]) if response else "nothing"

    def flags(self):
        """The flags of the hosts, in order."""
        found = {}
        for line in self.running.admin("/clusters").splitlines():
            name, _, rest = line.partition("::")
            if name == f"c{self.place}" and "::health_flags::" in rest:
                where, _, flags = rest.partition("::health_flags::")
                found[int(where.rpartition(":")[2])] = flags
        return [found[port] for port in self.ports]

    def stats(self):
        pattern = urllib.parse.quote(rf"^cluster\.c{self.place}\.outlier_detection\.")
        lines = (line.partition(": ") for line in self.running.admin("/stats?filter=" + pattern).splitlines())
        return {name.rpartition(".")[2]: int(value) for name, _, value in lines if value.isdigit() and int(value)}

    def wait(self, what):
        deadline = time.monotonic() + wire.PATIENCE_S
        while time.monotonic() < deadline:
            if what():
                return True
            select.select([], [], [], 0.01)
        return False

    def send(self, host, way, count=1):
        return [self.ask(host, way) for _ in range(count)]

    def eject(self, host, way, count):
        """Asks, and waits until the host is out."""
        return self.send(host, way, count), self.wait(lambda: "outlier" in self.flags()[host])

    def back(self, host):
        return self.wait(lambda: "outlier" not in self.flags()[host])

    def reach(self, status):
        """Until requests that name no host come to this: workers hear of ejections a moment later."""
        return self.wait(lambda: self.ask(None, "status-200") == (status, True))

    def degrade(self, host):
        return self.send(host, "degraded"), self.wait(lambda: "degraded" in self.flags()[host])

    def recovered(self, host):
        return self.wait(lambda: "degraded" not in self.flags()[host])

    def round(self, ways):
        for host, way in enumerate(ways):
            for one in way if isinstance(way, list) else [way]:
                self.ask(host, one)

    def load(self, ways, until, least=1):
        """Goes on asking each host in its way, until a counter has come so far: however intervals fall."""
        return self.wait(lambda: self.round(ways) or self.stats().get(until, 0) >= least)

    def quiet(self, ways, seconds):
        """Asks each host in its way for a while, in which nothing may come of it."""
        deadline = time.monotonic() + seconds
        self.wait(lambda: self.round(ways) or time.monotonic() > deadline)
        return ""

    def play(self):
        for step in self.case["steps"]:
            result = getattr(self, step[0])(*step[1:])
            self.seen.append((step, result, self.flags(), self.normal(self.stats())))
        return self.seen

    def normal(self, stats):
        """How often what is judged at intervals was judged is chance: whether it was is not."""
        return {name: min(value, 1) if self.case.get("loose") else value for name, value in sorted(stats.items())}


def normal_event(line, ports):
    """A line of the log without times and chances, and its cluster's name."""
    event = json.loads(line)
    for name in ("timestamp", "secs_since_last_action"):
        event.pop(name, None)
    for name, value in event.items():
        if isinstance(value, dict):
            event[name] = {key: "RATE" for key in sorted(value)}
    if event["action"] == "UNEJECT":
        del event["type"]  # Envoy says none: that reads as the first of them.
    event["upstream_url"] = ports.index(int(event["upstream_url"].rpartition(":")[2]))
    return event.pop("cluster_name"), json.dumps(event, sort_keys=True)


def run(binary, cases):
    """What each case saw, by its name."""
    origins, closed = [Origin() for _ in range(HOSTS - 1)], Closed()
    ports, seen = [*(one.port for one in origins), closed.port], {}
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "events")
        places = dict(enumerate(cases.values()))
        arguments = ("--file-flush-interval-msec", "10")
        with proxy.Proxy(binary, make_bootstrap(places | {"last": LAST}, ports, log), arguments=arguments) as running:
            players = [Player(running, place, case, ports) for place, case in places.items()]
            threads = [threading.Thread(target=player.play) for player in players]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            Player(running, "last", LAST, ports).play()

            def logged():
                """All lines: those of the last case are behind them."""
                with open(log, encoding="utf-8") as text:
                    lines = [normal_event(line, ports) for line in text.read().splitlines()]
                return lines if any(cluster == "clast" for cluster, _ in lines) else None
            lines = running.wait(logged)
        for player, name in zip(players, cases):
            events = [line for cluster, line in lines if cluster == f"c{player.place}"]
            # What was only noticed is repeated at each interval; hosts are judged in any order.
            seen[name] = [*player.seen, ("events", sorted(set(events)) if player.case.get("loose") else events)]
    return seen


def first_difference(ours, theirs):
    for mine, envoys in zip(ours, theirs):
        if mine != envoys:
            return f"ours {mine[1:]}, Envoy {envoys[1:]} after {mine[0]}"
    return "" if len(ours) == len(theirs) else f"{len(ours)} steps against {len(theirs)}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--only")
    args = parser.parse_args()
    cases = {name: case for name, case in outlier_cases.CASES.items() if args.only in (None, name)}
    ours, theirs, results, met = run(args.ours, cases), run(args.envoy, cases), [], set()
    for name, case in cases.items():
        pair = ours[name], theirs[name]
        for _ in range(2):
            if pair[0] != pair[1] and name not in outlier_cases.DIFFERENCES:
                pair = run(args.ours, {name: case})[name], run(args.envoy, {name: case})[name]
        problem = first_difference(*pair)
        if problem and re.search(outlier_cases.DIFFERENCES.get(name, ("$^", ""))[0], problem):
            met.add(name)
            problem = ""
        if problem:
            print(f"DIFFERS {name}: {problem}")
        results.append((name, problem))
    for name in outlier_cases.DIFFERENCES:
        if name in cases and name not in met:
            print(f"STALE {name}")
            results.append((f"expected difference {name}", "no such difference any more"))
    report.end("outlier", results, "outlier")


if __name__ == "__main__":
    main()
