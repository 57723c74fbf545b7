#!/usr/bin/env python3
"""Cases of tools/count_tests.py: above all, that nothing that went wrong is counted as passed."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))

import count_tests  # noqa: E402

GREEN = '<testsuites><testsuite><testcase name="a"/><testcase name="b"/></testsuite></testsuites>'
RED = '<testsuites><testcase name="a"/><testcase name="b"><failure message="x"/></testcase></testsuites>'
SKIPPED = '<testsuites><testcase name="a"><skipped/></testcase><testcase name="b" status="notrun"/></testsuites>'


class Counting(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def result(self, label, status, xml):
        path = pathlib.Path(self.folder.name) / (label.strip("/").replace("/", "_") + ".xml")
        path.write_text(xml, encoding="utf-8")
        return {
            "id": {"testResult": {"label": label}},
            "testResult": {
                "status": status,
                "testActionOutput": [{"name": "test.xml", "uri": path.as_uri()}],
            },
        }

    def test_cases_are_added_up(self):
        events = [self.result("//a", "PASSED", GREEN), self.result("//b", "FAILED", RED)]
        self.assertEqual(count_tests.count(events, 3), (3, 1))

    def test_a_crash_after_passing_cases_is_a_failure(self):
        self.assertEqual(count_tests.count([self.result("//a", "FAILED", GREEN)], 3), (2, 1))

    def test_a_target_that_did_not_build_is_a_failure(self):
        events = [
            self.result("//a", "PASSED", GREEN),
            {"id": {"targetCompleted": {"label": "//b"}}, "completed": {"success": False}},
        ]
        self.assertEqual(count_tests.count(events, 1), (2, 1))

    def test_a_broken_run_is_a_failure(self):
        self.assertEqual(count_tests.count([], 1), (0, 1))
        self.assertEqual(count_tests.count([self.result("//a", "PASSED", GREEN)], 8), (2, 1))

    def test_a_run_without_tests_is_a_failure(self):
        self.assertEqual(count_tests.count([], 0), (0, 1))

    def test_skipped_cases_are_not_passed(self):
        self.assertEqual(count_tests.count_cases(self.write(SKIPPED)), (0, 0))

    def write(self, xml):
        path = pathlib.Path(self.folder.name) / "one.xml"
        path.write_text(xml, encoding="utf-8")
        return path


if __name__ == "__main__":
    unittest.main()
