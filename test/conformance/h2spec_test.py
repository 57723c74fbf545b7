"""HTTP/2 conformance: each case of h2spec against the real binary, without and with TLS.

  h2spec_test.py --proxy BINARY --h2spec BINARY

Every case that h2spec has must pass: one that failed, was skipped or gave no result is a failure here,
and so is a run with fewer cases than h2spec is known to have.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import certificates  # noqa: E402
import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402

# Of release 2.2.1, with --strict.
CASES = 146


def run(h2spec, port, *flags):
    """{case: problem}, by the report that h2spec writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "report.xml")
        done = subprocess.run([h2spec, "--strict", "--timeout", "5", "--port", str(port), "--junit-report", path, *flags],
                              capture_output=True, text=True, check=False)
        if not os.path.exists(path):
            return {"report": f"h2spec wrote none:\n{done.stdout}{done.stderr}"}
        with open(path, encoding="utf-8", errors="replace") as text:
            # What a frame held is in it as it was; control characters are no XML.
            tree = xml.etree.ElementTree.fromstring(re.sub(r"[^\n\t -~]", "?", text.read()))
        results = {}
        for suite in tree.iter("testsuite"):
            for number, case in enumerate(suite.iter("testcase"), 1):
                bad = [child for child in case if child.tag in ("failure", "error", "skipped")]
                name = f"{case.get('package')}/{number} {case.get('classname')}"
                results[name] = "; ".join(f"{child.tag}: {child.text or child.get('message')}" for child in bad)
        if done.returncode != 0 and not any(results.values()):
            results["exit status"] = f"{done.returncode}:\n{done.stdout[-2000:]}"
        return results


def judge(label, results):
    """[(name, problem)] of one run."""
    if len(results) != CASES:
        results["count"] = f"{len(results)} cases instead of {CASES}"
    for name, problem in results.items():
        if problem:
            print(f"FAILED {label}: {name}\n{problem}")
    return [(f"{label}: {name}", problem) for name, problem in results.items()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--h2spec", required=True)
    args = parser.parse_args()
    upstream = origin.Origin()
    clusters = [bootstrap.cluster("origin", upstream.port)]
    results = []
    plain = bootstrap.bootstrap(manager={"codec_type": "HTTP2"}, clusters=clusters)
    with proxy.Proxy(args.proxy, plain) as running:
        results += judge("h2c", run(args.h2spec, running.port))
    authority = certificates.Authority()
    pair = authority.issue("server", ["DNS:localhost", "IP:127.0.0.1"])
    secure = bootstrap.bootstrap(clusters=clusters, transport=bootstrap.downstream_tls(pair))
    with proxy.Proxy(args.proxy, secure) as running:
        results += judge("TLS", run(args.h2spec, running.port, "--tls", "--insecure"))
    report.write_xml("h2spec", results)
    failed = sum(1 for _, problem in results if problem)
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
