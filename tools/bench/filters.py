#!/usr/bin/env python3
"""Measures what filters cost a request, and what a cache hit costs.

  filters.py --proxenos BINARY [--envoy BINARY] [--measures chains,cache,instructions] [--only PROXY,...] [--rounds N]
             [--seconds S] [--write FILE]

chains: CPU-µs per request (as bench.py counts them, by wrk with 64 connections) without filters, with 20 that do
nothing (header_mutation of trailers, which there are none of), and with rbac, local_ratelimit and jwt_authn, whose one token is in its
cache; proxenos beside Envoy, the same configuration. What a chain adds, over its filters, is what one costs.
cache: hits of 10 KiB beside nginx, HAProxy and Varnish, and beside an nginx that only replies. The origin has ended by
then: what is counted cannot be anything but hits.
instructions: user-space instructions per request of the same chains, proxenos alone under callgrind: a figure that
other work on the machine does not touch.
"""

import argparse
import base64
import dataclasses
import hashlib
import hmac
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

import bench
import clients
import measure
import peers
from scenarios import Scenario

BEGIN, END = "<!-- filters: begin -->", "<!-- filters: end -->"
FILTERS = peers.TYPE + "envoy.extensions.filters.http."
EMPTY = 20
KEY = b"a secret of thirty-two bytes: yes"
CACHED_BYTES = 10 * 1024
PROXIES = ("envoy", "proxenos")
CACHES = ("nginx replies", "nginx", "haproxy", "varnish", "proxenos")
LOAD = Scenario("filters", PROXIES)


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token():
    claims = {"iss": "bench", "sub": "me", "exp": 4000000000}
    signed = ".".join(url64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return f"{signed}.{url64(hmac.new(KEY, signed.encode(), hashlib.sha256).digest())}"


FIELDS = ("x-user: me", f"authorization: Bearer {token()}")


def http_filter(kind, message, **config):
    return {"name": kind.split(".")[0], "typed_config": {"@type": f"{FILTERS}{kind}.{message}", **config}}


def three():
    """What guards an API: who, how often, and by whose word."""
    always = {"default_value": {"numerator": 100}}
    keys = json.dumps({"keys": [{"kty": "oct", "alg": "HS256", "k": url64(KEY)}]})
    allowed = {"permissions": [{"and_rules": {"rules": [{"header": {"name": ":method", "string_match": {"exact": "GET"}}},
                                                        {"url_path": {"path": {"prefix": "/"}}}]}}],
               "principals": [{"header": {"name": "x-user", "string_match": {"exact": "me"}}}]}
    return [
        http_filter("rbac.v3", "RBAC", rules={"action": "ALLOW", "policies": {"readers": allowed}}),
        http_filter("local_ratelimit.v3", "LocalRateLimit", stat_prefix="limit", filter_enabled=always, filter_enforced=always,
                    token_bucket={"max_tokens": 1000000000, "tokens_per_fill": 1000000000, "fill_interval": "1s"}),
        http_filter("jwt_authn.v3", "JwtAuthentication", rules=[{"match": {"prefix": "/"}, "requires": {"provider_name": "bench"}}],
                    providers={"bench": {"issuer": "bench", "forward": True, "jwt_cache_config": {}, "local_jwks": {"inline_string": keys}}})]


IDLE = http_filter("header_mutation.v3", "HeaderMutation", mutations={"response_trailers_mutations": [{"remove": "x-none"}]})
CHAINS = {"no filter": [], f"{EMPTY} empty filters": [IDLE] * EMPTY,
          "rbac, local_ratelimit, jwt_authn": three()}


def with_filters(config, filters):
    config = json.loads(config)
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    manager["http_filters"][:0] = [{**one, "name": f"{one['name']}-{number}"} for number, one in enumerate(filters)]
    return json.dumps(config)


class Load(clients.Clients):
    """wrk with the fields that the filters want."""

    fields = FIELDS

    def wrk(self, scenario, seconds):
        fields = [part for field in self.fields for part in ("-H", field)]
        out = self.output("wrk", "-t1", f"-c{scenario.connections}", f"-d{seconds}s", "-H", f"Host: {clients.HOST}", *fields,
                          self.url(scenario))
        requests = int(re.search(r"(\d+) requests in", out).group(1))
        if "Non-2xx" in out or "Socket errors" in out or requests == 0:
            sys.exit(f"filters: the load met errors:\n{out}")
        return {"requests": requests}


def ask(port, count, fields):
    """One request after another on one connection: the last status."""
    request = "\r\n".join(["GET / HTTP/1.1", f"Host: {clients.HOST}", *fields, "", ""]).encode()
    head = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        for _ in range(count):
            sock.sendall(request)
            got = b""
            while b"\r\n\r\n" not in got:
                got += sock.recv(65536)
            head, _, body = got.partition(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE).group(1))
            while len(body) < length:
                body += sock.recv(65536)
    return int(head.split(b" ")[1])


def cached_origin(place):
    with open(place.path("page"), "w", encoding="ascii") as out:
        out.write("x" * CACHED_BYTES)
    return peers.nginx(place.folder, f"""
  sendfile on;
  open_file_cache max=10;
  server {{ listen 127.0.0.1:{place.origin} backlog=4096; root {place.folder};
    location / {{ default_type text/plain; add_header Cache-Control max-age=36000; try_files /page =404; }} }}""")


def cache_of(name, place):
    """The configuration of a cache before the origin."""
    if name == "nginx replies":
        return cached_origin(dataclasses.replace(place, origin=place.port))
    if name == "nginx":
        return peers.nginx_proxy(place).replace("proxy_pass ", "proxy_cache all; proxy_cache_valid 200 1h; proxy_pass ").replace(
            "  upstream origin", f"  proxy_cache_path {place.path('cache')} keys_zone=all:10m;\n  upstream origin", 1)
    if name == "haproxy":
        text = peers.haproxy(place) + "  http-request cache-use all\n  http-response cache-store all\n"
        return text + f"cache all\n  total-max-size 64\n  max-object-size {4 * CACHED_BYTES}\n  max-age 3600\n"
    store = {"@type": peers.TYPE + "envoy.extensions.http.cache.simple_http_cache.v3.SimpleHttpCacheConfig"}
    return with_filters(peers.envoy(place), [http_filter("cache.v3", "CacheConfig", typed_config=store)])


class Filters(bench.Bench):
    def __init__(self, args):
        super().__init__(args)
        self.clients = Load(self.port, bench.LOAD_CPU, self.environment)
        self.place = peers.Place(self.folder, self.port, self.origin_ports[0])
        self.cached = dataclasses.replace(self.place, origin=measure.free_ports(1)[0])

    def of_envoy(self, name, config):
        return [getattr(self.args, name), "-c", self.write("envoy.json", config), "--concurrency", "1", "--disable-hot-restart",
                "--log-level", "error"]

    def chosen(self, names):
        return [name for name in names if not self.args.only or name in self.args.only.split(",")]

    def program(self, command, name):
        return measure.Program(command, bench.PROXY_CPU, self.port, self.path(name.split()[0] + ".log"), self.environment)

    def cost(self, program):
        """(CPU-µs per request, the probe's time of the CPU)"""
        try:
            status = ask(self.port, 3, self.clients.fields)
            if status != 200:
                sys.exit(f"filters: answered {status}")
            self.clients.run(LOAD, 1)
            probe = measure.SpeedProbe(bench.PROXY_CPU)
            before = program.cpu_ns()
            result = self.clients.run(LOAD, self.args.seconds)
            spent = program.cpu_ns() - before
            return spent / 1000 / result["requests"], probe.result()
        finally:
            program.stop()

    def rounds(self, starts):
        """{key: [CPU-µs]} of {key: what starts a program}, interleaved, as on the fastest CPU that any run saw."""
        runs = {}
        for number in range(self.args.rounds):
            for key, start in starts.items():
                runs.setdefault(key, []).append(self.cost(start()))
                print(f"round {number + 1}: {key}: {runs[key][-1][0]:.2f} µs", file=sys.stderr)
        fastest = min((probe for many in runs.values() for _, probe in many if probe), default=0)
        return {key: [cost * (fastest / probe if probe else 1) for cost, probe in many] for key, many in runs.items()}

    def chains(self):
        def starter(name, filters):
            return lambda: self.program(self.of_envoy(name, with_filters(peers.envoy(self.place), filters)), name)

        names = self.chosen(PROXIES)
        costs = self.rounds({(title, name): starter(name, filters) for title, filters in CHAINS.items() for name in names})
        lines = ["| CPU-µs per request, median (least to most) | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
        medians = {key: statistics.median(many) for key, many in costs.items()}
        for title in CHAINS:
            cells = (f"{medians[title, name]:.2f} ({min(costs[title, name]):.2f} to {max(costs[title, name]):.2f})" for name in names)
            lines.append(f"| {title} | {' | '.join(cells)} |")
        none, empty, guarded = CHAINS
        lines.append("| … an empty filter, ns | " + " | ".join(
            f"{(medians[empty, name] - medians[none, name]) * 1000 / EMPTY:.0f}" for name in names) + " |")
        lines.append("| … what the three add, µs | " + " | ".join(
            f"{medians[guarded, name] - medians[none, name]:.2f}" for name in names) + " |")
        return lines

    def filled(self, name):
        """A cache that has the page, and no origin any more. Nothing in the request keeps it from being stored."""
        origin = measure.Program(["nginx", "-e", "stderr", "-c", self.write("cached.conf", cached_origin(self.cached))],
                                 bench.LOAD_CPU, self.cached.origin, self.path("origin.log"))
        try:
            program = self.start_cache(name)
            ask(self.port, 1, self.clients.fields)
        finally:
            origin.stop()
        return program

    def start_cache(self, name):
        if name == "proxenos":
            return self.program(self.of_envoy(name, cache_of(name, self.cached)), name)
        if name == "varnish":
            folder = self.path("varnish")
            shutil.rmtree(folder, ignore_errors=True)
            return self.program(["varnishd", "-F", "-n", folder, "-a", f"127.0.0.1:{self.port}", "-b", f"127.0.0.1:{self.cached.origin}",
                                 "-s", "malloc,64m", "-j", "none"], name)
        config = self.write(name.split()[0] + ".conf", cache_of(name, self.cached))
        return self.program(["haproxy", "-f", config] if name == "haproxy" else ["nginx", "-e", "stderr", "-c", config], name)

    def cache(self):
        binaries = {"nginx replies": "nginx", "nginx": "nginx", "haproxy": "haproxy", "varnish": "varnishd", "proxenos": self.args.proxenos}
        names = [name for name in self.chosen(CACHES) if shutil.which(binaries[name])]
        self.clients.fields = ()
        costs = self.rounds({name: (lambda name=name: self.filled(name)) for name in names})
        self.clients.fields = FIELDS
        lines = ["| CPU-µs per hit of 10 KiB, median (least to most) | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
        lines.append("| | " + " | ".join(f"{statistics.median(costs[name]):.2f} ({min(costs[name]):.2f} to {max(costs[name]):.2f})"
                                         for name in names) + " |")
        return lines

    def counted(self, filters, requests):
        """Instructions of a whole run with so many requests."""
        out = self.path("callgrind.out")
        config = self.write("envoy.json", with_filters(peers.envoy(self.place), filters))
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", self.args.proxenos, "-c", config, "--concurrency", "1",
                   "--disable-hot-restart", "--log-level", "error"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True, env=self.environment)
        try:
            measure.wait_for_port(self.port, process, 300)
            status = ask(self.port, requests, FIELDS)
            if status != 200:
                sys.exit(f"filters: answered {status}")
            process.terminate()
            process.wait(300)
        finally:
            process.kill()
            process.wait()
        with open(out, encoding="utf-8", errors="replace") as text:
            return int(re.search(r"^(?:summary|totals): (\d+)", text.read(), re.MULTILINE).group(1))

    def instructions(self):
        few, many = 100, 100 + self.args.requests
        costs = {}
        for title, filters in CHAINS.items():
            costs[title] = (self.counted(filters, many) - self.counted(filters, few)) / (many - few)
            print(f"{title}: {costs[title]:.0f} instructions", file=sys.stderr)
        none, empty, guarded = costs
        return ["| instructions per request, in user space | proxenos |", "| --- | --- |",
                *(f"| {title} | {cost:,.0f} |" for title, cost in costs.items()),
                f"| … an empty filter | {(costs[empty] - costs[none]) / EMPTY:,.0f} |",
                f"| … what the three add | {costs[guarded] - costs[none]:,.0f} |"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxenos", required=True)
    parser.add_argument("--envoy", default=os.path.join(bench.ROOT, ".deps/oracle/envoy"))
    parser.add_argument("--measures", type=lambda text: text.split(","), default=["chains", "cache", "instructions"])
    parser.add_argument("--only")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=1000, help="that instructions are counted over")
    parser.add_argument("--write")
    args = parser.parse_args()
    filters, tables = Filters(args), []
    try:
        for name in args.measures:
            tables.append("\n".join(getattr(filters, name)()))
    finally:
        filters.close()
    text = f"Measured {time.strftime('%Y-%m-%d')}; {args.rounds} rounds of {args.seconds} s.\n\n" + "\n\n".join(tables) + "\n"
    print(text)
    if args.write:
        bench.write_table(args.write, text, BEGIN, END)


if __name__ == "__main__":
    main()
