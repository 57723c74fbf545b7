#!/usr/bin/env python3
"""Measures what inspecting a request costs: proxenos beside nginx with its ModSecurity module, in one run.

  waf.py --proxenos BINARY [--rounds N] [--gets N] [--posts N] [--write FILE]

Both use libmodsecurity and the Core Rule Set of Debian at paranoia level 1, and answer what passes from the
same origin. CPU-µs per request, user and kernel time of all threads, median of the rounds: of a small GET, of
a POST with 540 fields of JSON (10 KiB), and of the same GET without inspection, which is what the proxy itself
costs. One connection, one request after another; each figure is divided by how slow the CPU was meanwhile.
"""

import argparse
import http.client
import json
import os
import shutil
import statistics
import sys
import tempfile
import time

import bench
import measure
import peers

BEGIN, END = "<!-- waf: begin -->", "<!-- waf: end -->"
MODULE = "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so"
RULES = """SecRuleEngine On
SecRequestBodyAccess On
SecResponseBodyAccess Off
SecRequestBodyLimit 134217728
SecRequestBodyNoFilesLimit 134217728
SecRequestBodyJsonDepthLimit 512
SecArgumentsLimit 1000
SecAuditEngine Off
SecRule REQUEST_HEADERS:Content-Type "@rx ^application/json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
Include /etc/modsecurity/crs/crs-setup.conf
Include /usr/share/modsecurity-crs/rules/*.conf
"""
FIELDS = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Accept": "text/html,application/json"}
BODY = json.dumps({f"key{number:03}": f"v{number:04}" for number in range(540)})
WAF = {"name": "waf", "typed_config": {
    "@type": peers.TYPE + "proxenos.filters.http.waf.v3.Waf", "mode": "BLOCK", "rules": {"core_rule_set": {"paranoia_level": 1}},
    "request": {"body_limit_bytes": 131072, "over_limit": "REJECT"}, "pool": {"threads": 1, "deadline": "10s"}}}


def nginx(place, inspects):
    text = peers.nginx_proxy(place)
    if not inspects:
        return text
    rules = place.path("rules.conf")
    text = text.replace("    location / {\n      proxy_pass", f"    modsecurity on;\n    modsecurity_rules_file {rules};\n"
                        "    location / {\n      proxy_pass")
    return f"load_module {MODULE};\n" + text


def proxenos(place, inspects):
    config = json.loads(peers.envoy(place))
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    if inspects:
        manager["http_filters"].insert(0, WAF)
    return json.dumps(config)


class Client:
    """One connection, one request after another."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, count, body):
        for _ in range(count):
            fields = {**FIELDS, "Host": "www.example.com"}
            if body:
                fields["Content-Type"] = "application/json"
            self.connection.request("POST" if body else "GET", "/shop/items?page=2&sort=name", body, fields)
            answer = self.connection.getresponse()
            answer.read()
            if answer.status != 200:
                sys.exit(f"waf: answered {answer.status}")

    def is_guarded(self):
        self.connection.request("GET", "/?q=%3Cscript%3Ealert(1)%3C/script%3E", None, {**FIELDS, "Host": "www.example.com"})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status == 403


class Waf:
    def __init__(self, args):
        self.args = args
        self.folder = tempfile.mkdtemp(prefix="bench-waf-")
        os.chmod(self.folder, 0o755)
        self.port, *origin = measure.free_ports(3)
        self.place = peers.Place(self.folder, self.port, origin[0])
        self.write("rules.conf", RULES)
        self.origin = measure.Program(
            ["nginx", "-e", "stderr", "-c", self.write("origin.conf", peers.origin(self.folder, *origin))], bench.LOAD_CPU,
            origin[0], os.path.join(self.folder, "origin.log"))

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def close(self):
        self.origin.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, inspects):
        if name == "nginx":
            command = ["nginx", "-e", "stderr", "-c", self.write("nginx.conf", nginx(self.place, inspects))]
        else:
            command = [self.args.proxenos, "-c", self.write("proxenos.json", proxenos(self.place, inspects)), "--concurrency", "1",
                       "--disable-hot-restart", "--log-level", "error"]
        return measure.Program(command, bench.PROXY_CPU, self.port, os.path.join(self.folder, name + ".log"))

    def measure(self, name, inspects, count, body):
        """(CPU-µs per request, the probe's time of the CPU)"""
        program = self.start(name, inspects)
        try:
            client = Client(self.port)
            if client.is_guarded() != inspects:
                sys.exit(f"waf: {name} inspects: {not inspects}")
            client.ask(max(count // 10, 2), body)
            probe = measure.SpeedProbe(bench.PROXY_CPU)
            before = program.cpu_ns()
            client.ask(count, body)
            cost = program.cpu_ns() - before
            return cost / 1000 / count, probe.result()
        finally:
            program.stop()

    def run(self):
        """{title: {name: [CPU-µs]}}"""
        runs, loads = {}, [("small GET, not inspected", False, 10 * self.args.gets, None),
                           ("small GET", True, self.args.gets, None),
                           ("POST of 540 JSON fields, 10 KiB", True, self.args.posts, BODY)]
        for number in range(self.args.rounds):
            for title, inspects, count, body in loads:
                for name in ("nginx", "proxenos"):
                    one = self.measure(name, inspects, count, body)
                    runs.setdefault(title, {}).setdefault(name, []).append(one)
                    print(f"round {number + 1}: {title}: {name}: {one[0]:.0f} µs", file=sys.stderr)
        fastest = min((probe for by_name in runs.values() for many in by_name.values() for _, probe in many if probe), default=0)
        return {title: {name: [cost * (fastest / probe if probe else 1) for cost, probe in many] for name, many in by_name.items()}
                for title, by_name in runs.items()}


def table(results, args):
    lines = [f"Measured {time.strftime('%Y-%m-%d')}; libmodsecurity 3.0.9, Core Rule Set 3.3.4, paranoia level 1; {args.rounds} rounds.",
             "", "| CPU-µs per request, median (least to most) | nginx, ModSecurity-nginx | proxenos | proxenos over nginx |",
             "| --- | --- | --- | --- |"]
    for title, by_name in results.items():
        cells = [f"{statistics.median(costs):.0f} ({min(costs):.0f} to {max(costs):.0f})" for costs in by_name.values()]
        theirs, ours = (statistics.median(costs) for costs in by_name.values())
        lines.append(f"| {title} | {' | '.join(cells)} | {ours / theirs:.2f} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxenos", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gets", type=int, default=200)
    parser.add_argument("--posts", type=int, default=30)
    parser.add_argument("--write")
    args = parser.parse_args()
    if not os.path.exists(MODULE):
        sys.exit(f"waf: not there: {MODULE}")
    waf = Waf(args)
    try:
        text = table(waf.run(), args)
    finally:
        waf.close()
    print(text)
    if args.write:
        bench.write_table(args.write, text, BEGIN, END)


if __name__ == "__main__":
    main()
