"""Logins through the real binary at a real provider.

  oauth2_test.py --proxy BINARY --page FILE [CASE...]
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import browser  # noqa: E402
import oidc  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402

OAUTH2 = bootstrap.TYPE + "envoy.extensions.filters.http.oauth2.v3."
SECRET = bootstrap.TYPE + "envoy.extensions.transport_sockets.tls.v3.Secret"
ROUTER = {"name": "envoy.filters.http.router", "typed_config": {"@type": bootstrap.ROUTER}}


def secret(name, text):
    return {"name": name, "generic_secret": {"secret": {"inline_string": text}}}


class OAuth2Test(unittest.TestCase):
    binary = ""
    page = None

    def setUp(self):
        self.origin = origin.Origin()
        self.provider = oidc.Provider(client="proxenos & co", secret="s3cr:t/+")
        self.addCleanup(self.provider.close)
        self.browser = browser.Browser()

    def config(self, hmac=None, **more):
        at = f"http://127.0.0.1:{self.provider.port}"
        return {
            "token_endpoint": {"uri": f"{at}/token", "cluster": "provider", "timeout": "10s"},
            "authorization_endpoint": f"{at}/authorize?audience=x",
            "redirect_uri": "http://%REQ(:authority)%/callback",
            "redirect_path_matcher": {"path": {"exact": "/callback"}},
            "signout_path": {"path": {"exact": "/signout"}},
            "forward_bearer_token": True, "auth_scopes": ["openid", "email"],
            "credentials": {"client_id": self.provider.client, "token_secret": {"name": "client"},
                            "hmac_secret": hmac or {"name": "hmac"}},
            **more}

    def start(self, config, per_route=None, secrets=()):
        inner = {} if config is None else {"config": config}
        route = bootstrap.to()
        if per_route:
            route["typed_per_filter_config"] = {"oauth2": {"@type": OAUTH2 + "OAuth2PerRoute", "config": per_route}}
        text = bootstrap.bootstrap(
            routes=[route],
            manager={"http_filters": [{"name": "oauth2", "typed_config": {"@type": OAUTH2 + "OAuth2", **inner}}, ROUTER]},
            clusters=[bootstrap.cluster("origin", self.origin.port), bootstrap.cluster("provider", self.provider.port)])
        text["node"] = {"id": "n", "cluster": "c"}
        text["static_resources"]["secrets"] = [secret("client", self.provider.secret), secret("hmac", "key"), *secrets]
        running = proxy.Proxy(self.binary, text, concurrency=2)
        self.addCleanup(running.__exit__)
        return running, f"http://127.0.0.1:{running.port}"

    def seen(self):
        """The fields of the one request that came to the origin."""
        (request,) = self.origin.take_seen()
        return dict(request["headers"])

    def check_login(self, at, path="/page?a=b%20c"):
        visited, answer = self.browser.follow(at + path)
        self.assertEqual((answer[0], answer[2]), (200, "origin"), (visited, self.provider.refused))
        self.assertEqual([url.split("?")[0].rsplit("/", 1)[1] for url in visited],
                         ["page", "authorize", "callback", "page"])
        self.assertEqual(visited[-1], at + path)
        self.assertEqual(self.provider.refused, [])

    def test_a_login_and_its_session(self):
        running, at = self.start(self.config())
        self.check_login(at)
        sent = self.seen()
        self.assertEqual(sent["authorization"], "Bearer access-1")
        names = {pair.split("=")[0] for pair in sent["cookie"].split("; ")}
        self.assertEqual(names, {"BearerToken", "IdToken"})
        self.assertEqual(set(name for _, name in self.browser.cookies),
                         {"BearerToken", "IdToken", "RefreshToken", "OauthHMAC", "OauthExpires"})
        self.assertNotIn("access-1", str(self.browser.cookies))
        # It lasts: nobody asks the provider again.
        for _ in range(4):
            self.assertEqual(self.browser.get(at + "/more", {"authorization": "Bearer forged"})[0], 200)
        self.assertEqual({request_fields["authorization"] for request_fields in
                          (dict(request["headers"]) for request in self.origin.take_seen())}, {"Bearer access-1"})
        self.assertEqual(self.provider.issued, 1)
        self.assertEqual(running.stats()["http.main.oauth_unauthorized_rq"], 1)
        status, fields, _ = self.browser.get(at + "/signout")
        self.assertEqual((status, dict(fields)["location"]), (302, at + "/"))
        self.assertEqual(self.browser.cookies, {})
        self.check_login(at)

    def test_by_route_with_basic_authentication(self):
        running, at = self.start(None, self.config(auth_type="BASIC_AUTH", stat_prefix="policy"))
        self.check_login(at)
        self.assertEqual(running.stats()["policy.oauth_unauthorized_rq"], 1)

    def test_sessions_are_refreshed(self):
        self.provider.lifetime_s = 1
        running, at = self.start(self.config())
        self.check_login(at)
        self.seen()
        # A second later the access token is too old; the proxy says so by asking for another.
        running.wait(lambda: self.browser.get(at + "/again")[0] == 200 and self.provider.issued > 1)
        self.assertEqual(running.stats()["http.main.oauth_refreshtoken_failure"], 0)
        self.assertEqual(self.provider.refused, [])
        last = dict(self.origin.take_seen()[-1]["headers"])
        self.assertEqual(last["authorization"], f"Bearer access-{self.provider.issued}")

    def test_another_browsers_login_is_refused(self):
        _, at = self.start(self.config())
        attacker = browser.Browser()
        _, fields, _ = attacker.get(at + "/page")
        _, fields, _ = attacker.get(dict(fields)["location"])
        callback = dict(fields)["location"]
        self.assertEqual(self.browser.get(callback)[0], 401)
        self.assertEqual(self.provider.issued, 0)
        self.assertEqual(self.browser.cookies, {})
        self.assertEqual(attacker.get(callback)[0], 302)

    def test_a_stolen_code_is_worth_nothing(self):
        """Whoever has the code but not the cookies of its login gets no tokens."""
        _, at = self.start(self.config())
        _, fields, _ = self.browser.get(at + "/page")
        _, fields, _ = self.browser.get(dict(fields)["location"])
        victims = dict(fields)["location"]
        thief = browser.Browser()
        _, fields, _ = thief.get(at + "/page")
        _, fields, _ = thief.get(dict(fields)["location"])
        mine = dict(fields)["location"]
        code = re.search(r"[?&](code=[^&]*)", victims).group(1)
        self.assertEqual(thief.get(re.sub(r"code=[^&]*", lambda _: code, mine))[0], 401)
        self.assertEqual(self.provider.refused, ["token: another code_verifier"])

    def test_secrets_from_a_file_that_changes(self):
        with tempfile.TemporaryDirectory(prefix="oauth2-") as folder:
            path = os.path.join(folder, "hmac.json")

            def place(text):
                with open(path + ".new", "w", encoding="ascii") as out:
                    json.dump({"resources": [{"@type": SECRET, **secret("discovered", text)}]}, out)
                os.rename(path + ".new", path)

            place("first")
            hmac = {"name": "discovered", "sds_config": {"resource_api_version": "V3",
                                                         "path_config_source": {"path": path}}}
            running, at = self.start(self.config(hmac))
            self.check_login(at)
            place("second")
            # Sessions under the old key are none any more.
            running.wait(lambda: self.browser.get(at + "/page")[0] == 302)
            self.origin.take_seen()
            self.check_login(at)

    def test_a_secret_that_is_not_there_refuses_the_listener(self):
        config = bootstrap.bootstrap(manager={"http_filters": [
            {"name": "oauth2", "typed_config": {"@type": OAUTH2 + "OAuth2", "config": self.config()}}, ROUTER]})
        done = self.validate(bootstrap.fill_ports(config, {"ORIGIN": 1}))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("secret client is not one of static_resources.secrets", done.stdout + done.stderr)

    def validate(self, config):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(config, file)
            file.flush()
            return subprocess.run([self.binary, "-c", file.name, "--mode", "validate"], capture_output=True,
                                  text=True, check=False)

    def test_the_page_shows_what_works(self):
        blocks = report.yaml_blocks(self.page)
        filters, secrets = [yaml.safe_load(block) for block in blocks]
        config = bootstrap.bootstrap(manager={"http_filters": [filters, ROUTER]},
                                     clusters=[bootstrap.cluster("origin", 1), bootstrap.cluster("login", 2)])
        config["static_resources"]["secrets"] = secrets["secrets"]
        done = self.validate(config)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    report.main_of_page("oauth2", OAuth2Test)
