#!/bin/sh
# Every excerpt, transcript, table and link of the chapters is true of the code beside it.
cd "$(dirname "$0")/../.." && exec tools/check-chapters
