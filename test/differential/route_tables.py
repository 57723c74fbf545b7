"""Route tables and requests by a seed, for routes_test.py: few letters and short lists, so that matches meet often."""

from bootstrap import TYPE, direct

TEMPLATE = TYPE + "envoy.extensions.path.{}.uri_template.v3.UriTemplate{}Config"


def template(text):
    return {"name": "envoy.path.match.uri_template.uri_template_matcher", "typed_config": {
        "@type": TEMPLATE.format("match", "Match"), "path_template": text}}


def rewrite_template(text):
    return {"name": "envoy.path.rewrite.uri_template.uri_template_rewriter", "typed_config": {
        "@type": TEMPLATE.format("rewrite", "Rewrite"), "path_template_rewrite": text}}


class Generator:
    def __init__(self, draw):
        self.draw = draw

    def one_in(self, n):
        return self.draw.randrange(n) == 0

    def word(self, least=0, most=2):
        return "".join(self.draw.choices("abA", k=self.draw.randint(least, most)))

    def path(self):
        return "/" + "".join(self.draw.choices("abA/", k=self.draw.randint(0, 6)))

    def text(self, word=None):
        """A StringMatcher."""
        word = self.word(1) if word is None else word
        kind = self.draw.choice(["exact", "exact", "prefix", "suffix", "contains", "safe_regex"])
        if kind == "safe_regex":
            return {"safe_regex": {"regex": self.draw.choice([word + ".*", ".*" + word, "[ab]+", f"({word}|A)"])}}
        return {kind: word} | ({"ignore_case": True} if self.one_in(4) else {})

    # Matches.

    def uri_template(self):
        """The text, and the names of its variables."""
        parts, names = [], []
        for i in range(self.draw.randint(1, 4)):
            kind = self.draw.choice(["word", "word", "*", "name", "name", "mixed", "pattern"])
            if kind == "word":
                parts.append(self.word(1))
            elif kind == "*":
                parts.append("*")
            else:
                names.append(f"v{i}")
                inside = {"name": f"v{i}", "mixed": f"v{i}", "pattern": f"v{i}={self.draw.choice(['*', 'a/*', 'b', '*/b'])}"}[kind]
                parts.append((self.word() if kind == "mixed" else "") + "{" + inside + "}" + (self.word() if kind == "mixed" else ""))
        if self.one_in(3):
            end = self.draw.choice(["**", "**" + self.word(1), "{rest=**}"])
            if "rest" in end:
                names.append("rest")
            parts.append(end)
        slash = "/" if self.one_in(8) and not parts[-1].startswith("**") else ""
        return "/" + "/".join(parts) + slash, names

    def path_match(self):
        kind = self.draw.choice(["prefix"] * 3 + ["path"] * 2 + ["separated", "regex", "regex", "template", "template", "template"])
        fold = {"case_sensitive": False} if self.one_in(4) else {}
        if kind == "separated":
            return {"path_separated_prefix": self.path() + "a", **fold}, None
        if kind == "regex":
            return {"safe_regex": {"regex": self.draw.choice([self.path() + "[ab]*", "/.*" + self.path(), "/(a|b)/?.*"])}}, None
        if kind == "template":
            text, names = self.uri_template()
            return {"path_match_policy": template(text)}, names
        return {kind: "/" if self.one_in(8) else self.path(), **fold}, None

    def header(self):
        matcher = {"name": self.draw.choice(["x", "y"])}
        kind = self.draw.randrange(6)
        if kind == 0:
            matcher["present_match"] = not self.one_in(3)
        elif kind == 1:
            start = self.draw.randint(0, 3)
            matcher["range_match"] = {"start": start, "end": start + self.draw.randint(1, 3)}
        else:
            matcher["string_match"] = self.text(self.draw.choice(["0", "1", "2", "a", "b"]))
        if self.one_in(4):
            matcher["invert_match"] = True
        if self.one_in(5):
            matcher["treat_missing_header_as_empty"] = True
        return matcher

    def conditions(self):
        found = {}
        if self.one_in(4):
            found["headers"] = [self.header() for _ in range(self.draw.randint(1, 2))]
        if self.one_in(8):
            found["query_parameters"] = [{"name": self.draw.choice("qr")} | self.draw.choice(
                [{"present_match": True}, {"string_match": {"exact": self.word()}}])]
        if self.one_in(6):
            found["cookies"] = [{"name": self.draw.choice("kl"), "string_match": self.text(), "invert_match": self.one_in(3)}
                                for _ in range(self.draw.randint(1, 2))]
        if self.one_in(8):
            found["dynamic_metadata"] = [{"filter": "lab", "path": [{"key": "arm"}], "value": {"string_match": self.text()},
                                          "invert": self.one_in(3)}]
        if self.one_in(8):
            found["filter_state"] = [{"key": "tenant", "string_match": self.text()}]
        if self.one_in(12):
            found["tls_context"] = {self.draw.choice(["presented", "validated"]): self.one_in(2)}
        if self.one_in(20):
            found["grpc"] = {}
        return found

    # Actions.

    def made_path(self):
        return self.draw.choice(["/new", "/new/%REQ(x)%", "%REQ(x)%", "/%REQ(y)%/z", "/n?m=1"])

    def redirect(self, names):
        path = self.draw.choice(["path_redirect", "prefix_rewrite", "regex_rewrite", "path_rewrite", ""])
        action = {"path_redirect": {"path_redirect": self.draw.choice(["/there", "/there?t=1"])},
                  "prefix_rewrite": {"prefix_rewrite": "/p"} if names is None else {},
                  "regex_rewrite": {"regex_rewrite": {"pattern": {"regex": "[aA]+"}, "substitution": "x"}},
                  "path_rewrite": {"path_rewrite": self.made_path()}, "": {}}[path]
        if self.one_in(3):
            action["host_redirect"] = "there.example"
        if self.one_in(3):
            action |= self.draw.choice([{"https_redirect": True}, {"scheme_redirect": "ftp"}, {"port_redirect": 99}])
        if self.one_in(3):
            action["strip_query"] = True
        return {"redirect": action | {"response_code": self.draw.choice(["FOUND", "SEE_OTHER", "PERMANENT_REDIRECT"])}}

    def forward(self, names):
        action = {"cluster": "origin"}
        path = self.draw.choice(["", "prefix", "regex", "format", "template", "template"])
        if path == "prefix" and names is None:
            action["prefix_rewrite"] = self.draw.choice(["/p", "/p/"])
        elif path == "regex":
            action["regex_rewrite"] = {"pattern": {"regex": "[aA]+"}, "substitution": "x"}
        elif path == "format":
            action["path_rewrite"] = self.made_path()
        elif path == "template" and names is not None:
            action["path_rewrite_policy"] = rewrite_template("/t" + "".join(
                self.draw.choice(["/{%s}", "-{%s}"]) % name for name in self.draw.sample(names, self.draw.randint(0, len(names)))))
        host = self.draw.randrange(6)
        if host == 0:
            action["host_rewrite"] = self.draw.choice(["%REQ(x)%.example", "%REQ(x)%", "literal"])
        elif host == 1:
            action["host_rewrite_literal"] = "other"
        elif host == 2:
            action["host_rewrite_header"] = "y"
        if self.one_in(4):
            action["priority"] = "HIGH"
        return {"route": action}

    def route(self, name):
        match, names = self.path_match()
        kind = self.draw.choice(["direct", "direct", "redirect", "forward"])
        action = (direct({}, name) if kind == "direct" else self.redirect(names) if kind == "redirect" else self.forward(names))
        route = {"name": name, "match": match | self.conditions(), **{key: value for key, value in action.items() if key != "match"}}
        if self.one_in(4):
            route["stat_prefix"] = "s" + name
        return route

    def virtual_cluster(self, name):
        return {"name": name, "headers": [self.draw.choice([
            {"name": ":path", "string_match": self.text()}, {"name": ":method", "string_match": {"exact": "POST"}}, self.header()])]}

    def virtual_host(self, number):
        routes = [self.route(f"{number}-{i}") for i in range(self.draw.choice([2, 4, 10, 40]))]
        host = {"name": f"v{number}", "domains": [f"t{number}"], "routes": routes, "response_headers_to_add": [
            {"header": {"key": "x-route", "value": "%ROUTE_NAME%"}}, {"header": {"key": "x-cluster", "value": "%VIRTUAL_CLUSTER_NAME%"}}]}
        if self.one_in(2):
            host["virtual_clusters"] = [self.virtual_cluster(f"c{i}") for i in range(self.draw.randint(1, 3))]
        return host

    # Requests.

    def request(self, number):
        target = self.path()
        if self.one_in(3):
            target += "?" + self.draw.choice("qr") + "=" + self.word()
        fields = []
        for name, among in (("x", ["0", "1", "2", "3", "a", "ab"]), ("y", ["0", "1", "b"]), ("x-arm", ["a", "b", "A"]),
                            ("x-tenant", ["a", "b", "A"])):
            if self.one_in(2 if len(name) == 1 else 4):
                fields.append(f"{name}: {self.draw.choice(among)}")
        for _ in range(self.draw.randint(1, 2) if self.one_in(2) else 0):
            fields.append("cookie: " + "; ".join(
                f"{self.draw.choice('kl')}={self.draw.choice(['{}', '{}', chr(34) + '{}' + chr(34)]).format(self.word())}"
                for _ in range(self.draw.randint(1, 3))))
        if self.one_in(10):
            fields.append("content-type: " + self.draw.choice(["application/grpc", "application/grpc+proto", "text/plain"]))
        return self.draw.choice(["GET", "GET", "POST"]), target, [f"host: t{number}", *fields, "content-length: 0"]
