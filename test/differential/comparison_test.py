"""That the differential test can fail: its comparison finds what differs, and only that."""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import differential_test  # noqa: E402


class DifferencesTest(unittest.TestCase):
    def test_equal(self):
        seen = {"responses": [{"status": 200, "headers": ["a: b"]}], "connection": "kept"}
        self.assertEqual(differential_test.differences(seen, json.loads(json.dumps(seen))), [])

    def test_every_kind_of_difference(self):
        ours = {"responses": [{"status": 200, "headers": ["a: b", "x: y"]}], "connection": "kept"}
        theirs = {"responses": [{"status": 404, "headers": ["a: c", "x: y"]}], "connection": "closed"}
        self.assertEqual(differential_test.differences(ours, theirs), [
            ("connection", "kept", "closed"), ("responses[0].headers", ["a: b"], ["a: c"]), ("responses[0].status", 200, 404)])

    def test_missing_response(self):
        found = differential_test.differences({"responses": []}, {"responses": [{"status": 200}]})
        self.assertEqual(found, [("responses.count", 0, 1)])

    def test_missing_key(self):
        self.assertEqual(differential_test.differences({}, {"tunnel": "hello"}), [("tunnel", None, "hello")])


class ExpectationsTest(unittest.TestCase):
    def make(self, entries):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as out:
            json.dump(entries, out)
            out.flush()
            return differential_test.Expectations(out.name)

    def test_needs_a_reason(self):
        with self.assertRaises(ValueError):
            self.make([{"case": "a/b", "path": "status"}])

    def test_covers_and_goes_stale(self):
        expectations = self.make([{"case": "a/.*", "path": "status", "ours": "400", "why": "x"},
                                  {"case": "z/never", "path": "status", "why": "y"}])
        self.assertTrue(expectations.covers("a/b", ("status", 400, 200)))
        self.assertFalse(expectations.covers("a/b", ("status", 401, 200)))
        self.assertFalse(expectations.covers("a/b", ("connection", 400, 200)))
        self.assertEqual([entry["case"] for entry in expectations.unmet(None)], ["z/never"])


class NormalFormTest(unittest.TestCase):
    def test_values_that_vary_are_compared_by_form(self):
        fields = [("x-request-id", "98b6f364-97f1-46bc-9596-df080124d1ad"), ("host", "h:1234"), ("b", "2"), ("b", "1")]
        self.assertEqual(differential_test.normal_fields(fields, {1234: "PORT"}),
                         ["b: 2", "b: 1", "host: h:PORT", "x-request-id: UUID"])

    def test_malformed_values_stay(self):
        self.assertEqual(differential_test.normal_fields([("x-request-id", "mine")], {}), ["x-request-id: mine"])


if __name__ == "__main__":
    unittest.main()
