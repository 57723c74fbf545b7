#!/usr/bin/env python3
"""Runs protoc over a tree of .proto files and joins the generated C++ into a few unity shards.

Each shard is one translation unit, so the headers that hundreds of generated files share are parsed
once a shard. Two names that every generated file defines at file scope would collide in a shard;
they are renamed per file by a macro that is undefined again after it.

protoc 3.21 does not know the keywords of C++20: a field named `requires` gets accessors that do not
compile. They are renamed here as later versions of protoc do it, by an underscore at the end.
"""

import argparse
import pathlib
import re
import subprocess
import tempfile

COLLIDING_NAMES = ("schemas", "file_default_instances")

NEW_KEYWORDS = re.compile(
    r'("(?:[^"\\\n]|\\.)*")|\b(char8_t|co_await|co_return|co_yield|concept|consteval|constinit|requires)\b'
)


def rename_keywords(source):
    """Appends an underscore to each C++20 keyword that stands outside of a string literal."""
    return NEW_KEYWORDS.sub(lambda match: match.group(1) or match.group(2) + "_", source)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--protos", required=True, help="folder that the roots lie in")
    parser.add_argument("--root", action="append", required=True, help="an import root")
    parser.add_argument("--out", required=True, help="where headers and shards go")
    parser.add_argument("--kind", choices=("messages", "services"), required=True)
    parser.add_argument("--shards", type=int, required=True)
    return parser.parse_args()


def find_protos(protos, roots, kind):
    """The import names of the files to compile, sorted."""
    names = set()
    for root in roots:
        base = pathlib.Path(protos) / root
        names.update(str(path.relative_to(base)) for path in base.rglob("*.proto"))
    if kind == "services":
        names = {name for name in names if name.startswith("envoy/service/")}
    return sorted(names)


def run_protoc(arguments, names, out):
    command = ["protoc"]
    command += [f"-I{arguments.protos}/{root}" for root in arguments.root]
    if arguments.kind == "messages":
        command.append(f"--cpp_out={out}")
    else:
        plugin = subprocess.check_output(["which", "grpc_cpp_plugin"], text=True).strip()
        command += [f"--grpc_out={out}", f"--plugin=protoc-gen-grpc={plugin}"]
    subprocess.run(command + names, check=True)


def write_shards(out, sources, count, kind):
    """Deals the sources, largest first, each to the shard that is smallest so far."""
    shards = [[] for _ in range(count)]
    sizes = [0] * count
    for source in sorted(sources, key=lambda path: (-path.stat().st_size, str(path))):
        smallest = sizes.index(min(sizes))
        shards[smallest].append(source)
        sizes[smallest] += source.stat().st_size
    for number, members in enumerate(shards):
        with open(pathlib.Path(out) / f"{kind}_{number}.cc", "w", encoding="utf-8") as shard:
            for index, source in enumerate(sorted(members)):
                for name in COLLIDING_NAMES:
                    shard.write(f"#define {name} {name}_{index}\n")
                shard.write(rename_keywords(source.read_text(encoding="utf-8")))
                for name in COLLIDING_NAMES:
                    shard.write(f"#undef {name}\n")


def main():
    arguments = parse_arguments()
    names = find_protos(arguments.protos, arguments.root, arguments.kind)
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        run_protoc(arguments, names, scratch)
        for header in pathlib.Path(scratch).rglob("*.h"):
            target = out / header.relative_to(scratch)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(rename_keywords(header.read_text(encoding="utf-8")), encoding="utf-8")
        write_shards(out, list(pathlib.Path(scratch).rglob("*.cc")), arguments.shards, arguments.kind)


if __name__ == "__main__":
    main()
