"""What tests of listeners with network filters have in common: an origin that echoes, a log, a proxy before it."""

import os
import tempfile
import unittest

import bootstrap
import proxy
import tcp


class TcpCase(unittest.TestCase):
    """`binary` and `page` come from report.main_of_page."""

    binary = None
    page = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tcp-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.log = os.path.join(folder.name, "log")
        self.origin = tcp.Origin(tcp.echo)
        self.addCleanup(self.origin.close)

    def start(self, *filters, clusters=(), **more):
        """A listener of these filters, whose further fields are `more`, and the cluster "origin" beside `clusters`."""
        running = proxy.Proxy(self.binary, bootstrap.of(
            [tcp.listener(*filters, **more)], [bootstrap.cluster("origin", self.origin.port), *clusters]))
        self.addCleanup(running.__exit__)
        return running

    def lines(self, running, count):
        """Waits for so many lines of the log."""
        def read():
            with open(self.log, encoding="utf-8") as text:
                lines = text.read().splitlines()
            return lines if len(lines) >= count else None
        return running.wait(read)
