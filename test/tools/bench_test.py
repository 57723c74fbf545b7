"""The arithmetic and the table of tools/bench, on made-up runs."""

import argparse
import os
import sys
import tempfile
import unittest

sys.path.insert(0, "tools/bench")

import bench  # noqa: E402


def runs(*costs, probe=100):
    return [{"raw_us": cost, "probe": probe, "rps": 1000.0} for cost in costs]


class BenchTest(unittest.TestCase):
    def test_scaling_divides_by_the_slowness_of_the_cpu(self):
        results = {"load": {"h1": {"a": runs(10, probe=100), "b": runs(10, probe=200)}}, "idle": {}}
        bench.scale(results)
        self.assertEqual(results["load"]["h1"]["a"][0]["cpu_us"], 10)
        self.assertEqual(results["load"]["h1"]["b"][0]["cpu_us"], 5)

    def test_table_holds_medians_ratios_and_memory(self):
        results = {"load": {"h1": {"relay": runs(8, 9, 10), "proxenos": runs(18, 17, 30)},
                            "h2_h1": {"proxenos": runs(5), "h2o": runs(10)}},
                   "idle": {"idle_tls": {"proxenos": {"bytes": 512.4, "before": 0}}}}
        bench.scale(results)
        text = bench.table(results, argparse.Namespace(rounds=3, seconds=1, idle=100, envoy=""))
        self.assertIn("| HTTP/1.1 keep-alive, 64 connections | 9.0 (8.0 to 10.0) |  | 18.0 (17.0 to 30.0) |", text)
        self.assertIn("proxenos over each | 2.00 |  | 1.00 |", text)
        self.assertIn("to HTTP/1.1 |  | 10.0 (10.0 to 10.0) | 5.0 (5.0 to 5.0) |", text)
        self.assertIn("proxenos over each |  | 0.50 | 1.00 |", text)
        self.assertIn("| TLS 1.3, HTTP/1.1 |  |  | 512 |", text)

    def test_table_replaces_the_old_one(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "performance.md")
            with open(path, "w", encoding="utf-8") as out:
                out.write(f"before\n{bench.BEGIN}\nold\n{bench.END}\nafter\n")
            bench.write_table(path, "new\n")
            with open(path, encoding="utf-8") as text:
                self.assertEqual(text.read(), f"before\n{bench.BEGIN}\nnew\n{bench.END}\nafter\n")
            os.unlink(path)
            bench.write_table(path, "made\n")
            with open(path, encoding="utf-8") as text:
                self.assertEqual(text.read(), f"{bench.BEGIN}\nmade\n{bench.END}\n")


if __name__ == "__main__":
    unittest.main()
