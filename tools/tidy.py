#!/usr/bin/env python3
"""The rules of style that a machine can hold: run over the whole tree as a test.

  tidy.py ROOT

Prints `path:line: rule: message` for each finding and exits 1 if there is one. A rule may be broken
where a comment on the line, or on the one above, says why: `// tidy: allow RULE: reason`.
"""

import os
import pathlib
import re
import sys

import cxx_text

MAX_FILE_LINES = 800
MAX_HEADER_LINES = 300
MAX_FUNCTION_LINES = 70
MAX_PARAMETERS = 5
MAX_COLUMNS = 100

CXX = (".cc", ".h")
TEXT = CXX + (".py", ".sh", ".bzl", ".bazel", ".md", ".txt", ".yaml", ".yml", ".json", ".proto", ".toml", "")
SKIPPED_FOLDERS = {".git", ".deps", "__pycache__", "testdata", "corpus", "node_modules"}
# Files that another tool writes, or whose text is the law's.
SKIPPED_FILES = {"Cargo.lock", "LICENSE", "compile_commands.json"}
# Tables may be long; they say so by their name.
TABLE_NAME = re.compile(r"table|tables")

# Patterns over C++ text without comments and literals: (rule, pattern, folders, message).
EVERYWHERE = ("source/", "test/", "tools/")
CXX_PATTERNS = [
    ("shared-from-this", r"\benable_shared_from_this\b", EVERYWHERE, "an object does not own itself"),
    ("weak-pointer", r"\bweak_ptr\b", EVERYWHERE, "use a two-ended base/link.h"),
    ("shared-mutable", r"\b(shared_ptr|make_shared)<(?!\s*(const\b|grpc::|(\w+::)*\w+\s+const\b))", ("source/",),
     "only const objects are shared"),
    # Not meant: placement into an arena, a static that is never destroyed, and a private constructor
    # whose object goes straight into its owner.
    ("naked-new", r"(?<!operator )(?<!\w)new\s+[A-Za-z_:]", ("source/",),
     "use std::make_unique"),
    ("naked-delete", r"(?<!operator )(?<!\w)delete\s*(\[\s*\])?\s+?[A-Za-z_(*]", ("source/",),
     "ownership is a unique_ptr or a member"),
    ("stored-function", r"\bstd::function\b", ("source/",),
     "use absl::AnyInvocable to store, absl::FunctionRef to pass"),
    ("mock", r"\bMOCK_(CONST_)?METHOD", EVERYWHERE, "fakes are small real things"),
    ("sleep", r"\b(sleep_for|sleep_until|usleep|nanosleep|SleepFor)\b|(?<![\w.>])sleep\s*\(", EVERYWHERE,
     "time comes from a Clock; wait for the event itself"),
    ("absl-mutex", r"\babsl::(Mutex|MutexLock)\b", EVERYWHERE, "use std::mutex, which sanitizers see"),
    ("exceptions", r"(?<!\w)(try\s*\{|catch\s*\(|throw\s)", ("source/",), "the code is built without exceptions"),
    ("banned-name", r"\b(?:class|struct)\s+(?:\w*(?:Impl|Manager|Helper|Util|Utils)|I[A-Z][a-z]\w*)\b(?=[^;]*\{)",
     EVERYWHERE, "names are nouns of the field"),
]
CXX_PATTERNS = [(rule, re.compile(pattern), folders, message) for rule, pattern, folders, message in CXX_PATTERNS]

OWNED_NEW = re.compile(r"(\bstatic\b[^;{}]*=\s*|\bunique_ptr<[^;{}]*>\()$")

BANNED_FILE_NAME = re.compile(r"(^|_)(impl|manager|helper|helpers|util|utils|misc|common)\.")

# A reference capture is safe while its scope lives: a named local lambda, an argument of an algorithm
# or of a function named ForEach... (which takes a FunctionRef), a condition to wait for. Anything else
# may be stored.
REFERENCE_CAPTURE = re.compile(r"\[&[\],]")
LOCAL_LAMBDA = re.compile(
    r"(auto\s*&?\s+\w+\s*=\s*|\b(std|absl)::[\w:]+\(.*|\b(ForEach\w*|for_each\w*|wait\w*)\(.*)$")

# Split, so that this file may name them.
HOSTS = [
    name + "." + domain
    for name, domain in [
        ("crates", "io"), ("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"),
        ("proxy.golang", "org"), ("sum.golang", "org"), ("repo1.maven", "org"), ("deb.debian", "org"),
        ("repo.maven.apache", "org"),
    ]
]
MACHINE_PATH = re.compile(r"(?<![\w.$}/~-])/(work|root|home|Users|mnt|workspace)/[\w.]")
FORBIDDEN_TEXT = [("registry-host", re.compile("|".join(re.escape(host) for host in HOSTS)), "names a registry's host"),
                  ("machine-path", MACHINE_PATH, "names a path of one machine")]


class Checker:
    """Collects the findings of one file."""

    def __init__(self, path, text):
        self.path = path
        self.lines = text.split("\n")
        self.text = text
        self.findings = []

    def add(self, line, rule, message):
        allow = f"tidy: allow {rule}: "
        if any(allow in self.lines[number] for number in (line - 1, line - 2) if 0 <= number < len(self.lines)):
            return
        self.findings.append((line, f"{self.path}:{line}: {rule}: {message}"))

    def check(self):
        self.check_head()
        self.check_lines()
        if self.path.endswith(CXX):
            self.check_cxx()
        elif self.path.startswith("test/") and self.path.endswith(".py"):
            for number, line in enumerate(self.lines, 1):
                if re.search(r"\btime\.sleep\(", line):
                    self.add(number, "sleep", "wait for the event itself")
        return [text for _, text in sorted(self.findings, key=lambda finding: finding[0])]

    def check_head(self):
        if self.path.endswith(CXX + (".py", ".sh", ".bzl", ".bazel", ".proto")):
            first = self.lines[1] if self.lines[0].startswith("#!") and len(self.lines) > 1 else self.lines[0]
            marks = ("//", "/*") if self.path.endswith(CXX + (".proto",)) else ("#", '"""')
            if not first.startswith(marks):
                self.add(1, "head-comment", "a file opens by saying what it is")
        if BANNED_FILE_NAME.search(os.path.basename(self.path)):
            self.add(1, "banned-name", "a file is named by a noun of the field")

    def check_lines(self):
        for number, line in enumerate(self.lines, 1):
            for rule, pattern, message in FORBIDDEN_TEXT:
                if pattern.search(line):
                    self.add(number, rule, message)
            long = len(line) > MAX_COLUMNS and self.path.endswith(CXX)
            if long and "http://" not in line and "https://" not in line and "#include" not in line:
                self.add(number, "line-length", f"{len(line)} columns, at most {MAX_COLUMNS}")

    def check_cxx(self):
        blanked = cxx_text.blank_literals(self.text)
        for rule, pattern, folders, message in CXX_PATTERNS:
            if self.path.startswith(folders):
                for match in pattern.finditer(blanked):
                    if rule == "naked-new" and OWNED_NEW.search(blanked[:match.start()][-300:]):
                        continue
                    self.add(blanked.count("\n", 0, match.start()) + 1, rule, message)
        if self.path.startswith("source/"):
            self.check_captures(blanked)
        if self.path.endswith(".h") and "\n#pragma once\n" not in "\n" + self.text:
            self.add(1, "pragma-once", "a header has #pragma once")
        self.check_sizes()

    def check_captures(self, blanked):
        for match in REFERENCE_CAPTURE.finditer(blanked):
            before = blanked[max(0, match.start() - 300):match.start()]
            statement = re.split(r"[;{}]", before)[-1].replace("\n", " ")
            if not LOCAL_LAMBDA.search(statement):
                line = blanked.count("\n", 0, match.start()) + 1
                self.add(line, "reference-capture", "capture what is used, by name; this may be stored")

    def check_sizes(self):
        if TABLE_NAME.search(os.path.basename(self.path)):
            return
        count = len(self.lines) - 1
        limit = MAX_HEADER_LINES if self.path.endswith(".h") else MAX_FILE_LINES
        if count > limit:
            self.add(1, "file-length", f"{count} lines, at most {limit}")
        for function in cxx_text.functions(self.text):
            if function.lines > MAX_FUNCTION_LINES:
                self.add(function.line, "function-length",
                         f"{function.name} has {function.lines} lines, at most {MAX_FUNCTION_LINES}")
            if function.parameters > MAX_PARAMETERS:
                self.add(function.line, "parameters",
                         f"{function.name} has {function.parameters} parameters, at most {MAX_PARAMETERS}")


def check_text(path, text):
    """All findings of one file, given its path from the root."""
    return Checker(path, text).check()


def tree_files(root):
    """Paths, from the root, of the files that the rules are about."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            name for name in folders if name not in SKIPPED_FOLDERS and not name.startswith(("bazel-", ".git")))
        for name in sorted(names):
            path = pathlib.Path(folder) / name
            if name not in SKIPPED_FILES and path.suffix in TEXT and not path.is_symlink():
                yield str(path.relative_to(root))


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    findings = []
    checked = 0
    for path in tree_files(root):
        try:
            text = (root / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        checked += 1
        findings += check_text(path, text)
    print("\n".join(findings + [f"{checked} files, {len(findings)} findings"]))
    sys.exit(1 if findings or not checked else 0)


if __name__ == "__main__":
    main()
