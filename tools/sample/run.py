#!/usr/bin/env python3
"""Runs the sample: an origin, the control plane and proxenos, until Ctrl-C or until one of them ends.

  run.py --bin FOLDER_OF_BUILT_PROGRAMS
"""

import argparse
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
PORTS = {"listener": 10000, "admin": 9901, "control plane": 18000, "origin": 18001}
START_LIMIT_S = 20

HINT = """
proxenos is ready. Try:

  curl -i http://127.0.0.1:{listener}/            # proxied to the sample origin
  curl -i http://127.0.0.1:{listener}/hello       # answered by proxenos itself
  curl -i http://127.0.0.1:{listener}/old/page    # redirected
  curl    http://127.0.0.1:{admin}/help          # the admin interface
  curl    http://127.0.0.1:{admin}/config_dump
  curl    http://127.0.0.1:{admin}/stats?usedonly

Edit a file in {folder}: the control plane pushes the change, and it serves at once.
Ctrl-C stops all.
"""


def fail(message):
    print("tools/dev run:", message, file=sys.stderr)
    sys.exit(1)


def check_ports():
    for name, port in PORTS.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                fail(f"port {port} of the {name} is in use; stop what listens there")


def is_ready():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORTS['admin']}/ready", timeout=1) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def ended(programs):
    """The name of a program that has ended, or None."""
    return next((name for name, process in programs.items() if process.poll() is not None), None)


def wait_until_ready(programs):
    limit = time.monotonic() + START_LIMIT_S
    while not is_ready():
        if ended(programs):
            fail(f"{ended(programs)} ended while starting; its last words are above")
        if time.monotonic() > limit:
            fail(f"proxenos was not ready within {START_LIMIT_S} s")
        time.sleep(0.1)


def stop(programs):
    """Ends all, the proxy first, and kills what does not go."""
    for process in reversed(programs.values()):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    for process in reversed(programs.values()):
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    built = parser.parse_args().bin
    check_ports()
    commands = {
        "the origin": [sys.executable, str(HERE / "origin.py"), str(PORTS["origin"])],
        "the control plane": [str(built / "tools/xds_server/xds-server"), "--port",
                              str(PORTS["control plane"]), str(HERE / "xds")],
        "proxenos": [str(built / "source/server/proxenos"), "-c", str(HERE / "bootstrap.yaml")],
    }
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    programs = {}
    try:
        for name, command in commands.items():
            # Own process groups: a Ctrl-C reaches this script alone, which then stops them in order.
            programs[name] = subprocess.Popen(command, start_new_session=True)
        wait_until_ready(programs)
        print(HINT.format(folder=HERE / "xds", **PORTS), flush=True)
        while not ended(programs):
            time.sleep(0.2)
        fail(f"{ended(programs)} ended with status {programs[ended(programs)].returncode}")
    except KeyboardInterrupt:
        print("\nstopping", flush=True)
    finally:
        stop(programs)


if __name__ == "__main__":
    main()
