"""The cases of outlier_test.py: rules of outlier detection, and steps that try them.

A step is the name of one of Player's methods with what it takes. Of a case: `rules`, `steps`; `hosts`, 4 of them unless
it says otherwise, and `closed`: one more that refuses connections; `short`: the route's timeout is 0.3 s; `loose`: only
whether a counter has moved counts, since it moves at intervals; `cluster`, `route` and `turns`, the policy that chooses where a request names no host: more of their fields.
"""

# Nothing comes of time, unless a case is about it.
LONG = {"interval": "600s", "base_ejection_time": "600s", "max_ejection_time": "600s", "max_ejection_percent": 100}
ONLY_GATEWAY = LONG | {"consecutive_gateway_failure": 3, "enforcing_consecutive_gateway_failure": 100, "enforcing_consecutive_5xx": 0}
SPLIT = LONG | {"split_external_local_origin_errors": True, "consecutive_local_origin_failure": 3, "consecutive_5xx": 3,
                "enforcing_consecutive_gateway_failure": 100, "consecutive_gateway_failure": 4}
# Judged every 0.3 s; rows of failures play no part.
RATED = LONG | {"interval": "0.3s", "enforcing_consecutive_5xx": 0, "consecutive_5xx": 100000,
                "consecutive_gateway_failure": 100000, "consecutive_local_origin_failure": 100000,
                "success_rate_minimum_hosts": 5, "success_rate_request_volume": 2,
                "failure_percentage_minimum_hosts": 5, "failure_percentage_request_volume": 2}
BY_PERCENTAGE = RATED | {"enforcing_success_rate": 0, "enforcing_failure_percentage": 100}
GOOD, BAD = "status-200", "status-500"


def rows(way, *more):
    """Two failures, a good answer, and three more."""
    return [("send", 1, way, 2), ("send", 1, GOOD), ("send", 1, way, 2), ("send", 1, way), *more]


CASES = {
    # Rows of failures, by what a host can do.
    "5xx in a row": {"rules": LONG | {"consecutive_5xx": 3}, "steps": rows(BAD, ("send", 1, GOOD), ("send", None, GOOD, 3))},
    **{f"{way} in a row": {"rules": LONG | {"consecutive_5xx": 3}, "short": way == "silent", "steps": rows(way)} for way in (
        "status-503", "status-599", "status-404", "status-429", "close", "reset", "half-head", "nonsense", "cut", "silent",
        "grpc-13", "grpc-14", "grpc-0")},
    "refused in a row": {"rules": LONG | {"consecutive_5xx": 3}, "closed": 1, "steps": [("send", 4, GOOD, 2), ("send", 4, GOOD)]},
    "gateway failures": {"rules": ONLY_GATEWAY, "steps": [
        ("send", 1, BAD, 4), ("send", 1, "status-503", 2), ("send", 1, BAD), ("send", 1, "status-502", 2), ("send", 1, "status-504")]},
    "gateway failures by connections": {"rules": ONLY_GATEWAY, "closed": 1, "steps": [("send", 4, GOOD, 3), ("send", 2, "close", 3)]},
    "both kinds of rows": {"rules": LONG | {"consecutive_5xx": 4, "consecutive_gateway_failure": 2,
                                            "enforcing_consecutive_gateway_failure": 100},
                           "steps": [("send", 0, "status-503", 2), ("send", 1, BAD, 3), ("send", 1, "status-503", 1)]},
    "not enforced": {"rules": LONG | {"consecutive_5xx": 2, "enforcing_consecutive_5xx": 0}, "steps": [
        ("send", 1, BAD, 2), ("send", 1, BAD, 5), ("send", 1, GOOD), ("send", 1, BAD, 2)]},
    # Failures of ours told apart from theirs.
    **{f"split {way}": {"rules": SPLIT, "short": way == "silent", "steps": rows(way, ("send", 1, way))}
       for way in (BAD, "status-503", "close", "reset", "half-head", "nonsense", "cut", "silent", "grpc-14")},
    "split refused": {"rules": SPLIT, "closed": 1, "steps": [("send", 4, GOOD, 2), ("send", 4, GOOD)]},
    "split mixed": {"rules": SPLIT, "steps": [("send", 1, "close", 2), ("send", 1, BAD), ("send", 1, "close"), ("send", 1, BAD, 2)]},
    "split not enforced": {"rules": SPLIT | {"enforcing_consecutive_local_origin_failure": 0}, "closed": 1,
                           "steps": [("send", 4, GOOD, 3)]},
    # How many may be out.
    "a quarter": {"rules": LONG | {"consecutive_5xx": 1, "max_ejection_percent": 25}, "steps": [
        ("send", 0, BAD), ("send", 1, BAD), ("send", 1, BAD), ("send", 2, "status-503")]},
    "half": {"rules": LONG | {"consecutive_5xx": 1, "max_ejection_percent": 50}, "steps": [("send", host, BAD) for host in range(4)]},
    "less than one": {"rules": LONG | {"consecutive_5xx": 1, "max_ejection_percent": 24}, "steps": [("send", 0, BAD)]},
    "one always": {"rules": LONG | {"consecutive_5xx": 1, "max_ejection_percent": 0, "always_eject_one_host": True},
                   "steps": [("send", 0, BAD), ("send", 1, BAD)]},
    "by default": {"rules": {"base_ejection_time": "600s", "interval": "600s"}, "steps": [("send", 1, BAD, 5), ("send", 1, BAD, 5)]},
    # Panic: when few are left, all are asked; the clients' statuses tell.
    "panic": {"rules": LONG | {"consecutive_5xx": 1}, "steps": [
        *(("send", host, BAD) for host in range(4)), ("send", None, GOOD, 8), ("send", None, BAD, 4)]},
    "panic of half": {"rules": LONG | {"consecutive_5xx": 1}, "cluster": {"common_lb_config": {"healthy_panic_threshold": {"value": 60}}},
                      "steps": [("send", 0, BAD), ("send", 1, BAD), ("send", None, GOOD, 8)]},
    "no panic": {"rules": LONG | {"consecutive_5xx": 1}, "cluster": {"common_lb_config": {"healthy_panic_threshold": {"value": 0}}},
                 "steps": [*(("send", host, BAD) for host in range(4)), ("reach", 503), ("send", None, GOOD, 3)]},
    "panic fails": {"rules": LONG | {"consecutive_5xx": 1}, "turns": {
        "locality_lb_config": {"zone_aware_lb_config": {"fail_traffic_on_panic": True}}},
        "steps": [*(("send", host, BAD) for host in range(4)), ("reach", 503), ("send", None, GOOD, 3)]},
    # Back again. The order of what the event log tells is that of the times.
    "back": {"rules": LONG | {"consecutive_5xx": 2, "interval": "0.1s", "base_ejection_time": "0.3s"}, "steps": [
        ("eject", 1, BAD, 2), ("back", 1), ("send", 1, BAD), ("send", 1, GOOD)]},
    "longer each time": {"rules": LONG | {"consecutive_5xx": 1, "interval": "0.4s", "base_ejection_time": "1.2s"}, "steps": [
        ("eject", 1, BAD, 1), ("back", 1), ("eject", 1, BAD, 1), ("eject", 2, BAD, 1), ("back", 2), ("back", 1)]},
    "no longer than": {"rules": LONG | {"consecutive_5xx": 1, "interval": "0.4s", "base_ejection_time": "1.2s",
                                        "max_ejection_time": "1.2s"}, "steps": [
        ("eject", 1, BAD, 1), ("back", 1), ("eject", 1, BAD, 1), ("back", 1)]},
    "back by a check": {"rules": LONG | {"consecutive_5xx": 1}, "steps": [("send", 1, BAD), ("back", 1)], "cluster": {
        "health_checks": [{"timeout": "5s", "interval": "2s", "no_traffic_interval": "2s", "unhealthy_threshold": 1, "healthy_threshold": 1,
                           "http_health_check": {"path": "/x/check/"}}]}},
    "not back by a check": {"rules": LONG | {"consecutive_5xx": 1, "successful_active_health_check_uneject_host": False},
                            "steps": [("send", 1, BAD), ("quiet", [GOOD], 1.0)], "cluster": {
        "health_checks": [{"timeout": "5s", "interval": "0.2s", "no_traffic_interval": "0.2s", "unhealthy_threshold": 1,
                           "healthy_threshold": 1, "http_health_check": {"path": "/x/check/"}}]}},
    # Rates, judged at intervals.
    "success rate": {"rules": RATED, "hosts": 5, "loose": True, "steps": [
        ("load", [GOOD] * 4 + [BAD], "ejections_enforced_success_rate"), ("quiet", [GOOD] * 4, 0.7)]},
    "success rate not enforced": {"rules": RATED | {"enforcing_success_rate": 0}, "hosts": 5, "loose": True, "steps": [
        ("load", [GOOD] * 4 + [BAD], "ejections_detected_success_rate")]},
    "success rate of few hosts": {"rules": RATED, "hosts": 4, "loose": True, "steps": [("quiet", [GOOD] * 3 + [BAD], 1.0)]},
    "success rate of few requests": {"rules": RATED | {"success_rate_request_volume": 1000000}, "hosts": 5, "loose": True,
                                     "steps": [("quiet", [GOOD] * 4 + [BAD], 1.0)]},
    "success rate of all alike": {"rules": RATED, "hosts": 5, "loose": True, "steps": [("quiet", [BAD] * 5, 1.0)]},
    "success rate of a strict factor": {"rules": RATED | {"success_rate_stdev_factor": 2100}, "hosts": 5, "loose": True,
                                        "steps": [("quiet", [GOOD] * 4 + [BAD], 1.0)]},
    "success rate of two": {"rules": RATED | {"success_rate_stdev_factor": 1000}, "hosts": 5, "loose": True, "steps": [
        ("load", [GOOD] * 3 + [BAD] * 2, "ejections_enforced_success_rate", 1)]},
    "success rate of connections": {"rules": RATED | {"split_external_local_origin_errors": True}, "loose": True, "closed": 1,
                                    "steps": [("load", [GOOD] * 5, "ejections_enforced_local_origin_success_rate")]},
    "failure percentage": {"rules": BY_PERCENTAGE, "hosts": 5, "loose": True, "steps": [
        ("load", [GOOD] * 4 + [BAD], "ejections_enforced_failure_percentage"), ("quiet", [GOOD] * 4, 0.7)]},
    "failure percentage not enforced": {"rules": BY_PERCENTAGE | {"enforcing_failure_percentage": 0}, "hosts": 5, "loose": True,
                                        "steps": [("load", [GOOD] * 4 + [BAD], "ejections_detected_failure_percentage")]},
    "failure percentage below": {"rules": BY_PERCENTAGE | {"success_rate_stdev_factor": 3000}, "hosts": 5, "loose": True,
                                 "steps": [("quiet", [GOOD] * 4 + [[GOOD, BAD]], 1.0)]},
    "failure percentage of all": {"rules": BY_PERCENTAGE | {"failure_percentage_threshold": 40}, "hosts": 5, "loose": True, "steps": [
        ("load", [[GOOD, BAD, BAD]] * 5, "ejections_enforced_failure_percentage")]},
    "failure percentage of few hosts": {"rules": BY_PERCENTAGE, "hosts": 4, "loose": True,
                                        "steps": [("quiet", [GOOD] * 3 + [BAD], 1.0)]},
    "failure percentage of connections": {"rules": BY_PERCENTAGE | {
        "split_external_local_origin_errors": True, "enforcing_failure_percentage_local_origin": 100,
        "enforcing_local_origin_success_rate": 0}, "closed": 1, "loose": True, "steps": [
            ("load", [GOOD] * 5, "ejections_enforced_local_origin_failure_percentage")]},
    # Tries count each for themselves.
    "tries": {"rules": LONG | {"consecutive_5xx": 3}, "steps": [("send", 1, BAD), ("send", 1, BAD, 2)], "route": {"retry_policy": {
        "retry_on": "5xx", "num_retries": 1, "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.002s"}}}},
    "degraded": {"rules": LONG | {"detect_degraded_hosts": True}, "steps": [
        ("send", 1, "degraded"), ("send", 1, GOOD), ("send", None, GOOD, 3)]},
    "degraded and back": {"rules": LONG | {"detect_degraded_hosts": True, "interval": "0.1s", "base_ejection_time": "0.4s"},
                          "steps": [("degrade", 1), ("recovered", 1), ("degrade", 1), ("recovered", 1)]},
    "degraded and ejected": {"rules": LONG | {"detect_degraded_hosts": True, "consecutive_5xx": 1}, "steps": [
        ("send", 1, "degraded"), ("send", 1, BAD), ("send", 2, "degraded"), ("send", 2, BAD)]},
    "back from gateway failures": {"rules": ONLY_GATEWAY | {"interval": "0.1s", "base_ejection_time": "0.4s"}, "steps": [
        ("eject", 1, "status-503", 3), ("back", 1)]},
    "degraded, not asked for": {"rules": LONG, "steps": [("send", 1, "degraded")]},
}

# By case: what the difference looks like, and why it is one.
HALF_HEAD = (r"^ours \(\[\(503, True\), \(503, True\)\], .*Envoy \(\[\(502, True\), \(502, True\)\]",
             "A connection that ends within the head has ended: 503, as when it ends before. Envoy calls it a protocol error: 502.")
DIFFERENCES = {"half-head in a row": HALF_HEAD, "split half-head": HALF_HEAD}
