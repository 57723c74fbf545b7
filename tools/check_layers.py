#!/usr/bin/env python3
"""Holds the one-way graph of the folders under source/, by their #includes, as a test.

  check_layers.py ROOT

A folder may include itself, the folders its entry names, and whatever those may include. Besides: gRPC
is seen only by xds; generated protos stop at the configuration's edge; a filter knows no sibling.
"""

import pathlib
import re
import sys

import cxx_text

# folder: the folders right below it. docs/ARCHITECTURE.md tells why each stands where it does.
LAYERS = {
    "base": [],
    "buffer": ["base"],
    "stats": ["base"],
    "config": ["base"],
    "json": ["base"],
    "match": ["base", "json"],
    "cel": ["match"],
    "runtime": ["base"],
    "compression": ["buffer"],
    "event": ["base", "stats", "buffer"],
    "net": ["event", "buffer"],
    "http": ["buffer"],
    "tls": ["net", "match"],
    "http1": ["http"],
    "http2": ["http", "stats"],
    "cache": ["event", "http"],
    "route": ["http", "match", "cel", "runtime"],
    "upstream": ["tls", "http1", "http2", "stats", "route"],
    "redis": ["upstream"],
    "rpc": ["upstream", "json"],
    "filter": ["route", "rpc"],
    "rbac": ["filter"],
    "access_log": ["filter", "http", "stats"],
    "tracing": ["rpc", "access_log"],
    "waf": ["event", "json", "access_log"],
    "filters": ["access_log", "compression", "rbac", "cache", "redis", "tracing", "waf"],
    "health": ["rpc", "access_log"],
    "downstream": ["filter", "tls", "http1", "http2", "access_log", "tracing"],
    "filters/network": ["downstream", "rbac"],
    "filters/udp": ["downstream"],
    "xds": ["event", "stats", "rpc"],
    "stat_sinks": ["rpc"],
    "admin": ["downstream", "health", "cache"],
    "server": None,  # Knows all.
}

# Files that turn protos into our own types: they alone see both sides.
EDGE_FOLDERS = {"config", "xds", "server", "admin"}
EDGE_FILE = re.compile(r"(^|_)config\.(h|cc)$")

GRPC_FOLDERS = {"xds"}


def allowed_folders():
    """For each folder all that it may include: the closure of LAYERS."""
    closed = {}
    for folder, below in LAYERS.items():
        if below is None:
            closed[folder] = set(LAYERS)
            continue
        closed[folder] = {folder}.union(*(closed[name] for name in below))
    return closed


def layer_of(path):
    """The folder in LAYERS of a path in source/."""
    match = re.match(r"source/(filters/(?:network|udp))/", path)
    return match.group(1) if match else path.split("/")[1]


def filter_folder(path):
    """filters/http/NAME of a path in source/, or None."""
    match = re.match(r"source/(filters/\w+/\w+)/", path)
    return match.group(1) if match else None


def is_edge(path, folder):
    return folder in EDGE_FOLDERS or bool(EDGE_FILE.search(path.rsplit("/", 1)[-1]))


def check_include(path, included, allowed):
    """What is wrong with one #include, or None."""
    folder = layer_of(path)
    if included.endswith(".pb.h") and not is_edge(path, folder):
        return "protos stop at *_config.{h,cc}, config/, xds/, server/ and admin/"
    if included.startswith(("grpcpp/", "grpc/")) or included.endswith(".grpc.pb.h"):
        return None if folder in GRPC_FOLDERS else "only xds/ sees gRPC"
    if included.startswith(("test/", "tools/")):
        return "source/ does not know tests or tools"
    if not included.startswith("source/"):
        return None
    target = layer_of(included)
    if target == "config" and is_edge(path, folder):
        return None
    if target not in allowed[folder]:
        return f"{folder} may not include {target}"
    own, other = filter_folder(path), filter_folder(included)
    if own and other and own != other:
        return f"{own} may not include its sibling {other}"
    return None


def check_text(path, text, allowed):
    """The findings of one file of source/."""
    folder = layer_of(path)
    if folder not in allowed:
        return [f"{path}:1: layers: the folder {folder} has no entry in LAYERS"]
    findings = []
    for line, included in cxx_text.includes(text):
        wrong = check_include(path, included, allowed)
        if wrong:
            findings.append(f"{path}:{line}: layers: {wrong} ({included})")
    return findings


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    allowed = allowed_folders()
    findings = []
    files = [path for path in sorted((root / "source").rglob("*")) if path.suffix in (".h", ".cc")]
    for path in files:
        findings += check_text(str(path.relative_to(root)), path.read_text(encoding="utf-8"), allowed)
    print("\n".join(findings + [f"{len(files)} files, {len(findings)} findings"]))
    sys.exit(1 if findings or not files else 0)


if __name__ == "__main__":
    main()
