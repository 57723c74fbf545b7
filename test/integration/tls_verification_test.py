"""Who is trusted, on either side of the real binary: certificate matrices, made at test time.

  tls_verification_test.py --proxy BINARY --page tls.md [CASE...]
"""

import base64
import json
import os
import pathlib
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import certificates  # noqa: E402
import tls_case  # noqa: E402
import tls_origin  # noqa: E402
import wire  # noqa: E402


class ClientCertificateTest(tls_case.TlsTest):
    """What is accepted of clients: rows of one validation context and one client each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        issue = cls.authority.issue
        cls.client = issue("client", ["DNS:client.example", "URI:spiffe://mesh/ns/a", "email:c@a.example", "IP:10.1.2.3"])
        cls.middle = issue("middle", authority=True)
        cls.expired = issue("expired", days=-1)
        cls.clients = {
            "none": None, "good": cls.client, "other": issue("other", ["DNS:other.example"]),
            "by intermediate": issue("leaf", ["DNS:client.example"], issuer=cls.middle),
            "stranger": cls.other.issue("stranger", ["DNS:client.example"]), "expired": cls.expired,
            "self-signed": issue("self", ["DNS:client.example"], issuer=None),
            "server only": issue("server only", ["DNS:client.example"], usage="serverAuth"),
            "rsa": issue("rsa client", ["DNS:client.example"], kind="rsa"),
        }

    def check(self, validation, accepted, required=True, protocol=None, others_fail=True):
        """Those named in `accepted` are served, all others fail."""
        running = self.start_plain_origin(self.ecdsa, common={"validation_context": validation}, require_client_certificate=required)
        for name, pair in self.clients.items():
            context = tls_case.client_context(self.authority, pair)
            if protocol:
                context.minimum_version = context.maximum_version = protocol
            answer = tls_case.ask(running.port, context)
            served = answer["status"] == 200
            with self.subTest(client=name):
                self.assertEqual(served, name in accepted, answer)
        return running

    def trusted(self, **more):
        return {"trusted_ca": {"filename": self.authority.root.chain}, **more}

    def san(self, kind, **matcher):
        return {"match_typed_subject_alt_names": [{"san_type": kind, "matcher": matcher}]}

    def test_required(self):
        running = self.check(self.trusted(), {"good", "other", "by intermediate", "rsa"})
        self.assertGreaterEqual(self.stat(running, ".ssl.fail_verify_error"), 3)
        self.assertEqual(self.stat(running, ".ssl.fail_verify_no_cert"), 1)

    def test_required_in_tls_1_2(self):
        self.check(self.trusted(), {"good", "other", "by intermediate", "rsa"}, protocol=ssl.TLSVersion.TLSv1_2)

    def test_requested(self):
        running = self.check(self.trusted(), {"none", "good", "other", "by intermediate", "rsa"}, required=False)
        self.assertEqual(self.stat(running, ".ssl.no_certificate"), 1)

    def test_names(self):
        named = {"good", "by intermediate", "rsa"}
        for context, accepted in (
                (self.san("DNS", exact="client.example"), named), (self.san("DNS", suffix=".example"), named | {"other"}),
                (self.san("DNS", safe_regex={"regex": "c.*\\.example"}), named), (self.san("DNS", prefix="oth"), {"other"}),
                (self.san("DNS", contains="IENT", ignore_case=True), named),
                (self.san("URI", exact="spiffe://mesh/ns/a"), {"good"}), (self.san("URI", exact="client.example"), set()),
                (self.san("EMAIL", exact="c@a.example"), {"good"}), (self.san("IP_ADDRESS", exact="10.1.2.3"), {"good"})):
            with self.subTest(context=json.dumps(context)):
                self.check(self.trusted(**context), accepted)

    def test_pins(self):
        for context in ({"verify_certificate_spki": [self.client.public_key_hash()]},
                        {"verify_certificate_hash": [self.client.fingerprint()]},
                        {"verify_certificate_hash": [self.client.fingerprint().upper()]}):
            with self.subTest(context=json.dumps(context)):
                running = self.check(self.trusted(**context), {"good"})
                self.assertGreater(self.stat(running, ".ssl.fail_verify_cert_hash"), 0)

    def test_names_and_pins_want_a_certificate(self):
        """Without require_client_certificate: who says which clients may come lets nobody come without one."""
        for context, accepted in ((self.san("DNS", exact="other.example"), {"other"}),
                                  ({"verify_certificate_spki": [self.client.public_key_hash()]}, {"good"})):
            with self.subTest(context=json.dumps(context)):
                running = self.check(self.trusted(**context), accepted, required=False)
                self.assertEqual(self.stat(running, ".ssl.fail_verify_no_cert"), 1)

    def test_depth(self):
        """The trusted authority counts, the client's own certificate does not."""
        direct = {"good", "other", "rsa"}
        for depth, accepted in ((1, direct), (2, direct | {"by intermediate"})):
            with self.subTest(depth=depth):
                self.check(self.trusted(max_verify_depth=depth), accepted)

    def test_pin_without_authority(self):
        stranger = self.clients["stranger"]
        self.check({"verify_certificate_hash": [stranger.fingerprint()]}, {"stranger"})

    def test_expired_allowed(self):
        self.check(self.trusted(allow_expired_certificate=True), {"good", "other", "by intermediate", "rsa", "expired"})

    def test_untrusted_accepted(self):
        self.check(self.trusted(trust_chain_verification="ACCEPT_UNTRUSTED"), set(self.clients) - {"none"})

    def test_revoked(self):
        """A list of the root's says nothing of what an intermediate authority issued: that is not accepted."""
        revoked = self.authority.revoke(self.clients["other"])
        self.check(self.trusted(crl={"filename": revoked}, only_verify_leaf_cert_crl=True), {"good", "rsa"})

    def test_revoked_by_a_list_beside_the_authority(self):
        """In one file."""
        with open(self.authority.revoke(self.clients["other"]), encoding="ascii") as text:
            revoked = text.read()
        with open(self.authority.root.chain, encoding="ascii") as text:
            both = self.authority.write("both.pem", text.read() + revoked)
        self.check({"trusted_ca": {"filename": both}, "only_verify_leaf_cert_crl": True}, {"good", "rsa"})
        self.check({"trusted_ca": {"filename": both}}, {"good", "rsa"})

    def test_forwarded_to_the_origin(self):
        details = {"subject": True, "uri": True, "dns": True, "cert": True, "chain": True}
        manager = {"forward_client_cert_details": "SANITIZE_SET", "set_current_client_cert_details": details}
        running = self.start_plain_origin(self.ecdsa, manager=manager, common={"validation_context": self.trusted()},
                                          require_client_certificate=True)
        self.assertEqual(tls_case.ask(running.port, tls_case.client_context(self.authority, self.client))["status"], 200)
        value = dict(self.origin.take_seen()[0]["headers"])["x-forwarded-client-cert"]
        self.assertIn(f"Hash={self.client.fingerprint()}", value)
        self.assertIn("URI=spiffe://mesh/ns/a", value)
        self.assertIn("DNS=client.example", value)
        self.assertIn('Subject="CN=client,O=proxenos test"', value)
        self.assertIn('Cert="-----BEGIN%20CERTIFICATE-----', value)

    def test_no_resumption_into_another_policy(self):
        """Two chains by SNI: a session of the one that asks for nothing is no key to the one that asks."""
        chains = []
        for name, tls in (("open.b.example", {}), ("closed.b.example", {
                "common": {"validation_context": self.trusted()}, "require_client_certificate": True})):
            chain = bootstrap.listener(transport=bootstrap.downstream_tls(self.ecdsa, **tls))["filter_chains"][0]
            chains.append({**chain, "filter_chain_match": {"server_names": [name]}})
        listener = {**bootstrap.listener(), "filter_chains": chains, "listener_filters": [tls_case.TLS_INSPECTOR]}
        running = self.start(bootstrap.of([listener], [bootstrap.cluster("origin", self.origin.port)]))
        session = self.authority.path("policy.pem")
        for flag in ("-tls1_3", "-tls1_2"):
            out = tls_case.s_client(running.port, flag, "-servername", "open.b.example", "-sess_out", session, "-ign_eof",
                           text=tls_case.request_text(host="open.b.example"))
            self.assertIn("200 OK", out)
            out = tls_case.s_client(running.port, flag, "-servername", "closed.b.example", "-sess_in", session, "-ign_eof",
                           text=tls_case.request_text(host="closed.b.example"))
            self.assertNotIn("200 OK", out)
            self.assertNotIn("Reused", out)


class UpstreamTest(tls_case.TlsTest):
    """TLS to the origin."""

    def start_with(self, context, transport, name="up.example", **cluster):
        upstream = tls_origin.TlsOrigin(context)
        running = self.start(bootstrap.bootstrap(
            routes=[bootstrap.to(host_rewrite_literal=name)],
            clusters=[bootstrap.cluster("origin", upstream.port, transport_socket=transport, **cluster)]))
        return running, upstream

    @staticmethod
    def ask_through(running):
        with wire.connect(running.port) as sock:
            sock.sendall(tls_case.request_text().encode())
            return wire.Reader(sock).response("GET")

    def test_who_is_trusted(self):
        authority = self.authority
        good = authority.issue("up", ["DNS:up.example", "IP:127.0.0.1"])
        by_name = {"match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": "up.example"}}]}
        for pair, validation, ok in (
                (good, {}, True), (good, by_name, True),
                (authority.issue("wrong", ["DNS:wrong.example"]), by_name, False),
                (authority.issue("late", ["DNS:up.example"], days=-1), by_name, False),
                (authority.issue("client-only", ["DNS:up.example"], usage="clientAuth"), by_name, False),
                (self.other.issue("up", ["DNS:up.example"]), by_name, False),
                (good, {"verify_certificate_spki": [good.public_key_hash()]}, True),
                (good, {"verify_certificate_spki": [self.ecdsa.public_key_hash()]}, False)):
            with self.subTest(pair=pair.name, validation=json.dumps(validation)):
                transport = bootstrap.upstream_tls(authority.root, sni="up.example", common={
                    "validation_context": {"trusted_ca": {"filename": authority.root.chain}, **validation}})
                running, upstream = self.start_with(tls_origin.server_context(pair), transport)
                answer = self.ask_through(running)
                self.assertEqual(answer["status"], 200 if ok else 503)
                self.assertEqual(len(upstream.take_seen()), 1 if ok else 0)
                failed = sum(v for k, v in running.stats().items() if k.startswith("cluster.origin.ssl.") and "fail" in k or
                             k == "cluster.origin.upstream_cx_connect_fail")
                self.assertEqual(failed > 0, not ok)

    def test_client_certificate_and_name(self):
        pair, client = self.authority.issue("up", ["DNS:up.example"]), self.authority.issue("proxy")
        context = tls_origin.server_context(pair, client_authority=self.authority.root)
        for certificate, ok in ((client, True), (None, False)):
            common = {"tls_certificates": [bootstrap.certificate(certificate)]} if certificate else {}
            transport = bootstrap.upstream_tls(self.authority.root, sni="up.example", common={
                "validation_context": {"trusted_ca": {"filename": self.authority.root.chain}}, **common})
            running, upstream = self.start_with(context, transport)
            self.assertEqual(self.ask_through(running)["status"], 200 if ok else 503)
            for seen in upstream.take_seen():
                self.assertEqual(seen["tls"], {"sni": "up.example", "alpn": None, "subject": "proxy"})

    def test_name_of_the_request(self):
        """auto_sni and auto_san_validation: SNI is the host that the origin is asked for, and is verified."""
        options = bootstrap.protocol(explicit_http_config={"http_protocol_options": {}}, upstream_http_protocol_options={
            "auto_sni": True, "auto_san_validation": True})
        for name, ok in (("up.example", True), ("wrong.example", False)):
            pair = self.authority.issue(name, [f"DNS:{name}"])
            running, upstream = self.start_with(tls_origin.server_context(pair), bootstrap.upstream_tls(self.authority.root), **options)
            self.assertEqual(self.ask_through(running)["status"], 200 if ok else 503)
            for seen in upstream.take_seen():
                self.assertEqual(seen["tls"]["sni"], "up.example")

    def test_protocol_by_agreement(self):
        options = bootstrap.protocol(auto_config={"http_protocol_options": {}, "http2_protocol_options": {}})
        pair = self.authority.issue("up", ["DNS:up.example"])
        for offered, version in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)):
            running, upstream = self.start_with(tls_origin.server_context(pair, offered),
                                                bootstrap.upstream_tls(self.authority.root, sni="up.example"), **options)
            self.assertEqual([self.ask_through(running)["status"] for _ in range(3)], [200] * 3)
            self.assertEqual([seen["tls"]["alpn"] for seen in upstream.take_seen()], [version] * 3)

    def test_http2_explicitly(self):
        pair = self.authority.issue("up", ["DNS:up.example"])
        running, upstream = self.start_with(
            tls_origin.server_context(pair, ["h2"]), bootstrap.upstream_tls(self.authority.root, sni="up.example"), **bootstrap.http2())
        self.assertEqual([self.ask_through(running)["status"] for _ in range(3)], [200] * 3)
        self.assertEqual({seen["tls"]["alpn"] for seen in upstream.take_seen()}, {"h2"})


class TrustDomainTest(tls_case.TlsTest):
    """SPIFFE: workloads of several trust domains, each by the roots of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.one, cls.two = certificates.Authority(), certificates.Authority()
        cls.workloads = {
            "one": cls.one.issue("w", ["URI:spiffe://one.example/ns/a"]),
            "two": cls.two.issue("w", ["URI:spiffe://two.example/ns/a"]),
            "one by two": cls.two.issue("x", ["URI:spiffe://one.example/ns/a"]),
            "two and one": cls.two.issue("y", ["URI:spiffe://two.example/a", "URI:spiffe://one.example/admin"]),
            "three": cls.one.issue("z", ["URI:spiffe://three.example/ns/a"]),
            "nobody": cls.one.issue("n", ["DNS:one.example"]),
            "none": None,
        }

    def validator(self, **more):
        domains = [{"name": f"{name}.example", "trust_bundle": {"filename": authority.root.chain}}
                   for name, authority in (("one", self.one), ("two", self.two))]
        return {"name": "envoy.tls.cert_validator.spiffe", "typed_config": {
            "@type": bootstrap.TYPE + "envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig",
            "trust_domains": domains, **more}}

    def served(self, running):
        return {name for name, pair in self.workloads.items()
                if tls_case.ask(running.port, tls_case.client_context(self.authority, pair))["status"] == 200}

    def start_trusting(self, required=True, **validation):
        return self.start_plain_origin(self.ecdsa, common={"validation_context": validation}, require_client_certificate=required)

    def test_each_by_its_own_bundle(self):
        running = self.start_trusting(custom_validator_config=self.validator())
        self.assertEqual(self.served(running), {"one", "two"})
        self.assertEqual(self.stat(running, ".ssl.fail_verify_error"), 4)

    def test_workloads_have_identities(self):
        """Whatever require_client_certificate says, and what is said of others that are not trusted."""
        for trust in ("VERIFY_TRUST_CHAIN", "ACCEPT_UNTRUSTED"):
            with self.subTest(trust=trust):
                running = self.start_trusting(required=False, custom_validator_config=self.validator(), trust_chain_verification=trust)
                self.assertEqual(self.served(running), {"one", "two"})
                self.assertEqual(self.stat(running, ".ssl.fail_verify_no_cert"), 1)

    def test_identities_are_matched_too(self):
        running = self.start_trusting(custom_validator_config=self.validator(), match_typed_subject_alt_names=[
            {"san_type": "URI", "matcher": {"prefix": "spiffe://two.example/"}}])
        self.assertEqual(self.served(running), {"two"})

    def test_bundles_from_one_file_that_changes(self):
        """A SPIFFE trust bundle map, as SPIRE writes it."""
        path = self.authority.path("bundles.json")

        def place(**domains):
            keys = {name: [{"kty": "EC", "use": "x509-svid", "x5c": [base64.b64encode(authority.root.der()).decode()]}]
                    for name, authority in domains.items()}
            text = json.dumps({"trust_domains": {f"{name}.example": {"keys": listed} for name, listed in keys.items()}})
            os.rename(self.authority.write("bundles.new", text), path)

        place(one=self.one)
        running = self.start_trusting(custom_validator_config=self.validator(trust_bundles={"filename": path}))
        self.assertEqual(self.served(running), {"one"})
        place(two=self.two)
        running.wait(lambda: self.served(running) == {"two"})

    def test_hosts_of_another_domain(self):
        """Towards hosts: who is not of a domain that is trusted, or not signed by its roots, is sent nothing."""
        for name, answer in (("one", 200), ("two", 503), ("one by two", 503)):
            self.origin = tls_origin.TlsOrigin(tls_origin.server_context(self.workloads[name]))
            validator = self.validator()
            del validator["typed_config"]["trust_domains"][1]
            transport = bootstrap.upstream_tls(self.authority.root, common={
                "validation_context": {"custom_validator_config": validator}})
            running = self.start(bootstrap.bootstrap(clusters=[
                bootstrap.cluster("origin", self.origin.port, transport_socket=transport)]))
            with wire.connect(running.port) as sock:
                sock.sendall(tls_case.request_text().encode())
                self.assertEqual(wire.Reader(sock).response("GET")["status"], answer, name)


class DocumentationTest(tls_case.TlsTest):
    def test_bootstraps(self):
        self.check_page(1, server_pem=self.ecdsa.chain, server_key=self.ecdsa.key, roots_pem=self.authority.root.chain)


class KeyLogTest(tls_case.TlsTest):
    def test_of_some_addresses_only(self):
        for ranges, logged in (({}, True), ({"local_address_range": [{"address_prefix": "127.0.0.0", "prefix_len": 8}]}, True),
                               ({"remote_address_range": [{"address_prefix": "10.0.0.0", "prefix_len": 8}]}, False)):
            path = pathlib.Path(self.authority.path("keys.log"))
            path.unlink(missing_ok=True)
            running = self.start_plain_origin(self.ecdsa, common={"key_log": {"path": str(path), **ranges}})
            self.assertEqual(tls_case.ask(running.port, tls_case.client_context(self.authority))["status"], 200)
            self.assertEqual("CLIENT_TRAFFIC_SECRET_0" in path.read_text(), logged, ranges)


if __name__ == "__main__":
    tls_case.main("tls_verification")
