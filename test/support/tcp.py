"""Plain TCP peers for tests of what carries connections: every wait ends, nothing sleeps."""

import queue
import socket
import struct
import threading

import bootstrap
import wire

TCP_PROXY = bootstrap.TYPE + "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
FILE_LOG = bootstrap.TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog"


def connect(port, host="127.0.0.1"):
    return socket.create_connection((host, port), timeout=wire.PATIENCE_S)


def reset(sock):
    """Closes with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def end_of(sock):
    """Everything up to the end, and how that came: "closed", "reset" or "silent"."""
    got = bytearray()
    while True:
        try:
            data = sock.recv(1 << 16)
        except socket.timeout:
            return bytes(got), "silent"
        except OSError:
            return bytes(got), "reset"
        if not data:
            return bytes(got), "closed"
        got += data


def exactly(sock, size):
    got = bytearray()
    while len(got) < size:
        data = sock.recv(size - len(got))
        if not data:
            break
        got += data
    return bytes(got)


def echo(sock):
    while True:
        data = sock.recv(1 << 16)
        if not data:
            sock.close()
            return
        sock.sendall(data)


class Origin:
    """A listening socket. Without a script, `accept` gives its connections to the test; with one, each gets a
    thread that runs it."""

    def __init__(self, script=None):
        self.script = script
        self.waiting = queue.Queue()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(wire.PATIENCE_S)
            if self.script:
                threading.Thread(target=self.run, args=(sock,), daemon=True).start()
            else:
                self.waiting.put(sock)

    def run(self, sock):
        try:
            self.script(sock)
        except OSError:
            pass

    def accept(self):
        return self.waiting.get(timeout=wire.PATIENCE_S)

    def close(self):
        self.listener.close()


def closed_port():
    """A port on which nobody listens, and the socket that keeps it so."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock.getsockname()[1], sock


def tcp_proxy(log=None, line="", stat_prefix="t", **fields):
    """A network filter; all to the cluster "origin" unless told otherwise."""
    if "weighted_clusters" not in fields:
        fields.setdefault("cluster", "origin")
    if log:
        fields["access_log"] = [{"name": "file", "typed_config": {
            "@type": FILE_LOG, "path": log,
            "log_format": {"text_format_source": {"inline_string": line + "\n"}}}}]
    return {"name": "tcp", "typed_config": {"@type": TCP_PROXY, "stat_prefix": stat_prefix, **fields}}


def listener(*filters, name="main", match=None, transport=None, **more):
    """A listener of one filter chain with these network filters."""
    chain = {"filters": list(filters)}
    if match:
        chain["filter_chain_match"] = match
    if transport:
        chain["transport_socket"] = transport
    return {"name": name, "address": bootstrap.address(0), "filter_chains": [chain], **more}
