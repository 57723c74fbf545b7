"""When a request is tried again: each word of retry_on, and pairs of them drawn by lot, against each way in which a
host can fail, to proxenos and to the real Envoy. The client's status and the number of tries that the host saw must
be the same, but for what DIFFERENCES has, each with its reason.

  retry_test.py --ours BINARY --envoy BINARY [--seed N]
"""

import argparse
import pathlib
import random
import re
import sys
import threading

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402
from bootstrap import bootstrap, cluster, fill_ports  # noqa: E402
from differential_test import Closed  # noqa: E402

WORDS = ["5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited", "retriable-4xx",
         "refused-stream", "retriable-status-codes", "retriable-headers", "unavailable"]
PAIRS = 40
STATUSES = [200, 301, 400, 404, 409, 418, 429, 500, 501, 502, 503, 504, 599]
WAYS = [f"status-{status}" for status in STATUSES] + [
    "limited", "headed", "close", "reset", "half-head", "nonsense", "cut", "recovers", "refused"]

# (case, why): the whole name of the case as a regular expression.
DIFFERENCES = [
    (r"(GET|POST) half-head: .*", "A connection that ends within the head has ended: 503, as when it ends before. Envoy calls it a "
                                  "protocol error: 502. Both try again as often."),
]


class FailingOrigin(origin.Origin):
    """Fails in the way that the path names, and counts."""

    def __init__(self):
        self.tries, self.lock = {}, threading.Lock()
        super().__init__()

    def answer(self, sock, request):
        path = request["start"].split(" ")[1]
        way = path.split("/")[2]
        with self.lock:
            self.tries[path] = count = self.tries.get(path, 0) + 1
        if way == "reset":
            sock.setsockopt(wire.socket.SOL_SOCKET, wire.socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if way in ("close", "reset"):
            return False
        text = {"half-head": "HTTP/1.1 200 OK\r\nx-a: ", "nonsense": "what is this\r\n\r\n",
                "cut": "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"}.get(way)
        if text:
            sock.sendall(text.encode())
            return False
        status = {"limited": 429, "headed": 200, "recovers": 503 if count < 3 else 200}.get(way) or int(way.split("-")[1])
        more = {"limited": "x-envoy-ratelimited: true\r\n", "headed": "x-again: yes\r\n"}.get(way, "")
        sock.sendall(f"HTTP/1.1 {status} Made\r\n{more}connection: close\r\ncontent-length: 0\r\n\r\n".encode())
        return False  # No connection is kept: that a request is repeated when one has died is another matter.


def ask(port, path, method):
    """The status, or what became of the connection."""
    with wire.connect(port) as sock:
        body = "hello" if method == "POST" else ""
        sock.sendall("\r\n".join([
            f"{method} {path} HTTP/1.1", "host: h", f"content-length: {len(body)}", "", body]).encode())
        response = wire.Reader(sock).response(method)
        return (response["status"], response["complete"]) if response else "nothing"


def run(binary, questions):
    upstream, closed = FailingOrigin(), Closed()
    places = {words: place for place, words in enumerate(dict.fromkeys(words for _, words, _ in questions))}
    routes = []
    for words, place in places.items():
        policy = {"retry_on": words, "num_retries": 3, "retriable_status_codes": [418, 501],
                  "retriable_headers": [{"name": "x-again", "present_match": True}],
                  "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.002s"}}
        for path, name in ((f"/{place}/refused/", "refused"), (f"/{place}/", "origin")):
            routes.append({"match": {"prefix": path}, "route": {"cluster": name, "retry_policy": policy}})
    config = fill_ports(bootstrap(routes, clusters=[cluster("origin", "ORIGIN"), cluster("refused", "CLOSED")]),
                        {"ORIGIN": upstream.port, "CLOSED": closed.port})
    seen = {}
    with proxy.Proxy(binary, config) as running:
        for number, (way, words, method) in enumerate(questions):
            path = f"/{places[words]}/{way}/{number}"
            answer = ask(running.port, path, method)
            seen[f"{method} {way}: {words}"] = (answer, upstream.tries.get(path, 0))
        retries = running.stats().get("cluster.refused.upstream_rq_retry")
    seen["retries of refused connections"] = retries
    return seen


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    pairs = [",".join(draw.sample(WORDS, 2)) for _ in range(PAIRS)]
    questions = [(way, word, "GET") for way in WAYS for word in WORDS]
    questions += [(draw.choice(WAYS), words, draw.choice(["GET", "POST"])) for words in pairs for _ in range(4)]
    ours, theirs = run(args.ours, questions), run(args.envoy, questions)
    results, met = [], set()
    for case, wanted in theirs.items():
        why = [number for number, (pattern, _) in enumerate(DIFFERENCES) if re.fullmatch(pattern, case)]
        problem = ""
        if why and ours[case][1] != wanted[1]:
            why = []  # However it ends, it is tried as often.
        if ours[case] != wanted and not why:
            problem = f"ours {ours[case]}, Envoy {wanted} (answer, tries)"
            print(f"DIFFERS {case}: {problem}")
        elif ours[case] != wanted:
            met.update(why)
        results.append((case, problem))
    for number, (pattern, _) in enumerate(DIFFERENCES):
        if number not in met:
            print(f"STALE {pattern}")
            results.append((f"expected difference {pattern}", "no such difference any more"))
    report.end("retry", results, f"seed {args.seed}")


if __name__ == "__main__":
    main()
