"""What a TLS listener of the real binary says to other people's clients: openssl s_client, curl, nghttp and
Python's ssl.

  tls_test.py --proxy BINARY [CASE...]
"""

import base64
import json
import os
import pathlib
import re
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import tls_case  # noqa: E402
import wire  # noqa: E402


class ServerTest(tls_case.TlsTest):
    """A listener with an ECDSA and an RSA certificate, all else by default."""

    def test_curl_with_each_protocol(self):
        running = self.start_plain_origin()
        for flag, version in (("--http1.1", "1.1"), ("--http2", "2")):
            out = tls_case.run("curl", "-sS", flag, "--cacert", self.authority.root.chain, "--resolve", f"a.example:{running.port}:127.0.0.1",
                      "-w", " %{http_code} %{http_version} %{ssl_verify_result}", f"https://a.example:{running.port}/")
            self.assertEqual(out, f"origin 200 {version} 0")
        for seen in self.origin.take_seen():
            self.assertIn(("x-forwarded-proto", "https"), seen["headers"])
        self.assertEqual(self.stat(running, ".ssl.handshake"), 2)

    def test_nghttp(self):
        running = self.start_plain_origin()
        out = tls_case.run("nghttp", "-v", "-m", "5", f"https://127.0.0.1:{running.port}/")
        self.assertEqual(len(re.findall(r":status: 200", out)), 5, out[-2000:])
        self.assertIn("The negotiated protocol: h2", out)

    def test_versions(self):
        running = self.start_plain_origin()
        for flag, version in (("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")):
            out = tls_case.s_client(running.port, flag, "-quiet", "-ign_eof", text=tls_case.request_text())
            self.assertIn("200 OK", out)
            out = tls_case.s_client(running.port, flag)
            self.assertRegex(out, f"New, {version}|Protocol *: {version}")
        for flag in ("-tls1_1", "-tls1"):
            out = tls_case.s_client(running.port, flag, "-cipher", "ALL:@SECLEVEL=0")
            self.assertIn("alert protocol version", out)

    def test_certificate_by_what_the_client_can_verify(self):
        running = self.start_plain_origin()
        for flags, kind in ((["-tls1_3", "-sigalgs", "ecdsa_secp256r1_sha256"], "ecdsa"),
                            (["-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256"], "rsa"),
                            (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], "ecdsa"),
                            (["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "rsa")):
            out = tls_case.s_client(running.port, *flags)
            self.assertRegex(out, f"subject=.*CN = {kind}", flags)

    def test_groups_and_weak_ciphers(self):
        running = self.start_plain_origin()
        for group, said in (("X25519", "X25519"), ("P-256", "P-256|prime256v1")):
            self.assertRegex(tls_case.s_client(running.port, "-tls1_3", "-groups", group), f"Server Temp Key: .*({said})")
        for cipher in ("AES128-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "DHE-RSA-AES128-GCM-SHA256", "aNULL", "eNULL"):
            out = tls_case.s_client(running.port, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
            self.assertIn("alert handshake failure", out, cipher)

    def test_alpn(self):
        running = self.start_plain_origin()
        for offered, chosen in (("h2,http/1.1", "h2"), ("http/1.1,h2", "h2"), ("http/1.1", "http/1.1")):
            self.assertIn(f"ALPN protocol: {chosen}", tls_case.s_client(running.port, "-alpn", offered))
        self.assertIn("No ALPN negotiated", tls_case.s_client(running.port))

    def test_compliance_policy(self):
        running = self.start_plain_origin(common={"tls_params": {"compliance_policies": ["FIPS_202205"],
                                                                 "ecdh_curves": ["X25519"]}})
        self.assertRegex(tls_case.s_client(running.port), r"Server Temp Key: ECDH, (P-256|prime256v1)")
        self.assertIn("handshake failure", tls_case.s_client(running.port, "-groups", "X25519"))
        self.assertIn("handshake failure", tls_case.s_client(running.port, "-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"))

    def test_timestamps_of_a_certificate(self):
        """The extension of RFC 6962, section 3.3.1: a list of two, each with its length."""
        pair = bootstrap.certificate(self.ecdsa)
        path = self.authority.path("second.sct")
        pathlib.Path(path).write_bytes(b"second")
        pair["signed_certificate_timestamp"] = [{"inline_string": "first"}, {"filename": path}]
        running = self.start_plain_origin(common={"tls_certificates": [pair]})
        out = tls_case.s_client(running.port, "-tls1_2", "-serverinfo", "18")
        text = re.search(r"BEGIN SERVERINFO FOR EXTENSION 18-----\n(.*?)-----END", out, re.DOTALL)[1]
        self.assertEqual(base64.b64decode(text)[4:], b"\0\x0f\0\x05first\0\x06second")
        self.assertNotIn("SERVERINFO", tls_case.s_client(self.start_plain_origin().port, "-tls1_2", "-serverinfo", "18"))

    def test_list_of_authorities(self):
        trusted = {"trusted_ca": {"filename": self.authority.root.chain}}
        running = self.start_plain_origin(common={"validation_context": trusted})
        self.assertIn("Acceptable client certificate CA names", tls_case.s_client(running.port))
        running = self.start_plain_origin(common={"validation_context": {**trusted, "suppress_client_ca_list": True}})
        self.assertIn("No client certificate CA names sent", tls_case.s_client(running.port))
        client = self.authority.issue("client", ["DNS:client.example"])
        self.assertEqual(tls_case.ask(running.port, tls_case.client_context(self.authority, client))["status"], 200)

    def test_renegotiation_is_refused(self):
        running = self.start_plain_origin()
        out = tls_case.s_client(running.port, "-tls1_2", text="R\nGET / HTTP/1.1\r\n\r\n")
        self.assertIn("RENEGOTIATING", out)
        self.assertNotIn("200 OK", out)

    def test_sessions_resume(self):
        running = self.start_plain_origin()
        session = self.authority.path("session.pem")
        for flag in ("-tls1_3", "-tls1_2"):
            out = tls_case.s_client(running.port, flag, "-sess_out", session, "-ign_eof", text=tls_case.request_text())
            self.assertIn("200 OK", out)
            out = tls_case.s_client(running.port, flag, "-sess_in", session)
            self.assertIn("Reused, TLS", out, flag)
        self.assertEqual(self.stat(running, ".ssl.session_reused"), 2)

    def test_early_data_is_off(self):
        running = self.start_plain_origin()
        session, early = self.authority.path("session.pem"), self.authority.write("early.txt", tls_case.request_text())
        out = tls_case.s_client(running.port, "-tls1_3", "-sess_out", session, "-ign_eof", text=tls_case.request_text())
        self.assertIn("Max Early Data: 0", out)
        out = tls_case.s_client(running.port, "-tls1_3", "-sess_in", session, "-early_data", early)
        self.assertRegex(out, "Early data was (not sent|rejected)|Cannot send early data")

    def test_no_tickets_when_told(self):
        running = self.start_plain_origin(disable_stateless_session_resumption=True, disable_stateful_session_resumption=True)
        session = self.authority.path("none.pem")
        for flag in ("-tls1_3", "-tls1_2"):
            if os.path.exists(session):
                os.unlink(session)
            tls_case.s_client(running.port, flag, "-sess_out", session, "-ign_eof", text=tls_case.request_text())
            out = tls_case.s_client(running.port, flag, *(["-sess_in", session] if os.path.exists(session) else []))
            self.assertIn("New, TLS", out)

    def test_plain_text_is_no_tls(self):
        running = self.start_plain_origin()
        with wire.connect(running.port) as sock:
            sock.sendall(tls_case.request_text().encode())
            reader = wire.Reader(sock)
            while reader.fill():
                pass
            self.assertNotIn(b"HTTP", reader.buffer)
        running.wait(lambda: self.stat(running, ".ssl.connection_error") == 1)

    def test_client_that_breaks_off(self):
        """After each count of octets of a ClientHello; nobody else notices."""
        running = self.start_plain_origin()
        hello = self.client_hello()
        for size in range(0, len(hello), 7):
            with wire.connect(running.port) as sock:
                sock.sendall(hello[:size])
        self.assertEqual(tls_case.ask(running.port, tls_case.client_context(self.authority))["status"], 200)
        self.assertTrue(running.alive())

    def test_hello_octet_by_octet(self):
        running = self.start_plain_origin()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secure = tls_case.client_context(self.authority).wrap_bio(incoming, outgoing, server_hostname="a.example")
        with wire.connect(running.port) as sock:
            def pump():
                for octet in outgoing.read():
                    sock.sendall(bytes([octet]))
            while True:
                try:
                    secure.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    pump()
                    incoming.write(sock.recv(65536))
            pump()
            secure.write(tls_case.request_text().encode())
            pump()
            got = b""
            while b"origin" not in got:
                try:
                    got += secure.read(65536)
                except ssl.SSLWantReadError:
                    incoming.write(sock.recv(65536))
            self.assertIn(b"200 OK", got)

    def test_handshake_timeout(self):
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", self.origin.port)],
                                     transport=bootstrap.downstream_tls(self.ecdsa))
        config["static_resources"]["listeners"][0]["filter_chains"][0]["transport_socket_connect_timeout"] = "0.2s"
        running = self.start(config)
        for said in (b"", self.client_hello()[:20]):
            with wire.connect(running.port) as sock:
                sock.sendall(said)
                reader = wire.Reader(sock)
                while reader.fill():
                    pass
                self.assertIn(reader.ended, ("closed", "reset"))
        self.assertEqual(tls_case.ask(running.port, tls_case.client_context(self.authority))["status"], 200)

    @staticmethod
    def client_hello():
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secure = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="a.example")
        try:
            secure.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()

    def test_large_bodies_both_ways(self):
        running = self.start_plain_origin()
        context = tls_case.client_context(self.authority)
        with wire.connect(running.port) as sock, context.wrap_socket(sock, server_hostname="a.example") as secure:
            body = os.urandom(1 << 20)
            secure.sendall(b"POST /large HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            answer = wire.Reader(secure).response("POST")
            self.assertEqual((answer["status"], len(answer["body"]), answer["complete"]), (200, 4194304, True))
        seen = self.origin.take_seen()[0]
        self.assertEqual(seen["body"].encode("latin-1"), body)

    def test_end_is_told(self):
        """close_notify comes before the end, so that nobody can cut a response unseen."""
        running = self.start_plain_origin()
        context = tls_case.client_context(self.authority)
        with wire.connect(running.port) as sock, context.wrap_socket(
                sock, server_hostname="a.example", suppress_ragged_eofs=False) as secure:
            secure.sendall(tls_case.request_text().encode())
            got = b""
            while True:
                data = secure.recv(65536)  # Raises when the end comes without a word.
                if not data:
                    break
                got += data
            self.assertIn(b"origin", got)

    def test_certificates_page(self):
        running = self.start_plain_origin()
        pages = json.loads(running.admin("/certs"))["certificates"]
        chains = [entry for page in pages for entry in page.get("cert_chain", [])]
        self.assertEqual(len(chains), 2)
        for entry in chains:
            self.assertIn({"dns": "a.example"}, entry["subject_alt_names"])
            self.assertIn(int(entry["days_until_expiration"]), (29, 30))

    def test_config_dump_hides_keys(self):
        with open(self.ecdsa.key, encoding="ascii") as text:
            key = text.read()
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", self.origin.port)],
                                     transport=bootstrap.downstream_tls(self.ecdsa))
        chain = config["static_resources"]["listeners"][0]["filter_chains"][0]
        chain["transport_socket"]["typed_config"]["common_tls_context"]["tls_certificates"][0]["private_key"] = {"inline_string": key}
        running = self.start(config)
        self.assertEqual(tls_case.ask(running.port, tls_case.client_context(self.authority))["status"], 200)
        self.assertNotIn(key.splitlines()[1], running.admin("/config_dump"))


class ServerNameTest(tls_case.TlsTest):
    def test_filter_chain_by_name_and_protocol(self):
        issue = self.authority.issue
        chains = []
        for match, name in (({"server_names": ["a.example"]}, "exact"), ({"server_names": ["*.b.example"]}, "wildcard"),
                            ({"server_names": ["x.b.example"]}, "exact-below"),
                            ({"transport_protocol": "tls", "application_protocols": ["special"]}, "protocol"), ({"transport_protocol": "tls"}, "any-tls")):
            pair = issue(name, ["DNS:a.example", "DNS:*.b.example", "DNS:c.example"])
            chain = bootstrap.listener(routes=[bootstrap.direct({"prefix": "/"}, name)],
                                       transport=bootstrap.downstream_tls(pair, alpn=[]))["filter_chains"][0]
            chains.append({**chain, "name": name, "filter_chain_match": match})
        plain = bootstrap.listener(routes=[bootstrap.direct({"prefix": "/"}, "plain")])["filter_chains"][0]
        chains.append({**plain, "name": "plain", "filter_chain_match": {"transport_protocol": "raw_buffer"}})
        listener = {**bootstrap.listener(), "filter_chains": chains, "listener_filters": [tls_case.TLS_INSPECTOR]}
        running = self.start(bootstrap.of([listener], [bootstrap.cluster("origin", self.origin.port)]))
        context = tls_case.client_context(self.authority)
        for name, chain in (("a.example", "exact"), ("A.Example", "exact"), ("y.b.example", "wildcard"),
                            ("x.b.example", "exact-below"), ("c.example", "any-tls")):
            answer = tls_case.ask(running.port, context, name)
            self.assertEqual((answer.get("body"), answer.get("subject")), (chain, chain), name)
        self.assertEqual(tls_case.ask(running.port, tls_case.client_context(self.authority, alpn=["special"]), "c.example")["body"], "protocol")
        with wire.connect(running.port) as sock:
            sock.sendall(tls_case.request_text().encode())
            self.assertEqual(wire.Reader(sock).response("GET")["body"], "plain")

    def test_refused_by_name(self):
        """In whatever spelling, and whether somebody looked at the hello before or not."""
        rules = {"action": "DENY", "policies": {"name": {
            "permissions": [{"requested_server_name": {"exact": "a.example"}}], "principals": [{"any": True}]}}}
        filters = [{"name": "rbac", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.filters.http.rbac.v3.RBAC", "rules": rules}},
                   {"name": "router", "typed_config": {"@type": bootstrap.ROUTER}}]
        pair = self.authority.issue("any", ["DNS:a.example", "DNS:b.example"])
        for inspectors in ([tls_case.TLS_INSPECTOR], []):
            listener = bootstrap.listener(routes=[bootstrap.direct({"prefix": "/"}, "in")], manager={"http_filters": filters},
                                          transport=bootstrap.downstream_tls(pair, alpn=[]), listener_filters=inspectors)
            running = self.start(bootstrap.of([listener], [bootstrap.cluster("origin", self.origin.port)]))
            for name, status in (("a.example", 403), ("A.Example", 403), ("b.example", 200)):
                self.assertEqual(tls_case.ask(running.port, tls_case.client_context(self.authority), name)["status"], status, name)

    def test_certificate_by_name(self):
        issue = self.authority.issue
        pairs = [issue("first", ["DNS:first.example"]), issue("second", ["DNS:second.example"]),
                 issue("wild", ["DNS:*.wild.example"]), issue("second-rsa", ["DNS:second.example"], kind="rsa")]
        running = self.start_plain_origin(*pairs)
        for name, subject in (("first.example", "first"), ("second.example", "second"), ("x.wild.example", "wild")):
            self.assertEqual(tls_case.ask(running.port, tls_case.client_context(self.authority), name).get("subject"), subject)
        out = tls_case.s_client(running.port, "-servername", "second.example", "-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256")
        self.assertRegex(out, "subject=.*CN = second-rsa")
        self.assertRegex(tls_case.s_client(running.port, "-servername", "nobody.example"), "subject=.*CN = first")



if __name__ == "__main__":
    tls_case.main("tls")
