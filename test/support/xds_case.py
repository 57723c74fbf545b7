"""What tests of the real binary and the project's own control plane have in common."""

import argparse
import http.client
import json
import os
import tempfile
import unittest

import bootstrap
import control_plane
import origin
import proxy
import report
import wire


class XdsTest(unittest.TestCase):
    binary = ""
    xds_server = ""

    def setUp(self):
        self.origin = origin.Origin()

    def start(self, config, ready=True, **more):
        running = proxy.Proxy(self.binary, config, ready=ready, **more)
        self.addCleanup(running.__exit__)
        return running

    def start_control_plane(self):
        plane = control_plane.ControlPlane(self.xds_server)
        self.addCleanup(plane.close)
        return plane

    def folder(self):
        folder = tempfile.TemporaryDirectory(prefix="case-")
        self.addCleanup(folder.cleanup)
        return folder.name


def ask(port, path="/", headers=None, method="GET", host=None):
    """Status and body of the answer to one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=wire.PATIENCE_S)
    try:
        connection.request(method, path, headers={**({"host": host} if host else {}), **(headers or {})})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def body(port, path="/", **more):
    return ask(port, path, **more)[1]


def dump(running, kind):
    """The parts of /config_dump whose type's name ends so."""
    parts = json.loads(running.admin("/config_dump"))["configs"]
    return [part for part in parts if part["@type"].endswith(kind)]


def place(path, text):
    """As a writer should: whole, by a rename."""
    with open(path + ".new", "w", encoding="utf-8") as out:
        out.write(text)
    os.rename(path + ".new", path)


def resource(message, **fields):
    return {"@type": bootstrap.TYPE + message, **fields}


def main(suite):
    """Runs the cases of the main module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--xds-server", required=True)
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    XdsTest.binary, XdsTest.xds_server = args.proxy, args.xds_server
    report.main(suite, args.cases)
