"""Other people's clients in front of the real binary: PROXY protocol as curl and a load balancer send it, stapled
OCSP responses as openssl makes and reads them.

  foreign_clients_test.py --proxy BINARY --page proxy_protocol.md [CASE...]
"""

import pathlib
import re
import socket
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import certificates  # noqa: E402
import tcp  # noqa: E402
import tls_case  # noqa: E402
import wire  # noqa: E402

PROXY_PROTOCOL = {"name": "envoy.filters.listener.proxy_protocol", "typed_config": {
    "@type": bootstrap.TYPE + "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol"}}

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def version2(source, destination, source_port=4242, tlvs=b""):
    """A binary PROXY header of a TCP connection (version 2, section 2.2)."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    addresses = socket.inet_pton(family, source) + socket.inet_pton(family, destination) + struct.pack("!HH", source_port, 443)
    kind = 0x21 if family == socket.AF_INET6 else 0x11
    return SIGNATURE + struct.pack("!BBH", 0x21, kind, len(addresses) + len(tlvs)) + addresses + tlvs


class ProxyProtocolTest(tls_case.TlsTest):
    def start_behind_balancer(self, transport=None):
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", self.origin.port)], transport=transport,
                                     manager={"use_remote_address": True})
        config["static_resources"]["listeners"][0]["listener_filters"] = [PROXY_PROTOCOL]
        return self.start(config)

    def client_seen(self):
        """What the origin was told of the client."""
        return dict(self.origin.take_seen()[-1]["headers"]).get("x-forwarded-for")

    def test_curl(self):
        running = self.start_behind_balancer()
        out = tls_case.run("curl", "-sS", "--haproxy-protocol", "-w", " %{http_code}", f"http://127.0.0.1:{running.port}/")
        self.assertEqual(out, "origin 200")
        self.assertEqual(self.client_seen(), "127.0.0.1")
        # Without the header it is no client of ours.
        out = tls_case.run("curl", "-sS", f"http://127.0.0.1:{running.port}/")
        self.assertRegex(out, "Empty reply|reset by peer")

    def test_curl_with_tls(self):
        """The header comes before the handshake."""
        running = self.start_behind_balancer(bootstrap.downstream_tls(self.ecdsa))
        for flag in ("--http1.1", "--http2"):
            out = tls_case.run("curl", "-sS", "--haproxy-protocol", flag, "--cacert", self.authority.root.chain, "--resolve",
                               f"a.example:{running.port}:127.0.0.1", f"https://a.example:{running.port}/")
            self.assertEqual(out, "origin", flag)

    def test_version_2(self):
        running = self.start_behind_balancer()
        # PP2_TYPE_AUTHORITY, PP2_TYPE_NOOP: what nobody asked for is passed over.
        tlvs = b"\x02\x00\x09a.example" + b"\x04\x00\x02\0\0"
        for source, destination in (("192.0.2.7", "198.51.100.1"), ("2001:db8::7", "2001:db8::1")):
            for header in (version2(source, destination), version2(source, destination, tlvs=tlvs)):
                with wire.connect(running.port) as sock:
                    sock.sendall(header + tls_case.request_text().encode())
                    self.assertEqual(wire.Reader(sock).response("GET")["status"], 200)
                self.assertEqual(self.client_seen(), source)

    def test_version_2_octet_by_octet(self):
        running = self.start_behind_balancer()
        with wire.connect(running.port) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in version2("192.0.2.7", "198.51.100.1"):
                sock.sendall(bytes([octet]))
            sock.sendall(tls_case.request_text().encode())
            self.assertEqual(wire.Reader(sock).response("GET")["status"], 200)
        self.assertEqual(self.client_seen(), "192.0.2.7")

    def test_version_2_of_the_balancer_itself(self):
        """LOCAL: a health check; the socket's own addresses count."""
        running = self.start_behind_balancer()
        with wire.connect(running.port) as sock:
            sock.sendall(SIGNATURE + b"\x20\x00\x00\x00" + tls_case.request_text().encode())
            self.assertEqual(wire.Reader(sock).response("GET")["status"], 200)
        self.assertEqual(self.client_seen(), "127.0.0.1")


    def test_documentation(self):
        self.check_page(1)

    def test_tlvs_of_version_2(self):
        """What a rule names is metadata of each request; what may pass reaches the origin's header."""
        seen = tcp.Origin()
        self.addCleanup(seen.close)
        log = pathlib.Path(self.authority.path("tlv.log"))
        passing = {"match_type": "INCLUDE", "tlv_type": [2, 234]}
        upstream = {"name": "envoy.transport_sockets.upstream_proxy_protocol", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
            "config": {"version": "V2", "pass_through_tlvs": passing, "added_tlvs": [{"type": 224, "value": "b3Vycw=="}]},
            "transport_socket": {"name": "envoy.transport_sockets.raw_buffer", "typed_config": {
                "@type": bootstrap.TYPE + "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"}}}}
        config = bootstrap.bootstrap(
            clusters=[bootstrap.cluster("origin", seen.port, transport_socket=upstream)],
            manager={"access_log": [{"name": "file", "typed_config": {
                "@type": tcp.FILE_LOG, "path": str(log), "log_format": {"text_format_source": {
                    "inline_string": "%DYNAMIC_METADATA(of.tlv:name)% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%\n"}}}}]})
        listening = {"@type": PROXY_PROTOCOL["typed_config"]["@type"], "stat_prefix": "edge", "pass_through_tlvs": {},
                     "rules": [{"tlv_type": 2, "on_tlv_present": {"metadata_namespace": "of.tlv", "key": "name"}}]}
        config["static_resources"]["listeners"][0]["listener_filters"] = [{**PROXY_PROTOCOL, "typed_config": listening}]
        running = self.start(config)
        authority, checksum, own = b"\x02\x00\x09a.example", b"\x04\x00\x01\0", b"\xea\x00\x02hi"
        with wire.connect(running.port) as sock:
            sock.sendall(version2("192.0.2.7", "198.51.100.1", tlvs=authority + checksum + own)
                         + tls_case.request_text().encode())
            peer = seen.accept()
            header = version2("192.0.2.7", "198.51.100.1", tlvs=authority + own + b"\xe0\x00\x04ours")
            self.assertEqual(tcp.exactly(peer, len(header)), header)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            self.assertEqual(wire.Reader(sock).response("GET")["status"], 200)
            peer.close()
        running.wait(lambda: log.exists() and log.read_text())
        self.assertEqual(log.read_text(), "a.example 127.0.0.1\n")
        self.assertEqual(running.stats()["proxy_proto.edge.versions.v2.found"], 1)
        # TLVs that are cut short end the connection.
        with wire.connect(running.port) as sock:
            sock.sendall(version2("192.0.2.7", "198.51.100.1", tlvs=b"\x02\x00\x09short") + tls_case.request_text().encode())
            self.assertEqual(tcp.end_of(sock)[0], b"")
        self.assertEqual(running.stats()["proxy_proto.edge.versions.v2.error"], 1)


    def test_tlvs_of_hosts_and_formats(self):
        """Of one type those of the host count, then the cluster's, then the client's; formats are filled in beforehand."""
        seen = tcp.Origin()
        self.addCleanup(seen.close)
        added = [{"type": 224, "value": "b3Vycw=="}, {"type": 225, "value": "Y2x1c3Rlcg=="},
                 {"type": 226, "format_string": {"text_format_source": {"inline_string": "on %HOSTNAME%"}}}]
        upstream = {"name": "envoy.transport_sockets.upstream_proxy_protocol", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
            "config": {"version": "V2", "pass_through_tlvs": {}, "added_tlvs": added},
            "transport_socket": {"name": "envoy.transport_sockets.raw_buffer", "typed_config": {
                "@type": bootstrap.TYPE + "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"}}}}
        cluster = bootstrap.cluster("origin", seen.port, transport_socket=upstream)
        cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["metadata"] = {"typed_filter_metadata": {
            "envoy.transport_sockets.proxy_protocol": {
                "@type": bootstrap.TYPE + "envoy.config.core.v3.PerHostConfig",
                "added_tlvs": [{"type": 224, "value": "aG9zdA=="}, {"type": 234, "value": "b25l"}]}}}
        config = bootstrap.bootstrap(clusters=[cluster])
        listening = {"@type": PROXY_PROTOCOL["typed_config"]["@type"], "pass_through_tlvs": {}}
        config["static_resources"]["listeners"][0]["listener_filters"] = [{**PROXY_PROTOCOL, "typed_config": listening}]
        running = self.start(config)
        with wire.connect(running.port) as sock:
            sock.sendall(version2("192.0.2.7", "198.51.100.1", tlvs=b"\x02\x00\x01a\xea\x00\x01b\xe1\x00\x01c")
                         + tls_case.request_text().encode())
            peer = seen.accept()
            value = f"on {socket.gethostname()}".encode()
            sent = (b"\x02\x00\x01a" + b"\xe1\x00\x07cluster" + b"\xe2" + len(value).to_bytes(2, "big") + value
                    + b"\xe0\x00\x04host" + b"\xea\x00\x03one")
            header = version2("192.0.2.7", "198.51.100.1", tlvs=sent)
            self.assertEqual(tcp.exactly(peer, len(header)), header)
            peer.close()
        with wire.connect(running.port) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            self.assertEqual(tcp.end_of(sock)[0], b"")
        stats = running.stats()
        self.assertEqual(stats["downstream_cx_proxy_proto_error"], 1)
        self.assertEqual(stats["proxy_proto.not_found_disallowed"], 1)
        self.assertIn("envoy_downstream_cx_proxy_proto_error{} 1", running.admin("/stats/prometheus"))


class StaplingTest(tls_case.TlsTest):
    """OCSP responses that openssl signs, asked for by openssl s_client -status."""

    def staple(self, pair):
        """A response that calls the certificate good for a day, as a file."""
        request, response = self.authority.path("ocsp.req"), self.authority.path(f"{pair.name}.ocsp")
        root = self.authority.root
        certificates.openssl("ocsp", "-issuer", root.chain, "-cert", pair.chain, "-no_nonce", "-reqout", request)
        serial = certificates.openssl("x509", "-in", pair.chain, "-noout", "-serial").decode().strip().partition("=")[2]
        index = self.authority.write("index.txt", f"V\t491231235959Z\t\t{serial}\tunknown\t/CN={pair.name}\n")
        certificates.openssl("ocsp", "-index", index, "-CA", root.chain, "-rsigner", root.chain, "-rkey", root.key,
                             "-reqin", request, "-respout", response, "-ndays", "1")
        return response

    def start_stapling(self, staple=None, policy="LENIENT_STAPLING"):
        pair = bootstrap.certificate(self.ecdsa)
        if staple:
            pair["ocsp_staple"] = {"filename": staple}
        transport = bootstrap.downstream_tls(common={"tls_certificates": [pair]}, ocsp_staple_policy=policy)
        return self.start(bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", self.origin.port)], transport=transport))

    def test_staple_is_shown_to_who_asks(self):
        running = self.start_stapling(self.staple(self.ecdsa))
        out = tls_case.s_client(running.port, "-status", "-CAfile", self.authority.root.chain)
        self.assertIn("OCSP Response Status: successful", out)
        self.assertIn("Cert Status: good", out)
        self.assertIn("Verify return code: 0 (ok)", out)
        self.assertNotIn("OCSP", tls_case.s_client(running.port))
        self.assertEqual(self.stat(running, ".ssl.ocsp_staple_requests"), 1)
        self.assertEqual(self.stat(running, ".ssl.ocsp_staple_responses"), 1)

    def test_without_a_staple(self):
        running = self.start_stapling()
        self.assertIn("OCSP response: no response sent", tls_case.s_client(running.port, "-status"))
        self.assertEqual(self.stat(running, ".ssl.ocsp_staple_omitted"), 1)

    def test_staple_that_grew_old(self):
        """Lenient: it is left out. Strict: so is whoever asks for one."""
        staple = pathlib.Path(self.staple(self.ecdsa))
        # Of its times the last is nextUpdate. Clients would miss the signature; servers send it as it is.
        last = list(re.finditer(rb"\d{14}Z", staple.read_bytes()))[-1]
        staple.write_bytes(staple.read_bytes()[:last.start()] + b"20200101000000Z" + staple.read_bytes()[last.end():])
        running = self.start_stapling(str(staple))
        self.assertIn("no response sent", tls_case.s_client(running.port, "-status"))
        running = self.start_stapling(str(staple), "STRICT_STAPLING")
        self.assertRegex(tls_case.s_client(running.port, "-status"), "alert|no peer certificate available")
        self.assertEqual(self.stat(running, ".ssl.ocsp_staple_failed"), 1)

    def test_must_staple(self):
        running = self.start_stapling(self.staple(self.ecdsa), "MUST_STAPLE")
        self.assertIn("Cert Status: good", tls_case.s_client(running.port, "-status"))
        refused = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", self.origin.port)], transport=bootstrap.downstream_tls(
            common={"tls_certificates": [bootstrap.certificate(self.ecdsa)]}, ocsp_staple_policy="MUST_STAPLE"))
        with self.assertRaisesRegex(RuntimeError, "(?i)ocsp|stapl"):
            self.start(refused)

    def test_staple_of_another_certificate(self):
        staple = self.staple(self.rsa)
        with self.assertRaisesRegex(RuntimeError, "does not match its TLS certificate"):
            self.start_stapling(staple)


if __name__ == "__main__":
    tls_case.main("foreign_clients")
