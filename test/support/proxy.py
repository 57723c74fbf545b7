"""Starts a proxy on a bootstrap and finds its ports. Both proxies take the same arguments."""

import http.client
import json
import os
import select
import subprocess
import tempfile

import wire


class Proxy:
    """One running proxy; use as a context."""

    sanitized = False

    def __init__(self, binary, bootstrap, concurrency=1, ready=True, arguments=()):
        self.folder = tempfile.TemporaryDirectory(prefix="proxy-")
        config = os.path.join(self.folder.name, "bootstrap.json")
        admin = os.path.join(self.folder.name, "admin")
        with open(config, "w", encoding="utf-8") as out:
            json.dump(bootstrap, out)
        self.log = open(os.path.join(self.folder.name, "log"), "w+b")
        self.process = subprocess.Popen(
            [binary, "-c", config, "--concurrency", str(concurrency), "--disable-hot-restart", "--log-level", "error",
             "--admin-address-path", admin, *arguments], stdout=self.log, stderr=self.log)
        try:
            self.admin_port = self.wait(lambda: self.read_port(admin))
            if ready:
                self.wait_ready()
        except Exception:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def wait_ready(self):
        """Until it is live and listens."""
        self.wait(lambda: self.admin("/ready").startswith("LIVE"))
        self.port = self.wait(lambda: self.listener_port("main"))

    def words(self):
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")[-4000:]

    def wait(self, ask):
        """Asks until the answer is true. The process can announce nothing, so this polls."""
        for _ in range(wire.PATIENCE_S * 50):
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.process.args[0]} ended:\n{self.words()}")
            try:
                answer = ask()
            except (OSError, http.client.HTTPException):
                answer = None
            if answer:
                return answer
            select.select([], [], [], 0.02)
        raise RuntimeError(f"{self.process.args[0]} does not get ready:\n{self.words()}")

    @staticmethod
    def read_port(path):
        with open(path, encoding="utf-8") as lines:
            return int(lines.read().strip().rpartition(":")[2] or 0)

    def admin(self, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=wire.PATIENCE_S)
        try:
            connection.request(method, path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def listener_port(self, wanted):
        for line in self.admin("/listeners").splitlines():
            name, _, address = line.partition("::")
            if name == wanted:
                return int(address.rpartition(":")[2])
        return 0

    def stats(self):
        """Counters and gauges by name."""
        lines = (line.partition(": ") for line in self.admin("/stats").splitlines())
        return {name: int(value) for name, _, value in lines if value.isdigit()}

    def rss_bytes(self):
        """Resident memory; always 0 of a sanitized binary, whose memory says nothing."""
        if self.sanitized:
            return 0
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as text:
            return int(text.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def alive(self):
        return self.process.poll() is None
