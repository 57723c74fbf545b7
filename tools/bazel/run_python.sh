#!/bin/bash
# Runs a Python program as a Bazel test, with Debian's own python3.
exec /usr/bin/python3 -B "$@"
