#!/usr/bin/env python3
"""Turns `bazel aquery --output=jsonproto` of C++ compile actions into compile_commands.json.

  bazel aquery ... | compdb.py EXECUTION_ROOT
"""

import json
import sys


def commands(actions, directory):
    seen = set()
    for action in actions:
        arguments = action["arguments"]
        sources = [argument for argument in arguments if argument.endswith((".cc", ".S"))]
        if len(sources) != 1 or sources[0] in seen or sources[0].startswith(("external/", "bazel-out/")):
            continue
        seen.add(sources[0])
        yield {"directory": directory, "file": sources[0], "arguments": arguments}


def main():
    actions = json.load(sys.stdin).get("actions", [])
    json.dump(list(commands(actions, sys.argv[1])), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
