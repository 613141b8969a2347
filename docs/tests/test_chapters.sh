#!/bin/sh
# Every excerpt, transcript, table and link of the chapters is true of the code beside it.
# CHAPTER in the environment names one chapter, or the other pages: `make test` runs them side by side.
cd "$(dirname "$0")/../.." && exec tools/check-chapters $CHAPTER
