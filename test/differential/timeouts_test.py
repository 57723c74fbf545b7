"""How long requests are waited for: timeouts of routes, of tries and of idle tries, drawn by lot, against hosts that
answer late, or begin and stop, to proxenos and to the real Envoy. The client's status, whether the response was whole,
the number of tries that the host saw, and what the access log says must be the same, as must the clusters' counts.

Limits and waits are at least 150 ms apart, so that a busy machine seldom changes their order; what differs is asked
again, without the others.

  timeouts_test.py --ours BINARY --envoy BINARY [--seed N]
"""

import argparse
import os
import pathlib
import random
import select
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402
from bootstrap import TYPE, bootstrap, cluster, fill_ports  # noqa: E402

CASES = 60
LIMITS = [None, 0.15, 0.45, 0.75]
WAITS = [0.0, 0.3, 0.6, 1.8]  # The last one is beyond all limits.
BACK_OFF = {"base_interval": "0.001s", "max_interval": "0.002s"}
# Envoy counts a status when the response begins, proxenos when it has ended: of those that are cut off it has none.
OF_WHOLE_RESPONSES = ("upstream_rq_200", "upstream_rq_completed")
COUNTS = ["upstream_rq_timeout", "upstream_rq_per_try_timeout", "upstream_rq_per_try_idle_timeout", "upstream_rq_retry",
          "upstream_rq_retry_success", "upstream_rq_retry_limit_exceeded", "upstream_rq_retry_overflow",
          "upstream_rq_retry_backoff_exponential", "upstream_rq_504", "upstream_rq_200", "upstream_rq_completed"]


class LateOrigin(origin.Origin):
    """Waits as the path says before its head and before the rest of its body."""

    def __init__(self):
        self.tries = {}
        super().__init__()

    def answer(self, sock, request):
        place, head, rest = request["start"].split(" ")[1].strip("/").split("/")
        with self.lock:
            self.tries[place] = self.tries.get(place, 0) + 1
        select.select([], [], [], float(head))
        sock.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 8\r\n\r\nhalf")
        select.select([], [], [], float(rest))
        sock.sendall(b"half")
        return False


def draw_case(draw):
    return {"timeout": draw.choice([0.45, 0.75, 1.05, 1.35]), "per_try": draw.choice(LIMITS), "idle": draw.choice(LIMITS),
            "retries": draw.choice([0, 1, 2]), "on": draw.choice(["5xx", "gateway-error", "reset", "connect-failure"]),
            "head": draw.choice(WAITS), "rest": draw.choice([0.0, 0.0, 0.3, 1.8])}


def apart(case):
    """Whether nothing happens at nearly the same time, whatever the try."""
    step = min([limit for limit in (case["per_try"], case["idle"]) if limit] or [9])
    begins = [number * step for number in range(case["retries"] + 1)]
    instants = {round(begin + wait, 3) for begin in begins
                for wait in (case["head"], case["head"] + case["rest"])} | {round(begin, 3) for begin in begins[1:]}
    ends = [case["timeout"]]
    ends += [begin + limit for begin in begins for limit in (case["per_try"], case["idle"]) if limit]
    ends += [begin + case["head"] + case["idle"] for begin in begins if case["idle"]]
    waits = [instant for instant in instants if instant not in [round(begin, 3) for begin in begins]]
    clash = any(abs(instant - end) < 0.14 for instant in waits for end in ends)
    return not clash and all(abs(case["timeout"] - begin) > 0.14 for begin in begins) and \
        not (case["per_try"] and case["per_try"] == case["idle"])


def ask(port, path):
    with wire.connect(port) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n".encode())
        response = wire.Reader(sock).response("GET")
        return (response["status"], response["complete"]) if response else "nothing"


def route(place, case):
    policy = {"retry_on": case["on"], "num_retries": case["retries"], "retry_back_off": BACK_OFF}
    if case["per_try"]:
        policy["per_try_timeout"] = f"{case['per_try']}s"
    if case["idle"]:
        policy["per_try_idle_timeout"] = f"{case['idle']}s"
    return {"match": {"prefix": f"/{place}/"}, "route": {
        "cluster": f"c{place}", "timeout": f"{case['timeout']}s", "retry_policy": policy}}


def run(binary, cases):
    upstream, answers = LateOrigin(), {}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log")
        log = {"name": "log", "typed_config": {
            "@type": TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": path,
            "log_format": {"text_format_source": {
                "inline_string": "%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%\n"}}}}
        config = fill_ports(bootstrap([route(place, case) for place, case in enumerate(cases)], {"access_log": [log]},
                                      [cluster(f"c{place}", "ORIGIN") for place in range(len(cases))]),
                            {"ORIGIN": upstream.port})

        def one(place, case):
            answers[place] = ask(running.port, f"/{place}/{case['head']}/{case['rest']}")
        with proxy.Proxy(binary, config, arguments=("--file-flush-interval-msec", "10")) as running:
            threads = [threading.Thread(target=one, args=item) for item in enumerate(cases)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

            def logged():
                with open(path, encoding="utf-8") as text:
                    lines = text.read().splitlines()
                return lines if len(lines) == len(cases) else None
            lines = {int(line.split("/")[1]): line.split(" ", 1)[1] for line in running.wait(logged)}
            stats = running.stats()
    counts = {place: {name: stats.get(f"cluster.c{place}.{name}", 0) for name in COUNTS} for place in range(len(cases))}
    for place, answer in answers.items():
        if answer == (200, False):
            for name in OF_WHOLE_RESPONSES:
                del counts[place][name]
    return {place: (answers[place], upstream.tries.get(str(place), 0), lines[place], counts[place])
            for place in range(len(cases))}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    draw, cases = random.Random(args.seed), []
    while len(cases) < CASES:
        case = draw_case(draw)
        if apart(case):
            cases.append(case)
    ours, theirs = run(args.ours, cases), run(args.envoy, cases)
    results = []
    for place, case in enumerate(cases):
        pair = (ours[place], theirs[place])
        for _ in range(3):
            if pair[0] != pair[1]:
                pair = (run(args.ours, [case])[0], run(args.envoy, [case])[0])
        problem = "" if pair[0] == pair[1] else f"ours {pair[0]}, Envoy {pair[1]}"
        if problem:
            print(f"DIFFERS {case}: {problem}")
        results.append((str(case), problem))
    report.end("timeouts", results, f"seed {args.seed}")


if __name__ == "__main__":
    main()
