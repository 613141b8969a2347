// Random object programs for differential tests. The same seed gives the same text, always.
//
// Classes that inherit, methods and functions of one to nine parameters, properties set, read and deleted on
// objects and on prototypes, methods redefined and shadowed while they are in use, prototypes exchanged, objects
// that become dictionaries, arrays, strings. Nearly every program ends soon: a method of level i calls only
// methods of higher levels - whatever is assigned to the name is of that level, too - and loops count to three.
// main has one parameter, and returns a string: the log of what it saw.
#ifndef TESTS_RANDOM_OBJECTS_H
#define TESTS_RANDOM_OBJECTS_H

#include <stdint.h>

// The caller frees the text.
char *random_object_program(uint64_t seed);

#endif
