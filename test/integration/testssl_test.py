"""testssl.sh on a listener whose TLS context is the default one: nothing that it calls worse than INFO.

  testssl_test.py --proxy BINARY
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import certificates  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402

GOOD = ("OK", "INFO", "DEBUG")
# Not of the TLS context: the name is of no real domain, so nobody looks up a CAA record; what the scanning
# openssl lacks.
SKIPPED = ("DNS_CAArecord", "scanTime", "engine_problem")
# All that judges: protocols, cipher classes, forward secrecy, preferences, defaults, response, known holes. Left out:
# what many browsers would agree on, which takes long and finds nothing worse than INFO.
CHECKS = ("-p", "-s", "-f", "-P", "-S", "-h", "-U")
# Findings that there must be, so that a scan which did not come far cannot look clean.
EXPECTED = ("TLS1_2", "TLS1_3", "SSLv3", "PFS", "heartbleed", "ROBOT", "secure_renego", "LUCKY13", "BEAST", "RC4",
            "cipherlist_NULL", "cert_chain_of_trust <cert#1>", "cert_trust <cert#2>", "sessionresumption_ticket")
# Of the response, which here is the proxy's own: as any site should have it.
HEADERS = {"strict-transport-security": "max-age=31536000; includeSubDomains", "x-frame-options": "DENY",
           "x-content-type-options": "nosniff", "content-security-policy": "default-src 'self'",
           "referrer-policy": "no-referrer", "permissions-policy": "camera=()"}


def scan(port, authority):
    """The findings of one scan, and its words."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "findings.json")
        done = subprocess.run(
            ["testssl", "--quiet", "--color", "0", "--warnings", "off", *CHECKS, "--nodns", "none", "--ip", "127.0.0.1", "--add-ca",
             authority.root.chain, "--openssl", "/usr/bin/openssl", "--jsonfile", path, f"https://a.example:{port}/"],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env={**os.environ, "TERM": "dumb"})
        try:
            with open(path, encoding="utf-8") as text:
                return json.load(text), done.stdout + done.stderr
        except (OSError, ValueError) as error:
            return [], f"{error}:\n{done.stdout}{done.stderr}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    authority = certificates.Authority()
    # An address to ask about revocation belongs to a certificate; nobody asks there.
    pairs = [authority.issue(kind, ["DNS:a.example"], kind=kind, days=300, extensions=[
        "crlDistributionPoints=URI:http://127.0.0.1/crl"]) for kind in ("p256", "rsa")]
    route = {**bootstrap.direct({"prefix": "/"}, "here"), "response_headers_to_add": [
        {"header": {"key": key, "value": value}} for key, value in HEADERS.items()]}
    config = bootstrap.bootstrap([route], transport=bootstrap.downstream_tls(*pairs), clusters=[bootstrap.cluster("origin")],
                                 manager={"server_header_transformation": "PASS_THROUGH"})
    with proxy.Proxy(args.proxy, config) as running:
        findings, words = scan(running.port, authority)
    if args.verbose:
        print(words)
    results = [(f"{finding['id']}", "" if finding["severity"] in GOOD else f"{finding['severity']}: {finding['finding']}")
               for finding in findings if finding["id"].split(" ")[0] not in SKIPPED]
    found = {finding["id"] for finding in findings}
    results += [(f"scanned {name}", "" if name in found else f"not among {len(found)} findings:\n{words[-2000:]}") for name in EXPECTED]
    for name, problem in results:
        if problem:
            print(f"FAILED {name}: {problem}")
    report.write_xml("testssl", results)
    failed = sum(1 for _, problem in results if problem)
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
