"""What tests of TLS share: certificates, a proxy on a bootstrap, and other people's clients."""

import argparse
import ssl
import subprocess
import unittest

import bootstrap
import certificates
import origin
import proxy
import report
import wire

TLS_INSPECTOR = {"name": "envoy.filters.listener.tls_inspector", "typed_config": {
    "@type": bootstrap.TYPE + "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"}}


def run(*command, text=None):
    """Output of both kinds, whatever the status."""
    done = subprocess.run(command, input=text or "", capture_output=True, text=True, check=False, errors="replace",
                          timeout=wire.PATIENCE_S)
    return done.stdout + done.stderr


def s_client(port, *flags, text=""):
    return run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", *flags, text=text)


def request_text(path="/", host="a.example"):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"


def client_context(authority, pair=None, alpn=()):
    context = ssl.create_default_context(cafile=authority.root.chain)
    if pair:
        context.load_cert_chain(pair.chain, pair.key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def ask(port, context, name="a.example", path="/"):
    """The response to one request on a connection of its own; status 0 when TLS or the connection ended."""
    try:
        with wire.connect(port) as sock, context.wrap_socket(sock, server_hostname=name) as secure:
            secure.sendall(request_text(path, name).encode())
            reader = wire.Reader(secure)
            answer = reader.response("GET")
            if not answer:
                return {"status": 0, "error": reader.ended}
            answer["subject"] = dict(part[0] for part in secure.getpeercert()["subject"])["commonName"]
            answer["version"] = secure.version()
            return answer
    except OSError as error:
        return {"status": 0, "error": str(error)}


class TlsTest(unittest.TestCase):
    binary = ""
    xds_server = ""
    page = ""

    @classmethod
    def setUpClass(cls):
        cls.authority = certificates.Authority()
        names = ["DNS:a.example", "DNS:*.b.example", "IP:127.0.0.1"]
        cls.ecdsa = cls.authority.issue("ecdsa", names)
        cls.rsa = cls.authority.issue("rsa", names, kind="rsa")
        cls.other = certificates.Authority()

    def setUp(self):
        self.origin = origin.Origin()

    def start(self, config):
        running = proxy.Proxy(self.binary, config)
        self.addCleanup(running.__exit__)
        return running

    def start_plain_origin(self, *pairs, manager=None, **tls):
        return self.start(bootstrap.bootstrap(
            clusters=[bootstrap.cluster("origin", self.origin.port)], manager=manager,
            transport=bootstrap.downstream_tls(*(pairs or (self.ecdsa, self.rsa)), **tls)))

    def check_page(self, count, **replaced):
        """The bootstraps of the page are valid as they stand, but for the paths of files."""
        blocks = report.yaml_blocks(self.page)
        self.assertEqual(len(blocks), count)
        for number, block in enumerate(blocks):
            for name, path in replaced.items():
                block = block.replace(f"/etc/proxenos/{name.replace('_', '.')}", path)
            path = self.authority.write(f"page-{number}.yaml", block)
            done = subprocess.run([self.binary, "--mode", "validate", "-c", path], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def stat(self, running, suffix):
        return sum(value for name, value in running.stats().items() if name.startswith("listener.") and name.endswith(suffix))


def main(suite):
    """Runs the cases of the main module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--xds-server")
    parser.add_argument("--page", help="documentation whose bootstraps are to run")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    TlsTest.binary, TlsTest.xds_server, TlsTest.page = args.proxy, args.xds_server, args.page
    report.main(suite, args.cases)
