#!/usr/bin/env python3
"""Measures proxenos beside nginx, HAProxy, nghttpx, h2o, Envoy and a bare relay, all in one run on this machine.

  bench.py --proxenos BINARY [--scenarios NAME,...] [--only PROXY,...] [--rounds N] [--seconds S]
           [--idle N] [--write FILE] [--marks NAME] [--json FILE]

The figure of merit is CPU-µs per request: user and kernel time of the proxy's processes during a run,
over the requests that the run completed. GET of 1 KiB and more, one worker, the proxy alone on CPU 0, load and
origin (nginx) on CPU 1. Rounds are interleaved over the proxies; medians count. Each figure is divided by
how slow the CPU was during its run (measure.py: SpeedProbe). scenarios.py has what is measured.
"""

import argparse
import dataclasses
import json
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import clients
import measure
import peers
from scenarios import SCENARIOS

PROXY_CPU, LOAD_CPU = 0, 1
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Bench:
    """Starts what is measured, and measures it."""

    def __init__(self, args):
        self.args = args
        self.folder = tempfile.mkdtemp(prefix="bench-")
        os.chmod(self.folder, 0o755)
        self.port, *self.origin_ports = measure.free_ports(3)
        self.make_certificate()
        self.environment = {**os.environ, "OPENSSL_CONF": self.write("openssl.cnf", peers.OPENSSL)}
        self.clients = clients.Clients(self.port, LOAD_CPU, self.environment)
        self.origin = measure.Program(
            ["nginx", "-e", "stderr", "-c", self.write("origin.conf", peers.origin(self.folder, *self.origin_ports))],
            LOAD_CPU, self.origin_ports[0], self.path("origin.log"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)
        return self.path(name)

    def make_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                        "-subj", f"/CN={clients.HOST}", "-keyout", self.path("key.pem"), "-out", self.path("chain.pem")],
                       check=True, capture_output=True)
        with open(self.path("both.pem"), "wb") as out:
            for name in ("chain.pem", "key.pem"):
                with open(self.path(name), "rb") as text:
                    out.write(text.read())

    def close(self):
        self.origin.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, name, scenario):
        place = peers.Place(self.folder, self.port, self.origin_ports[scenario.origin_http2], scenario.tls, scenario.http2,
                            scenario.origin_http2, scenario.body_bytes != peers.BODY_BYTES)
        if name in ("relay", "splice"):
            relay = self.args.relay or os.path.join(os.path.dirname(self.args.proxenos), "../../tools/bench/relay")
            return [relay, str(self.port), str(place.origin), "splice"][:4 if name == "splice" else 3]
        if name in ("envoy", "proxenos"):
            return [getattr(self.args, name), "-c", self.write("envoy.json", peers.envoy(place)), "--concurrency", "1",
                    "--disable-hot-restart", "--log-level", "error"]
        config = self.write(name + ".conf", getattr(peers, {"nginx": "nginx_proxy"}.get(name, name))(place))
        return {"nginx": ["nginx", "-e", "stderr", "-c", config], "haproxy": ["haproxy", "-f", config],
                "nghttpx": ["nghttpx", "--conf=" + config], "h2o": ["h2o", "-c", config]}[name]

    def names(self, scenario):
        """Who takes part; ends the run when a program is not there."""
        chosen = [name for name in scenario.proxies if not self.args.only or name in self.args.only.split(",")]
        missing = [name for name in chosen if not shutil.which(self.command(name, scenario)[0])]
        if missing:
            sys.exit(f"bench: not there: {', '.join(missing)}")
        return chosen

    def start(self, name, scenario):
        program = measure.Program(self.command(name, scenario), PROXY_CPU, self.port, self.path(name + ".log"), self.environment)
        try:
            self.verify(name, scenario)
        except BaseException:
            program.stop()
            raise
        return program

    def verify(self, name, scenario):
        """The answer is whole, came through by the protocol that is measured, and is the origin's."""
        flag = "--http1.1" if not scenario.http2 else "--http2" if scenario.tls else "--http2-prior-knowledge"
        wanted = f"200 {'2' if scenario.http2 else '1.1'} {scenario.body_bytes}"
        for _ in range(3):
            out = subprocess.run(["curl", "-sk", "-m", "10", flag, "-H", f"Host: {clients.HOST}", "-D", "-", "-o", "/dev/null", "-w",
                                  "%{http_code} %{http_version} %{size_download}", self.clients.url(scenario)],
                                 capture_output=True, text=True, check=False).stdout
            if not out.endswith(wanted) or "x-origin: yes" not in out.lower():
                sys.exit(f"bench: {name} answers, instead of {wanted}:\n{out}")

    def run_load(self, name, scenario):
        program = self.start(name, scenario)
        try:
            self.clients.run(scenario, 1)
            probe = measure.SpeedProbe(PROXY_CPU)
            before = program.cpu_ns()
            result = self.clients.run(scenario, self.args.seconds)
            cost = program.cpu_ns() - before
            result.update(probe=probe.result(), raw_us=cost / 1000 / result["requests"])
            return result
        finally:
            program.stop()

    def run_idle(self, name, scenario):
        """RSS per connection that has made a request and keeps quiet."""
        program = self.start(name, scenario)
        context = clients.quiet_context()
        try:
            self.warm_up(scenario)
            before = program.rss_bytes()
            quiet = [clients.QuietConnection(self.port, scenario, context) for _ in range(self.args.idle)]
            time.sleep(1)  # Lets what is freed late be freed.
            result = {"bytes": (program.rss_bytes() - before) / self.args.idle, "before": before}
            for one in quiet[::97]:
                one.ask()  # They are alive.
            for one in quiet:
                one.close()
            return result
        finally:
            program.stop()

    def warm_up(self, scenario):
        load = "h2load" if scenario.http2 else "wrk"
        self.clients.run(dataclasses.replace(scenario, load=load, connections=16), 1)

    def run(self, results):
        """Fills in {"load": {}, "idle": {}}."""
        for key in self.args.scenarios:
            scenario = SCENARIOS[key]
            names = self.names(scenario)
            if scenario.load == "idle":
                for name in names if self.args.idle else []:
                    result = self.run_idle(name, scenario)
                    results["idle"].setdefault(key, {})[name] = result
                    print(f"{key}: {name}: {result['bytes']:.0f} bytes", file=sys.stderr)
                continue
            for number in range(self.args.rounds):
                for name in names:
                    result = self.run_load(name, scenario)
                    results["load"].setdefault(key, {}).setdefault(name, []).append(result)
                    print(f"{key}, round {number + 1}: {name}: {result['raw_us']:.2f} µs, {result['rps']:.0f}/s", file=sys.stderr)


def scale(results):
    """CPU-µs as on the fastest CPU that any run saw."""
    runs = [run for names in results["load"].values() for many in names.values() for run in many]
    fastest = min((run["probe"] for run in runs if run["probe"]), default=0)
    for run in runs:
        run["slow"] = run["probe"] / fastest if run["probe"] else 1.0
        run["cpu_us"] = run["raw_us"] / run["slow"]


def words_of(command):
    """What a program says, or nothing where it is not installed."""
    try:
        out = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return out.stdout + out.stderr


def versions(names, args):
    commands = {"nginx": ["nginx", "-v"], "haproxy": ["haproxy", "-v"], "nghttpx": ["nghttpx", "--version"],
                "h2o": ["h2o", "--version"], "envoy": [args.envoy, "--version"]}
    found = []
    for name in names:
        if name in commands:
            match = re.search(r"\d+\.\d+\.\d+", words_of(commands[name]))
            found.append(f"{name} {match.group(0) if match else '?'}")
    return ", ".join(found)


def all_names(results):
    """In the order of the scenarios' own lists, proxenos last."""
    seen = {name for kind in results.values() for by_name in kind.values() for name in by_name}
    order = dict.fromkeys(name for scenario in SCENARIOS.values() for name in scenario.proxies)
    return sorted(seen, key=lambda name: (name == "proxenos", list(order).index(name)))


def rows(title, by_name, names):
    """The lines of one scenario under load."""
    def cells(show):
        return " | ".join(show([run for run in by_name[name]]) if name in by_name else "" for name in names)

    def costs(runs):
        us = [run["cpu_us"] for run in runs]
        return f"{statistics.median(us):.1f} ({min(us):.1f} to {max(us):.1f})"

    lines = [f"| {title} | {cells(costs)} |"]
    if "proxenos" in by_name:
        ours = statistics.median(run["cpu_us"] for run in by_name["proxenos"])
        ratio = cells(lambda runs: f"{ours / statistics.median(run['cpu_us'] for run in runs):.2f}")
        lines.append(f"| … proxenos over each | {ratio} |")
    lines.append(f"| … requests/s | {cells(lambda runs: '%.0f' % statistics.median(run['rps'] for run in runs))} |")
    return lines


def table(results, args):
    names = all_names(results)
    lines = [f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} CPUs, Linux {platform.release()}; "
             f"{versions(names, args)}; {args.rounds} rounds of {args.seconds} s.", ""]
    head = " | ".join(names) + " |\n| --- |" + " --- |" * len(names)
    if results["load"]:
        lines.append("| CPU-µs per request, median (least to most) | " + head)
        for key, by_name in results["load"].items():
            lines += rows(SCENARIOS[key].title, by_name, names)
        lines.append("")
    if results["idle"]:
        lines.append(f"| RSS bytes per idle connection ({args.idle} of them) | " + head)
        for key, by_name in results["idle"].items():
            cells = [f"{by_name[name]['bytes']:.0f}" if name in by_name else "" for name in names]
            lines.append(f"| {SCENARIOS[key].title} | " + " | ".join(cells) + " |")
    return "\n".join(lines).rstrip() + "\n"


def write_table(path, text, begin=BEGIN, end=END):
    """Between the two marks of the file, which is made if it is not there."""
    old = f"{begin}\n{end}\n"
    if os.path.exists(path):
        with open(path, encoding="utf-8") as current:
            old = current.read()
    if begin not in old:
        old += f"\n{begin}\n{end}\n"
    head, _, rest = old.partition(begin)
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"{head}{begin}\n{text}{end}{rest.partition(end)[2]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxenos", required=True)
    parser.add_argument("--envoy", default=os.path.join(ROOT, ".deps/oracle/envoy"))
    parser.add_argument("--relay")
    parser.add_argument("--only")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--scenarios", type=lambda text: text.split(","), default=list(SCENARIOS))
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--write")
    parser.add_argument("--marks", default="bench", help="which table of the page is written: bench, bodies")
    parser.add_argument("--json")
    args = parser.parse_args()
    unknown = [key for key in args.scenarios if key not in SCENARIOS]
    if unknown:
        sys.exit(f"bench: unknown: {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    if (os.cpu_count() or 1) < 2:
        sys.exit("bench: needs two CPUs, one for the proxy alone")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench, results, failed = Bench(args), {"load": {}, "idle": {}}, None
    try:
        bench.run(results)
    except SystemExit as error:
        failed = error  # What was measured before is worth showing.
    finally:
        bench.close()
    scale(results)
    text = table(results, args)
    print(text)
    if args.write:
        write_table(args.write, text, *(f"<!-- {args.marks}: {edge} -->" for edge in ("begin", "end")))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(results, out, indent=1)
    if failed is not None:
        raise failed


if __name__ == "__main__":
    main()
