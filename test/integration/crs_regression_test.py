"""The Core Rule Set's own regression tests against the WAF in the real binary. Those that do not hold are listed, each
group with its reason; the list is exact.

  crs_regression_test.py --proxy BINARY --tests FOLDER --expected FILE [--write]
"""

import argparse
import base64
import collections
import concurrent.futures
import json
import pathlib
import re
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402
import yaml  # noqa: E402

WAF = bootstrap.TYPE + "proxenos.filters.http.waf.v3.Waf"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LOGGED = re.compile(r'id \\?"(\d+)\\?"')


class Echo(origin.Origin):
    """Answers with the request's body, as the tests of responses expect it."""

    def answer(self, sock, request):
        kind = dict(request["headers"]).get("content-type", "text/plain")
        body = request.get("body", "").encode("latin-1")
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
        method = request["start"].split(" ")[0]
        sock.sendall(head.encode("latin-1") + (b"" if method == "HEAD" else body))
        return True


def message(stage):
    """The bytes that a stage sends, completed as its own runner does it."""
    if "encoded_request" in stage:
        return base64.b64decode(stage["encoded_request"])
    data = stage.get("data", "")
    data = "\r\n".join(data) if isinstance(data, list) else str(data)
    fields = {str(name): str(value) for name, value in (stage.get("headers") or {}).items()}
    names = {name.lower() for name in fields}
    if not stage.get("stop_magic"):
        if data and "content-type" not in names:
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        form = fields.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
        if data and form and "%" not in data:
            data = urllib.parse.quote(data, safe="=&+~!*'(),;:@/?$-._")
        if "connection" not in names:
            fields["Connection"] = "close"
        if data and "content-length" not in names and "transfer-encoding" not in names:
            fields["Content-Length"] = str(len(data.encode()))
    head = f'{stage.get("method", "GET")} {stage.get("uri", "/")} {stage.get("version", "HTTP/1.1")}\r\n'
    return (head + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n" + data).encode()


def tests(folder):
    """(title, stages) of all that are enabled."""
    for path in sorted(pathlib.Path(folder).rglob("*.yaml")):
        with open(path, encoding="utf-8") as text:
            content = yaml.load(text, Loader=LOADER)
        if not content["meta"].get("enabled", True):
            continue
        for test in content["tests"]:
            yield test["test_title"], [entry["stage"] for entry in test["stages"]]


class Runner:
    def __init__(self, binary):
        rules = {"core_rule_set": {"paranoia_level": 4}}
        config = {"@type": WAF, "mode": "DETECT", "rules": rules, "failure_policy": {"action": "FAIL_CLOSED"},
                  "response": {"body_content_types": ["text/plain", "text/html", "application/x-www-form-urlencoded",
                                                      "application/json"]},
                  "pool": {"deadline": "20s"}}
        told = {"append_action": "OVERWRITE_IF_EXISTS_OR_ADD", "header": {
            "key": "x-rules", "value": "%DYNAMIC_METADATA(proxenos.filters.http.waf:rules)%"}}
        self.running = proxy.Proxy(binary, bootstrap.bootstrap(
            clusters=[bootstrap.cluster("origin", Echo().port)],
            hosts=[{"name": "all", "domains": ["*"], "routes": [bootstrap.to()], "response_headers_to_add": [told]}],
            manager={"http_protocol_options": {"accept_http_10": True},
                     "http_filters": [{"name": "waf", "typed_config": config},
                                      {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}]}))

    def send(self, data):
        """(status, rules); (None, ()) when there is no answer."""
        with wire.connect(self.running.port) as sock:
            sock.sendall(data)
            response = wire.Reader(sock).response(data.split(b" ")[0].decode("latin-1"))
        if response is None:
            return None, ()
        return response["status"], json.loads(dict(response["headers"]).get("x-rules") or "null")

    def run(self, title, stages):
        """Why the test does not hold; empty when it does."""
        for stage in stages:
            status, rules = self.send(message(stage["input"]))
            output = stage["output"]
            if rules is None or status is None:  # No rule was asked: the codec refused the message.
                wanted = output.get("status") or []
                wanted = wanted if isinstance(wanted, list) else [wanted]
                if 400 in wanted or output.get("expect_error") or "no_log_contains" in output:
                    continue
                return f"{title}: refused with {status} before the WAF"
            found = LOGGED.search(str(output.get("log_contains", "")))
            if found and int(found.group(1)) not in rules:
                return f"{title}: {found.group(1)} does not match"
            found = LOGGED.search(str(output.get("no_log_contains", "")))
            if found and int(found.group(1)) in rules:
                return f"{title}: {found.group(1)} matches"
        return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--tests", required=True)
    parser.add_argument("--expected", required=True)
    parser.add_argument("--write", action="store_true", help="print what does not hold instead of comparing it")
    args = parser.parse_args()
    cases = list(tests(args.tests))
    runner = Runner(args.proxy)
    with runner.running, concurrent.futures.ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda case: runner.run(*case), cases))
    failed = sorted(outcome for outcome in outcomes if outcome)
    if args.write:
        print("\n".join(failed))
    counts = collections.Counter(outcome.partition("-")[0] for outcome in failed)
    print(f"{len(cases)} tests, {len(cases) - len(failed)} hold, {len(failed)} do not, of {len(counts)} rules")
    expected = {}
    for group in json.loads(pathlib.Path(args.expected).read_text(encoding="utf-8")):
        expected.update((test, group["reason"]) for test in group["tests"])
    results = []
    for (title, _), outcome in zip(cases, outcomes):
        wrong = outcome if title not in expected else "" if outcome else f"{title} holds, but is listed as one that does not"
        results.append((title, wrong))
    report.write_xml("crs_regression", results)
    problems = [wrong for _, wrong in results if wrong]
    if not args.write:
        print("\n".join(problems[:100]))
    sys.exit(1 if problems or len(cases) < 3000 else 0)


if __name__ == "__main__":
    main()
