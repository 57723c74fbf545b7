"""How Python tests tell Bazel of their cases: an XML log, as gtest programs write it."""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import unittest
import xml.sax.saxutils


def write_xml(suite, results):
    """results: [(name, problem)]; an empty problem is a pass."""
    path = os.environ.get("XML_OUTPUT_FILE")
    if not path:
        return
    quote = xml.sax.saxutils.quoteattr
    with open(path, "w", encoding="utf-8") as out:
        out.write(f'<testsuites><testsuite name={quote(suite)} tests="{len(results)}">\n')
        for name, problem in results:
            printable = "".join(c if c.isprintable() or c == "\n" else "?" for c in problem or "")
            failure = f"<failure message={quote(printable)}/>" if problem else ""
            out.write(f'<testcase name={quote(name)} status="run">{failure}</testcase>\n')
        out.write("</testsuite></testsuites>\n")


def end(suite, results, said):
    """What remains to a comparison: the log, a line for people, which begins as `said`, and the exit."""
    write_xml(suite, results)
    failed = sum(1 for _, problem in results if problem)
    print(f"{said}: {len(results) - failed} cases the same or as expected, {failed} not")
    sys.exit(1 if failed else 0)


class Recorder(unittest.TextTestResult):
    """Collects what each case came to."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.outcomes = {}

    def startTest(self, test):
        super().startTest(test)
        self.outcomes[test.id()] = ""

    def addError(self, test, err):
        super().addError(test, err)
        self.outcomes[test.id()] = self.errors[-1][1]

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.outcomes[test.id()] = self.failures[-1][1]

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        self.outcomes[subtest.id()] = "failed" if err else ""


def main(suite, arguments=None):
    """Runs the unittest cases of the main module; arguments may name some."""
    program = unittest.main(
        argv=[sys.argv[0], *(arguments or [])], exit=False,
        testRunner=unittest.TextTestRunner(resultclass=Recorder, verbosity=2))
    write_xml(suite, sorted(program.result.outcomes.items()))
    sys.exit(0 if program.result.wasSuccessful() and program.result.testsRun else 1)


def yaml_blocks(page):
    """The configurations that a page of the documentation shows."""
    return re.findall(r"```yaml\n(.*?)```", pathlib.Path(page).read_text(encoding="utf-8"), re.DOTALL)


def check_bootstraps(case, count):
    """The blocks of the case's page are so many bootstraps, and its binary finds each valid."""
    blocks = yaml_blocks(case.page)
    case.assertEqual(len(blocks), count)
    for number, block in enumerate(blocks):
        path = os.path.join(case.folder, f"{number}.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(block)
        done = subprocess.run([case.binary, "-c", path, "--mode", "validate"], capture_output=True, text=True, check=False)
        case.assertEqual(done.returncode, 0, done.stdout + done.stderr)


def main_of_page(suite, cases):
    """main where `cases`, a class, run the proxy and what a page shows: it gets their paths, `binary` and `page`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--page", type=pathlib.Path, help="documentation whose configurations are to run")
    parser.add_argument("names", nargs="*", help="cases to run; none: all")
    args = parser.parse_args()
    cases.binary, cases.page = args.proxy, args.page
    main(suite, args.names)
