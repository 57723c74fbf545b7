"""Processes, and what they cost: CPU time, memory, and how fast the CPU was meanwhile."""

import os
import select
import signal
import socket
import statistics
import subprocess
import sys
import time


def wait_for_port(port, process, seconds=30):
    """Until somebody listens there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with status {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            select.select([], [], [], 0.05)
    raise RuntimeError(f"{process.args}: nobody listens on port {port}")


def free_ports(count):
    """Ports that nobody used a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


class Program:
    """A program in a session of its own, pinned to a CPU; its costs include its children's."""

    def __init__(self, command, cpu, port, log, environment=None):
        self.log = open(log, "ab")
        self.process = subprocess.Popen(["taskset", "-c", str(cpu), *command], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, start_new_session=True, env=environment)
        try:
            wait_for_port(port, self.process)
        except RuntimeError:
            self.stop()
            with open(log, encoding="utf-8", errors="replace") as text:
                raise RuntimeError(f"{' '.join(command)} did not start:\n{text.read()[-2000:]}") from None

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.log.close()

    def pids(self):
        """All processes of the session."""
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    if os.getsid(int(name)) == self.process.pid:
                        found.append(int(name))
                except OSError:
                    pass
        return found

    def cpu_ns(self):
        """Time on a CPU, user and kernel, of all threads; exact, unlike the ticks of `stat`."""
        total = 0
        for pid in self.pids():
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as text:
                        total += int(text.read().split()[0])
            except OSError:
                pass
        return total

    def rss_bytes(self):
        total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/statm", encoding="ascii") as text:
                    total += int(text.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            except OSError:
                pass
        return total


PROBE = """
import select, sys, time
while True:
    start = time.perf_counter_ns()
    sum(range(20000))
    print(time.perf_counter_ns() - start, flush=True)
    select.select([], [], [], 0.02)
"""


class SpeedProbe:
    """Times a fixed piece of work on the proxy's CPU, fifty times a second: on a shared machine the
    same work takes up to twice as long from one second to the next."""

    def __init__(self, cpu):
        self.process = subprocess.Popen(["taskset", "-c", str(cpu), sys.executable, "-c", PROBE],
                                        stdout=subprocess.PIPE, text=True)

    def result(self):
        """The median time of the work, in ns."""
        self.process.kill()
        times = [int(line) for line in self.process.communicate()[0].split() if line.isdigit()]
        return statistics.median(times) if times else 0
