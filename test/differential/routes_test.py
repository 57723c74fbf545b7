"""Generated route tables and requests: which route, what becomes of path and host, what is counted, as proxenos and the
real Envoy have it.

  routes_test.py --ours BINARY --envoy BINARY [--seed N] [--hosts N] [--requests N]

Both serve one table of many virtual hosts; each request is for one of them. Differences that are known stand in KNOWN, with
the reason; a case that differs otherwise fails, and so does a known difference that is none.
"""

import argparse
import pathlib
import random
import re
import sys

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import bootstrap  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import route_filters  # noqa: E402
import route_tables  # noqa: E402
import wire  # noqa: E402

SHOWN = ("location", "x-route", "x-cluster")
# Kind of difference: why it is there.
KNOWN = {
    "host_rewrite without a value": "The API says that what is missing is empty, and that an empty host leaves the request's; "
                                    "Envoy writes '-'.",
    "path_rewrite without a slash": "A target in origin form begins with one (RFC 9112, section 3.2.1); Envoy sends what the format gave.",
    "redirect of a gRPC call": "Envoy answers 200 with a grpc-status and a location, which no client follows; a redirect is one here.",
}


class Echo(origin.Origin):
    """Answers with what it was asked."""

    def answer(self, sock, request):
        fields = dict(request["headers"])
        text = " ".join([request["start"], fields["host"], fields.get("x-envoy-original-path", "-")])
        sock.sendall(f"HTTP/1.1 200 OK\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode())
        return True


class Client:
    def __init__(self, port):
        self.sock = wire.connect(port)
        self.reader = wire.Reader(self.sock)

    def ask(self, method, target, fields):
        self.sock.sendall("\r\n".join([f"{method} {target} HTTP/1.1", *fields, "", ""]).encode())
        response = self.reader.response(method)
        headers = dict(response["headers"])
        return [response["status"], response["body"], *(f"{name}: {headers[name]}" for name in SHOWN if name in headers)]


def kind_of(request, ours, envoys):
    """Which of KNOWN it is; empty: none."""
    _, _, fields = request
    if ours[1:] == envoys[1:] and envoys[0] == 200 and 300 < ours[0] < 400 and any("application/grpc" in field for field in fields):
        return "redirect of a gRPC call"
    seen = [re.fullmatch(r"(.*) HTTP/1.1 (\S+) (\S+)", answer[1]) for answer in (ours, envoys)]
    if not all(seen) or ours[2:] != envoys[2:] or seen[0][3] != seen[1][3]:
        return ""
    if seen[0][2] == seen[1][2] and seen[0][1] == seen[1][1].replace(" ", " /", 1):
        return "path_rewrite without a slash"
    if seen[0][1] == seen[1][1]:
        own = fields[0].removeprefix("host: ")
        if seen[0][2] == (seen[1][2].removeprefix("-") or own):
            return "host_rewrite without a value"
    return ""


def counts(running):
    """By virtual cluster and route."""
    wanted = re.compile(r"vhost\.v\d+\.(vcluster|route)\.\S+\.upstream_rq_\w+$")
    return {name: value for name, value in running.stats().items() if value and wanted.match(name)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hosts", type=int, default=60)
    parser.add_argument("--requests", type=int, default=60, help="for each host")
    args = parser.parse_args()
    generator = route_tables.Generator(random.Random(args.seed))
    hosts = [generator.virtual_host(number) for number in range(args.hosts)]
    echo = Echo()
    config = bootstrap.bootstrap(hosts=hosts, manager={"http_filters": route_filters.FILTERS}, clusters=[bootstrap.cluster("origin", echo.port)])
    problems, seen, statuses = [], set(), {}
    with proxy.Proxy(args.ours, config) as mine, proxy.Proxy(args.envoy, config) as envoys:
        ours, theirs = Client(mine.port), Client(envoys.port)
        for number in range(args.hosts):
            for _ in range(args.requests):
                request = generator.request(number)
                a, b = ours.ask(*request), theirs.ask(*request)
                statuses[b[0]] = statuses.get(b[0], 0) + 1
                if a == b:
                    continue
                kind = kind_of(request, a, b)
                seen.add(kind)
                if kind not in KNOWN:
                    problems.append(f"{request}: ours {a}, Envoy's {b}")
        a, b = counts(mine), counts(envoys)
        problems += [f"{name}: ours {a.get(name, 0)}, Envoy's {b.get(name, 0)}" for name in sorted({*a, *b}) if a.get(name) != b.get(name)]
    problems += [f"no longer there: {kind}" for kind in KNOWN if kind not in seen]
    if len(statuses) < 4 or not b:
        problems.append(f"nothing much happened: {statuses}")
    for problem in problems[:40]:
        print("DIFFERS", problem)
    total = args.hosts * args.requests
    report.write_xml("routes", [("routes", "\n".join(problems[:10]))])
    print(f"seed {args.seed}: {total} requests, {sum(len(host['routes']) for host in hosts)} routes, {len(b)} counters; statuses "
          f"{statuses}; {len(problems)} differences")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
