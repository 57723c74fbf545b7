"""Peers of UDP for tests of what carries datagrams: every wait ends, nothing sleeps."""

import socket
import threading

import bootstrap
import wire

UDP_PROXY = bootstrap.TYPE + "envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig"
ROUTE = bootstrap.TYPE + "envoy.extensions.filters.udp.udp_proxy.v3.Route"
INPUT = bootstrap.TYPE + "envoy.extensions.matching.common_inputs.network.v3."


def client(port, host="127.0.0.1"):
    """A socket that hears of nobody but that port."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(wire.PATIENCE_S)
    sock.connect((host, port))
    return sock


def ask(port, data=b"x", host="127.0.0.1"):
    """The answer to one datagram of a client of its own."""
    with client(port, host) as sock:
        sock.send(data)
        return sock.recv(65536)


def silent(sock, seconds=0.3):
    """Whether nothing comes for so long."""
    sock.settimeout(seconds)
    try:
        sock.recv(65536)
        return False
    except (socket.timeout, ConnectionRefusedError):
        return True
    finally:
        sock.settimeout(wire.PATIENCE_S)


class Origin:
    """A host: answers each datagram with `name` and what it got, and knows who asked."""

    def __init__(self, name=b"", host="127.0.0.1"):
        self.name = name
        self.peers = set()
        self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((host, 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(65536)
                if peer is None:  # It was shut down.
                    return
                self.peers.add(peer)
                self.sock.sendto(self.name + data, peer)
            except OSError:
                return

    def close(self):
        # A thread that waits in recvfrom is not woken by close.
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


def to(cluster):
    """What a matcher leads to."""
    return {"action": {"name": "route", "typed_config": {"@type": ROUTE, "cluster": cluster}}}


def data_input(name):
    return {"name": name, "typed_config": {"@type": INPUT + name}}


def udp_proxy(stat_prefix="u", **fields):
    """A listener filter; all to the cluster "origin" unless told otherwise."""
    fields.setdefault("matcher", {"on_no_match": to("origin")})
    return {"name": "udp", "typed_config": {"@type": UDP_PROXY, "stat_prefix": stat_prefix, **fields}}


def listener(proxied=None, name="main", host="127.0.0.1", port=0, **more):
    return {"name": name, "address": {"socket_address": {"protocol": "UDP", "address": host, "port_value": port}},
            "listener_filters": [proxied or udp_proxy()], **more}
