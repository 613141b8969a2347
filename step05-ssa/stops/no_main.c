// Stops 13 to 15: the engine is in pieces, and src/main.c stands aside. Its parts run under stops/tool.
#include "base/fatal.h"

int main(void) { fatal("until stop 16 there is no engine; use stops/tool"); }
