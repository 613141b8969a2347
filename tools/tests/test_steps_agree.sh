#!/bin/sh
# Files that are to be identical in several steps are; no fix stopped half-way (docs/maintaining.md).
cd "$(dirname "$0")/../.." && exec tools/carry --check
