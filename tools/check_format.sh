#!/bin/bash
# Names the C++ files of the tree below the working directory that clang-format would change, with the
# first place in each, and fails if there is one. `tools/dev fmt` mends them.
set -euo pipefail
if ! find source test tools -name '*.cc' -o -name '*.h' | sort |
  xargs --no-run-if-empty -n 40 clang-format-16 --dry-run -Werror -ferror-limit=1; then
  echo "not formatted; run: tools/dev fmt"
  exit 1
fi
