"""Every command operator that Envoy documents, in the access logs of both proxies: the same values of the same types, as
JSON, of requests that are answered, retried, refused, broken off, of gRPC and of TLS on both sides.

What differs from run to run (ports, identities, durations, instants) is compared by its form. What differs for a
reason stands in EXPECTED.

  log_operators_test.py --ours BINARY --envoy BINARY [SCENARIO...]
"""

import argparse
import json
import os
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

import certificates  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import tcp  # noqa: E402
import tls_case  # noqa: E402
import tls_origin  # noqa: E402
import wire  # noqa: E402
from bootstrap import ROUTER, TYPE, bootstrap, certificate, cluster, downstream_tls, of, to, upstream_tls  # noqa: E402

# Compared as they are.
EXACT = """
ACCESS_LOG_TYPE BYTES_RECEIVED BYTES_RETRANSMITTED BYTES_SENT CONNECTION_TERMINATION_DETAILS CUSTOM_FLAGS
DOWNSTREAM_DETECTED_CLOSE_TYPE DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT
DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT DOWNSTREAM_LOCAL_CLOSE_REASON
DOWNSTREAM_LOCAL_DNS_SAN DOWNSTREAM_LOCAL_EMAIL_SAN DOWNSTREAM_LOCAL_IP_SAN DOWNSTREAM_LOCAL_OTHERNAME_SAN
DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_PEER_CERT DOWNSTREAM_PEER_CERT_V_END
DOWNSTREAM_PEER_CERT_V_END(%Y-%m) DOWNSTREAM_PEER_CERT_V_START DOWNSTREAM_PEER_CERT_V_START(%Y-%m)
DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1 DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256 DOWNSTREAM_PEER_CHAIN_SERIALS
DOWNSTREAM_PEER_DNS_SAN DOWNSTREAM_PEER_EMAIL_SAN DOWNSTREAM_PEER_FINGERPRINT_1 DOWNSTREAM_PEER_FINGERPRINT_256
DOWNSTREAM_PEER_IP_SAN DOWNSTREAM_PEER_ISSUER DOWNSTREAM_PEER_OTHERNAME_SAN DOWNSTREAM_PEER_SERIAL
DOWNSTREAM_PEER_SUBJECT DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT DOWNSTREAM_TLS_CIPHER
DOWNSTREAM_TLS_VERSION DOWNSTREAM_TRANSPORT_FAILURE_REASON DOWNSTREAM_WIRE_BYTES_RECEIVED DOWNSTREAM_WIRE_BYTES_SENT
DOWNSTREAM_HEADER_BYTES_RECEIVED DOWNSTREAM_HEADER_BYTES_SENT DYNAMIC_METADATA(none:a) DYNAMIC_METADATA(none)
ENVIRONMENT(PROXENOS_NONE) ENVIRONMENT(PATH) FILTER_CHAIN_NAME FILTER_STATE(none:PLAIN) GRPC_STATUS
GRPC_STATUS(CAMEL_STRING) GRPC_STATUS(SNAKE_STRING) GRPC_STATUS(NUMBER) GRPC_STATUS_NUMBER HOSTNAME LOCAL_REPLY_BODY
PACKETS_RETRANSMITTED PATH PATH(WQ) PATH(NQ) PATH(WQ:ORIG) PATH(NQ:PATH) PATH(NQ:ORIG_OR_PATH) PROTOCOL QUERY_PARAM(a)
QUERY_PARAM(none) QUERY_PARAMS QUERY_PARAMS(ORIG) QUERY_PARAMS(DECODED) REQ(:METHOD) REQ(X-ENVOY-ORIGINAL-PATH?:PATH)
REQ(X-A):2 REQ(NONE) REQUESTED_SERVER_NAME REQUEST_HEADER(X-A) REQUEST_HEADERS_BYTES RESPONSE_HEADERS_BYTES
RESPONSE_TRAILERS_BYTES RESP(CONTENT-TYPE) RESP(NONE) RESPONSE_CODE RESPONSE_CODE_DETAILS RESPONSE_FLAGS
RESPONSE_FLAGS_LONG RESPONSE_HEADER(CONTENT-TYPE) RESPONSE_TRAILER(GRPC-STATUS) ROUTE_NAME ROUTE_RESOLUTION_COUNT
TLS_JA3_FINGERPRINT TLS_JA4_FINGERPRINT TRAILER(GRPC-STATUS) UPSTREAM_CLUSTER UPSTREAM_CLUSTER_RAW
UPSTREAM_DETECTED_CLOSE_TYPE UPSTREAM_FILTER_STATE(none:PLAIN) UPSTREAM_HEADER_BYTES_RECEIVED UPSTREAM_HOST_NAME_WITHOUT_PORT
UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT UPSTREAM_LOCAL_CLOSE_REASON UPSTREAM_LOCAL_DNS_SAN UPSTREAM_LOCAL_IP_SAN
UPSTREAM_LOCAL_URI_SAN UPSTREAM_PEER_CERT UPSTREAM_PEER_CERT_V_END UPSTREAM_PEER_CERT_V_START UPSTREAM_PEER_DNS_SAN
UPSTREAM_PEER_IP_SAN UPSTREAM_PEER_ISSUER UPSTREAM_PEER_SUBJECT UPSTREAM_PEER_URI_SAN UPSTREAM_PROTOCOL
UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT UPSTREAM_REQUEST_ATTEMPT_COUNT UPSTREAM_SERVER_NAME
UPSTREAM_TLS_CIPHER UPSTREAM_TLS_VERSION UPSTREAM_WIRE_BYTES_RECEIVED VIRTUAL_CLUSTER_NAME CEL(request.method)
CEL(response.code) CEL(request.headers['x-a']) TYPED_CEL(response.code) METADATA(ROUTE:test:kind)
METADATA(ROUTE:test:none) METADATA(DYNAMIC:none:a) START_TIME(static)
""".split()
# Compared with each run of digits as one sign: ports, durations, instants. Not among them is
# DOWNSTREAM_HANDSHAKE_DURATION: Envoy's is now and then below nothing.
SHAPED = """
COMMON_DURATION(DS_RX_BEG:DS_TX_END:ms) COMMON_DURATION(US_TX_BEG:US_RX_END:us) COMMON_DURATION(DS_CX_BEG:DS_RX_BEG:ns)
COMMON_DURATION(DS_RX_BEG:DS_RX_END:ms) CONNECTION_ID DOWNSTREAM_DIRECT_LOCAL_ADDRESS DOWNSTREAM_DIRECT_LOCAL_PORT
DOWNSTREAM_DIRECT_REMOTE_ADDRESS DOWNSTREAM_DIRECT_REMOTE_PORT DOWNSTREAM_LOCAL_ADDRESS DOWNSTREAM_LOCAL_PORT
DOWNSTREAM_REMOTE_ADDRESS DOWNSTREAM_REMOTE_PORT DURATION EMIT_TIME EMIT_TIME(%s) EMIT_TIME_LOCAL REQUEST_DURATION
REQUEST_TX_DURATION RESPONSE_DURATION RESPONSE_TX_DURATION ROUNDTRIP_DURATION START_TIME START_TIME(%s) START_TIME(%s.%3f)
START_TIME(%s.%6f) START_TIME(%s.%9f) START_TIME(%Y/%m/%dT%H:%M:%S%z) START_TIME_LOCAL START_TIME_LOCAL(%Y%z)
UPSTREAM_CONNECTION_ID UPSTREAM_CONNECTION_IDS_ATTEMPTED UPSTREAM_CONNECTION_POOL_READY_DURATION UPSTREAM_HOST
UPSTREAM_HOST_NAME UPSTREAM_HOSTS_ATTEMPTED UPSTREAM_LOCAL_ADDRESS UPSTREAM_LOCAL_PORT UPSTREAM_REMOTE_ADDRESS
UPSTREAM_REMOTE_PORT UPSTREAM_TRANSPORT_FAILURE_REASON UPSTREAM_HEADER_BYTES_SENT UPSTREAM_WIRE_BYTES_SENT
""".split()
# Compared with each run of hexadecimal digits as one sign: identities.
IDENTITIES = "DOWNSTREAM_TLS_SESSION_ID UPSTREAM_TLS_SESSION_ID SPAN_ID STREAM_ID TRACE_ID UNIQUE_ID".split()

# (operator, scenario): why they differ; both are regular expressions.
EXPECTED = {
    ("(DOWN|UP)STREAM_HEADER_BYTES_(SENT|RECEIVED)", ".*"):
        "Envoy leaves out first lines, and of what it receives one byte a line.",
    (r"QUERY_PARAMS\(DECODED\)", "(attempt )?get|tls"): "Decoded as Envoy's documentation says; Envoy leaves %20 as it is.",
    (r"PATH.*|REQ\(X-ENVOY-.*", "rewritten"):
        "The path before the rewrite is known here without x-envoy-original-path, which is suppressed.",
    ("UPSTREAM_(CONNECTION_IDS|HOSTS)_ATTEMPTED", "(attempt )?(retried|refused)"):
        "All that were tried, as Envoy's documentation says; Envoy shows the last that was connected.",
    ("RESPONSE_CODE_DETAILS|RESPONSE_FLAGS(_LONG)?", "cut"):
        "A connection that ended is a connection that ended. Envoy calls it a protocol error.",
    (r"PATH.*|REQ\((:METHOD|X-).*|REQUEST_HEADER.*|CEL\(request.*|COMMON_DURATION.*RX_END.*|REQUEST_DURATION|ROUTE_.*",
     "bad"):
        "Without Host it is no HTTP/1.1 request, and nothing of it is shown; Envoy answers what it has read.",
    ("DOWNSTREAM_WIRE_BYTES_(SENT|RECEIVED)|UPSTREAM_WIRE_BYTES_RECEIVED", "attempt .*"):
        "Of an attempt: what its host sent; of the client: what it has been sent, or has sent, by then.",
    ("ROUTE_RESOLUTION_COUNT|UPSTREAM_REQUEST_ATTEMPT_COUNT|STREAM_ID", "attempt .*"):
        "An attempt has the request's, and its own number; Envoy knows nothing of the request here.",
    ("PROTOCOL", "attempt refused"): "The request's, where there is no connection to a host.",
    ("RESPONSE_HEADERS_BYTES", "attempt grpc"): "Transfer-Encoding is framing, and no field any more.",
    ("DOWNSTREAM_TRANSPORT_FAILURE_REASON", "tcp.*"):
        "Envoy's TLS inspector leaves what it thought of bytes that are not TLS.",
    ("RESPONSE_FLAGS(_LONG)?", "tcp refused"): "The order of flags is always the same.",
    ("STREAM_ID", "tcp.*"): "A connection has CONNECTION_ID; it is no stream.",
    ("UPSTREAM_DETECTED_CLOSE_TYPE|UPSTREAM_CONNECTION_POOL_READY_DURATION", "tcp no host"):
        "There was no host whose connection could have been closed, or waited for.",
    ("RESP.*|BYTES_SENT|DOWNSTREAM_WIRE_BYTES_SENT", "bad"):
        "The answer has a body that says what is wrong with the request, and flags that say so.",
}

GRPC = ("HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n5\r\n\0\0\0\0\0\r\n"
        "0\r\ngrpc-status: 5\r\n\r\n")
PLAIN = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nfour"
BUSY = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
CUT = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nfour"


class Scripted(origin.Origin):
    """What the path says; the first request for `retried` is refused."""

    def __init__(self):
        self.refused = False
        super().__init__()

    def answer(self, sock, request):
        kind = request["start"].split(" ")[1].split("?")[0].split("/")[1]
        if kind == "retried" and not self.refused:
            self.refused = True
            sock.sendall(BUSY.encode())
            return True
        sock.sendall({"grpc": GRPC, "cut": CUT}.get(kind, PLAIN).encode())
        return kind != "cut"


class ScriptedTls(tls_origin.TlsOrigin):
    def answer(self, sock, request):
        sock.sendall(PLAIN.encode())
        return True


def log(path):
    formatters = [{"name": name, "typed_config": {
        "@type": TYPE + f"envoy.extensions.formatter.{name}.v3.{name.capitalize()}"}} for name in ("cel", "metadata")]
    operators = {name: f"%{name}%" for name in EXACT + SHAPED + IDENTITIES}
    return {"name": "log", "typed_config": {
        "@type": TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": path,
        "log_format": {"json_format": operators, "formatters": formatters}}}


def routes():
    retried = to(retry_policy={"retry_on": "5xx", "num_retries": 2,
                               "retry_back_off": {"base_interval": "0.001s", "max_interval": "0.002s"}})
    return [{"match": {"prefix": "/nobody"}, "route": {"cluster": "nobody"}, "name": "nobody"},
            {"match": {"prefix": "/dead"}, "route": {"cluster": "dead"}},
            {"match": {"prefix": "/direct"}, "direct_response": {"status": 403, "body": {"inline_string": "no entry"}}},
            {"match": {"prefix": "/rewritten"}, "route": {"cluster": "origin", "prefix_rewrite": "/other"}},
            {**retried, "match": {"prefix": "/"}, "name": "all", "metadata": {"filter_metadata": {"test": {"kind": "plain"}}}}]


def request(method, path, *fields, body=""):
    lines = [f"{method} {path} HTTP/1.1", "host: shop.example:80", "x-a: value", "user-agent: test", *fields]
    return "\r\n".join([*lines, "", body]).encode()


REQUESTS = {
    "get": request("GET", "/plain?a=b%20c&d"),
    "post": request("POST", "/plain", "content-length: 5", body="hello"),
    "head": request("HEAD", "/plain"),
    "retried": request("GET", "/retried"),
    "grpc": request("POST", "/grpc/Call", "content-type: application/grpc", "content-length: 0"),
    "rewritten": request("GET", "/rewritten?a=1"),
    "direct": request("GET", "/direct"),
    "no host": request("GET", "/nobody"),
    "refused": request("GET", "/dead"),
    "cut": request("GET", "/cut"),
    "bad": b"GET / HTTP/1.1\r\nx-a: no host\r\n\r\n",
}


ATTEMPTS = ["attempt get", "attempt retried", "attempt grpc", "attempt refused"]
TCP = ["tcp", "tcp refused", "tcp no host", "tcp reset"]


class Runner:
    """Both proxies see the same certificates and hosts."""

    def __init__(self):
        self.authority = certificates.Authority()
        self.host = self.authority.issue("host", ["DNS:host.example", "IP:127.0.0.1", "URI:spiffe://test/host"])
        self.server = self.authority.issue("server", ["DNS:shop.example", "IP:127.0.0.1", "URI:spiffe://test/server",
                                                      "email:server@shop.example"])
        self.client = self.authority.issue("client", ["DNS:client.example", "IP:127.0.0.9", "URI:spiffe://test/client",
                                                      "email:client@shop.example"])

    def lines(self, running, path, count):
        def read():
            if not os.path.exists(path):
                return None
            with open(path, encoding="utf-8") as text:
                lines = text.read().splitlines()
            return lines if len(lines) >= count else None
        return [json.loads(line) for line in running.wait(read)]

    def plain(self, binary, name):
        """With "attempt" before its name, the request's last attempt is what is logged."""
        attempt, name = name.startswith("attempt "), name.removeprefix("attempt ")
        upstream = Scripted()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log")
            dead = cluster("dead", 1)
            # Without x-envoy-upstream-service-time, whose digits vary.
            router = {"name": "router", "typed_config": {"@type": ROUTER, "suppress_envoy_headers": True}}
            if attempt:
                router["typed_config"]["upstream_log"] = [log(path)]
            logs = [] if attempt else [log(path)]
            config = bootstrap(routes(), {"access_log": logs, "http_filters": [router]},
                               [cluster("origin", upstream.port), cluster("nobody"), dead])
            with proxy.Proxy(binary, config, arguments=("--file-flush-interval-msec", "10")) as running:
                with wire.connect(running.port) as sock:
                    sock.sendall(REQUESTS[name])
                    try:
                        wire.Reader(sock).response(REQUESTS[name].split(b" ")[0].decode())
                    except OSError:
                        pass
                return self.lines(running, path, 2 if attempt and name == "retried" else 1)[-1]

    def tcp(self, binary, name):
        """Through the TCP proxy; `name` says what becomes of the connection."""
        upstream = tcp.Origin()
        clusters = {"tcp": cluster("origin", upstream.port), "tcp refused": cluster("origin", 1),
                    "tcp no host": cluster("origin"), "tcp reset": cluster("origin", upstream.port)}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log")
            proxied = tcp.tcp_proxy(access_log=[log(path)])
            listener = tcp.listener(proxied, listener_filters=[tls_case.TLS_INSPECTOR])
            with proxy.Proxy(binary, of([listener], [clusters[name]]),
                             arguments=("--file-flush-interval-msec", "10")) as running:
                with tcp.connect(running.port) as client:
                    client.sendall(b"hello")
                    if name in ("tcp", "tcp reset"):
                        host = upstream.accept()
                        tcp.exactly(host, 5)
                        host.sendall(b"welcome")
                        tcp.exactly(client, 7)
                        if name == "tcp reset":
                            tcp.reset(host)
                        host.close()
                    tcp.end_of(client)
                upstream.close()
                return self.lines(running, path, 1)[0]

    def tls(self, binary, _name):
        upstream = ScriptedTls(tls_origin.server_context(self.host, client_authority=self.authority.root))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log")
            # What is chosen where nothing is said is not what this is about.
            origin_cluster = cluster("origin", upstream.port, transport_socket=upstream_tls(
                self.authority.root, sni="host.example", common={
                    "tls_certificates": [certificate(self.client)],
                    "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"}}))
            trusted = {"validation_context": {"trusted_ca": {"filename": self.authority.root.chain}},
                       "tls_params": {"tls_maximum_protocol_version": "TLSv1_2",
                                      "cipher_suites": ["ECDHE-ECDSA-AES128-GCM-SHA256"]}}
            router = {"name": "router", "typed_config": {"@type": ROUTER, "suppress_envoy_headers": True}}
            config = bootstrap([to()], {"access_log": [log(path)], "http_filters": [router]}, [origin_cluster],
                               transport=downstream_tls(self.server, alpn=["http/1.1"], common=trusted,
                                                        require_client_certificate=True))
            config["static_resources"]["listeners"][0]["listener_filters"] = [tls_case.TLS_INSPECTOR]
            with proxy.Proxy(binary, config, arguments=("--file-flush-interval-msec", "10")) as running:
                context = tls_case.client_context(self.authority, self.client)
                with wire.connect(running.port) as sock, context.wrap_socket(sock, server_hostname="shop.example") as secure:
                    secure.sendall(REQUESTS["get"])
                    wire.Reader(secure).response("GET")
                return self.lines(running, path, 1)[0]


def normal(name, value):
    if name in SHAPED:
        return re.sub(r"[0-9]+", "#", str(value)) if isinstance(value, (str, int)) else value
    if name in IDENTITIES:
        return re.sub(r"[0-9a-f]+", "#", value) if isinstance(value, str) else value
    if name == "UPSTREAM_HOST_NAME":
        return re.sub(r":[0-9]+", ":PORT", str(value))
    return value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ours", required=True)
    parser.add_argument("--envoy", required=True)
    parser.add_argument("scenarios", nargs="*")
    args = parser.parse_args()
    runner, results, met = Runner(), [], set()
    for name in args.scenarios or [*REQUESTS, *ATTEMPTS, "tls", *TCP]:
        run = runner.tls if name == "tls" else runner.tcp if name in TCP else runner.plain
        ours, theirs = run(args.ours, name), run(args.envoy, name)
        for operator in EXACT + SHAPED + IDENTITIES:
            pair = normal(operator, ours.get(operator)), normal(operator, theirs.get(operator))
            problem = "" if pair[0] == pair[1] and type(pair[0]) is type(pair[1]) else f"ours {pair[0]!r}, Envoy {pair[1]!r}"
            known = [key for key in EXPECTED if re.fullmatch(key[0], operator) and re.fullmatch(key[1], name)]
            met.update(known if problem else ())
            if problem and not known:
                print(f"DIFFERS {name} %{operator}%: {problem}")
            results.append((f"{name} {operator}", "" if known else problem))
    for key in () if args.scenarios else EXPECTED:
        results.append((f"expected {key}", "" if key in met else "does not differ any more"))
    report.end("log_operators", results, "")


if __name__ == "__main__":
    main()
