"""The real binary driven by a control plane on go-control-plane, in both protocols, with the files of
docs/xds.md.

  go_control_plane_test.py --proxy BINARY --control-plane BINARY --docs xds.md [CASE...]
"""

import argparse
import http.client
import json
import os
import pathlib
import queue
import re
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import origin  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402


class GoControlPlane:
    """The program of tools/deps/go/control_plane, and what it was told by its clients."""

    def __init__(self, binary, address="127.0.0.1:0"):
        self.folder = tempfile.TemporaryDirectory(prefix="snapshots-")
        self.process = subprocess.Popen([binary, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        self.port = int(self.wait("listening on").rpartition(":")[2])

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip())

    def wait(self, start):
        """The next line that begins so; those before it are dropped."""
        while True:
            line = self.lines.get(timeout=wire.PATIENCE_S)
            if line.startswith(start):
                return line
            if line.startswith("error"):
                raise RuntimeError(line)

    def serve(self, version, resources):
        path = os.path.join(self.folder.name, version)
        with open(path, "w", encoding="utf-8") as out:
            json.dump(resources, out)
        self.process.stdin.write(f"{version} {path}\n")
        self.process.stdin.flush()
        self.wait(f"set {version}")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.folder.cleanup()


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class GoControlPlaneTest(unittest.TestCase):
    binary = ""
    control_plane = ""
    docs = ""

    def setUp(self):
        self.origin = origin.Origin()
        self.port = free_port()
        self.plane = GoControlPlane(self.control_plane)
        self.addCleanup(lambda: self.plane.close())

    def block(self, language):
        """The document's block of code in a language, without its indent."""
        with open(self.docs, encoding="utf-8") as text:
            found = re.search(rf"^( *)```{language}\n(.*?)^ *```", text.read(), re.S | re.M)
        return "\n".join(line[len(found.group(1)):] for line in found.group(2).splitlines())

    def world(self, **changes):
        """The document's resources, with ports that are ours; `changes` by name replace fields."""
        text = self.block("json").replace('"PORT_OF_ORIGIN"', str(self.origin.port)).replace("10000", str(self.port))
        resources = json.loads(text)
        for resource in resources:
            resource.update(changes.get(resource.get("name"), {}))
        return resources

    def start(self, api_type):
        text = self.block("yaml").replace("18000", str(self.plane.port)).replace("9901", "0")
        self.assertIn("DELTA_GRPC", text)
        text = text.replace("DELTA_GRPC", api_type)
        running = proxy.Proxy(self.binary, {}, ready=False, arguments=("--config-yaml", text))
        self.addCleanup(running.__exit__)
        running.wait(lambda: running.admin("/ready").startswith("LIVE"))
        return running

    def get(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=wire.PATIENCE_S)
        try:
            connection.request("GET", "/")
            response = connection.getresponse()
            return response.status, response.read().decode(), response.getheader("x-version")
        finally:
            connection.close()

    @staticmethod
    def stamped(version):
        return {"response_headers_to_add": [{"header": {"key": "x-version", "value": version}}]}

    def drive(self, api_type):
        self.plane.serve("1", self.world())
        running = self.start(api_type)
        self.assertEqual(self.get(), (200, "origin", None))

        self.plane.serve("2", self.world(routes=self.stamped("two")))
        running.wait(lambda: self.get()[2] == "two")

        # Another cluster, its endpoints and the routes to it, in one snapshot: nothing fails meanwhile.
        renamed = json.loads(json.dumps(self.world(routes=self.stamped("three"))).replace('"origin"', '"another"'))
        self.plane.serve("3", renamed)
        while self.get()[2] != "three":
            self.assertEqual(self.get()[0], 200)
        running.wait(lambda: "another::" in running.admin("/clusters") and "\norigin::" not in running.admin("/clusters"))
        self.assertEqual(self.get()[:2], (200, "origin"))

        # A bad one rejects itself alone, and the control plane is told which.
        bad = {"virtual_hosts": [{"name": "", "domains": ["*"]}]}
        self.plane.serve("4", self.world(routes=bad))
        nack = self.plane.wait("nack RouteConfiguration")
        self.assertIn("routes: ", nack)
        self.assertIn("virtual_hosts[0].name", nack)
        self.assertEqual(self.get()[0], 200)
        self.plane.serve("5", self.world(routes=self.stamped("five")))
        running.wait(lambda: self.get()[2] == "five")
        return running

    def test_state_of_the_world(self):
        self.drive("GRPC")

    def test_delta(self):
        self.drive("DELTA_GRPC")

    def test_delta_control_plane_that_was_away(self):
        running = self.drive("DELTA_GRPC")
        port = self.plane.port
        self.plane.close()
        for _ in range(20):
            self.assertEqual(self.get()[0], 200)
        self.plane = GoControlPlane(self.control_plane, f"127.0.0.1:{port}")
        self.plane.serve("6", self.world(routes=self.stamped("six")))
        running.wait(lambda: self.get()[2] == "six")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--control-plane", required=True)
    parser.add_argument("--docs", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    GoControlPlaneTest.binary = args.proxy
    GoControlPlaneTest.control_plane = args.control_plane
    GoControlPlaneTest.docs = args.docs
    report.main("go_control_plane", args.cases)


if __name__ == "__main__":
    main()
