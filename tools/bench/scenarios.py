"""What is measured: which protocols, which load, and who takes part."""

import dataclasses

HTTP1 = ("relay", "nginx", "haproxy", "envoy", "proxenos")
BODIES = ("relay", "splice", "nginx", "haproxy", "envoy", "proxenos")
TLS = ("nginx", "haproxy", "nghttpx", "h2o", "envoy", "proxenos")


@dataclasses.dataclass(frozen=True)
class Scenario:
    title: str
    proxies: tuple
    load: str = "wrk"  # Or "h2load", "hey" (a connection for each request), "idle".
    connections: int = 64
    tls: bool = False
    http2: bool = False
    origin_http2: bool = False
    body_bytes: int = 1024


SCENARIOS = {
    "h1": Scenario("HTTP/1.1 keep-alive, 64 connections", HTTP1),
    "h1_512": Scenario("HTTP/1.1 keep-alive, 512 connections", HTTP1, connections=512),
    "body_100k": Scenario("HTTP/1.1 keep-alive, 16 connections, bodies of 100 KiB", BODIES, connections=16, body_bytes=102400),
    "body_1m": Scenario("HTTP/1.1 keep-alive, 16 connections, bodies of 1 MiB", BODIES, connections=16, body_bytes=1048576),
    "h2_h1": Scenario("HTTP/2, 8 connections of 32 streams, to HTTP/1.1", TLS, load="h2load", connections=8, http2=True),
    "h2_h2": Scenario("HTTP/2, 8 connections of 32 streams, to HTTP/2", ("haproxy", "nghttpx", "envoy", "proxenos"),
                      load="h2load", connections=8, http2=True, origin_http2=True),
    "tls": Scenario("TLS 1.3 keep-alive, HTTP/1.1, 64 connections", TLS, tls=True),
    "handshakes": Scenario("full TLS 1.3 handshake for each request, ECDSA P-256", TLS, load="hey", connections=16, tls=True),
    "idle": Scenario("HTTP/1.1", HTTP1[1:], load="idle"),
    "idle_tls": Scenario("TLS 1.3, HTTP/1.1", TLS, load="idle", tls=True),
    "idle_h2": Scenario("HTTP/2", TLS, load="idle", http2=True),
}
