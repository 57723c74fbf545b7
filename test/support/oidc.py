"""A small OpenID Connect provider: it logs the same user in whoever asks, and is strict about all that a client
must get right (RFC 6749, RFC 7636)."""

import base64
import hashlib
import json
import secrets
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwt(claims):
    """Nobody checks the signature; browsers and proxies only read the claims."""
    return ".".join([base64url(b'{"alg":"none"}'), base64url(json.dumps(claims).encode()), base64url(b"signature")])


class Provider:
    """Listens on a port of the kernel's choice."""

    def __init__(self, client="client", secret="secret", lifetime_s=3600):
        self.client, self.secret, self.lifetime_s = client, secret, lifetime_s
        self.codes, self.refresh_tokens, self.issued = {}, set(), 0
        self.lock = threading.Lock()
        self.refused = []  # Why, of each request that was.
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                provider.authorize(self, dict(urllib.parse.parse_qsl(url.query)))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                provider.token(self, dict(urllib.parse.parse_qsl(body)))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def answer(handler, status, body=b"", **fields):
        handler.send_response(status)
        for name, value in fields.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def refuse(self, handler, why):
        self.refused.append(why)
        self.answer(handler, 400, json.dumps({"error": why}).encode())

    def authorize(self, handler, query):
        wrong = [name for name, value in {"response_type": "code", "client_id": self.client,
                                          "code_challenge_method": "S256"}.items() if query.get(name) != value]
        wrong += [name for name in ("state", "redirect_uri", "code_challenge") if not query.get(name)]
        if wrong:
            self.refuse(handler, f"authorize: {wrong}")
            return
        code = secrets.token_urlsafe(8) + "/+ &"  # Whatever a code may be.
        with self.lock:
            self.codes[code] = query
        parameters = urllib.parse.urlencode({"code": code, "state": query["state"]})
        self.answer(handler, 302, location=f"{query['redirect_uri']}?{parameters}")

    def token(self, handler, form):
        authorization = base64.b64encode(f"{self.client}:{self.secret}".encode()).decode()
        by_body = (form.get("client_id"), form.get("client_secret")) == (self.client, self.secret)
        if not by_body and handler.headers.get("authorization") != f"Basic {authorization}":
            self.refuse(handler, "token: invalid_client")
        elif form.get("grant_type") == "authorization_code":
            self.redeem(handler, form)
        elif form.get("grant_type") == "refresh_token":
            with self.lock:
                known = form.get("refresh_token") in self.refresh_tokens
                self.refresh_tokens.discard(form.get("refresh_token"))
            self.grant(handler) if known else self.refuse(handler, "token: invalid_grant")
        else:
            self.refuse(handler, "token: unsupported_grant_type")

    def redeem(self, handler, form):
        with self.lock:
            asked = self.codes.pop(form.get("code"), None)  # Once.
        challenge = base64url(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None:
            self.refuse(handler, "token: unknown code")
        elif asked["redirect_uri"] != form.get("redirect_uri"):
            self.refuse(handler, "token: another redirect_uri")
        elif asked["code_challenge"] != challenge:
            self.refuse(handler, "token: another code_verifier")
        else:
            self.grant(handler)

    def grant(self, handler):
        with self.lock:
            self.issued += 1
            number = self.issued
            refresh = f"refresh-{number}-{secrets.token_urlsafe(8)}"
            self.refresh_tokens.add(refresh)
        body = {"access_token": f"access-{number}", "token_type": "Bearer", "expires_in": self.lifetime_s,
                "refresh_token": refresh, "id_token": jwt({"sub": "user", "exp": 4102444800})}
        self.answer(handler, 200, json.dumps(body).encode(), **{"content-type": "application/json"})
