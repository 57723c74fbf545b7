"""How the real binary words its own answers, and whom it takes for one of ours. Envoy 1.40 passes the same cases, but
for what is said beside them.

  local_replies_test.py --proxy BINARY --page docs/local_replies.md [CASE...]
"""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import h2wire  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

ALL = {"not_health_check_filter": {}}
LUA = bootstrap.TYPE + "envoy.extensions.filters.http.lua.v3.Lua"
RBAC = bootstrap.TYPE + "envoy.extensions.filters.http.rbac.v3.RBAC"
ROUTER = {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}
OURS = {"internal_address_config": {"cidr_ranges": [{"address_prefix": "127.0.0.0", "prefix_len": 8}]}}


def replies(*mappers, **more):
    return {"local_reply_config": {"mappers": [{"filter": ALL, **each} for each in mappers], **more}}


class LocalRepliesTest(unittest.TestCase):
    binary = ""
    page = None

    def start(self, manager, routes=None, clusters=None):
        running = proxy.Proxy(self.binary, bootstrap.bootstrap(
            routes=routes or [bootstrap.direct({"path": "/direct"}, "direct")], manager=manager,
            clusters=clusters or [bootstrap.cluster("origin", 1)]))
        self.addCleanup(running.__exit__)
        return running

    @staticmethod
    def ask(running, path="/", *fields, method="GET"):
        with wire.connect(running.port) as sock:
            sock.sendall("".join(line + "\r\n" for line in (f"{method} {path} HTTP/1.1", "Host: h", *fields, "")).encode())
            answer = wire.Reader(sock).response(method)
            answer["fields"] = dict(answer["headers"])
            return answer


class WordsTest(LocalRepliesTest):
    def test_of_filters_and_of_the_router(self):
        """A script's answer is a reply too."""
        script = ("function envoy_on_request(h) if h:headers():get('x-own') then "
                  "h:respond({[':status'] = '200'}, 'own') end end")
        deny = {"@type": RBAC, "rules": {"action": "DENY", "policies": {"p": {
            "permissions": [{"header": {"name": "x-deny", "present_match": True}}], "principals": [{"any": True}]}}}}
        manager = {**replies({"body": {"inline_string": "new"}}), "http_filters": [
            {"name": "lua", "typed_config": {"@type": LUA, "default_source_code": {"inline_string": script}}},
            {"name": "rbac", "typed_config": deny}, ROUTER]}
        running = self.start(manager)
        for fields, status, body in ((("X-Deny: 1",), 403, "new"), (("X-Own: 1",), 200, "new"), ((), 404, "new")):
            answer = self.ask(running, "/", *fields)
            self.assertEqual((answer["status"], answer["body"]), (status, body))

    def test_filters_see_the_reply_as_it_has_become(self):
        script = "function envoy_on_response(h) h:headers():add('x-seen', h:headers():get(':status')) end"
        running = self.start({**replies({"status_code": 418}), "http_filters": [
            {"name": "lua", "typed_config": {"@type": LUA, "default_source_code": {"inline_string": script}}}, ROUTER]})
        answer = self.ask(running)
        self.assertEqual((answer["status"], answer["fields"]["x-seen"]), (418, "418"))

    def test_over_http2(self):
        running = self.start(replies({"status_code": 429, "body": {"inline_string": "later"}}))
        answer = h2wire.connect(running.port).get("/")
        self.assertEqual((answer.status, bytes(answer.body)), (429, b"later"))

    def test_in_logs_the_status_is_the_new_one(self):
        running = self.start(replies({"status_code": 418}))
        self.ask(running)
        self.assertIn("http.main.downstream_rq_4xx: 1", running.admin("/stats"))

    def test_json_of_a_hostile_path(self):
        running = self.start(replies({}, body_format={"json_format": {"path": "%REQ(:path)%", "said": "%LOCAL_REPLY_BODY%"}}))
        answer = self.ask(running, '/"},{"a":"\\')
        self.assertEqual(json.loads(answer["body"]), {"path": '/"},{"a":"\\', "said": ""})
        self.assertEqual(answer["fields"]["content-length"], str(len(answer["body"])))

    def test_what_is_wrong_is_refused(self):
        """A listener with a format that cannot be compiled does not start."""
        with self.assertRaisesRegex(RuntimeError, "local_reply_config.body_format"):
            self.start(replies(body_format={"text_format_source": {"inline_string": "%NOPE%"}}))
        with self.assertRaisesRegex(RuntimeError, r"routes\[0\].direct_response.body_format.text_format_source"):
            self.start({}, [{"match": {"path": "/"}, "direct_response": {
                "status": 200, "body_format": {"text_format_source": {"inline_string": "%NOPE%"}}}}])


class ProxyStatusTest(LocalRepliesTest):
    def test_of_a_host_that_refuses(self):
        for config, name in (({}, "envoy"), ({"literal_proxy_name": "edge"}, "edge")):
            running = self.start({"proxy_status_config": config}, routes=[bootstrap.to()])
            answer = self.ask(running)
            self.assertEqual(answer["status"], 503)
            self.assertTrue(answer["fields"]["proxy-status"].startswith(name + "; error=connection_refused; details=\""))

    def test_recommended_status(self):
        running = self.start({"proxy_status_config": {"set_recommended_response_code": True, "remove_details": True}},
                             routes=[bootstrap.to()])
        answer = self.ask(running)
        self.assertEqual((answer["status"], answer["fields"]["proxy-status"]), (502, "envoy; error=connection_refused"))

    def test_a_good_response_has_none(self):
        running = self.start({"proxy_status_config": {}})
        self.assertNotIn("proxy-status", self.ask(running, "/direct")["fields"])


class InternalTest(LocalRepliesTest):
    """Who is one of ours steers the router; others are rid of what they say."""

    def seen(self, manager, *fields):
        upstream = origin.Origin()
        running = self.start(manager, routes=[bootstrap.to()], clusters=[bootstrap.cluster("origin", upstream.port)])
        self.assertEqual(self.ask(running, "/", "X-Envoy-Max-Retries: 3", "X-Envoy-Internal: true", *fields)["status"], 200)
        got = dict(upstream.take_seen()[0]["headers"])
        return got.get("x-envoy-internal"), got.get("x-envoy-external-address")

    def test_at_the_edge(self):
        edge = {"use_remote_address": True}
        self.assertEqual(self.seen(edge), (None, "127.0.0.1"))
        self.assertEqual(self.seen({**edge, **OURS}), ("true", None))
        self.assertEqual(self.seen({**edge, **OURS}, "X-Forwarded-For: 127.0.0.9"), (None, "127.0.0.1"))

    def test_behind_a_proxy(self):
        for forwarded, internal in (("127.0.0.9", "true"), ("127.0.0.8, 127.0.0.9", None), ("8.8.8.8", None), ("bad", None)):
            self.assertEqual(self.seen(OURS, "X-Forwarded-For: " + forwarded)[0], internal, forwarded)
        self.assertEqual(self.seen(OURS)[0], None)

    def test_only_they_see_internal_routes(self):
        """require_tls EXTERNAL_ONLY spares them the redirect."""
        hosts = [{"name": "all", "domains": ["*"], "require_tls": "EXTERNAL_ONLY",
                  "routes": [bootstrap.direct({"prefix": "/"}, "in")]}]
        for manager, status in (({}, 301), (OURS, 200)):
            running = proxy.Proxy(self.binary, bootstrap.bootstrap(
                hosts=hosts, manager={"use_remote_address": True, **manager}, clusters=[bootstrap.cluster("origin", 1)]))
            self.addCleanup(running.__exit__)
            self.assertEqual(self.ask(running)["status"], status)


class PageTest(LocalRepliesTest):
    def test_the_page_shows_what_works(self):
        block = report.yaml_blocks(self.page)[0].replace("port_value: 8080", "port_value: 1")
        running = proxy.Proxy(self.binary, {"admin": {"address": bootstrap.address(0)}}, arguments=("--config-yaml", block))
        self.addCleanup(running.__exit__)
        answer = self.ask(running)
        self.assertEqual((answer["status"], json.loads(answer["body"])),
                         (410, {"status": 410, "message": "there is nothing here"}))
        self.assertEqual((answer["fields"]["x-was"], answer["fields"]["content-type"]), ("404", "application/json"))
        answer = self.ask(running, "/origin")
        self.assertEqual((answer["body"], answer["fields"]["content-type"]), ("<h1>503</h1>", "text/html"))
        self.assertTrue(answer["fields"]["proxy-status"].startswith("edge-1; error=connection_refused"))


if __name__ == "__main__":
    report.main_of_page("local_replies", LocalRepliesTest)
