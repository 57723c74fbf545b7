#!/usr/bin/env python3
"""Golden cases of tools/tidy.py and tools/check_layers.py.

Each file in testdata/ holds inputs and, after each, the findings it must give: a rule that stops
finding what it should, or starts to find what it should not, fails here.
"""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tools"))

import check_layers  # noqa: E402
import cxx_text  # noqa: E402
import tidy  # noqa: E402


def cases(text):
    """(path, input, expected findings) of a golden file."""
    path = None
    sections = text.split("\n== ")[1:]
    for section in sections:
        title, _, body = section.partition("\n")
        if title == "expect":
            yield path, given, [line for line in body.split("\n") if line]
        else:
            path, given = title, body + "\n"


class GoldenCases(unittest.TestCase):
    def test_tidy(self):
        count = 0
        for golden in sorted((HERE / "testdata").glob("*.txt")):
            for path, given, expected in cases(golden.read_text(encoding="utf-8")):
                with self.subTest(golden=golden.name, path=path):
                    self.assertEqual(tidy.check_text(path, given), expected)
                    count += 1
        self.assertGreaterEqual(count, 7)


class Sizes(unittest.TestCase):
    def findings(self, path, text):
        return [finding.split(": ")[1] for finding in tidy.check_text(path, text)]

    def test_long_function_fails_and_one_line_less_does_not(self):
        body = "  Step();\n" * (tidy.MAX_FUNCTION_LINES - 2)
        fits = "// Head.\nvoid F() {\n" + body + "}\n"
        self.assertEqual(self.findings("source/base/f.cc", fits), [])
        long = "// Head.\nvoid F() {\n  Step();\n" + body + "}\n"
        self.assertEqual(self.findings("source/base/f.cc", long), ["function-length"])

    def test_long_file_fails_unless_it_is_a_table(self):
        text = "// Head.\n" + "int x;\n" * tidy.MAX_FILE_LINES
        self.assertEqual(self.findings("source/base/f.cc", text), ["file-length"])
        self.assertEqual(self.findings("source/base/name_table.cc", text), [])

    def test_six_parameters_fail(self):
        text = "// Head.\nvoid F(int a, std::map<int, int> b, int c, int d, int e%s) {}\n"
        self.assertEqual(self.findings("source/base/f.cc", text % ""), [])
        self.assertEqual(self.findings("source/base/f.cc", text % ", int f"), ["parameters"])

    def test_long_line_fails(self):
        self.assertEqual(self.findings("source/base/f.cc", "// " + "x" * 98 + "\n"), ["line-length"])


class ForbiddenText(unittest.TestCase):
    def test_hosts_and_machine_paths(self):
        for line in ("curl https://" + "pypi" + ".org/simple", "cd /" + "work/main", "ls /" + "root/x"):
            self.assertEqual(len(tidy.check_text("docs/x.md", line + "\n")), 1, line)
        for line in ("/usr/bin/python3", "$HOME/work/x", "a/work/b", "/workers/3"):
            self.assertEqual(tidy.check_text("docs/x.md", line + "\n"), [], line)


class Functions(unittest.TestCase):
    def names(self, text):
        return [function.name for function in cxx_text.functions(text)]

    def test_finds_functions_in_namespaces_and_classes(self):
        text = """namespace a {
class B : public C<int(int)> {
 public:
  B(int x) : x_{x}, y_(x) {}
  ~B() { if (x_) { Go([&] { Stop(); }); } }
  int Get() const noexcept override { return x_; }
  int table[2] = {1, 2};
};
std::string D(absl::string_view x = "){") {
  for (;;) { switch (x) { default: break; } }
}
#define X(name) \\
  void name() {
enum class E { kOne };
}
"""
        self.assertEqual(self.names(text), ["B", "~B", "Get", "D"])


class Layers(unittest.TestCase):
    def test_direction(self):
        allowed = check_layers.allowed_folders()
        good = [
            ("source/net/socket.cc", "source/base/check.h"),
            ("source/downstream/stream.h", "source/route/route_table.h"),
            ("source/route/route_config.h", "source/config/fields.h"),
            ("source/route/route_config.cc", "envoy/config/route/v3/route.pb.h"),
            ("source/filters/http/router/router.cc", "source/filters/http/router/router.h"),
            ("source/xds/ads_stream.cc", "grpcpp/grpcpp.h"),
            ("source/server/main.cc", "source/filters/http/router/config.h"),
        ]
        bad = [
            ("source/base/check.h", "source/buffer/buffer.h"),
            ("source/http1/codec.cc", "source/net/socket.h"),
            ("source/http1/codec.cc", "source/http2/codec.h"),
            ("source/downstream/stream.cc", "source/filters/http/router/router.h"),
            ("source/filters/http/router/router.cc", "source/filters/http/cors/filter.h"),
            ("source/route/route_table.h", "envoy/config/route/v3/route.pb.h"),
            ("source/route/route_table.h", "source/config/fields.h"),
            ("source/server/worker.cc", "grpcpp/grpcpp.h"),
            ("source/xds/ads_stream.cc", "source/downstream/listener.h"),
            ("source/base/check.h", "test/support/clock.h"),
        ]
        for path, included in good:
            self.assertIsNone(check_layers.check_include(path, included, allowed), (path, included))
        for path, included in bad:
            self.assertIsNotNone(check_layers.check_include(path, included, allowed), (path, included))

    def test_unknown_folder_is_a_finding(self):
        self.assertEqual(len(check_layers.check_text("source/util/x.h", "", check_layers.allowed_folders())), 1)


if __name__ == "__main__":
    unittest.main()
