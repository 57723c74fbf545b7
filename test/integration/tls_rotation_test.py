"""Secrets of the real binary from files and over gRPC.

  tls_rotation_test.py --proxy BINARY --xds-server BINARY [CASE...]
"""

import json
import os
import pathlib
import shutil
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import certificates  # noqa: E402
import control_plane  # noqa: E402
import proxy  # noqa: E402
import tls_case  # noqa: E402


class Handshakes:
    """Makes full handshakes one after another until told to stop; use as a context."""

    def __init__(self, port, context):
        self.port, self.context = port, context
        self.failures, self.subjects = [], []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.stopped.is_set():
            answer = tls_case.ask(self.port, self.context)
            if answer["status"] == 200:
                self.subjects.append(answer["subject"])
            else:
                self.failures.append(answer)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()


class RotationTest(tls_case.TlsTest):
    """Secrets change under load, and no handshake fails."""

    @staticmethod
    def resource(name="server", **what):
        return {"@type": bootstrap.TYPE + "envoy.extensions.transport_sockets.tls.v3.Secret", "name": name, **what}

    def secret(self, pair):
        return json.dumps({"resources": [self.resource(tls_certificate=bootstrap.certificate(pair))]})

    def place(self, path, text):
        """As a writer should: whole, by a rename."""
        with open(path + ".new", "w", encoding="ascii") as out:
            out.write(text)
        os.rename(path + ".new", path)

    def config(self, source, **tls):
        common = {"tls_certificate_sds_secret_configs": [{"name": "server", "sds_config": source}], **tls.pop("common", {})}
        transport = bootstrap.downstream_tls(common=common, **tls)
        del transport["typed_config"]["common_tls_context"]["tls_certificates"]
        config = bootstrap.bootstrap(clusters=[bootstrap.cluster("origin", self.origin.port)], transport=transport)
        return {"node": {"id": "n", "cluster": "c"}, **config}

    def start_with_file(self, source):
        return self.start(self.config({"resource_api_version": "V3", "path_config_source": source}))

    def start_control_plane(self):
        plane = control_plane.ControlPlane(self.xds_server)
        self.addCleanup(plane.close)
        return plane

    def test_over_grpc(self):
        pairs = [self.authority.issue(f"pushed-{number}", ["DNS:a.example"], kind=kind)
                 for number, kind in enumerate(["p256", "rsa", "p256", "p384", "p256"])]
        plane = self.start_control_plane()
        plane.serve("secrets", self.resource(tls_certificate=bootstrap.certificate(pairs[0])))
        running = self.start({**self.config(control_plane.ADS), **plane.bootstrap_fields()})
        listeners = {k: v for k, v in running.stats().items() if k.startswith("listener_manager.listener_")}
        with Handshakes(running.port, tls_case.client_context(self.authority)) as load:
            for pair in pairs:
                plane.serve("secrets", self.resource(tls_certificate=bootstrap.certificate(pair)))
                running.wait(lambda: load.failures or pair.name in load.subjects)
        self.assertEqual(load.failures, [])
        after = {k: v for k, v in running.stats().items() if k.startswith("listener_manager.listener_")}
        self.assertEqual(after, listeners, "a listener was rebuilt")
        # Each made one context; the loss of the stream is the secret's failure as well.
        updates = sum(v for k, v in running.stats().items() if k.endswith("server_ssl_socket_factory.ssl_context_update_by_sds"))
        self.assertEqual(updates, len(pairs))
        before = running.stats()
        self.assertEqual(before["sds.server.update_success"], len(pairs))
        plane.close()
        running.wait(lambda: running.stats()["sds.server.update_failure"] > before["sds.server.update_failure"])
        self.assertGreater(running.stats()["sds.server.update_attempt"], before["sds.server.update_attempt"])

    def test_client_authority_over_grpc(self):
        """Whom the server trusts changes: those it trusts no longer are refused from then on."""
        plane = self.start_control_plane()

        def trust(authority):
            plane.serve("trust", self.resource("trust", validation_context={"trusted_ca": {"filename": authority.root.chain}}))

        plane.serve("secrets", self.resource(tls_certificate=bootstrap.certificate(self.ecdsa)))
        trust(self.authority)
        running = self.start({**self.config(control_plane.ADS, require_client_certificate=True, common={
            "combined_validation_context": {
                "default_validation_context": {"match_typed_subject_alt_names": [
                    {"san_type": "DNS", "matcher": {"suffix": ".example"}}]},
                "validation_context_sds_secret_config": {"name": "trust", "sds_config": control_plane.ADS}}}),
            **plane.bootstrap_fields()})
        ours = tls_case.client_context(self.authority, self.authority.issue("ours", ["DNS:ours.example"]))
        unnamed = tls_case.client_context(self.authority, self.authority.issue("unnamed", ["DNS:unnamed.test"]))
        theirs = tls_case.client_context(self.authority, self.other.issue("theirs", ["DNS:theirs.example"]))
        self.assertEqual([tls_case.ask(running.port, context)["status"] for context in (ours, unnamed, theirs)], [200, 0, 0])
        trust(self.other)
        running.wait(lambda: tls_case.ask(running.port, theirs)["status"] == 200)
        self.assertEqual([tls_case.ask(running.port, context)["status"] for context in (ours, unnamed, theirs)], [0, 0, 200])

    def test_warming_waits_for_secrets(self):
        plane = self.start_control_plane()
        running = proxy.Proxy(self.binary, {**self.config(control_plane.ADS), **plane.bootstrap_fields()}, ready=False)
        self.addCleanup(running.__exit__)
        running.wait(lambda: running.stats().get("control_plane.connected_state") == 1)
        self.assertFalse(running.admin("/ready").startswith("LIVE"))
        plane.serve("secrets", self.resource(tls_certificate=bootstrap.certificate(self.ecdsa)))
        running.wait_ready()
        self.assertEqual(tls_case.ask(running.port, tls_case.client_context(self.authority))["status"], 200)

    def test_by_rename(self):
        pairs = [self.authority.issue(f"turn-{number}", ["DNS:a.example"]) for number in range(5)]
        path = self.authority.path("secret.json")
        self.place(path, self.secret(pairs[0]))
        running = self.start_with_file({"path": path})
        with Handshakes(running.port, tls_case.client_context(self.authority)) as load:
            for pair in pairs:
                self.place(path, self.secret(pair))
                running.wait(lambda: load.failures or pair.name in load.subjects)
        self.assertEqual(load.failures, [])
        self.assertIn("turn-4", running.admin("/certs") + str(load.subjects))

    def test_by_exchange_of_a_folder(self):
        """As Kubernetes does it: `..data` is a link that is moved from one folder to the next."""
        base = self.authority.path("mount")
        os.mkdir(base)
        pairs = [self.authority.issue(f"folder-{number}", ["DNS:a.example"]) for number in range(3)]

        def exchange(number):
            folder = os.path.join(base, f"..{number}")
            os.mkdir(folder)
            for end in ("pem", "key"):
                shutil.copy(self.authority.path(f"folder-{number}.{end}"), os.path.join(folder, f"tls.{end}"))
            os.symlink(f"..{number}", os.path.join(base, "..new"))
            os.rename(os.path.join(base, "..new"), os.path.join(base, "..data"))

        exchange(0)
        for end in ("pem", "key"):
            os.symlink(f"..data/tls.{end}", os.path.join(base, f"tls.{end}"))
        mounted = certificates.Pair("mounted", os.path.join(base, "tls.pem"), os.path.join(base, "tls.key"))
        secret = json.loads(self.secret(mounted))
        secret["resources"][0]["tls_certificate"]["watched_directory"] = {"path": base}
        path = self.authority.path("mounted.json")
        self.place(path, json.dumps(secret))
        running = self.start_with_file({"path": path})
        with Handshakes(running.port, tls_case.client_context(self.authority)) as load:
            for number, pair in enumerate(pairs):
                if number:
                    exchange(number)
                running.wait(lambda: load.failures or pair.name in load.subjects)
        self.assertEqual(load.failures, [])

    def test_bad_secret_changes_nothing(self):
        good = self.authority.issue("good", ["DNS:a.example"])
        stranger = self.authority.issue("stranger", ["DNS:a.example"])
        path = self.authority.path("bad.json")
        self.place(path, self.secret(good))
        running = self.start_with_file({"path": path})
        with Handshakes(running.port, tls_case.client_context(self.authority)) as load:
            running.wait(lambda: load.failures or "good" in load.subjects)
            self.place(path, self.secret(certificates.Pair("mixed", stranger.chain, good.key)))
            running.wait(lambda: sum(v for k, v in running.stats().items() if k.endswith("sds.server.update_rejected")))
            self.place(path, self.secret(stranger))
            running.wait(lambda: load.failures or "stranger" in load.subjects)
        self.assertEqual(load.failures, [])
        self.assertEqual(set(load.subjects), {"good", "stranger"})



if __name__ == "__main__":
    tls_case.main("tls_rotation")
