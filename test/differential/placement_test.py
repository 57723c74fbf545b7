"""Where requests go: the same clusters, hosts and generated keys to proxenos and to the real Envoy.

  placement_test.py --ours BINARY --envoy BINARY [--seed N]

Consistent hashing and session state must choose the very same host for each request, or a fleet of both
would split its keys; subsets, priorities and panic must choose among the same hosts. There is no list of differences: none is known.
"""

import argparse
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402
from bootstrap import ROUTER, TYPE, address, bootstrap  # noqa: E402

HOSTS = 12
KEYS = 200
REQUESTS = 300  # So many that the least share is seen.

RING = {"lb_policy": "RING_HASH"}
MAGLEV = {"lb_policy": "MAGLEV"}
BY_HEADER = [{"header": {"header_name": "x-key"}}]

# (name, fields of the cluster, are hosts weighted, have they hash keys, hash policies)
HASHED = [
    ("ring", RING, False, False, BY_HEADER),
    ("ring weighted", RING, True, False, BY_HEADER),
    ("ring of keys", RING, False, True, BY_HEADER),
    ("ring murmur", RING | {"ring_hash_lb_config": {"hash_function": "MURMUR_HASH_2"}}, False, False, BY_HEADER),
    ("ring small", RING | {"ring_hash_lb_config": {"minimum_ring_size": 30, "maximum_ring_size": 50}}, True, False, BY_HEADER),
    ("maglev", MAGLEV, False, False, BY_HEADER),
    ("maglev weighted", MAGLEV, True, False, BY_HEADER),
    ("maglev of keys", MAGLEV, False, True, BY_HEADER),
    ("maglev small", MAGLEV | {"maglev_lb_config": {"table_size": 251}}, True, False, BY_HEADER),
    ("query", RING, False, False, [{"query_parameter": {"name": "key"}}]),
    ("cookie", MAGLEV, False, False, [{"cookie": {"name": "key"}}]),
    ("rewritten", RING, False, False, [{"header": {"header_name": "x-key", "regex_rewrite": {
        "pattern": {"regex": "-.*"}, "substitution": "+"}}}]),
    ("two policies", MAGLEV, False, False, BY_HEADER + [{"query_parameter": {"name": "key"}}]),
    ("terminal", MAGLEV, False, False, [
        {"header": {"header_name": "x-sometimes"}, "terminal": True}, {"query_parameter": {"name": "key"}}]),
]

# Of hosts with {"version": i % 3, "stage": "prod" or "test"}: (name, subset_selectors' config, metadata_match)
SELECTORS = [{"keys": ["version"]}, {"keys": ["stage", "version"]}]
SUBSETS = [
    ("by version", {}, {"version": "1"}),
    ("by both", {}, {"version": "2", "stage": "prod"}),
    ("no such keys", {}, {"stage": "prod"}),
    ("no such value", {}, {"version": "9"}),
    ("any endpoint", {"fallback_policy": "ANY_ENDPOINT"}, {"version": "9"}),
    ("default subset", {"fallback_policy": "DEFAULT_SUBSET", "default_subset": {"stage": "test"}}, {"version": "9"}),
    ("default without match", {"fallback_policy": "DEFAULT_SUBSET", "default_subset": {"stage": "test"}}, {}),
    ("keys subset", {"fallback_policy": "ANY_ENDPOINT", "subset_selectors": [
        {"keys": ["stage", "version"], "fallback_policy": "KEYS_SUBSET", "fallback_keys_subset": ["version"]},
        {"keys": ["version"], "fallback_policy": "NO_FALLBACK"}]}, {"version": "1", "stage": "none"}),
    ("selector without fallback", {"fallback_policy": "ANY_ENDPOINT", "subset_selectors": [
        {"keys": ["version"], "fallback_policy": "NO_FALLBACK"}]}, {"version": "9"}),
    ("list as any", {"list_as_any": True}, {"version": "0"}),
    ("single host", {"subset_selectors": [{"keys": ["index"], "single_host_per_subset": True}]}, {"index": "4"}),
    ("fallback list", {"metadata_fallback_policy": "FALLBACK_LIST"}, {"fallback_list": [{"version": "9"}, {"version": "2"}]}),
]

# Hosts by their health, each at a priority of 4 hosts: U unhealthy, D degraded, R draining, T timed out, . healthy:
# (name, healths, common_lb_config)
PANIC_OFF = {"healthy_panic_threshold": {"value": 0}}
HEALTH = [
    ("some are unhealthy", ["UU..", "....", "...."], {}),
    ("most are unhealthy", ["UUU.", "....", "...."], {}),
    ("first priority is out", ["UUUU", "....", "...."], {}),
    ("two priorities are out", ["UUUU", "UUUU", "..U."], {}),
    ("all are out", ["UUUU", "UUUU", "UUUU"], {}),
    ("all are out, no panic", ["UUUU", "UUUU", "UUUU"], PANIC_OFF),
    ("one lives, no panic", ["UUUU", "UUU.", "UUUU"], PANIC_OFF),
    ("panic fails", ["UUUU", "UUUU", "UUU."], {"zone_aware_lb_config": {"fail_traffic_on_panic": True}}),
    ("degraded", ["DDDD", "DDDD", "UUUU"], {}),
    ("degraded and healthy", ["DD..", "....", "...."], {}),
    ("degraded behind", ["UUUU", "DDDD", "...."], {}),
    ("draining", ["RR..", "....", "...."], {}),
    ("timed out", ["TTTT", "....", "...."], {}),
]
HEALTHS = {"U": "UNHEALTHY", "D": "DEGRADED", "R": "DRAINING", "T": "TIMEOUT", ".": "HEALTHY"}


def endpoint(index, port, weighted=False, keyed=False):
    metadata = {"version": str(index % 3), "index": str(index), "stage": "prod" if index % 2 else "test"}
    if keyed:
        metadata["hash_key"] = f"key of {index}"
    one = {"endpoint": {"address": address(port)}, "metadata": {"filter_metadata": {"envoy.lb": metadata}}}
    return one | ({"load_balancing_weight": 1 + index * 3 % 7} if weighted else {})


def cluster(name, hosts, **more):
    return {"name": name, "connect_timeout": "5s",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": hosts}]}, **more}


def path_of(name):
    return "/" + name.replace(" ", "-")


def route(path, name, **more):
    return {"match": {"path": path}, "route": {"cluster": name, **more},
            "response_headers_to_add": [{"header": {"key": "x-host", "value": "%UPSTREAM_REMOTE_ADDRESS%"}}]}


def session(name, state):
    kind = f"envoy.extensions.http.stateful_session.{state}.v3"
    extension = "envoy.http.stateful_session." + state  # Envoy finds it by its name.
    state = ({"cookie": {"name": "session", "path": "/"}} if state == "cookie" else {"name": "x-session"}) | {
        "@type": f"{TYPE}{kind}.{state.capitalize()}BasedSessionState"}
    return {"name": name, "typed_config": {
        "@type": TYPE + "envoy.extensions.filters.http.stateful_session.v3.StatefulSession",
        "session_state": {"name": extension, "typed_config": state}}}


def make_bootstrap(ports):
    clusters, routes = [], []
    for name, fields, weighted, keyed, policies in HASHED:
        hosts = [endpoint(i, port, weighted, keyed) for i, port in enumerate(ports)]
        clusters.append(cluster(name, hosts, **fields))
        routes.append(route(path_of(name), name, hash_policy=policies))
    hosts = [endpoint(i, port) for i, port in enumerate(ports)]
    for name, config, match in SUBSETS:
        clusters.append(cluster(name, hosts, lb_subset_config={"subset_selectors": SELECTORS} | config))
        routes.append(route(path_of(name), name, **(
            {"metadata_match": {"filter_metadata": {"envoy.lb": match}}} if match else {})))
    for name, healths, config in HEALTH:
        levels = [{"priority": level, "lb_endpoints": [
            hosts[4 * level + i] | {"health_status": HEALTHS[health]} for i, health in enumerate(text)]}
            for level, text in enumerate(healths)]
        clusters.append(cluster(name, []) | {"common_lb_config": config} | {
            "load_assignment": {"cluster_name": name, "endpoints": levels}})
        routes.append(route(path_of(name), name))
    clusters.append(cluster("sessions", hosts))
    routes.append(route("/sessions", "sessions"))
    filters = [session("by_cookie", "cookie"), session("by_header", "header"),
               {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}]
    return bootstrap(routes, {"http_filters": filters}, clusters)


class Client:
    def __init__(self, port):
        self.sock = wire.connect(port)
        self.reader = wire.Reader(self.sock)

    def ask(self, target, *fields):
        """The response's status and fields."""
        self.sock.sendall("\r\n".join([f"GET {target} HTTP/1.1", "host: h", *fields, "", ""]).encode())
        response = self.reader.response("GET")
        return response["status"], dict(response["headers"])

    def host(self, target, *fields):
        """The port of the host that answered, or the status of a failure."""
        status, headers = self.ask(target, *fields)
        return int(headers["x-host"].rpartition(":")[2]) if "x-host" in headers and status == 200 else f"status {status}"


def hashed(client, name, keys):
    target = path_of(name)
    return [client.host(f"{target}?key={key}", f"x-key: {key}", f"cookie: a=b; key={key}",
                        *([f"x-sometimes: {key[::-1]}"] if len(key) % 2 else [])) for key in keys]


def compare_hashed(ours, theirs, keys):
    for name, *_ in HASHED:
        mine, envoys = hashed(ours, name, keys), hashed(theirs, name, keys)
        wrong = [(key, a, b) for key, a, b in zip(keys, mine, envoys) if a != b]
        spread = len(set(envoys))
        problem = f"{len(wrong)} of {len(keys)} keys go elsewhere, such as (key, ours, Envoy's) {wrong[0]}" if wrong else ""
        yield f"hash/{name}", problem or ("" if spread > 1 else "all keys go to one host: the case proves nothing")


def compare_sets(kind, cases, ours, theirs):
    """All hosts that requests go to."""
    for name, *_ in cases:
        mine, envoys = ({str(client.host(path_of(name))) for _ in range(REQUESTS)} for client in (ours, theirs))
        yield f"{kind}/{name}", "" if mine == envoys else f"ours: {sorted(mine)}, Envoy: {sorted(envoys)}"


def compare_sessions(ours, theirs):
    """What one gave, the other takes."""
    for giver, taker, way in ((ours, theirs, "ours to Envoy"), (theirs, ours, "Envoy's to us")):
        for field, sent in (("set-cookie", "cookie: "), ("x-session", "x-session: ")):
            problem = ""
            for _ in range(HOSTS):
                _, headers = giver.ask("/sessions")
                wanted = int(headers["x-host"].rpartition(":")[2])
                value = headers[field].partition(";")[0]
                got = {taker.host("/sessions", sent + value) for _ in range(3)}
                if got != {wanted}:
                    problem = f"{value} is of host {wanted}, and led to {got}"
            yield f"session/{field} {way}", problem


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    keys = ["".join(draw.choices("abcdefgh0123456789-_.", k=draw.randint(1, 40))) for _ in range(KEYS)]
    origins = [origin.Origin() for _ in range(HOSTS)]
    config = make_bootstrap([one.port for one in origins])
    with proxy.Proxy(args.ours, config) as mine, proxy.Proxy(args.envoy, config) as envoys:
        ours, theirs = Client(mine.port), Client(envoys.port)
        results = [*compare_hashed(ours, theirs, keys), *compare_sets("subset", SUBSETS, ours, theirs),
                   *compare_sets("health", HEALTH, ours, theirs), *compare_sessions(ours, theirs)]
    for name, problem in results:
        if problem:
            print(f"DIFFERS {name}: {problem}")
    report.end("placement", results, f"seed {args.seed}")


if __name__ == "__main__":
    main()
