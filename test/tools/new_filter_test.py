#!/usr/bin/env python3
"""What tools/new_filter.py does to the files that list filters. (That what it writes compiles and passes, the
target sample_filter_test shows.)"""

import difflib
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOOL = ROOT / "tools" / "new_filter.py"
LISTED = ["api/BUILD.bazel", "source/config/fields_table_filters.cc", "source/server/BUILD.bazel",
          "source/server/builtin_filters.cc", "test/filters/http/BUILD.bazel"]


class NewFilterTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="new-filter-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for path in LISTED:
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, self.root / path)

    def run_tool(self, name):
        return subprocess.run([sys.executable, "-B", str(TOOL), str(self.root), name], capture_output=True, text=True,
                              check=False)

    def added(self, path):
        """The lines that a file has and had not."""
        before = (ROOT / path).read_text(encoding="utf-8").splitlines()
        after = (self.root / path).read_text(encoding="utf-8").splitlines()
        changes = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
        self.assertEqual([line for line in changes if line[0] == "-"], [], path)
        return [line[1:].strip() for line in changes]

    def test_each_list_gets_its_line(self):
        done = self.run_tool("my_filter")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.added("api/BUILD.bazel"), ['"proxenos/extensions/filters/http/my_filter/v3/my_filter",'])
        self.assertEqual(self.added("source/server/BUILD.bazel"), ['"//source/filters/http/my_filter:config",'])
        self.assertEqual(self.added("source/config/fields_table_filters.cc"),
                         ['{"proxenos.extensions.filters.http.my_filter.v3.MyFilter", {Use("*")}},'])
        self.assertEqual(self.added("source/server/builtin_filters.cc"), [
            '#include "source/filters/http/my_filter/config.h"',
            '{"proxenos.extensions.filters.http.my_filter.v3.MyFilter", false, f::my_filter::CreateMyFilter, '
            '&f::my_filter::kMyFilterOverride},'])
        self.assertIn('name = "my_filter_test",', self.added("test/filters/http/BUILD.bazel"))
        includes = [line for line in (self.root / "source/server/builtin_filters.cc").read_text().splitlines()
                    if line.startswith('#include "source/filters/http/')]
        self.assertEqual(includes, sorted(includes))

    def test_nothing_is_overwritten(self):
        self.assertEqual(self.run_tool("my_filter").returncode, 0)
        before = {path: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}
        done = self.run_tool("my_filter")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("is there already", done.stderr)
        self.assertEqual({path: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}, before)

    def test_names(self):
        for name in ["MyFilter", "my-filter", "", "../x", "_x", "1x"]:
            self.assertNotEqual(self.run_tool(name).returncode, 0, name)


if __name__ == "__main__":
    unittest.main()
