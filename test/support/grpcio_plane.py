"""A control plane on the real gRPC for Python, which speaks both protocols over ADS. It serves its world as it should,
and beside that says whatever a test wants: messages of any bytes, streams that end as they like.

The packages of tools/deps/python-peers.txt have to be on the path."""

import concurrent.futures
import queue
import threading

import grpc
from envoy.config.cluster.v3 import cluster_pb2  # noqa: F401
from envoy.config.endpoint.v3 import endpoint_pb2  # noqa: F401
from envoy.config.listener.v3 import listener_pb2  # noqa: F401
from envoy.config.route.v3 import route_pb2  # noqa: F401
from envoy.extensions.filters.http.router.v3 import router_pb2  # noqa: F401
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2  # noqa: F401
from envoy.service.discovery.v3 import discovery_pb2
from google.protobuf import any_pb2, json_format

import wire

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
TYPE = "type.googleapis.com/"
CLUSTERS, ENDPOINTS, LISTENERS, ROUTES = (TYPE + "envoy.config." + kind for kind in (
    "cluster.v3.Cluster", "endpoint.v3.ClusterLoadAssignment", "listener.v3.Listener", "route.v3.RouteConfiguration"))
NAME_FIELDS = {ENDPOINTS: "cluster_name"}


def packed(resource):
    """An Any of a resource as JSON."""
    return json_format.ParseDict(resource, any_pb2.Any())


def name_of(resource):
    return resource[NAME_FIELDS.get(resource["@type"], "name")]


class Stream:
    """One call of a client. What is `put` is sent in order; an `END` ends it, with the status of its `fails`."""

    END = object()

    def __init__(self, delta, context):
        self.delta, self.context = delta, context
        self.out = queue.SimpleQueue()
        self.names = {}  # What is asked for, by type; an empty set or "*": everything.
        self.fails = None
        context.add_callback(lambda: self.out.put(self.END))

    def put(self, message):
        self.out.put(message if isinstance(message, bytes) else message.SerializeToString())

    def end(self, code=None, details=""):
        self.fails = code and (code, details)
        self.out.put(self.END)

    def sendings(self):
        while (item := self.out.get()) is not self.END:
            yield item
        if self.fails:
            self.context.abort(*self.fails)

    def take(self, request):
        """Whether the client asks for something that it had not asked for."""
        kind = request.type_url
        had = self.names.get(kind)
        if self.delta:
            names = (had or set()) | set(request.resource_names_subscribe)
            self.names[kind] = names - set(request.resource_names_unsubscribe)
            return had is None or bool(request.resource_names_subscribe)
        self.names[kind] = set(request.resource_names)
        return had != self.names[kind]


class Plane:
    """Listens on a port of the kernel's choice, or the one given. Thread: any."""

    def __init__(self, port=0, options=()):
        self.changed = threading.Condition()
        self.world = {}  # By type: {name: Any}
        self.streams = []  # Those that are open, the newest last.
        self.streams_ever = 0
        self.requests = []  # (type, request) of all that came, but for first ones without a nonce.
        self.number = 0
        # Called with each new stream; if it returns something that holds, the stream is not served.
        self.on_stream = None
        # Called with a stream and each request of it, before it is served.
        self.on_request = None
        pool = concurrent.futures.ThreadPoolExecutor(max_workers=256)
        self.server = grpc.server(pool, options=[
            ("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0), *options])
        handlers = {f"{way}AggregatedResources": grpc.stream_stream_rpc_method_handler(
            lambda requests, context, delta=delta: self.serve_stream(requests, context, delta))
            for way, delta in (("Stream", False), ("Delta", True))}
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        self.server.start()

    def close(self, grace=None):
        self.server.stop(grace).wait()

    def serve_stream(self, requests, context, delta):
        stream = Stream(delta, context)
        with self.changed:
            self.streams_ever += 1
            self.changed.notify_all()
        if self.on_stream and self.on_stream(stream):
            yield from stream.sendings()
            return
        with self.changed:
            self.streams.append(stream)
            self.changed.notify_all()
        threading.Thread(target=self.read, args=(stream, requests), daemon=True).start()
        try:
            yield from stream.sendings()
        finally:
            with self.changed:
                self.streams.remove(stream)

    def read(self, stream, requests):
        message = discovery_pb2.DeltaDiscoveryRequest if stream.delta else discovery_pb2.DiscoveryRequest
        try:
            for text in requests:
                self.take(stream, message.FromString(text))
        except grpc.RpcError:
            pass  # The call is over.
        finally:
            stream.end()

    def take(self, stream, request):
        if self.on_request:
            self.on_request(stream, request)
        with self.changed:
            if request.response_nonce or request.HasField("error_detail"):
                self.requests.append((request.type_url, request))
            if stream.take(request):
                self.push(stream, request.type_url)
            self.changed.notify_all()

    def push(self, stream, kind):
        names = stream.names[kind]
        everything = not names or "*" in names
        self.number += 1
        resources = [(name, one) for name, one in self.world.get(kind, {}).items() if everything or name in names]
        stream.put(response(stream.delta, kind, f"n{self.number}", resources))

    def serve(self, *resources):
        """These resources are the world of their types."""
        with self.changed:
            kinds = {resource["@type"] for resource in resources}
            for kind in kinds:
                self.world[kind] = {name_of(one): packed(one) for one in resources if one["@type"] == kind}
            for stream in self.streams:
                for kind in kinds & stream.names.keys():
                    self.push(stream, kind)

    def wait(self, holds):
        with self.changed:
            if not self.changed.wait_for(holds, timeout=wire.PATIENCE_S):
                raise TimeoutError("the client does not do what was waited for")

    def newest(self):
        self.wait(lambda: self.streams)
        with self.changed:
            return self.streams[-1]

    def send(self, kind, nonce, *resources, removed=(), names=None):
        """A message of a test's own to the newest stream. Of delta: under these names, or their own."""
        stream = self.newest()
        stream.put(response(stream.delta, kind, nonce, [
            (names[i] if names else name_of(one), packed(one)) for i, one in enumerate(resources)], removed))

    def answers(self, kind, nonce):
        """What the client has answered to a message: [reason], an empty one for an ACK."""
        with self.changed:
            return [request.error_detail.message for of, request in self.requests
                    if of == kind and request.response_nonce == nonce]

    def wait_answer(self, kind, nonce):
        self.wait(lambda: self.answers(kind, nonce))
        return self.answers(kind, nonce)[0]


def response(delta, kind, nonce, resources, removed=()):
    """A message of either protocol; resources: [(name, Any)]."""
    if not delta:
        return discovery_pb2.DiscoveryResponse(
            type_url=kind, nonce=nonce, version_info=nonce, resources=[one for _, one in resources])
    return discovery_pb2.DeltaDiscoveryResponse(
        type_url=kind, nonce=nonce, system_version_info=nonce, removed_resources=removed,
        resources=[discovery_pb2.Resource(name=name, version=nonce, resource=one) for name, one in resources])
