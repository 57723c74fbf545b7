"""The same bootstraps and requests to proxenos and to the real Envoy: what clients and the origin see
must be the same, but for what the list of expected differences has, each with its reason.

  differential_test.py --ours BINARY --envoy BINARY [--cases http2|replies|filters] [--only GROUP] [--record]

--cases http2 is for what http2_cases.py has, filters for filters by themselves. An expectation that nothing meets fails too, so the
list stays true. --record prints what a run found in the form of the list, for a person to judge.
"""

import argparse
import functools
import json
import pathlib
import re
import socket
import ssl
import sys

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import cases  # noqa: E402
import certificates  # noqa: E402
import choice_cases  # noqa: E402
import body_cases  # noqa: E402
import credential_cases  # noqa: E402
import filter_cases  # noqa: E402
import h1_requests  # noqa: E402
import h2wire  # noqa: E402
import http2_cases  # noqa: E402
import reply_cases  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import service_cases  # noqa: E402
import services  # noqa: E402
import tls_origin  # noqa: E402
import upstream_cases  # noqa: E402
import wire  # noqa: E402
from bootstrap import fill_ports  # noqa: E402

# Tells the origin which request of ours it has.
TAG = "x-case"

# Values that differ from one run to the next: only their form is compared.
FORMS = {
    "x-request-id": (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"),
    "x-envoy-upstream-service-time": (r"\d+", "MS"),
    "x-envoy-expected-rq-timeout-ms": (r"\d+", "MS"),
    "date": (r"(?!Thu, 01 Jan 1970).* GMT", "DATE"),
}
# Of a login that begins: what is drawn by lot, and sealed.
LOTS = [(re.compile(r"(?<=[?&])(state|code_challenge)=[^&]*"), r"\1=LOT"),
        # The order of a query's parameters means nothing to who reads it.
        (re.compile(r"(?<=[?]).*"), lambda found: "&".join(sorted(found[0].split("&")))),
        (re.compile(r"^(OauthNonce|CodeVerifier)(\.[^=]+)?=[^;]*"), lambda found: f"{found[1]}{'.FLOW' if found[2] else ''}=LOT")]


def normal_fields(fields, ports):
    """Sorted, since the order of different fields means nothing (RFC 9110, section 5.3); the values of
    one name keep theirs."""
    result = []
    for name, value in fields:
        if name == TAG:
            continue
        pattern, form = FORMS.get(name, (None, None))
        if pattern and re.fullmatch(pattern, value):
            value = form
        for pattern, form in LOTS if name in ("location", "set-cookie") else ():
            value = pattern.sub(form, value)
        result.append(f"{name}: {normal_text(value, ports)}")
    return sorted(result, key=lambda line: line.partition(":")[0])


def normal_text(text, ports):
    for port, name in ports.items():
        text = text.replace(f":{port}", f":{name}")
    if len(text) > 200:
        text = f"{text[:60]}... ({len(text)} bytes)"
    return text


def observe_response(response, ports):
    return {"status": response["status"], "headers": normal_fields(response["headers"], ports),
            "body": normal_text(services.decode_body(response), ports), "complete": response["complete"],
            "trailers": normal_fields(response["trailers"], ports)}


def open_connection(port, kind):
    """A socket to the proxy, as the group's client makes it."""
    sock = wire.connect(port)
    if not kind["tls"]:
        return sock
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2" if kind["client"] == "h2" else "http/1.1"])
    return context.wrap_socket(sock, server_hostname="a.example")


def observe(port, request, ports, kind):
    """What a client sees: responses, and whether the connection is good for another request."""
    with open_connection(port, kind) as sock:
        return (observe_http2 if kind["client"] == "h2" else observe_http1)(sock, request, ports)


def observe_http1(sock, request, ports):
    _, data, *_ = request
    method = data.split(b" ", 1)[0].decode("latin-1")
    expected = max(data.count(b" HTTP/1.1\r\n"), 1)
    seen = {"responses": []}
    reader = wire.Reader(sock)
    sock.sendall(data)
    while len([r for r in seen["responses"] if r["status"] >= 200]) < expected:
        response = reader.response(method)
        if response is None:
            break
        seen["responses"].append(observe_response(response, ports))
        if response["status"] == 101:
            seen["tunnel"] = reader.bytes(5) if b"Upgrade:" in data else ""
            break
    try:
        sock.sendall(h1_requests.get("/probe", host="a.example"))
    except OSError:
        pass
    again = reader.response("GET")
    seen["connection"] = "kept" if again else "closed"
    return seen


def observe_http2(sock, request, ports):
    name, fields, *more = request
    connection = h2wire.Connection(sock)
    stream = connection.open([*fields, (TAG, name)], end=not more)
    if ("expect", "100-continue") in fields:
        # Who has the body already is not told to go on.
        connection.wait(lambda: connection.message(stream).informational or connection.message(stream).headers)
    if more:
        connection.send_body(stream, more[0], end=len(more) == 1)
        if len(more) > 1:
            connection.send(h2wire.headers(stream, more[1], True))
    message = connection.response(stream)
    seen = {"responses": [observe_http2_response(head, b"", True, None, ports) for head in message.informational]}
    if message.headers:
        seen["responses"].append(observe_http2_response(message.headers, message.body, message.ended, message.trailers, ports))
    seen["reset"] = message.reset if not message.ended else None
    again = connection.get("/probe", authority="a.example") if not connection.ended else None
    seen["connection"] = "kept" if again and again.headers else "closed"
    return seen


def observe_http2_response(head, body, complete, trailers, ports):
    fields = [field for field in head if field[0] != ":status"]
    return observe_response({"status": int(dict(head).get(":status", 0)), "headers": fields, "body": body.decode("latin-1"),
                             "complete": complete, "trailers": trailers or []}, ports)


def observe_origin(requests, ports):
    return [{"start": normal_text(r["start"], ports), "headers": normal_fields(r["headers"], ports),
             "body": normal_text(r.get("body", ""), ports), "trailers": normal_fields(r.get("trailers", []), ports)}
            for r in requests if "/probe" not in r["start"]]


def start_origin(kind, pair):
    if kind["origin_tls"]:
        return tls_origin.TlsOrigin(tls_origin.server_context(pair, ["h2"] if kind["origin"] == "h2" else []))
    return tls_origin.Http2Origin() if kind["origin"] == "h2" else services.MadeOrigin()


# How groups are played that do not say.
PLAIN = {"client": "h1", "tls": False, "origin": "h1", "origin_tls": False}


class Silent:
    """Accepts connections (by its backlog) and never says anything."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]


class Closed:
    """A port that is taken, but refuses connections."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]


@functools.cache
def certificate():
    """An authority, and what proxy and origin both show."""
    authority = certificates.Authority()
    return authority, authority.issue("server", ["DNS:a.example", "DNS:up.example"])


SETS = {"http1": (cases.GROUPS, "expected_differences.json"),
        "http2": (http2_cases.GROUPS, "expected_differences_http2.json"),
        "replies": (reply_cases.GROUPS, "expected_differences_replies.json"),
        "filters": (filter_cases.GROUPS | body_cases.GROUPS | choice_cases.GROUPS | credential_cases.GROUPS | service_cases.GROUPS | upstream_cases.GROUPS,
                    "expected_differences_filters.json")}


def run_group(binary, group):
    """What each request of a group leads to, by the request's name."""
    bootstrap, requests, *more = {name: one for groups, _ in SETS.values() for name, one in groups.items()}[group]
    kind = more[0] if more else PLAIN
    authority, pair = certificate()
    upstream, silent, closed = start_origin(kind, pair), Silent(), Closed()
    service, grpc = services.HttpService(), services.GrpcService(service_cases.decide)
    ports = {"ORIGIN": upstream.port, "SILENT": silent.port, "CLOSED": closed.port, "SERVICE": service.port, "GRPC": grpc.port}
    paths = {"CERTIFICATE": pair.chain, "KEY": pair.key, "AUTHORITY": authority.root.chain}
    results = {}
    with proxy.Proxy(binary, fill_ports(bootstrap, {**ports, **paths})) as running:
        names = {port: name for name, port in ports.items()}
        names[running.port] = "PROXY"
        for request in requests:
            try:
                seen = observe(running.port, request, names, kind)
            except OSError as error:
                seen = {"error": str(error)}
            received = upstream.take_seen()
            if kind["client"] == "h2":
                # What was refused half-way may reach the origin when the next request is under way.
                received = [r for r in received if (TAG, request[0]) in r["headers"]]
            if kind["client"] == "h1" or request[0] not in http2_cases.UNSETTLED:
                seen["origin"] = observe_origin(received, names)
            seen["service"] = observe_origin(service.take_seen(), names)
            seen["calls"] = service_cases.normal_calls(grpc.take_seen(), names)
            results[request[0]] = seen
            if running.process.poll() is not None:
                raise RuntimeError(f"{binary} died of '{group}/{request[0]}':\n{running.words()}")
    return results


def differences(ours, theirs, path=""):
    """[(path, ours, envoy)] of two observations; headers are compared line by line."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = []
        for key in sorted(ours.keys() | theirs.keys()):
            found += differences(ours.get(key), theirs.get(key), f"{path}.{key}".lstrip("."))
        return found
    if isinstance(ours, list) and isinstance(theirs, list):
        if all(isinstance(item, str) for item in ours + theirs):
            more, less = [i for i in ours if i not in theirs], [i for i in theirs if i not in ours]
            return [(path, more, less)] if more or less else []
        found = [] if len(ours) == len(theirs) else [(f"{path}.count", len(ours), len(theirs))]
        for i, pair in enumerate(zip(ours, theirs)):
            found += differences(*pair, f"{path}[{i}]")
        return found
    return [] if ours == theirs else [(path, ours, theirs)]


class Expectations:
    """The list of justified differences, and which of them were met."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as text:
            self.entries = json.load(text)
        self.met = set()
        for entry in self.entries:
            if not entry.get("why"):
                raise ValueError(f"no reason given: {entry}")

    def covers(self, case, difference):
        path, ours, theirs = difference
        for number, entry in enumerate(self.entries):
            if not re.fullmatch(entry["case"], case) or not re.fullmatch(entry["path"], path):
                continue
            if "ours" in entry and not re.fullmatch(entry["ours"], json.dumps(ours)):
                continue
            if "envoy" in entry and not re.fullmatch(entry["envoy"], json.dumps(theirs)):
                continue
            self.met.add(number)
            return True
        return False

    def unmet(self, groups):
        return [entry for number, entry in enumerate(self.entries) if number not in self.met and (
            groups is None or any(re.match(re.escape(group), entry["case"]) for group in groups))]


def describe(found):
    return "\n".join(f"  {path}\n    ours:  {json.dumps(ours)}\n    envoy: {json.dumps(theirs)}" for path, ours, theirs in found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("--cases", choices=SETS, default="http1")
    parser.add_argument("--only", action="append")
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    groups, listed = SETS[args.cases]
    expectations = Expectations(HERE / listed)
    results = []
    for group in args.only or groups:
        theirs = run_group(args.envoy, group)
        try:
            ours = run_group(args.ours, group)
        except RuntimeError as error:
            results.append((group, str(error)))
            print(f"FAILED {group}: {error}")
            continue
        for name in theirs:
            case = f"{group}/{name}"
            found = [d for d in differences(ours[name], theirs[name]) if not expectations.covers(case, d)]
            results.append((case, describe(found)))
            if found and args.record:
                for path, mine, envoys in found:
                    print(json.dumps({"case": re.escape(case), "path": re.escape(path), "ours": mine, "envoy": envoys}))
            elif found:
                print(f"DIFFERS {case}\n{describe(found)}")
    if not args.only:
        for entry in expectations.unmet(None):
            results.append((f"expected difference {entry['case']} {entry['path']}", "no such difference any more"))
            print(f"STALE {json.dumps(entry)}")
    failed = sum(1 for _, problem in results if problem)
    report.write_xml("differential", results)
    print(f"{len(results) - failed} cases the same or as expected, {failed} not")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
