#!/bin/sh
# SPDX-License-Identifier: MIT
# check_topics.sh PROGRAM SPEC: every test of a Catch2 program is in SPEC, which is all that ctest
# runs of it. A test whose topic is not listed would pass by never being run.
set -eu
program=$1
spec=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The exit code is the number of tests.
"$program" --list-test-names-only >"$work/all" || true
"$program" --list-test-names-only "$spec" >"$work/run" || true
sort -u "$work/all" >"$work/all.sorted"
sort -u "$work/run" >"$work/run.sorted"
[ -s "$work/all.sorted" ] || { echo "$program lists no tests" >&2; exit 1; }
if missing=$(comm -23 "$work/all.sorted" "$work/run.sorted") && [ -n "$missing" ]; then
  echo "no ctest entry runs these tests of $program:" >&2
  echo "$missing" >&2
  exit 1
fi
