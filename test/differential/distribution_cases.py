"""The cases of distribution_test.py.

Of a case: `localities` (LocalityLbEndpoints, with `hosts`: a host's number and more of its LbEndpoint), `cluster` and
`assignment`: more of their fields; `kind`: "in turn", exactly by turns; "drawn", by lot; "stuck", the first host never
answers; "failed", as drawn, but some or all of the requests may fail; `shares`: by host, where they follow from the configuration.
"""

from bootstrap import TYPE

U, D = {"health_status": "UNHEALTHY"}, {"health_status": "DEGRADED"}
PANIC_OFF = {"common_lb_config": {"healthy_panic_threshold": {"value": 0}}}
RANDOM, RING, MAGLEV, LEAST = ({"lb_policy": name} for name in ("RANDOM", "RING_HASH", "MAGLEV", "LEAST_REQUEST"))
BY_LOCALITY = {"common_lb_config": {"locality_weighted_lb_config": {}}}


def hosts(first, *weights):
    """Numbered from `first`, with these weights (None: without one) or more of an LbEndpoint."""
    return [(first + i, one if isinstance(one, dict) else {"load_balancing_weight": one} if one else {})
            for i, one in enumerate(weights)]


def level(first, *weights, priority=0, zone=None, weight=None):
    made = {"priority": priority, "hosts": hosts(first, *weights)}
    if zone:
        made["locality"] = {"region": "r", "zone": zone}
    return made | ({"load_balancing_weight": weight} if weight else {})


def even(*parts):
    """Shares: of each (share, hosts) as much for each host."""
    return {host: share / len(group) for share, group in parts for host in group}


def weighted(*weights):
    return {host: weight / sum(weights) for host, weight in enumerate(weights)}


def levels(*texts):
    """Priorities of hosts by letters: U unhealthy, D degraded, . healthy."""
    made, first = [], 0
    for priority, text in enumerate(texts):
        made.append(level(first, *({"U": U, "D": D, ".": {}}[letter] for letter in text), priority=priority))
        first += len(text)
    return made


def drawn(localities, shares=None, **more):
    return {"kind": "drawn", "localities": localities} | ({"shares": shares} if shares else {}) | more


def in_turn(localities, shares, **more):
    return {"kind": "in turn", "localities": localities, "shares": shares, **more}


def policy(name, message, **fields):
    return {"load_balancing_policy": {"policies": [{"typed_extension_config": {
        "name": "envoy.load_balancing_policies." + name, "typed_config": {
            "@type": f"{TYPE}envoy.extensions.load_balancing_policies.{name}.v3.{message}", **fields}}}]}}


def local_cluster(*places):
    """The proxies of our kind: one in zone a, where this one is, and one in b."""
    return {"name": "edge", "connect_timeout": "5s", "load_assignment": {"cluster_name": "edge", "endpoints": [
        {"locality": {"region": "r", "zone": zone}, "lb_endpoints": [{"endpoint": {"address": place}}]}
        for zone, place in zip("ab", places)]}}


NONE8, NONE4 = [None] * 8, [None] * 4
THREE = [level(0, None, None, zone="x", weight=1), level(2, None, None, zone="y", weight=2), level(4, None, None, zone="z", weight=5)]
THREE_SHARES = even((1 / 8, [0, 1]), (2 / 8, [2, 3]), (5 / 8, [4, 5]))
# Of zone y half is out: 1.4 * 0.5 of its weight counts.
SICK = [level(0, None, None, zone="x", weight=1), level(2, {}, U, zone="y", weight=2), level(4, None, None, zone="z", weight=5)]
SICK_SHARES = even((1 / 7.4, [0, 1]), (1.4 / 7.4, [2]), (5 / 7.4, [4, 5]))

CASES = {
    "turns": in_turn([level(0, *NONE8)], even((1, range(8)))),
    "weighted turns": in_turn([level(0, 1, 2, 3, 4, 5)], weighted(1, 2, 3, 4, 5)),
    "turns of far weights": in_turn([level(0, 1, 10, 100)], weighted(1, 10, 100)),
    "turns of localities without weights": in_turn([level(0, None, None, zone="x"), level(2, None, zone="y")], even((1, range(3)))),
    "least request": drawn([level(0, *NONE8)], even((1, range(8))), cluster=LEAST),
    "least request of five": drawn([level(0, *NONE8)], even((1, range(8))), cluster=LEAST | {"least_request_lb_config": {"choice_count": 5}}),
    "least request weighted": drawn([level(0, 1, 2, 4, 8)], weighted(1, 2, 4, 8), cluster=LEAST),
    "random": drawn([level(0, *NONE8)], even((1, range(8))), cluster=RANDOM),
    "random weighted": drawn([level(0, 1, 2, 4, 8)], cluster=RANDOM),
    "ring": drawn([level(0, *NONE8)], cluster=RING),
    "ring weighted": drawn([level(0, 1, 2, 4, 8)], cluster=RING),
    "ring small": drawn([level(0, 1, 2, 4)], cluster=RING | {"ring_hash_lb_config": {"minimum_ring_size": 7, "maximum_ring_size": 20}}),
    "maglev": drawn([level(0, *NONE8)], even((1, range(8))), cluster=MAGLEV),
    "maglev weighted": drawn([level(0, 1, 2, 4, 8)], weighted(1, 2, 4, 8), cluster=MAGLEV),
    # A host that never answers is left alone.
    "stuck, least request": {"kind": "stuck", "localities": [level(0, *NONE4)], "cluster": LEAST,
                             "shares": {0: 1 / 16, **even((15 / 16, [1, 2, 3]))}},
    "stuck, least request of four": {"kind": "stuck", "localities": [level(0, *NONE4)],
                                     "cluster": LEAST | {"least_request_lb_config": {"choice_count": 4}},
                                     "shares": {0: 1 / 256, **even((255 / 256, [1, 2, 3]))}},
    "stuck, turns": {"kind": "stuck", "localities": [level(0, *NONE4)], "shares": even((1, range(4)))},
    # Localities.
    "localities by weight": drawn(THREE, THREE_SHARES, cluster=BY_LOCALITY),
    "localities by weight, hosts weighted": drawn(
        [level(0, 1, 3, zone="x", weight=1), level(2, None, None, zone="y", weight=3)],
        {0: 1 / 16, 1: 3 / 16, 2: 3 / 8, 3: 3 / 8}, cluster=BY_LOCALITY),
    "localities by weight, sick": drawn(SICK, SICK_SHARES, cluster=BY_LOCALITY),
    "localities by weight, one is out": drawn([level(0, U, U, zone="x", weight=4), *THREE[1:]],
                                              even((2 / 7, [2, 3]), (5 / 7, [4, 5])), cluster=BY_LOCALITY),
    "localities by weight, one has none": drawn([level(0, None, zone="x"), *THREE[1:]],
                                                even((2 / 7, [2, 3]), (5 / 7, [4, 5])), cluster=BY_LOCALITY),
    "localities by weight, panic": drawn(
        [level(0, U, U, zone="x", weight=1), level(2, U, U, zone="y", weight=2), level(4, {}, U, zone="z", weight=1)],
        cluster=BY_LOCALITY),
    "localities by weight, least request": drawn(THREE, THREE_SHARES, cluster=LEAST | BY_LOCALITY),
    "localities by weight, random": drawn(THREE, THREE_SHARES, cluster=RANDOM | BY_LOCALITY),
    # Tables know weights of localities as they are written, in panic too.
    "localities by weight, maglev": drawn(SICK, even((1 / 8, [0, 1]), (2 / 8, [2]), (5 / 8, [4, 5])), cluster=MAGLEV | BY_LOCALITY),
    "localities by weight, ring": drawn(THREE, cluster=RING | BY_LOCALITY),
    "localities by weight, ring, sick": drawn(SICK, cluster=RING | BY_LOCALITY),
    "localities by weight, maglev, panic": drawn(
        [level(0, 1, 3, U, zone="x", weight=1), level(3, {}, U, U, U, zone="y", weight=3)],
        {0: 1 / 20, 1: 3 / 20, 2: 1 / 20, **even((3 / 4, range(3, 7)))}, cluster=MAGLEV | BY_LOCALITY),
    "localities by weight, priorities": drawn(
        [level(0, {}, U, zone="x", weight=3), level(2, None, zone="y", weight=1),
         level(3, None, None, zone="x", weight=1, priority=1), level(5, None, zone="y", weight=1, priority=1)], cluster=BY_LOCALITY),
    "wrr_locality": drawn(THREE, THREE_SHARES, cluster=policy("wrr_locality", "WrrLocality", endpoint_picking_policy=policy(
        "client_side_weighted_round_robin", "ClientSideWeightedRoundRobin")["load_balancing_policy"])),
    # Priorities, overprovisioned by 1.4.
    "priorities": drawn(levels("..UU", "...."), even((0.7, [0, 1]), (0.3, range(4, 8)))),
    "priorities, enough": drawn(levels("...U", "...."), even((1, range(3)))),
    "priorities of three": drawn(levels("UUU.", "UUU.", "...."), even((0.35, [3]), (0.35, [7]), (0.3, range(8, 12)))),
    "priorities, factor": drawn(levels("..UU", "...."), even((0.5, [0, 1]), (0.5, range(4, 8))),
                                assignment={"policy": {"overprovisioning_factor": 100}}),
    "priorities, double": drawn(levels("..UU", "...."), even((1, [0, 1])), assignment={"policy": {"overprovisioning_factor": 200}}),
    "priorities, least request": drawn(levels("..UU", "...."), even((0.7, [0, 1]), (0.3, range(4, 8))), cluster=LEAST),
    "priorities, random": drawn(levels("..UU", "...."), even((0.7, [0, 1]), (0.3, range(4, 8))), cluster=RANDOM),
    "priorities, maglev": drawn(levels("..UU", "...."), cluster=MAGLEV),
    "priorities, by number": drawn(levels("..UU", "...."), cluster={"common_lb_config": {"healthy_panic_threshold": {"value": 80}}}),
    "degraded": drawn(levels("..DD", "...."), even((0.7, [0, 1]), (0.3, range(4, 8)))),
    "degraded when none is left": drawn(levels("..DD", "UUUU"), even((0.7, [0, 1]), (0.3, [2, 3]))),
    "degraded of two": drawn(levels("UDDD", "U.DD"), cluster=PANIC_OFF),
    "degraded, panic": drawn(levels("UUUD", "UUUD")),
    # Panic.
    "panic": drawn(levels("UUU."), even((1, range(4)))),
    "panic of one priority": drawn(levels("UUU.", "...."), even((0.35, [3]), (0.65, range(4, 8)))),
    "panic of two": drawn(levels("UUU.", "UUU."), even((0.5, range(4)), (0.5, range(4, 8)))),
    "panic of different sizes": drawn(levels("U.", "UUUUU.")),
    "panic of all": drawn(levels("UU", "UUUUUU"), even((0.25, [0, 1]), (0.75, range(2, 8)))),
    "panic of all, random": drawn(levels("UU", "UUUUUU"), cluster=RANDOM),
    "panic of all, turned off": drawn(levels("UU", "UUUUUU"), {"failed": 1}, kind="failed", cluster=PANIC_OFF),
    "one lives, panic turned off": drawn(levels("UU", "UUUUU."), {7: 1}, cluster=PANIC_OFF),
    "panic above half": drawn(levels("..UU"), cluster={"common_lb_config": {"healthy_panic_threshold": {"value": 51}}}),
    "at the threshold": drawn(levels("..UU"), even((1, [0, 1])), cluster={"common_lb_config": {"healthy_panic_threshold": {"value": 50}}}),
    "panic fails": drawn(levels("UUU.", "UUUU"), {"failed": 1}, kind="failed", cluster={"common_lb_config": {
        "zone_aware_lb_config": {"fail_traffic_on_panic": True}}}),
    "panic fails, one priority": drawn(levels("UUU.", "...."), kind="failed", cluster={"common_lb_config": {
        "zone_aware_lb_config": {"fail_traffic_on_panic": True}}}),
    "panic of a ring": drawn(levels("UUU."), cluster=RING),
    "some degraded and panic": drawn(levels("UUUD", "UUU.")),
    # Zones: half of the proxies are in zone a.
    "zones": drawn([level(0, None, None, zone="a"), level(2, *[None] * 6, zone="b")], even((0.5, [0, 1]), (0.5, range(2, 8)))),
    "zones, more than our share": drawn([level(0, *NONE4, zone="a"), level(4, None, None, zone="b")], even((1, range(4)))),
    "zones, too few hosts": drawn([level(0, None, None, zone="a"), level(2, None, None, zone="b")], even((1, range(4)))),
    "zones, random": drawn([level(0, None, None, zone="a"), level(2, *[None] * 6, zone="b")], cluster=RANDOM),
    "zones, sick": drawn([level(0, None, U, zone="a"), level(2, *[None] * 6, zone="b")]),
    "zones by weight": drawn([level(0, 6, 2, zone="a"), level(2, *[1] * 6, zone="b")], cluster=policy(
        "round_robin", "RoundRobin", locality_lb_config={"zone_aware_lb_config": {"locality_basis": "HEALTHY_HOSTS_WEIGHT"}})),
}

# By case: why they differ.
DIFFERENCES = {}
