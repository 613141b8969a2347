// JavaScript's own answer: node as an oracle, where it is installed.
#ifndef TESTS_NODE_H
#define TESTS_NODE_H

#include <stdbool.h>

// Is there a node to ask?
bool node_is_installed(void);

// Run a script, which finds `input` as a string in the variable of this name, and return what it prints; the
// caller frees it. NULL if it could not be run.
char *node_run(const char *script, const char *input);

// A double as a JavaScript expression: its bits.
#define NODE_READ_DOUBLE \
    "const view = new DataView(new ArrayBuffer(8));\n" \
    "function fromBits(hex) { view.setBigUint64(0, BigInt('0x' + hex)); return view.getFloat64(0); }\n" \
    "function show(v) { return typeof v + ' ' + (Object.is(v, -0) ? '-0' : String(v)); }\n"

#endif
