#!/usr/bin/env python3
"""What a pick of a host costs, by balancer and number of hosts, and what a change of endpoints costs.

  picks.py --benchmark BINARY [--repetitions N] [--write FILE]

BINARY is //test/upstream:load_balancer_benchmark, of an optimised build. Of each figure several repetitions run; the
least counts, which other work on the machine disturbs the least.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import time

BEGIN, END = "<!-- picks: begin -->", "<!-- picks: end -->"
POLICIES = ("round robin", "least request", "random", "ring hash", "Maglev")  # upstream::LbPolicy
HOSTS = (10, 1000, 100000)
CHANGES = (1000, 10000, 100000)
NS = {"ns": 1, "us": 1e3, "ms": 1e6}


def run(binary, repetitions):
    """The least CPU time of each case, in nanoseconds, by its name."""
    out = subprocess.run([binary, "--benchmark_filter=^(Pick|UpdateOne|TakeOver|Build)/", "--benchmark_format=json",
                          f"--benchmark_repetitions={repetitions}", "--benchmark_min_time=0.05"], capture_output=True, text=True, check=True).stdout
    least = {}
    for one in json.loads(out)["benchmarks"]:
        if one["run_type"] == "iteration":
            cost = one["cpu_time"] * NS[one["time_unit"]]
            least[one["run_name"]] = min(cost, least.get(one["run_name"], cost))
    return least


def row(*cells):
    return f"| {' | '.join(cells)} |"


def table(least, repetitions):
    lines = [f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} CPUs, Linux {platform.release()}; the least of {repetitions} "
             "repetitions.", "",
             row("a pick, ns", *(f"{hosts:,} hosts" for hosts in HOSTS), *(f"{hosts:,} of differing weights" for hosts in HOSTS)),
             row(*["---"] * (1 + 2 * len(HOSTS)))]
    for number, policy in enumerate(POLICIES):
        costs = [least[f"Pick/{number}/{hosts}/{weighted}"] for weighted in (0, 1) for hosts in HOSTS]
        lines.append(row(policy, *(f"{cost:.1f}" for cost in costs)))
    lines += ["", row("of endpoints, CPU µs", *(f"{hosts:,}" for hosts in CHANGES)), row(*["---"] * (1 + len(CHANGES))),
              row("one changes: a new snapshot of all, on the main thread",
                  *(f"{least[f'UpdateOne/{hosts}'] / 1e3:,.0f}" for hosts in CHANGES)),
              row("a worker takes the snapshot over, round robin",
                  *(f"{least[f'TakeOver/{hosts}'] / 1e3:,.3f}" if f"TakeOver/{hosts}" in least else "" for hosts in CHANGES)),
              row("the first snapshot",
                  *(f"{least[f'Build/{hosts}'] / 1e3:,.0f}" if f"Build/{hosts}" in least else "" for hosts in CHANGES))]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmark", required=True)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--write", type=pathlib.Path, help="the page whose table is replaced")
    args = parser.parse_args()
    text = table(run(args.benchmark, args.repetitions), args.repetitions)
    print(text)
    if args.write:
        page = args.write.read_text(encoding="utf-8")
        head, _, rest = page.partition(BEGIN)
        args.write.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
