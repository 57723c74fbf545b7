#!/bin/bash
# over_tree.sh FILE COMMAND...: runs a command in the source tree itself, which it finds by following
# the link that Bazel laid to FILE there; a check of the whole tree cannot name its inputs one by one.
set -euo pipefail
root=$(dirname "$(readlink -f "$1")")
shift
cd "$root"
exec "$@"
