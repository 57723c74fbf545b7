#!/usr/bin/env python3
"""Counts test cases from Bazel's build events and prints `N passed, N failed` as the last line.

  count_tests.py EVENTS BAZEL_STATUS

A case is what the test's XML log calls one: each TEST of a gtest program, one for a script. A target
that did not build, timed out or crashed counts as one failure, and so does a run that Bazel failed
for any other reason or that executed no test: a run that proves nothing cannot look green.
"""

import json
import sys
import urllib.parse
import xml.etree.ElementTree


def read_events(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def count_cases(xml_path):
    """(passed, failed) of one XML log."""
    passed = failed = 0
    try:
        tree = xml.etree.ElementTree.parse(xml_path)
    except (OSError, xml.etree.ElementTree.ParseError):
        return 0, 0
    for case in tree.iter("testcase"):
        if case.get("status") == "notrun" or case.find("skipped") is not None:
            continue
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        else:
            passed += 1
    return passed, failed


def count_target(event):
    """(passed, failed) of one testResult event."""
    result = event["testResult"]
    ok = result.get("status") == "PASSED"
    logs = [output["uri"] for output in result.get("testActionOutput", []) if output["name"] == "test.xml"]
    passed = failed = 0
    for uri in logs:
        more = count_cases(urllib.parse.unquote(urllib.parse.urlparse(uri).path))
        passed, failed = passed + more[0], failed + more[1]
    if ok:
        return max(passed, 1) if not failed else passed, failed
    return passed, max(failed, 1)


def count(events, status):
    passed = failed = 0
    seen = set()
    for event in events:
        label = event.get("id", {}).get("testResult", {}).get("label")
        if label and "testResult" in event:
            seen.add(label)
            more = count_target(event)
            passed, failed = passed + more[0], failed + more[1]
    for event in events:
        identity = event.get("id", {}).get("testSummary", {}) or event.get("id", {}).get("targetCompleted", {})
        unbuilt = "aborted" in event or ("completed" in event and not event["completed"].get("success"))
        if unbuilt and identity.get("label") and identity["label"] not in seen:
            seen.add(identity["label"])
            failed += 1
    if (status != 0 or passed == 0) and failed == 0:
        failed = 1
    return passed, failed


def main():
    passed, failed = count(read_events(sys.argv[1]), int(sys.argv[2]))
    print(f"{passed} passed, {failed} failed")
    sys.exit(0 if failed == 0 else 1)


if __name__ == "__main__":
    main()
