"""How requests are shared out: the same clusters to proxenos and to the real Envoy, thousands of requests to each, and
the number that each host got. Turns must be exact; what is drawn by lot must agree between the two, and with the share
that follows from the configuration where that is plain.

  distribution_test.py --ours BINARY --envoy BINARY [--only CASE]

Counts that are drawn may differ by SIGMAS standard deviations: of a right proxy one run in a hundred million fails.
There is no list of differences but the one in distribution_cases.py.
"""

import argparse
import math
import pathlib
import re
import selectors
import socket
import sys
import threading

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import distribution_cases  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402
from bootstrap import address, bootstrap  # noqa: E402

HOSTS = 12
SIGMAS = 7
BATCH = 50  # Requests under way on a connection, one behind the other.
DRAWN, IN_TURN, STUCK, FAILED = 4000, 840, 2000, 100
HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\n((?:[^\r]+\r\n)*)\r\n")
HOST = re.compile(rb"x-host: 127\.0\.0\.1:(\d+)\r\n")


class Origins:
    """HOSTS hosts on one thread, that answer as fast as they can; host 0 never answers what asks for /stuck."""

    def __init__(self):
        self.listeners = [socket.create_server(("127.0.0.1", 0), backlog=256) for _ in range(HOSTS)]
        self.ports = [one.getsockname()[1] for one in self.listeners]
        self.told, self.tell = socket.socketpair()  # A byte for each request that is kept waiting.
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        ready = selectors.DefaultSelector()
        for listener in self.listeners:
            ready.register(listener, selectors.EVENT_READ, None)
        while True:
            for key, _ in ready.select():
                if key.data is None:
                    sock, _ = key.fileobj.accept()
                    ready.register(sock, selectors.EVENT_READ, {"rest": b"", "first": key.fileobj is self.listeners[0]})
                elif not self.answer(key.fileobj, key.data):
                    ready.unregister(key.fileobj)
                    key.fileobj.close()

    def answer(self, sock, state):
        try:
            data = sock.recv(65536)
        except OSError:
            return False
        *requests, state["rest"] = (state["rest"] + data).split(b"\r\n\r\n")
        for request in requests:
            if state["first"] and b"/stuck" in request:
                self.tell.send(b"!")
            else:
                sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        return bool(data)


def make_bootstrap(cases, ports):
    clusters, routes = [], []
    for place, case in enumerate(cases.values()):
        levels = []
        for level in case["localities"]:
            level = dict(level)
            level["lb_endpoints"] = [host | {"endpoint": {"address": address(ports[index])}} for index, host in level.pop("hosts")]
            levels.append(level)
        name = f"c{place}"
        clusters.append({"name": name, "connect_timeout": "5s", "load_assignment": {
            "cluster_name": name, "endpoints": levels, **case.get("assignment", {})}, **case.get("cluster", {})})
        routes.append({"match": {"prefix": f"/{place}/"}, "route": {"cluster": name, "timeout": "60s"},
                       "response_headers_to_add": [{"header": {"key": "x-host", "value": "%UPSTREAM_REMOTE_ADDRESS%"}}]})
    config = bootstrap(routes, clusters=clusters)
    config["node"] = {"id": "n", "cluster": "edge", "locality": {"region": "r", "zone": "a"}}
    local = distribution_cases.local_cluster(address(ports[0]), address(ports[1]))
    config["static_resources"]["clusters"].append(local)
    config["cluster_manager"] = {"local_cluster_name": local["name"]}
    return config


def ask_many(port, target, count):
    """How many of the requests each host answered; under "failed" those that nobody did."""
    counts, text = {}, f"GET {target} HTTP/1.1\r\nhost: h\r\n\r\n".encode()
    with wire.connect(port) as sock:
        for _ in range(count // BATCH):
            ask_batch(sock, text, BATCH, counts)
    return counts


def ask_failing(port, target, count):
    """As ask_many, but one by one: Envoy closes a connection on which it answers while more has come."""
    counts, text = {}, f"GET {target} HTTP/1.1\r\nhost: h\r\n\r\n".encode()
    with wire.connect(port) as sock:
        for _ in range(count):
            ask_batch(sock, text, 1, counts)
    return counts


def ask_batch(sock, text, size, counts):
    """Adds what comes of so many requests, sent one behind the other, to `counts`."""
    sock.sendall(text * size)
    data, answered, begin = b"", 0, 0
    while answered < size:
        more = sock.recv(65536)
        if not more:
            raise OSError(f"the proxy closed the connection after {data}")
        data += more
        for head in HEAD.finditer(data, begin):
            found = HOST.search(head[0])
            name = int(found[1]) if head[1] == b"200" and found else "failed"
            counts[name] = counts.get(name, 0) + 1
            answered, begin = answered + 1, head.end()


def ask_stuck(port, target, count, origins):
    """One request after another; those that the first host keeps are left waiting, under way for good."""
    counts, kept = {origins.ports[0]: 0}, []
    sock = wire.connect(port)
    with selectors.DefaultSelector() as ready:
        ready.register(origins.told, selectors.EVENT_READ)
        ready.register(sock, selectors.EVENT_READ)
        for _ in range(count):
            sock.sendall(f"GET {target} HTTP/1.1\r\nhost: h\r\n\r\n".encode())
            (key, _), *_ = ready.select(wire.PATIENCE_S)
            if key.fileobj is origins.told:
                origins.told.recv(1)
                counts[origins.ports[0]] += 1
                ready.unregister(sock)
                kept.append(sock)
                sock = wire.connect(port)
                ready.register(sock, selectors.EVENT_READ)
                continue
            host = int(HOST.search(sock.recv(65536))[1])
            counts[host] = counts.get(host, 0) + 1
    for one in [*kept, sock]:
        one.close()
    return counts


def run(binary, cases, origins):
    seen = {}
    with proxy.Proxy(binary, make_bootstrap(cases, origins.ports)) as running:
        for place, (name, case) in enumerate(cases.items()):
            if case["kind"] == "stuck":
                counts = ask_stuck(running.port, f"/{place}/stuck", STUCK, origins)
            elif case["kind"] == "failed":
                counts = ask_failing(running.port, f"/{place}/", FAILED)
            else:
                counts = ask_many(running.port, f"/{place}/", DRAWN if case["kind"] == "drawn" else IN_TURN)
            seen[name] = {origins.ports.index(host) if host != "failed" else host: n for host, n in counts.items()}
    return seen


def apart(count, other, total):
    """Whether two counts of so many draws cannot be of one chance."""
    share = (count + other) / (2 * total)
    return abs(count - other) > SIGMAS * math.sqrt(2 * total * share * (1 - share)) + 2


def off(count, share, total, exact):
    """Whether a count is not of this share."""
    room = 2 if exact else SIGMAS * math.sqrt(total * share * (1 - share)) + 2
    return abs(count - share * total) > room


def compare(case, ours, theirs):
    """What is wrong, in words; nothing when all is well."""
    total = sum(ours.values())
    hosts = sorted({*ours, *theirs, *case.get("shares", {})}, key=str)
    exact = case["kind"] == "in turn"
    for host in hosts:
        mine, envoys = ours.get(host, 0), theirs.get(host, 0)
        if (mine == 0) != (envoys == 0) and max(mine, envoys) > 60:
            return f"host {host}: ours {mine}, Envoy {envoys} of {total}: one of them does not use it"
        if abs(mine - envoys) > 4 if exact else apart(mine, envoys, total):
            return f"host {host}: ours {mine}, Envoy {envoys} of {total}: {ours} against {theirs}"
        if "shares" in case:
            share = case["shares"].get(host, 0)
            for who, count in (("ours", mine), ("Envoy", envoys)):
                if off(count, share, total, exact):
                    return f"host {host}, {who}: {count} of {total}, where the share is {share:.4f}"
    return ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--only")
    args = parser.parse_args()
    cases = {name: case for name, case in distribution_cases.CASES.items() if args.only in (None, name)}
    origins, results = Origins(), []  # The same for both: rings hash their ports.
    ours, theirs = run(args.ours, cases, origins), run(args.envoy, cases, origins)
    for name, case in cases.items():
        problem = compare(case, ours[name], theirs[name])
        expected = distribution_cases.DIFFERENCES.get(name)
        if expected:
            problem = "" if problem else f"no such difference any more: {expected}"
        if problem:
            print(f"DIFFERS {name}: {problem}")
        results.append((name, problem))
    report.end("distribution", results, "distribution")


if __name__ == "__main__":
    main()
