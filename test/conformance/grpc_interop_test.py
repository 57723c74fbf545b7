"""gRPC conformance: grpc-go's interop client speaks to grpc-go's interop server through the real binary,
HTTP/2 on both sides, without and with TLS; and past an authorization service and a processor on grpc-go.

  grpc_interop_test.py --proxy BINARY --client BINARY --server BINARY --services BINARY
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import bootstrap  # noqa: E402
import certificates  # noqa: E402
import filter_services  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import wire  # noqa: E402

# Go's TLS offers the hybrid key exchange by itself only to modules of its own age.
GO = {**os.environ, "GRPC_GO_LOG_SEVERITY_LEVEL": "info", "GODEBUG": "tlsmlkem=1"}

ORCA = ["-service_config_json", '{"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}']

# By itself the client fails a soak of which one call takes a second, or all of them ten: a matter of what else the
# machine has to do.
SOAK = ["-soak_per_iteration_max_acceptable_latency_ms", str(2000 * wire.PATIENCE_S),
        "-soak_overall_timeout_seconds", str(2 * wire.PATIENCE_S)]

# What the processor is to do with pieces that it has to send back itself.
ECHO = ["-additional_metadata", 'x-process:{"request_body": ["echo"], "response_body": ["echo"]}']

# Each with the flags that it needs. Those left out want a cloud's credentials, or several servers.
CASES = {
    "empty_unary": [], "large_unary": [], "client_streaming": [], "server_streaming": [], "ping_pong": [],
    "empty_stream": [], "timeout_on_sleeping_server": [], "cancel_after_begin": [],
    "cancel_after_first_response": [], "status_code_and_message": [], "special_status_message": [],
    "custom_metadata": [], "unimplemented_method": [], "unimplemented_service": [],
    "rpc_soak": ["-soak_iterations", "50", *SOAK], "channel_soak": ["-soak_iterations", "20", *SOAK],
    "orca_per_rpc": ORCA, "orca_oob": ORCA,
}


class Server:
    """grpc-go's interop server on a port of the kernel's choice; use as a context."""

    def __init__(self, binary, *flags):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([binary, "-port", "0", *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, env=GO)
        for line in self.process.stdout:
            self.log.write(line)
            found = re.search(r"listening on .*:(\d+)", line)
            if found:
                self.port = int(found[1])
                return
        raise RuntimeError(f"{binary} ended before it listened")

    def __enter__(self):
        # Nobody reads on; a full pipe must not stop it.
        self.reader = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=self.log)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.reader.wait()
        self.log.close()


def run_case(client, port, case, flags):
    """What was wrong, or an empty text."""
    command = [client, "-server_host", "127.0.0.1", "-server_port", str(port), "-test_case", case, *CASES[case], *flags]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              timeout=3 * wire.PATIENCE_S, env=GO)
    except subprocess.TimeoutExpired as error:
        return f"no end: {(error.stdout or b'')[-2000:]}"
    if done.returncode != 0:
        return f"status {done.returncode}:\n{done.stdout[-800:]}"
    # The client says so once a case went through; its absence would mean that nothing was run.
    return "" if re.search(r"(?i)\bdone\b|succeeded", done.stdout) else f"nothing was run:\n{done.stdout[-800:]}"


def run(label, args, config, flags, without=()):
    """[(name, problem)] of one proxy."""
    results = []
    with proxy.Proxy(args.proxy, config) as running:
        for case in (case for case in CASES if case not in without):
            problem = run_case(args.client, running.port, case, flags)
            if not running.alive():
                raise RuntimeError(f"the proxy died of {case}:\n{running.words()}")
            results.append((f"{label}/{case}", problem))
            print(f"{'FAILED' if problem else 'passed'} {label}/{case} {problem}", flush=True)
        if label.startswith("asked"):
            results.append((f"{label}/each call", asked_problem(running.stats())))
        if "-use_tls" in flags:
            results.append((f"{label}/key exchange", key_exchange_problem(running.stats(), go_version(args.client))))
    return results


def asked_problem(stats):
    """Whether both services were asked about each call."""
    asked = stats["http.main.ext_proc.streams_started"], stats["http.main.ext_authz.ok"]
    return "" if min(asked) >= len(CASES) - 1 else f"they were asked {asked} times"


def go_version(path):
    """(1, minor) of the Go that built a program, which its build information tells."""
    with open(path, "rb") as program:
        data = program.read()
    at = data.index(b"\xff Go buildinf:") + 32
    text = data[at + 1:at + 1 + data[at]].decode()
    return tuple(int(part) for part in re.match(r"go(\d+)\.(\d+)", text).groups())


def key_exchange_problem(stats, version):
    """Whether Go and BoringSSL agreed on the best group that this Go has, on both sides of the proxy."""
    curves = {name: value for name, value in stats.items() if ".ssl.curves." in name and value}
    best = ".X25519MLKEM768" if version >= (1, 24) else ".X25519"
    wrong = [name for name in curves if not name.endswith(best)]
    sides = {name.partition(".")[0] for name in curves}
    return "" if sides == {"listener", "cluster"} and not wrong else f"they agreed on {curves}"


def asking_filters(body_mode):
    """Filters that ask services about each call, and show each part of it to a processor."""
    service = {"grpc_service": {**filter_services.CLUSTER, "timeout": f"{wire.PATIENCE_S}s"}}
    all_of_it = {f"{way}_{part}_mode": mode for way in ("request", "response")
                 for part, mode in (("header", "SEND"), ("body", body_mode), ("trailer", "SEND"))}
    fields = {"ext_authz.v3.ExtAuthz": {"transport_api_version": "V3", **service}, "ext_proc.v3.ExternalProcessor": {
        "processing_mode": all_of_it, "message_timeout": f"{wire.PATIENCE_S}s", **service}}
    return [{"name": name, "typed_config": {"@type": f"{bootstrap.TYPE}envoy.extensions.filters.http.{name}", **more}}
            for name, more in fields.items()] + [filter_services.ROUTER]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--client", required=True)
    parser.add_argument("--server", required=True)
    parser.add_argument("--services", required=True, help="the program filter_services")
    args = parser.parse_args()
    results = []
    # The default of 15 s for a route would end streams that last.
    routes = [bootstrap.to(timeout="0s")]
    with Server(args.server) as server:
        config = bootstrap.bootstrap(routes, clusters=[bootstrap.cluster("origin", server.port, **bootstrap.http2())])
        results += run("plain", args, config, [])
        services = filter_services.FilterServices(args.services)
        for body_mode in ("STREAMED", "FULL_DUPLEX_STREAMED"):
            config = bootstrap.bootstrap(routes, {"http_filters": asking_filters(body_mode)}, clusters=[
                bootstrap.cluster("origin", server.port, **bootstrap.http2()),
                bootstrap.cluster("services", services.port, **bootstrap.http2())])
            # The stream of its own that orca_oob reports on has no such metadata.
            told = (ECHO, ["orca_oob"]) if "DUPLEX" in body_mode else ([],)
            results += run(f"asked, {body_mode}", args, config, *told)
        services.close()
    authority = certificates.Authority()
    pair = authority.issue("server", ["DNS:grpc.example"])
    secret = ["-use_tls", "-tls_cert_file", pair.chain, "-tls_key_file", pair.key]
    with Server(args.server, *secret) as server:
        transport = bootstrap.upstream_tls(authority.root, alpn=["h2"], sni="grpc.example")
        config = bootstrap.bootstrap(
            routes, transport=bootstrap.downstream_tls(pair),
            clusters=[bootstrap.cluster("origin", server.port, transport_socket=transport, **bootstrap.http2())])
        results += run("TLS", args, config, ["-use_tls", "-use_test_ca", "-ca_file", authority.root.chain,
                                             "-server_host_override", "grpc.example"])
    report.write_xml("grpc_interop", results)
    failed = sum(1 for _, problem in results if problem)
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
