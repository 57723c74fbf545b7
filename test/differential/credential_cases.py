"""What is sent to both proxies through filters that ask for credentials: groups as in cases.py."""

import base64
import hashlib
import hmac
import json

from bootstrap import TYPE, to
from filter_cases import PREFLIGHT, route, through, typed
from h1_requests import get

def sha(user, password):
    return f"{user}:{{SHA}}{base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()}"


def basic(text, scheme="Basic"):
    return f"Authorization: {scheme} {base64.b64encode(text.encode()).decode()}"


USERS = {"inline_string": sha("ann", "secret") + "\n" + sha("bob", "a:b")}
BASIC_ROUTES = [
    route("/route", "basic_auth", typed("basic_auth.v3", "BasicAuthPerRoute", users={"inline_string": sha("eve", "x")})),
    route("/off", "basic_auth", {"@type": TYPE + "envoy.config.route.v3.FilterConfig", "disabled": True}), to()]
BASIC_REQUESTS = [(name, get(path, *fields)) for name, path, *fields in (
    ("none", "/"), ("right", "/", basic("ann:secret")), ("wrong", "/", basic("ann:other")), ("unknown", "/", basic("joe:secret")),
    ("colon in password", "/", basic("bob:a:b")), ("no colon", "/", basic("ann")), ("lower case", "/", basic("ann:secret", "basic")),
    ("upper case", "/", basic("ann:secret", "BASIC")), ("two spaces", "/", basic("ann:secret", "Basic ")), ("other scheme", "/", "Authorization: Bearer x"),
    ("not base64", "/", "Authorization: Basic !!!"), ("empty", "/", "Authorization:"), ("only scheme", "/", "Authorization: Basic"),
    ("twice", "/", basic("ann:secret"), basic("bob:a:b")), ("user from outside", "/", basic("ann:secret"), "x-user: root"), ("by route", "/route", basic("eve:x")),
    ("by route, wrong", "/route", basic("ann:secret")), ("off", "/off"))]
BASIC_REQUESTS.append(("head", get(method="HEAD")))

KEYS = {"credentials": [{"key": "k1", "client": "one"}, {"key": "k2", "client": "two"}],
        "key_sources": [{"header": "x-key"}, {"header": "authorization"}, {"query": "key"}, {"cookie": "key"}],
        "forwarding": {"header": "x-client", "hide_credentials": True}}
KEY_ROUTES = [
    route("/two", "api_key_auth", typed("api_key_auth.v3", "ApiKeyAuthPerRoute", allowed_clients=["two"])),
    route("/own", "api_key_auth", typed("api_key_auth.v3", "ApiKeyAuthPerRoute", credentials=[{"key": "k3", "client": "three"}],
                                        key_sources=[{"header": "x-own"}])), to()]
KEY_REQUESTS = [(name, get(path, *fields)) for name, path, *fields in (
    ("none", "/"), ("header", "/", "x-key: k1"), ("unknown", "/", "x-key: k9"), ("bearer", "/", "Authorization: Bearer k2"),
    ("bearer, lower case", "/", "Authorization: bearer k2"), ("bare authorization", "/", "Authorization: k2"), ("query", "/?a=b&key=k1&c=d"),
    ("only query", "/?key=k1"), ("encoded query", "/?key=%6b1"), ("cookie", "/", "Cookie: a=b; key=k2; c=d"), ("two headers", "/", "x-key: k1", "x-key: k2"),
    ("first source wins", "/?key=k9", "x-key: k1"), ("empty header", "/?key=k1", "x-key:"), ("client from outside", "/", "x-key: k1", "x-client: root"),
    ("not allowed", "/two", "x-key: k1"), ("allowed", "/two", "x-key: k2"), ("of route", "/own", "x-own: k3"), ("not of route", "/own", "x-key: k1"))]


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(claims, key=b"a secret of thirty-two bytes: yes", algorithm="HS256", **header):
    signed = ".".join(url64(json.dumps(part).encode()) for part in ({"alg": algorithm, "typ": "JWT", **header}, claims))
    return f"{signed}.{url64(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


KEY_SET = json.dumps({"keys": [{"kty": "oct", "kid": "one", "alg": "HS256", "k": url64(b"a secret of thirty-two bytes: yes")}]})
GOOD = {"iss": "https://idp", "aud": "us", "sub": "me", "exp": 4000000000, "roles": ["a", "b"], "deep": {"er": "x"}}
JWT = {
    "providers": {
        "idp": {"issuer": "https://idp", "audiences": ["us", "others"], "local_jwks": {"inline_string": KEY_SET}, "forward_payload_header": "x-payload",
                "claim_to_headers": [{"header_name": "x-sub", "claim_name": "sub"}, {"header_name": "x-roles", "claim_name": "roles"},
                                     {"header_name": "x-deep", "claim_name": "deep.er"}, {"header_name": "x-exp", "claim_name": "exp"}]},
        "any": {"local_jwks": {"inline_string": KEY_SET}, "from_headers": [{"name": "x-token", "value_prefix": "T "}], "from_params": ["token"],
                "from_cookies": ["token"], "forward": True}},
    "rules": [
        {"match": {"prefix": "/any"}, "requires": {"provider_name": "any"}},
        {"match": {"prefix": "/either"}, "requires": {"requires_any": {"requirements": [{"provider_name": "idp"}, {"provider_name": "any"}]}}},
        {"match": {"prefix": "/both"}, "requires": {"requires_all": {"requirements": [{"provider_name": "idp"}, {"provider_name": "any"}]}}},
        {"match": {"prefix": "/missing"}, "requires": {"requires_any": {"requirements": [{"provider_name": "idp"}, {"allow_missing": {}}]}}},
        {"match": {"prefix": "/failed"}, "requires": {"requires_any": {"requirements": [{"provider_name": "idp"}, {"allow_missing_or_failed": {}}]}}},
        {"match": {"prefix": "/open"}},
        {"match": {"prefix": "/"}, "requires": {"provider_name": "idp"}}]}


def bearer(*args, **more):
    return "Authorization: Bearer " + token(*args, **more)


ANY_TOKEN = token({"sub": "s"})
JWT_REQUESTS = [(name, get(path, *fields)) for name, path, *fields in (
    ("none", "/"), ("good", "/", bearer(GOOD)), ("expired", "/", bearer(GOOD | {"exp": 1000})), ("not yet", "/", bearer(GOOD | {"nbf": 3900000000})),
    ("other issuer", "/", bearer(GOOD | {"iss": "x"})), ("no issuer", "/", bearer({"aud": "us"})), ("other audience", "/", bearer(GOOD | {"aud": "them"})),
    ("audience list", "/", bearer(GOOD | {"aud": ["them", "others"]})), ("no audience", "/", bearer({"iss": "https://idp"})),
    ("bad signature", "/", bearer(GOOD, key=b"another")), ("other kid", "/", bearer(GOOD, kid="two")), ("right kid", "/", bearer(GOOD, kid="one")),
    ("no algorithm", "/", bearer(GOOD, algorithm="none")), ("other algorithm", "/", bearer(GOOD, algorithm="HS512")),
    ("unknown algorithm", "/", bearer(GOOD, algorithm="X")), ("two parts", "/", "Authorization: Bearer a.b"), ("garbage", "/", "Authorization: Bearer x.y.z"),
    ("no bearer", "/", "Authorization: " + token(GOOD)), ("lower-case bearer", "/", "Authorization: bearer " + token(GOOD)),
    ("in parameter", "/?access_token=" + token(GOOD)), ("claims from outside", "/", bearer(GOOD), "x-sub: root", "x-payload: x", "x-deep: 1"),
    ("outside without token", "/open", "x-sub: root"), ("fraction of time", "/", bearer(GOOD | {"exp": 4000000000.5})),
    ("time as text", "/", bearer(GOOD | {"exp": "4000000000"})), ("negative time", "/", bearer(GOOD | {"exp": -1})), ("number for subject", "/", bearer(GOOD | {"sub": 7})),
    ("any by header", "/any", "x-token: T " + ANY_TOKEN), ("any by parameter", "/any?a=b&token=" + ANY_TOKEN), ("any by cookie", "/any", "Cookie: token=" + ANY_TOKEN),
    ("any by authorization", "/any", "Authorization: Bearer " + ANY_TOKEN), ("any without prefix", "/any", "x-token: " + ANY_TOKEN),
    ("either", "/either", "x-token: T " + ANY_TOKEN), ("neither", "/either"), ("both", "/both", bearer(GOOD), "x-token: T " + ANY_TOKEN),
    ("one of both", "/both", bearer(GOOD)), ("missing", "/missing"), ("not missing but bad", "/missing", bearer(GOOD | {"exp": 1})),
    ("not missing but of nobody known", "/missing", bearer(GOOD | {"iss": "x"})),
    ("failed", "/failed", bearer(GOOD | {"exp": 1})), ("open", "/open"), ("preflight", "/", "Origin: http://a", PREFLIGHT))]
JWT_REQUESTS.append(("real preflight", get("/", "Origin: http://a", PREFLIGHT, method="OPTIONS")))

GROUPS = {
    "basic_auth": (through("basic_auth.v3", "BasicAuth", BASIC_ROUTES, users=USERS, forward_username_header="x-user"), BASIC_REQUESTS),
    "api_key_auth": (through("api_key_auth.v3", "ApiKeyAuth", KEY_ROUTES, **KEYS), KEY_REQUESTS),
    "jwt_authn": (through("jwt_authn.v3", "JwtAuthentication", **JWT), JWT_REQUESTS),
    "jwt_authn bypassing preflights": (through("jwt_authn.v3", "JwtAuthentication", **JWT, bypass_cors_preflight=True), JWT_REQUESTS[-2:]),
}
