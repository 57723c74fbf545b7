"""Configurations in the shape of what control planes send: each loads, or is refused naming exactly what is missing.

  control_planes_test.py --proxy BINARY [--oracle ENVOY] [CASE...]

The folder control_planes holds bootstraps with the resources of a control plane written as static ones, and expected.json: for
each file what is refused, path by path; an empty list where it loads. What is refused here must be a thing that the real
Envoy takes, so with an oracle every file is tried there too.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))

import report  # noqa: E402

ARGS = None
FOLDER = pathlib.Path(__file__).parent / "control_planes"


def refusals(path):
    """What --mode validate refuses: the paths, in its order; an empty list when the file loads."""
    run = subprocess.run([ARGS.proxy, "--mode", "validate", "-c", path], capture_output=True, text=True, check=False)
    if run.returncode == 0:
        return []
    lines = run.stderr.splitlines()
    # One error stands in the first line, several below it.
    found = [line.strip() for line in lines if line.startswith("  ")] or [lines[0].partition(": ")[2]]
    return [line.partition(": ")[0] for line in found]


class ControlPlanesTest(unittest.TestCase):
    maxDiff = None

    def test_each_loads_or_names_what_is_missing(self):
        expected = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
        files = sorted(FOLDER.glob("*.yaml"))
        self.assertEqual(sorted(expected), [path.stem for path in files])
        for path in files:
            with self.subTest(path.stem):
                self.assertEqual(refusals(str(path)), expected[path.stem])

    def test_a_mistake_is_found_in_them(self):
        text = (FOLDER / "envoy_gateway.yaml").read_text(encoding="utf-8")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as broken:
            broken.write(text.replace("mergeSlashes", "mergeSlshes", 1))
            broken.flush()
            self.assertTrue(any("mergeSlshes" in path for path in refusals(broken.name)), refusals(broken.name))

    def test_the_real_envoy_takes_them(self):
        if ARGS.oracle is None:
            self.skipTest("no oracle")
        for path in sorted(FOLDER.glob("*.yaml")):
            with self.subTest(path.stem):
                run = subprocess.run([ARGS.oracle, "--mode", "validate", "-c", str(path), "-l", "error"], capture_output=True,
                                     text=True, check=False)
                self.assertEqual(run.returncode, 0, run.stderr[-1000:])


def main():
    global ARGS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--oracle")
    parser.add_argument("cases", nargs="*")
    ARGS = parser.parse_args()
    report.main("control_planes", ARGS.cases)


if __name__ == "__main__":
    main()
