"""A browser as far as logins need one: it keeps cookies for one host and follows redirects, also to others."""

import http.client
import urllib.parse

import wire


class Browser:
    def __init__(self):
        self.cookies = {}

    def get(self, url, fields=None):
        """One request: (status, fields as a list, body). Cookies go to the host that set them alone."""
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=wire.PATIENCE_S)
        try:
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            cookie = "; ".join(f"{name}={value}" for (host, name), value in self.cookies.items()
                               if host == parts.netloc)
            connection.request("GET", path or "/", headers={**({"cookie": cookie} if cookie else {}), **(fields or {})})
            response = connection.getresponse()
            answer = response.status, [(name.lower(), value) for name, value in response.getheaders()], \
                response.read().decode()
        finally:
            connection.close()
        for name, value in answer[1]:
            if name == "set-cookie":
                self.keep(parts.netloc, value)
        return answer

    def keep(self, host, text):
        pair, *attributes = (part.strip() for part in text.split(";"))
        name, _, value = pair.partition("=")
        gone = any(each.lower() in ("max-age=0", "expires=thu, 01 jan 1970 00:00:00 gmt") for each in attributes)
        self.cookies.pop((host, name), None)
        if not gone:
            self.cookies[host, name] = value

    def follow(self, url, fields=None, most=10):
        """Follows redirects to their end: the visited URLs, and the last answer."""
        visited = []
        for _ in range(most):
            visited.append(url)
            answer = self.get(url, fields)
            location = dict(answer[1]).get("location")
            if answer[0] not in (301, 302, 303, 307, 308) or not location:
                return visited, answer
            url = urllib.parse.urljoin(url, location)
        raise RuntimeError(f"more than {most} redirects: {visited}")

    def named(self, start):
        """The cookies whose names begin so."""
        return {name: value for (_, name), value in self.cookies.items() if name.startswith(start)}
