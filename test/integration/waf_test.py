"""The WAF in the real binary, with the Core Rule Set as Debian packages it: attacks are blocked or told, ordinary
traffic passes, other routes do not notice a flood, and rules change without a pause.

  waf_test.py --proxy BINARY [--docs docs/filters/waf.md] [CASE...]
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import bootstrap  # noqa: E402
import h2wire  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import waf_requests  # noqa: E402
import wire  # noqa: E402
import yaml  # noqa: E402

WAF = bootstrap.TYPE + "proxenos.filters.http.waf.v3.Waf"
INJECTION = "/?id=1'%20or%20'1'='1"
# A form of a kind that the engine needs long for.
LARGE = json.dumps({f"field_{number}": f"value {number} with words" for number in range(540)})


def waf(mode="BLOCK", **more):
    # A busy machine may take its time, unless the case is about that.
    more["pool"] = {"deadline": "20s", **more.get("pool", {})}
    return {"name": "waf", "typed_config": {"@type": WAF, "mode": mode, "rules": {"core_rule_set": {}}, **more}}


def manager(*filters, **more):
    return {"http_filters": [*filters, {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}], **more}


def per_route(**override):
    return {"typed_per_filter_config": {"waf": {"@type": WAF + "PerRoute", **override}}}


def send(sock, request):
    method, target, fields, body = request
    lines = [f"{method} {target} HTTP/1.1", "Host: example.com"]
    lines += [f"{name}: {value}" for name, value in {**waf_requests.BROWSER, **fields}.items()]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body.encode())}")
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n" + body).encode())


def ask(running, request):
    with wire.connect(running.port) as sock:
        send(sock, request)
        return wire.Reader(sock).response(request[0])


class WafTest(unittest.TestCase):
    binary = ""
    docs = ""

    def start(self, *filters, **more):
        self.origin = origin.Origin()
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            clusters=[bootstrap.cluster("origin", self.origin.port)],
            **{"manager": manager(*filters), **more}))
        self.addCleanup(running.__exit__)
        return running

    def refused(self, config):
        """What the binary says of a configuration that it does not take."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bootstrap.json")
            with open(path, "w", encoding="utf-8") as out:
                json.dump(bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", 1)], manager=manager(config)), out)
            ran = subprocess.run([self.binary, "-c", path, "--mode", "validate"], capture_output=True, text=True, check=False)
        self.assertNotEqual(ran.returncode, 0)
        return ran.stderr

    def test_attacks_are_blocked(self):
        running = self.start(waf())
        count = 0
        for kind, requests in waf_requests.ATTACKS.items():
            for request in requests:
                count += 1
                self.assertIn(ask(running, request)["status"], (400, 403), (kind, request))
        stats = running.stats()
        self.assertEqual((stats["http.main.waf.inspected"], stats["http.main.waf.blocked"]), (count, count))
        self.assertGreater(stats["http.main.waf.rule.949110.matched"], count // 2)
        self.assertEqual(self.origin.take_seen(), [])
        self.assertEqual(running.words(), "")  # The engine says nothing on its own.

    def test_attacks_are_told(self):
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "log")
            line = {"outcome": "%DYNAMIC_METADATA(proxenos.filters.http.waf:outcome)%",
                    "rules": "%DYNAMIC_METADATA(proxenos.filters.http.waf:rules)%"}
            running = self.start(waf("DETECT"), manager=manager(waf("DETECT"), access_log=[{
                "name": "file", "typed_config": {
                    "@type": bootstrap.TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog",
                    "path": log, "log_format": {"json_format": line}}}]))
            self.assertEqual(ask(running, waf_requests.get(INJECTION))["status"], 200)
            self.assertEqual(len(self.origin.take_seen()), 1)
            told = running.wait(lambda: pathlib.Path(log).read_text(encoding="utf-8"))
            self.assertEqual(json.loads(told), {"outcome": "detected", "rules": [942100, 949110]})

    def test_http2_is_the_same(self):
        running = self.start(waf())
        client = h2wire.connect(running.port)
        fields = [(name.lower(), value) for name, value in waf_requests.BROWSER.items()]
        statuses = [client.get(path, fields=fields).status for path in ("/", INJECTION, "/?f=../../../etc/passwd", "/")]
        self.assertEqual(statuses, [200, 403, 403, 200])
        form = {"content-type": "application/x-www-form-urlencoded", "content-length": "29"}
        stream = client.open(h2wire.request("/", method="POST", fields=[*fields, *form.items()]), end=False)
        client.send_body(stream, b"a=1&b=1%27+or+%271%27%3D%271x")
        self.assertEqual(client.response(stream).status, 403)

    def test_ordinary_requests_pass(self):
        running = self.start(waf())
        for request in waf_requests.ORDINARY:
            self.assertEqual(ask(running, request)["status"], 200, request)
        stats = running.stats()
        self.assertEqual((stats["http.main.waf.blocked"], stats["http.main.waf.detected"]), (0, 0))

    def rules_of(self, running, request):
        """What matched, but for the rule that adds up."""
        before = running.stats()
        ask(running, request)
        prefix = "http.main.waf.rule."
        matched = [int(name.split(".")[4]) for name, value in running.stats().items()
                   if name.startswith(prefix) and value > before.get(name, 0)]
        return [rule for rule in sorted(matched) if rule != 949110]

    def test_what_is_known_to_be_wrong(self):
        running = self.start(waf("DETECT"))
        for request, rules in waf_requests.FALSE_POSITIVES:
            self.assertEqual(self.rules_of(running, request), rules, request)
        for request in waf_requests.MISSED:
            self.assertEqual(self.rules_of(running, request), [], request)

    def test_flood_is_for_the_flooded_alone(self):
        """One thread that inspects and one place to wait: other routes are answered while both are taken."""
        routes = [{**bootstrap.to(), "match": {"prefix": "/free"}, **per_route(disabled=True)}, bootstrap.to()]
        running = self.start(routes=routes, manager=manager(
            waf(pool={"threads": 1, "max_waiting": 1, "deadline": "60s"})))
        seen = []

        def flood():
            for _ in range(5):
                seen.append(ask(running, waf_requests.json(LARGE))["status"])

        floods = [threading.Thread(target=flood) for _ in range(8)]
        for one in floods:
            one.start()
        free = 0
        with wire.connect(running.port) as sock:
            reader = wire.Reader(sock)
            while any(one.is_alive() for one in floods):
                send(sock, waf_requests.get("/free"))
                self.assertEqual(reader.response("GET")["status"], 200)
                free += 1
        for one in floods:
            one.join()
        stats = running.stats()
        self.assertGreater(free, 0)
        self.assertEqual(set(seen), {200, 503})
        self.assertEqual(stats["http.main.waf.queue_full"], seen.count(503))
        self.assertEqual(stats["http.main.waf.failed_closed"], seen.count(503))
        self.assertEqual(stats["http.main.waf.active"], 0)
        self.assertEqual(ask(running, waf_requests.get("/"))["status"], 200)

    def test_deadline_fails_open(self):
        running = self.start(waf(pool={"threads": 1, "deadline": "0.001s"}, failure_policy={"action": "FAIL_OPEN"}))
        for _ in range(5):
            self.assertEqual(ask(running, waf_requests.json(LARGE))["status"], 200)
        stats = running.stats()
        self.assertEqual((stats["http.main.waf.deadline"], stats["http.main.waf.failed_open"]), (5, 5))

    def test_clients_that_go_leave_nothing(self):
        running = self.start(waf(pool={"threads": 1, "deadline": "60s"}))
        for _ in range(6):
            with wire.connect(running.port) as sock:
                send(sock, waf_requests.json(LARGE))
        running.wait(lambda: running.stats().get("http.main.waf.active") == 0)
        self.assertEqual(ask(running, waf_requests.get(INJECTION))["status"], 403)
        self.assertTrue(running.alive())

    def test_audit_log(self):
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "audit")
            running = self.start(waf(audit_log={"path": log, "redacted_arguments": ["password"]}))
            ask(running, waf_requests.get("/quiet"))
            request = waf_requests.get(INJECTION + "&password=hidden1", Cookie="s=hidden2", Authorization="Basic hidden3")
            self.assertEqual(ask(running, request)["status"], 403)
            text = running.wait(lambda: pathlib.Path(log).read_text(encoding="utf-8"))
            self.assertNotIn("hidden", text)
            event = json.loads(text)
            self.assertEqual((event["outcome"], event["status"], event["rule"]), ("blocked", 403, 949110))
            self.assertEqual([match["id"] for match in event["matches"]], [942100, 949110])
            self.assertEqual(event["client"]["address"], "127.0.0.1")
            self.assertEqual(event["request"]["headers"]["host"], "example.com")
            self.assertIn("found within ARGS:id", event["matches"][0]["data"])
            # Rotated as access logs are.
            os.rename(log, log + ".old")
            running.process.send_signal(signal.SIGUSR1)
            running.wait(lambda: os.path.exists(log))
            ask(running, waf_requests.get(INJECTION))
            running.wait(lambda: pathlib.Path(log).read_text(encoding="utf-8"))

    def test_rules_change_without_a_pause(self):
        """By a route that comes from a file; the connection lives on."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "routes.json")

            def write(**override):
                table = {"@type": bootstrap.TYPE + "envoy.config.route.v3.RouteConfiguration", "name": "r",
                         "virtual_hosts": [{"name": "all", "domains": ["*"],
                                            "routes": [{**bootstrap.to(), **per_route(overrides=override)}]}]}
                with open(path + ".new", "w", encoding="utf-8") as out:
                    json.dump({"version_info": str(override), "resources": [table]}, out)
                os.rename(path + ".new", path)

            write(rules={"core_rule_set": {}})
            rds = {"route_config_name": "r", "config_source": {
                "resource_api_version": "V3", "path_config_source": {"path": path}}}
            config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", origin.Origin().port)],
                                         manager=manager(waf(), rds=rds))
            del config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]
            running = proxy.Proxy(self.binary, config)
            self.addCleanup(running.__exit__)
            with wire.connect(running.port) as sock:
                reader = wire.Reader(sock)

                def status():
                    send(sock, waf_requests.get(INJECTION))
                    return reader.response("GET")["status"]

                self.assertEqual(status(), 403)
                write(rules={"core_rule_set": {}, "exclusions": [{"rule_ids": [942100]}]})
                running.wait(lambda: status() == 200)
                # A rule that is wrong changes nothing.
                write(rules={"after": [{"text": "\nSecRule ARGS \"@rx (\" \"id:1\""}]})
                running.wait(lambda: "line 2: regular expression" in running.admin("/config_dump"))
                self.assertEqual(status(), 200)
                write(rules={"core_rule_set": {}})
                running.wait(lambda: status() == 403)

    def test_what_the_documentation_shows(self):
        blocks = re.findall(r"```yaml\n(.*?)```", pathlib.Path(self.docs).read_text(encoding="utf-8"), re.DOTALL)
        shown, override = (yaml.safe_load(block) for block in blocks)
        routes = [{**bootstrap.to(), "match": {"prefix": "/look"}, **override}, bootstrap.to()]
        running = self.start(shown, routes=routes)
        self.assertEqual(ask(running, waf_requests.get("/"))["status"], 200)
        self.assertEqual(ask(running, waf_requests.get(INJECTION))["status"], 403)
        self.assertEqual(ask(running, waf_requests.get("/look" + INJECTION))["status"], 200)
        self.assertEqual(ask(running, waf_requests.get("/", X_Probe="1"))["status"], 404)
        query = INJECTION.replace("id=", "query=")
        self.assertEqual(ask(running, waf_requests.get("/reports" + query))["status"], 200)
        self.assertEqual(ask(running, waf_requests.get(query))["status"], 403)

    def test_wrong_rules_are_named(self):
        wrong = self.refused(waf(rules={"core_rule_set": {"folder": "/nowhere"}}))
        self.assertIn("rules.core_rule_set.folder: no rules in '/nowhere': install the package modsecurity-crs", wrong)
        wrong = self.refused(waf(rules={"after": [{"text": "\nSecRule ARGS \"@rx (\" \"id:1\""}]}))
        self.assertIn("rules.after[0].text: line 2: regular expression: missing closing parenthesis", wrong)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--docs", help="docs/filters/waf.md")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    WafTest.binary, WafTest.docs = args.proxy, args.docs
    report.main("waf", args.cases)
