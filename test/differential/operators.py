"""What command operators make of a request, in header fields of the response: the same text from both proxies.

Only operators whose values are the same in each run: no ports of the system's choice, no durations."""

from bootstrap import TYPE, to

VALUES = [
    "%REQUEST_HEADER(x-a?user-agent):3%", "%RESPONSE_HEADER(content-type)%", "%RESPONSE_TRAILER(x-none)%",
    "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(8)%", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(128)%",
    "%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(20)%", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT(0)%",
    "%DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT(31)%", "%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(13)%",
    "%UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT(32)%", "%UPSTREAM_HOST_NAME_WITHOUT_PORT%",
    "%REQUESTED_SERVER_NAME%", "%REQUESTED_SERVER_NAME(SNI_ONLY)%", "%REQUESTED_SERVER_NAME(SNI_FIRST)%",
    "%REQUESTED_SERVER_NAME(HOST_FIRST)%", "%REQUESTED_SERVER_NAME(HOST_FIRST:HOST)%", "%REQUESTED_SERVER_NAME(HOST_FIRST:ORIG)%",
    "%REQUESTED_SERVER_NAME(SNI_FIRST:ORIG)%", "%ROUNDTRIP_DURATION%", "%BYTES_RETRANSMITTED%", "%PACKETS_RETRANSMITTED%",
    "[%CUSTOM_FLAGS%]", "[%DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID%]", "[%DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID%]",
    "[%UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID%]", "%TLS_JA3_FINGERPRINT%", "%TLS_JA4_FINGERPRINT%",
    '%COALESCE({"operators": ["REQUESTED_SERVER_NAME", {"command": "REQ", "param": ":authority"}]})%',
    '%COALESCE({"operators": [{"command": "REQ", "param": "x-none"}, {"command": "REQ", "param": "x-a", "max_length": 4}]}):9%',
    '%COALESCE({"operators": [{"command": "REQ", "param": "x-none"}, "RESPONSE_FLAGS", "PROTOCOL"]})%',
    '%COALESCE({"operators": ["BYTES_RECEIVED", "PROTOCOL"]}):3%',
    '%COALESCE({"operators": [{"command": "REQ", "param": "x-none"}]})%',
    "%UPSTREAM_HOSTS_ATTEMPTED%", "%UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT%", "%UPSTREAM_HOST_NAMES_ATTEMPTED%",
    "%UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT%", "%DOWNSTREAM_DETECTED_CLOSE_TYPE%", "%UPSTREAM_DETECTED_CLOSE_TYPE%",
    "[%DOWNSTREAM_LOCAL_CLOSE_REASON%]", "[%UPSTREAM_LOCAL_CLOSE_REASON%]", "%ROUTE_RESOLUTION_COUNT%",
    "[%UPSTREAM_FILTER_STATE(a:PLAIN)%]",
]

FINGERPRINTS = {"name": "tls_inspector", "typed_config": {
    "@type": TYPE + "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    "enable_ja3_fingerprinting": True, "enable_ja4_fingerprinting": True}}


def routes():
    fields = [{"header": {"key": f"x-value-{number}", "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
              for number, value in enumerate(VALUES)]
    return [{**to(), "response_headers_to_add": fields}]


def inspected(config):
    """The bootstrap, with fingerprints of who connects."""
    config["static_resources"]["listeners"][0]["listener_filters"] = [FINGERPRINTS]
    return config
