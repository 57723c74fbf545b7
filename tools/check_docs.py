#!/usr/bin/env python3
"""Checks that what the documentation names is there, as a test.

  check_docs.py ROOT

Paths in backticks that begin with a top-level folder, and relative links between pages, must exist.
"""

import pathlib
import re
import sys

PATH = re.compile(r"`((?:api|ci|docs|source|test|tools)/[\w./*{},-]*)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def expand(path):
    """`a/b.{h,cc}` names two files."""
    match = re.search(r"\{([^}]*)\}", path)
    if not match:
        return [path]
    return [path[: match.start()] + part + path[match.end():] for part in match.group(1).split(",")]


def missing(root, page):
    """What `page` names and the tree lacks."""
    text = page.read_text()
    for match in PATH.finditer(text):
        for path in expand(match.group(1)):
            if "NAME" not in path and not list(root.glob(path.rstrip("/"))):
                yield path
    for match in LINK.finditer(text):
        if not (page.parent / match.group(1)).exists():
            yield match.group(1)


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    pages = sorted(root.glob("docs/**/*.md")) + sorted(root.glob("*.md"))
    findings = [f"{page.relative_to(root)}: {path}" for page in pages for path in missing(root, page)]
    print("\n".join(findings + [f"{len(pages)} pages, {len(findings)} findings"]))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
