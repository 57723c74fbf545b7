"""A real Redis on a socket of a folder of its own, and a small client for tests to look into it with."""

import os
import pathlib
import select
import signal
import socket
import subprocess
import tempfile

import wire

# Debian's redis-server is another name of this program, in a package that starts a service by itself; redis-tools,
# which has the program, does not. It goes by the name that it is called by.
PROGRAM = "/usr/bin/redis-check-rdb"


class RedisError(Exception):
    """What Redis answered with a minus."""


class Redis:
    """One running server; nothing of it is kept. `more`: further arguments, as on its command line."""

    def __init__(self, *more, folder=None):
        self.own = None if folder else tempfile.TemporaryDirectory(prefix="redis-")
        self.path = os.path.join(folder or self.own.name, "redis.sock")
        self.more = more
        self.start()

    def start(self):
        """Begins, or begins again, at the same place."""
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.path, "--save", "", "--appendonly", "no",
             "--dir", os.path.dirname(self.path), *self.more],
            executable=PROGRAM, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: self.command("PING") is not None, self.process)

    def command(self, *words):
        """The answer to one command, as text, number, list or None."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(wire.PATIENCE_S)
            sock.connect(self.path)
            words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
            sock.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
            with sock.makefile("rb") as stream:
                return answer(stream)

    def keys(self, pattern="*"):
        return sorted(key.decode() for key in self.command("KEYS", pattern))

    def kill(self):
        """At once, and with all that it knew."""
        self.process.kill()
        self.process.wait()

    def hang(self):
        """It takes what is sent to it and says nothing, until it goes on."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.kill()
        if self.own:
            self.own.cleanup()


def answer(stream):
    line = stream.readline().rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    if kind == b"-":
        raise RedisError(rest.decode())
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2]
    if kind == b"*":
        return None if rest == b"-1" else [answer(stream) for _ in range(int(rest))]
    return rest.decode()


def wait_for(ask, process):
    """Asks until the answer is true; the process can announce nothing."""
    for _ in range(wire.PATIENCE_S * 50):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        try:
            if ask():
                return
        except (OSError, RedisError):
            pass
        select.select([], [], [], 0.02)
    raise RuntimeError(f"{process.args[0]} does not get ready")


class RateLimitServer:
    """The rate limit server of tools/deps/ratelimit, on a socket: `limits` is its configuration, `redis` what it
    counts in, `more` its further settings, which it takes from the environment."""

    def __init__(self, binary, limits, redis, **more):
        self.folder = tempfile.TemporaryDirectory(prefix="ratelimit-")
        folder = pathlib.Path(self.folder.name)
        self.path = str(folder / "grpc.sock")
        (folder / "config").mkdir()
        (folder / "config" / "limits.yaml").write_text(limits, encoding="utf-8")
        self.binary = binary
        self.settings = {
            "GRPC_UDS": self.path, "HOST": "127.0.0.1", "PORT": "0", "DEBUG_HOST": "127.0.0.1", "DEBUG_PORT": "0",
            "USE_STATSD": "false", "LOG_LEVEL": "error", "RUNTIME_ROOT": self.folder.name,
            "RUNTIME_SUBDIRECTORY": "", "RUNTIME_WATCH_ROOT": "false", "REDIS_SOCKET_TYPE": "unix",
            "REDIS_URL": redis.path, "REDIS_TIMEOUT": "1s", **more}
        self.log = open(folder / "log", "w+b")
        self.start()

    def start(self):
        """Begins, or begins again, at the same place."""
        pathlib.Path(self.path).unlink(missing_ok=True)
        self.process = subprocess.Popen([self.binary], env={**os.environ, **self.settings}, stdout=self.log, stderr=self.log)
        try:
            wait_for(self.listens, self.process)
        except RuntimeError as error:
            self.log.seek(0)
            raise RuntimeError(self.log.read().decode("utf-8", "replace")[-2000:]) from error

    def listens(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.connect(self.path)
        return True

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        self.log.close()
        self.folder.cleanup()
